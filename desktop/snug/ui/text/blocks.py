"""What an answer consists of: blocks that follow one another."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prose:
    """Markdown without fences. `indent` columns deep, inside a list."""

    text: str
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Code:
    """What stood between two fences, without the last line end.

    Attributes:
        language: as written after the fence; "" where nothing was.
        closed: the closing fence has come.
    """

    text: str
    language: str = ""
    indent: int = 0
    closed: bool = True


@dataclass(frozen=True, slots=True)
class Formula:
    """LaTeX that stands on lines of its own, without its signs.

    Attributes:
        source: as it was written.
        closed: its end has come.
    """

    text: str
    source: str
    indent: int = 0
    closed: bool = True


@dataclass(frozen=True, slots=True)
class Footnote:
    """What a footnote says, as Markdown."""

    label: str
    text: str


Block = Prose | Code | Formula | Footnote
