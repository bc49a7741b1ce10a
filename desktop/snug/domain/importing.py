"""Conversations on their way in from another program, as values."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from snug.domain.conversation import Conversation

_TIME_DIGITS = 12
_HASH_DIGITS = 14


@dataclass(frozen=True, slots=True)
class ImportedConversation:
    """A conversation as another program kept it.

    Attributes:
        conversation: the whole tree; its ids come from `derived_id`, parents before children.
        folder: name of the folder it lay in; "" for none.
    """

    conversation: Conversation
    folder: str = ""
    tags: tuple[str, ...] = ()
    pinned: bool = False
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """One conversation of a file, or what could not be read of it.

    Attributes:
        format: the program's name; "" for a problem.
        tree: None where there was nothing in it.
        problem: what could not be read; "" where all was well.
        read: how much of everything was read so far, from 0 to 1.
    """

    format: str = ""
    tree: ImportedConversation | None = None
    problem: str = ""
    read: float = 0.0


@dataclass(frozen=True, slots=True)
class ImportCount:
    """What was stored: new conversations and messages, and messages that were there already."""

    conversations: int = 0
    messages: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import brought.

    Attributes:
        formats: names of the programs whose chats were found.
        skipped: messages that were there already.
        problems: what could not be read, each with where and why; the first hundred.
        more_problems: how many there were beyond these.
        cancelled: it was stopped; what it had stored stays.
    """

    formats: tuple[str, ...] = ()
    conversations: int = 0
    messages: int = 0
    skipped: int = 0
    problems: tuple[str, ...] = ()
    more_problems: int = 0
    cancelled: bool = False


def derived_id(created_ms: int, *keys: str) -> str:
    """An id as `new_id` makes them, always the same for the same source.

    Args:
        created_ms: UTC milliseconds since the epoch; negative ones count as 0.
        keys: what names the source: program, conversation, message.
    """
    moment = min(max(created_ms, 0), 16**_TIME_DIGITS - 1)
    digest = hashlib.sha256("\0".join(keys).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{moment:0{_TIME_DIGITS}x}{digest[:_HASH_DIGITS]}"
