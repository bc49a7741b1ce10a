r"""Lifts formulas and references to footnotes out of Markdown before Qt reads it.

Qt's reader knows neither, and would take their signs for its own (`_`, `*`, `|`, `\`). A mark of
characters that no text may hold goes through it in their place.

A dollar is money far more often than mathematics in ordinary talk: "$5 and $10" stays as it is.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

MAX_LIFTED = 300  # in one block; what comes after stays text
MAX_FORMULA = 2_000  # characters between its signs
MAX_HELD = 300  # characters that may wait for the end of a formula while a text grows
_OPEN, _CLOSE, _ZERO = "\ufdd2", "\ufddd", 0xFDD3
_RESERVED = re.compile("[\ufdd0-\ufdef]")
_MARK = re.compile(f"{_OPEN}([\ufdd3-\ufddc]+){_CLOSE}")
_SIGN = re.compile(r"\\.|`+|\$\$?|\[\^|\\$", re.DOTALL)
_BLANK = re.compile(r"\n[ \t>]*\n")
_QUOTED = re.compile(r"\n *>+")
_NOTE = re.compile(r"\[\^(\d{1,3}|[A-Za-z]\w{2,31})\](?!:)")
_MATHS = re.compile(r"[\\^_=+*/<>{}|-]")
_SHORT = re.compile(r"[A-Za-z0-9]{1,3}'*|.*[\\^_=].*", re.DOTALL)
_PROSE = re.compile(r"(?:^|\s)[^\W\d_]{3,}\s")
_TALK = re.compile(r"\s[^\W\d_]{2,}")


class Kind(Enum):
    """What was lifted out."""

    FORMULA = auto()
    DISPLAY = auto()
    NOTE = auto()
    BACK = auto()  # the label at the head of a footnote; never in running text


@dataclass(frozen=True, slots=True)
class Lifted:
    """A piece that stood in the text.

    Attributes:
        text: LaTeX without its signs, or the label of a footnote.
        source: as it was written.
    """

    kind: Kind
    text: str
    source: str


def lift(text: str) -> tuple[str, list[Lifted]]:
    """The text with a mark for each piece, and the pieces; `split_marks` finds them again."""
    pieces, _ = _scan(text)
    out: list[str] = []
    end = 0
    for number, (start, stop, _) in enumerate(pieces):
        out += [_RESERVED.sub("\ufffd", text[end:start]), _mark(number)]
        end = stop
    out.append(_RESERVED.sub("\ufffd", text[end:]))
    return "".join(out), [piece for _, _, piece in pieces]


def split_marks(text: str, lifted: list[Lifted]) -> list[str | Lifted]:
    """Text between marks and the pieces they stand for, in order; nothing empty."""
    found: list[str | Lifted] = []
    end = 0
    for match in _MARK.finditer(text):
        number = _number(match[1])
        if number < len(lifted):
            found += [text[end : match.start()], lifted[number]]
            end = match.end()
    found.append(text[end:])
    return [piece for piece in found if piece]


def restored(text: str, lifted: list[Lifted]) -> str:
    """The text with what was written in place of the marks: for addresses."""
    if _OPEN not in text:
        return text
    pieces = split_marks(text, lifted)
    return "".join(piece if isinstance(piece, str) else piece.source for piece in pieces)


def settled_length(text: str) -> int:
    """How much of a growing text can be shown: up to a formula that has only begun."""
    _, waiting = _scan(text)
    if waiting is None or len(text) - waiting > MAX_HELD:
        return len(text)
    return waiting


def _mark(number: int) -> str:
    return _OPEN + "".join(chr(_ZERO + int(digit)) for digit in str(number)) + _CLOSE


def _number(digits: str) -> int:
    return int("".join(str(ord(digit) - _ZERO) for digit in digits[:6]))


Piece = tuple[int, int, Lifted]


def _scan(text: str) -> tuple[list[Piece], int | None]:
    """What is lifted, and where something begins whose end has not come."""
    pieces: list[Piece] = []
    waiting: int | None = None
    code = _code_ends(text)
    at = 0
    while len(pieces) < MAX_LIFTED:
        match = _SIGN.search(text, at)
        if match is None:
            break
        sign = match.group()
        at = match.end()
        if sign[0] == "`":
            at = code(match.start(), len(sign)) or at
            continue
        piece, waits = _piece_at(text, match.start(), sign)
        if piece is not None:
            pieces.append(piece)
            at = piece[1]
            waiting = None
        elif waits and waiting is None:
            waiting = match.start()
    return pieces, waiting


def _piece_at(text: str, start: int, sign: str) -> tuple[Piece | None, bool]:
    """The piece that a sign begins, and otherwise whether one may still come of it."""
    if sign == "[^":
        note = _NOTE.match(text, start)
        if note is None:
            begun = text[start + 2 :]
            return None, not begun or (len(begun) < 32 and begun.isalnum())
        return (start, note.end(), Lifted(Kind.NOTE, note[1], note.group())), False
    if sign == "\\":
        return None, True  # the last character; "(" may follow
    if sign in ("\\(", "\\["):
        return _between(text, start, sign, "\\)" if sign == "\\(" else "\\]")
    if sign == "$$":
        return _between(text, start, sign, "$$")
    if sign == "$":
        return _dollar(text, start)
    return None, False


def _between(text: str, start: int, sign: str, closing: str) -> tuple[Piece | None, bool]:
    inside = start + len(sign)
    stop = text.find(closing, inside, inside + MAX_FORMULA + 2)
    blank = _BLANK.search(text, inside, len(text) if stop < 0 else stop)
    if stop < 0 or blank is not None:
        return None, stop < 0 and blank is None
    latex = _plain(text[inside:stop])
    if not latex or (sign == "\\[" and not _MATHS.search(latex)):
        return None, False  # brackets that only were escaped
    kind = Kind.FORMULA if sign == "\\(" else Kind.DISPLAY
    end = stop + len(closing)
    return (start, end, Lifted(kind, latex, text[start:end])), False


def _dollar(text: str, start: int) -> tuple[Piece | None, bool]:
    """As Pandoc has it, and stricter: no blank inside the signs, no word or number at them."""
    inside = start + 1
    if inside == len(text):
        return None, not _touches_word(text, start)
    if text[inside].isspace() or _touches_word(text, start):
        return None, False
    stop = text.find("$", inside, inside + MAX_FORMULA)
    while stop > 0 and text[stop - 1] == "\\":
        stop = text.find("$", stop + 1, inside + MAX_FORMULA)
    blank = _BLANK.search(text, inside, len(text) if stop < 0 else stop)
    if stop < 0 or blank is not None:
        return None, stop < 0 and blank is None and not _is_talk(text[inside:])
    latex = text[inside:stop]
    after = text[stop + 1 : stop + 2]
    if not latex or latex[-1].isspace() or after.isdigit() or _is_talk(latex):
        return None, False
    if after.isalpha() and not _SHORT.fullmatch(latex):
        return None, False
    return (start, stop + 1, Lifted(Kind.FORMULA, _plain(latex), text[start : stop + 1])), False


def _touches_word(text: str, start: int) -> bool:
    before = text[start - 1 : start] if start else ""
    return before.isalnum() or before in tuple("\\$")


def _is_talk(latex: str) -> bool:
    """Money, a variable of a shell or the like, with talk after it."""
    if "\\" in latex or "^" in latex or "_" in latex:
        return False
    if latex[0].isdigit():
        return bool(_TALK.search(latex))
    return bool(_PROSE.search(latex))


def _plain(latex: str) -> str:
    """Without the marks of a quote that it stands in."""
    return _QUOTED.sub("\n", latex).strip()


def _code_ends(text: str) -> Callable[[int, int], int | None]:
    """For a run of backticks at a place: the end of the code it begins; None where it begins none.

    Looks each run up instead of searching for it, so that many of them take no longer.
    """
    places: dict[int, list[int]] = defaultdict(list)
    for match in re.finditer("`+", text):
        places[len(match.group())].append(match.start())

    def end_of(start: int, length: int) -> int | None:
        same = places[length]
        following = bisect_right(same, start)
        return same[following] + length if following < len(same) else None

    return end_of
