"""A conversation is a tree of messages.

Editing a message or asking for another answer adds a sibling; nothing is overwritten. The path
from the root to the active leaf is what is shown and what the model sees.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from snug.domain.errors import NotFoundError
from snug.domain.events import Timings, Usage
from snug.domain.model import Adapter
from snug.domain.sampling import Sampling

TITLE_LENGTH = 60


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Status(StrEnum):
    """How a message ended.

    An answer is born INTERRUPTED and earns another status at its end, so a crash at any moment
    leaves the truth on disk.
    """

    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"
    FAILED = "failed"


class PartKind(StrEnum):
    """What a part of a message holds."""

    TEXT = "text"
    REASONING = "reasoning"
    TOOL_CALL = "tool_call"  # JSON text, see `domain/tools.py`; one part for each call


class Overflow(StrEnum):
    """What happens to a conversation that is longer than the context."""

    DROP = "drop"  # the oldest messages that are not pinned are left out
    SUMMARISE = "summarise"  # a summary that the model writes takes their place
    STOP = "stop"  # nothing is sent; the person is told


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a message of one kind, in order."""

    kind: PartKind
    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """One node of the tree.

    Attributes:
        id: sorts by time of creation (see `new_id`).
        parent_id: None for a first message.
        model: name of the model that wrote it; "" for the person's own.
        created_ms: UTC milliseconds since the epoch; for showing, never for ordering.
        error: what went wrong, for a FAILED message.
        pinned: it is never left out when the context is full.
    """

    id: str
    conversation_id: str
    parent_id: str | None
    role: Role
    parts: tuple[Part, ...]
    status: Status = Status.COMPLETE
    model: str = ""
    created_ms: int = 0
    usage: Usage | None = None
    timings: Timings | None = None
    error: str = ""
    pinned: bool = False

    @property
    def text(self) -> str:
        """The visible text, without reasoning."""
        return "".join(part.text for part in self.parts if part.kind is PartKind.TEXT)

    @property
    def reasoning(self) -> str:
        """What the model thought before it answered; "" for most."""
        return "".join(part.text for part in self.parts if part.kind is PartKind.REASONING)

    @property
    def tool_calls(self) -> tuple[str, ...]:
        """What it asked for, each as kept text; `read_call` reads it."""
        return tuple(part.text for part in self.parts if part.kind is PartKind.TOOL_CALL)


@dataclass(frozen=True, slots=True)
class ConversationSettings:
    """What the person chose for one conversation; None means the model's or Snug's default.

    Attributes:
        adapters: LoRA adapters that change the model, in the order in which they were chosen.
    """

    model: str | None = None
    system_prompt: str = ""
    sampling: Sampling | None = None
    adapters: tuple[Adapter, ...] = ()
    overflow: Overflow = Overflow.DROP


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    """A row of the conversation list. Times are UTC milliseconds since the epoch.

    Attributes:
        folder_id: None outside all folders.
        tags: in alphabetical order.
        trashed_ms: when it was thrown away; None where it was not.
    """

    id: str
    title: str
    updated_ms: int
    message_count: int
    folder_id: str | None = None
    pinned: bool = False
    archived: bool = False
    tags: tuple[str, ...] = ()
    trashed_ms: int | None = None


@dataclass(frozen=True, slots=True)
class EarlierSummary:
    """What the model wrote about the beginning of a conversation that no longer fits its context.

    It holds for every path that contains the message with `message_id`, up to and including it.
    """

    message_id: str
    text: str
    model: str = ""
    created_ms: int = 0


@dataclass(frozen=True, slots=True)
class Conversation:
    """A whole tree with its active leaf, as an immutable snapshot.

    Attributes:
        messages: in the order in which they were stored; parents come before children.
        leaf_id: end of the active path; None while the conversation is empty.
        draft: what stands unsent in the composer.
        summaries: in the order in which they were written.
    """

    id: str
    title: str
    created_ms: int
    updated_ms: int
    messages: tuple[Message, ...] = ()
    leaf_id: str | None = None
    settings: ConversationSettings = field(default_factory=ConversationSettings)
    draft: str = ""
    summaries: tuple[EarlierSummary, ...] = ()

    def message(self, message_id: str) -> Message:
        """The message with this id.

        Raises:
            NotFoundError: it is not in this conversation.
        """
        for message in self.messages:
            if message.id == message_id:
                return message
        raise NotFoundError(f"There is no message {message_id} in this conversation.")

    def active_path(self) -> tuple[Message, ...]:
        """Messages from the root to the active leaf."""
        return path_to(self.messages, self.leaf_id)

    def siblings(self, message: Message) -> tuple[Message, ...]:
        """Alternatives that share the message's parent and role, oldest first, itself included."""
        return tuple(
            other
            for other in self.messages
            if other.parent_id == message.parent_id and other.role is message.role
        )

    def newest_leaf_below(self, message_id: str) -> str:
        """The end of the branch that was grown last under a message; the message if it has none."""
        newest = message_id
        inside = {message_id}
        for message in self.messages:
            if message.parent_id in inside:
                inside.add(message.id)
                newest = message.id
        return newest

    def below(self, message_id: str) -> tuple[Message, ...]:
        """A message and all that answers it, in whatever branch; parents before children."""
        inside = {message_id}
        for message in self.messages:
            if message.parent_id in inside:
                inside.add(message.id)
        return tuple(message for message in self.messages if message.id in inside)

    def leaf_without(self, message_id: str) -> str | None:
        """What to show once a message and all below it are gone.

        What is shown now, where that stays; else the version next to it, at its end; else what it
        answered. None where nothing is left.
        """
        gone = {message.id for message in self.below(message_id)}
        if self.leaf_id not in gone:
            return self.leaf_id
        message = self.message(message_id)
        versions = self.siblings(message)
        place = versions.index(message)
        near = versions[place - 1 : place] if place else versions[1:2]
        if near:
            return self.newest_leaf_below(near[0].id)
        return message.parent_id


def path_to(messages: Sequence[Message], leaf_id: str | None) -> tuple[Message, ...]:
    """Messages from the root to `leaf_id`, each once; empty for None or an unknown id."""
    left = {message.id: message for message in messages}
    path: list[Message] = []
    current = left.pop(leaf_id, None) if leaf_id is not None else None
    while current is not None:
        path.append(current)
        current = left.pop(current.parent_id, None) if current.parent_id is not None else None
    return tuple(reversed(path))


def title_from(text: str) -> str:
    """A list title from a first message: its first line, cut at a word, or "New chat"."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = " ".join(line.split())
    if len(line) > TITLE_LENGTH:
        head = line[: TITLE_LENGTH - 1]
        cut = head.rfind(" ")
        line = (head[:cut] if cut > TITLE_LENGTH // 2 else head).rstrip() + "…"
    return line or "New chat"


def join_parts(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Neighbouring parts of one kind become one, but for tool calls; empty ones go."""
    joined: list[tuple[PartKind, list[str]]] = []
    for part in parts:
        if not part.text:
            continue
        if joined and joined[-1][0] is part.kind and part.kind is not PartKind.TOOL_CALL:
            joined[-1][1].append(part.text)
        else:
            joined.append((part.kind, [part.text]))
    return tuple(Part(kind, "".join(texts)) for kind, texts in joined)


def new_id() -> str:
    """A 26-character hexadecimal id that sorts by time: 48 bits of milliseconds, 56 random."""
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(7).hex()}"


def now_ms() -> int:
    """UTC milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
