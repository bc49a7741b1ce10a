"""Text of strangers for a report or a terminal: characters that do not show become markers.

The window has finer rules of its own (`ui/text/safe_text.py`).
"""

from __future__ import annotations

import re
from typing import Final

_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069"
    "\ud800-\udfff\ufeff\ufff9-\ufffc\U000e0000-\U000e007f]"
)
_MARK: Final = "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]"
_MARKS: Final = re.compile(f"({_MARK}{{4}}){_MARK}+")


def visible(text: str) -> str:
    """The text with each hidden, direction-changing or control character as ⟨U+…⟩."""
    return _MARKS.sub(r"\1", _HIDDEN.sub(lambda m: f"⟨U+{ord(m.group()):04X}⟩", text))


def visible_line(text: str, length: int) -> str:
    """The same on one line, cut short."""
    line = " ".join(visible(text[: 2 * length]).split())
    return line if len(line) <= length else f"{line[: length - 1]}…"
