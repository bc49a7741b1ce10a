"""Backups of the vault, what a look through it found, and what came back, as values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

Stopped = Callable[[], bool]  # asked now and then by long work; True ends it


def never() -> bool:
    """The answer of work that nobody stops."""
    return False


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup file.

    Attributes:
        created_ms: UTC milliseconds.
        format: the number of migration steps that its database has taken.
    """

    path: Path
    created_ms: int
    bytes: int
    format: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look at every page and every row of a vault found.

    Attributes:
        problems: sentences; none where it is sound.
    """

    conversations: int = 0
    messages: int = 0
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it is sound."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class Restored:
    """What has come in the place of a vault.

    Attributes:
        aside: the folder that holds what was there before; None where nothing was.
        lost: after salvaging, for each table about how many places could not be read.
    """

    conversations: int
    messages: int
    aside: Path | None
    lost: dict[str, int] = field(default_factory=dict)
