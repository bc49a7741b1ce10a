"""A look at what the Hub lists: what a front end is given, and where looks are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from snug.domain.hub import Repository


@dataclass(frozen=True, slots=True)
class Look:
    """A listing and when it was made.

    Attributes:
        kept: it comes from the vault, not from the Hub just now.
    """

    time_ms: int
    repositories: tuple[Repository, ...]
    kept: bool = False


class Looks(Protocol):
    """The kept looks at what is trending as GGUF. Any thread; `keep` waits for the vault."""

    def keep(self, look: Look) -> None:
        """Keep a look and its models."""

    def last(self) -> Look | None:
        """The last look at GGUF models, marked as kept; None where there was none."""


class NoLooks:
    """Keeps nothing."""

    def keep(self, look: Look) -> None:
        """Does nothing."""

    def last(self) -> Look | None:
        """None."""
        return None
