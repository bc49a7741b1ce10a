"""An answer that is being made, as far as the window has seen it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from time import monotonic

from snug.domain.conversation import Message, Part, PartKind, Role, Status, join_parts
from snug.services.conversations import Run


@dataclass(slots=True)
class LiveAnswer:
    """What came so far; also of a conversation that is not shown at the moment.

    Attributes:
        message: the answer as it stood before; what comes is added to it.
        text, thoughts: what came since.
        seen: the first event has come, so the answer stands in the store.
    """

    run: Run
    message: Message
    text: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    thinking_since: float | None = None
    thought_s: float = 0.0
    seen: bool = False

    def add_text(self, delta: str) -> None:
        """More of the answer; its thinking is over."""
        self._stop_thinking()
        self.text.append(delta)

    def add_thoughts(self, delta: str) -> None:
        """More thinking."""
        if self.thinking_since is None:
            self.thinking_since = monotonic()
        self.thoughts.append(delta)
        self.thought_s = monotonic() - self.thinking_since

    def _stop_thinking(self) -> None:
        if self.thinking_since is not None and not self.text:
            self.thought_s = monotonic() - self.thinking_since

    @property
    def all_thoughts(self) -> str:
        """The whole reasoning."""
        return self.message.reasoning + "".join(self.thoughts)

    def snapshot(self) -> Message:
        """The message as it stands now."""
        fresh = (
            Part(PartKind.REASONING, "".join(self.thoughts)),
            Part(PartKind.TEXT, "".join(self.text)),
        )
        return replace(self.message, parts=join_parts((*self.message.parts, *fresh)))


def empty_answer(conversation_id: str, answer_id: str, parent_id: str | None) -> Message:
    """The answer before its first word."""
    return Message(answer_id, conversation_id, parent_id, Role.ASSISTANT, (), Status.INTERRUPTED)
