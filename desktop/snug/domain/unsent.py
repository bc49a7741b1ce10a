"""What a person has written and not sent: the draft in the composer, and messages that wait."""

from __future__ import annotations

from dataclasses import dataclass

_BETWEEN = "\x1e"  # the record separator: nobody types it, and it is taken out of what is kept


@dataclass(frozen=True, slots=True)
class Unsent:
    """Of one conversation.

    Attributes:
        draft: what stands in the composer.
        waiting: messages that are sent one after the other, as each answer ends.
    """

    draft: str = ""
    waiting: tuple[str, ...] = ()

    @classmethod
    def read(cls, kept: str) -> Unsent:
        """From what `Conversation.draft` holds."""
        draft, *waiting = kept.split(_BETWEEN)
        return cls(draft, tuple(text for text in waiting if text.strip()))

    def kept(self) -> str:
        """As `Conversation.draft` holds it."""
        return _BETWEEN.join(text.replace(_BETWEEN, "") for text in (self.draft, *self.waiting))
