"""What an event of a running answer changes in its message."""

from __future__ import annotations

from snug.domain.events import Event, ReasoningDelta, TextDelta, ToolCall
from snug.ui.chat.answers import RunningAnswer
from snug.ui.chat.message_view import MessageView


def show_progress(view: MessageView, running: RunningAnswer, event: Event) -> None:
    """Let the message grow by what has come."""
    if isinstance(event, TextDelta):
        view.append(event.text)
    if isinstance(event, TextDelta | ReasoningDelta) and running.thinking_since_s:
        answer = running.answer
        view.set_thoughts(answer.reasoning, not answer.text, running.thought_s)
    elif isinstance(event, ToolCall):
        view.set_calls(running.answer.tool_calls)
