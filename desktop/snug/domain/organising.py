"""Order among conversations: folders, tags, pins, the archive, the trash, and what a list shows."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum

from snug.domain.errors import UserError

DAY_MS = 86_400_000
KEEP_DAYS = 30  # in the trash, where the person chose nothing else
KEEP_CHOICES = (0, 1, 7, 30, 90)  # 0 keeps nothing: thrown away is gone
MAX_DAYS = 3650
NAME_LENGTH = 80


class Shelf(StrEnum):
    """Where a conversation lies, as far as a list is concerned."""

    ALL = "all"  # everywhere but in the trash
    CHATS = "chats"  # neither archived nor thrown away
    ARCHIVE = "archive"
    TRASH = "trash"


@dataclass(frozen=True, slots=True)
class ListFilter:
    """Which conversations a list shows, and in what order.

    Attributes:
        folder_id: of this folder; "" for those outside all folders; None for any.
        tag: with this tag, upper and lower case alike; "" for any.
        pinned: only pinned ones, or only others; None for both.
        pinned_first: pinned ones come first; else the most recently changed do. The trash is always
            in the order in which things were thrown away, latest first.
    """

    shelf: Shelf = Shelf.ALL
    folder_id: str | None = None
    tag: str = ""
    pinned: bool | None = None
    pinned_first: bool = False


EVERYTHING = ListFilter()


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of conversations.

    Attributes:
        retention_days: conversations that were not touched for so long go to the trash; None keeps
            them.
        count: conversations in it that are neither archived nor thrown away.
    """

    id: str
    name: str
    retention_days: int | None = None
    count: int = 0


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag and how many conversations outside the trash have it."""

    name: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class Tidied:
    """What one tidying did: ids of conversations."""

    trashed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderChange:
    """Something about the order has changed; a list is to be read again.

    Attributes:
        conversations: ids of those concerned; empty where any may be.
        folders: folders were made, renamed, removed or given another rule.
        gone: ids of conversations that exist no more.
    """

    conversations: tuple[str, ...] = ()
    folders: bool = False
    gone: tuple[str, ...] = field(default=())


def checked_name(name: str, what: str) -> str:
    """A name of one line without blanks around it.

    Args:
        what: "folder" or "tag", for the message.

    Raises:
        UserError: it is blank, too long, or holds control characters.
    """
    plain = " ".join(name.split())
    if not plain:
        raise UserError(f"A {what} needs a name.")
    if any(unicodedata.category(character) == "Cc" for character in plain):
        raise UserError(f"The name of a {what} cannot hold control characters.")
    if len(plain) > NAME_LENGTH:
        raise UserError(f"The name of a {what} can have {NAME_LENGTH} letters at most.")
    return plain


def checked_days(days: int) -> int:
    """A rule's number of days. Raises: UserError."""
    if not 1 <= days <= MAX_DAYS:
        raise UserError(f"A rule can be from 1 to {MAX_DAYS} days.")
    return days


def keep_days_from(text: str) -> int:
    """How many days the trash keeps, from the kept setting; what makes no sense is the default."""
    return int(text) if text.isdecimal() and int(text) <= MAX_DAYS else KEEP_DAYS
