"""Text of strangers made safe to show: invisible characters become visible, bombs are defused.

A model can be talked into writing what looks harmless and pastes as something else (direction
overrides, tag characters, terminal controls), or what takes a text layout minutes.
"""

from __future__ import annotations

import re

MAX_SHOWN = 200_000  # characters of one message on screen; copying always takes all of it
MAX_SHOWN_LINES = 10_000
MAX_RUN = 4_000  # characters of one paragraph that is shown as plain text
MAX_MARKS = 8  # combining marks on one letter

_CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f"
_OVERRIDES = "\u202a-\u202e\u2066-\u2069"
_TAGS = "\U000e0000-\U000e007f"
_HIDDEN = re.compile(f"[{_CONTROLS}{_OVERRIDES}{_TAGS}]")
_HIDDEN_IN_CODE = re.compile(
    f"[{_CONTROLS}{_OVERRIDES}{_TAGS}\u061c\u200b\u200e\u200f\u2060-\u2064\u00ad\ufeff]"
)
_MARKS = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
    f"{{{MAX_MARKS}}})[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
    "\ufe20-\ufe2f]+"
)
_FLAG = re.compile("\U0001f3f4[\U000e0061-\U000e007a]{1,6}\U000e007f")  # of a region, an emoji


def normal_lines(text: str) -> str:
    """The text with one kind of line end, and tabs as they are."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")


def shown_prose(text: str) -> str:
    """Prose for the screen: hidden characters as markers, piled up marks cut."""
    if text.isascii() and _HIDDEN.search(text) is None:
        return text
    kept = _FLAG.sub(lambda flag: "\U0001f3f4", text)
    return _MARKS.sub(r"\1", _HIDDEN.sub(_marker, kept)).replace("\ufffc", "\ufffd")


def shown_code(text: str) -> str:
    """Code for the screen: every character that does not show becomes a marker."""
    if text.isascii() and _HIDDEN_IN_CODE.search(text) is None:
        return text
    return _MARKS.sub(r"\1", _HIDDEN_IN_CODE.sub(_marker, text)).replace("\ufffc", "\ufffd")


def hidden_count(code: str) -> int:
    """How many characters of the code do not show."""
    return len(_HIDDEN_IN_CODE.findall(code))


def copied_code(code: str) -> str:
    """Code for the clipboard: without the characters that do not show."""
    return _HIDDEN_IN_CODE.sub("", code)


def shown_length(text: str) -> int:
    """How many characters of a message are shown; the rest would only slow the window down."""
    length = min(len(text), MAX_SHOWN)
    if text.count("\n", 0, length) <= MAX_SHOWN_LINES:
        return length
    at = -1
    for _ in range(MAX_SHOWN_LINES):
        at = text.index("\n", at + 1)
    return at


def runs(text: str, length: int = MAX_RUN) -> list[str]:
    """Lines of the text, cut where one is longer than `length` characters.

    Laying out one paragraph of 200,000 letters without a blank takes 1.7 s, in pieces 40 ms.
    """
    pieces: list[str] = []
    for line in text.split("\n"):
        pieces.extend(line[i : i + length] for i in range(0, max(1, len(line)), length))
    return pieces


def _marker(match: re.Match[str]) -> str:
    point = ord(match.group())
    if point < 0x20:
        return chr(0x2400 + point)  # control pictures
    return f"⟨U+{point:04X}⟩"
