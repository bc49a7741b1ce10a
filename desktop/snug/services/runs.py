"""What a running answer is to its caller, and what it is to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from snug.domain.conversation import Conversation, Message
from snug.services.requests import NO_EXTRAS, Extras


@dataclass(frozen=True, slots=True)
class Run:
    """A running answer: the ids that its messages have or will have, and the way to stop it."""

    conversation_id: str
    user_id: str | None
    answer_id: str
    cancel: Callable[[], None]
    wait: Callable[[float], bool]


@dataclass(frozen=True, slots=True)
class Turn:
    """What one run is to do, decided on the writer's thread from the stored tree."""

    conversation: Conversation
    path: tuple[Message, ...]
    answer: Message
    extras: Extras = NO_EXTRAS
