"""One message as the transcript shows it, and what can be done with it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum

from snug.domain.conversation import Conversation, Message, Role, Status
from snug.domain.errors import Remedy


class Action(StrEnum):
    """What a person can do with a message."""

    COPY = "copy"
    EDIT = "edit"
    REGENERATE = "regenerate"
    CONTINUE = "continue"
    REMEDY = "remedy"
    PIN = "pin"
    FORK = "fork"
    DELETE = "delete"
    COMPARE = "compare"
    OTHER_MODEL = "other model"


class Note(StrEnum):
    """What has to be said below a message."""

    NONE = "none"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"
    CUT = "cut"
    FAILED = "failed"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Turn:
    """A message in its place.

    Attributes:
        alternatives: ids of the message and its siblings, oldest first.
        last: it ends the path that is shown.
        busy: the conversation is answering, so nothing may be asked of it now.
        live: this is the answer being made.
        thought_s: how long the model reasoned; 0 where that is not known.
        remedies: what can be done about its failure with one click.
    """

    message: Message
    alternatives: tuple[str, ...] = ()
    last: bool = False
    busy: bool = False
    live: bool = False
    thought_s: float = 0.0
    remedies: tuple[Remedy, ...] = ()

    @property
    def mine(self) -> bool:
        """The person wrote it."""
        return self.message.role is Role.USER

    @property
    def position(self) -> int:
        """Which of the alternatives it is, from 0."""
        ids = self.alternatives
        return ids.index(self.message.id) if self.message.id in ids else 0

    @property
    def note(self) -> Note:
        """What has to be said below it."""
        message = self.message
        if self.live or message.role is Role.SYSTEM:
            return Note.NONE
        if self.mine:
            return Note.UNANSWERED if self.last and not self.busy else Note.NONE
        if message.status is Status.FAILED:
            return Note.FAILED
        if message.status is Status.INTERRUPTED:
            return Note.INTERRUPTED
        if message.status is Status.STOPPED:
            return Note.STOPPED
        return Note.CUT if message.error else Note.NONE

    @property
    def can_continue(self) -> bool:
        """The answer can be taken further where it ended."""
        ends_early = self.note in (Note.INTERRUPTED, Note.STOPPED, Note.CUT)
        failed_midway = self.note is Note.FAILED and bool(self.message.text) and not self.remedies
        return self.last and not self.busy and (ends_early or failed_midway)


def turns_of(
    conversation: Conversation, live_id: str | None = None, busy: bool = False
) -> list[Turn]:
    """The active path as turns.

    Args:
        live_id: the answer that is being made, where one is.
        busy: the conversation is answering.
    """
    families: dict[tuple[str | None, Role], list[str]] = defaultdict(list)
    for message in conversation.messages:
        families[message.parent_id, message.role].append(message.id)
    path = conversation.active_path()
    return [
        Turn(
            message=message,
            alternatives=tuple(families[message.parent_id, message.role]),
            last=number == len(path),
            busy=busy,
            live=message.id == live_id,
        )
        for number, message in enumerate(path, start=1)
        if message.role in (Role.USER, Role.ASSISTANT)
    ]
