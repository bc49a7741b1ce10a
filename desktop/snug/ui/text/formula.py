"""A formula as it is drawn, or why it is not; drawn once and kept.

What is to be drawn is a stranger's text: its length, its depth, the work it makes and the size of
what comes of it are bounded, and whatever is wrong with it ends as an `Undrawn`.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

MAX_LATEX = 2_000  # characters
MAX_DEPTH = 24  # of braces, \left and \begin
KEPT = 1_024  # formulas whose drawing is kept, some 8 KB each

_OPENS = re.compile(r"\\begin\b|\\left\b|(?<!\\)\{")
_CLOSES = re.compile(r"\\end\b|\\right\b|(?<!\\)\}")


class Trouble(StrEnum):
    """Why a formula is not drawn."""

    TOO_LONG = "too long"
    TOO_DEEP = "too deep"
    TOO_LARGE = "too large"
    UNKNOWN = "unknown command"
    LETTERS = "letters"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Drawing:
    """A formula as SVG in black; all measures in em, from the baseline.

    Attributes:
        svg: encoded; its view box is exactly `width` by `ascent + descent`.
    """

    svg: bytes
    width: float
    ascent: float
    descent: float


@dataclass(frozen=True, slots=True)
class Undrawn:
    """Why there is no drawing; `detail` is the command or the letters it is about."""

    trouble: Trouble
    detail: str = ""


_alone = threading.Lock()  # the libraries keep state of their own
_ready = threading.Event()
_begun = threading.Event()


def formulas_ready() -> bool:
    """What drawing takes is loaded; the first call begins that, on a thread of its own."""
    if not _begun.is_set():
        _begun.set()
        threading.Thread(target=_load, name="snug-formulas", daemon=True).start()
    return _ready.is_set()


def _load() -> None:
    draw_formula("x", False)
    _ready.set()


def quick_check(latex: str) -> Undrawn | None:
    """What can be said against a formula by looking at it."""
    if len(latex) > MAX_LATEX:
        return Undrawn(Trouble.TOO_LONG)
    marks = [(match.start(), 1) for match in _OPENS.finditer(latex)]
    marks += [(match.start(), -1) for match in _CLOSES.finditer(latex)]
    depth = 0
    for _, step in sorted(marks):
        depth += step
        if depth > MAX_DEPTH:
            return Undrawn(Trouble.TOO_DEEP)
    return None


@lru_cache(maxsize=KEPT)
def draw_formula(latex: str, display: bool) -> Drawing | Undrawn:
    """Draw one formula, within a second or so at worst. Any thread; one at a time, others wait.

    Args:
        display: on a line of its own, so sums and fractions are set large.
    """
    found = quick_check(latex)
    if found is not None:
        return found
    with _alone:
        try:
            # Late: 0.15 s and 15 MB that most answers do not need.
            from snug.ui.text.formula_setting import set_formula

            return set_formula(latex, display)
        except Exception:  # noqa: BLE001  the libraries raise whatever a broken formula leads to
            return Undrawn(Trouble.BROKEN)
