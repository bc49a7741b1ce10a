"""From token bytes to events: text, reasoning and tool calls told apart as they come."""
