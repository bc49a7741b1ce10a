"""The chat page: composer, transcript, messages."""
