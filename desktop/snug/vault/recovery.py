"""The recovery code: 140 random bits as a text that a person can write down and type again.

Seven groups of five characters of Crockford's base 32, which has no I, L, O and U. The last
character of a group checks it, so that a slip is told with its place before any key is tried.
"""

from __future__ import annotations

import secrets

from snug.domain.errors import UserError

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Source: https://www.crockford.com/base32.html
GROUPS = 7
_DATA = 4
_LOOKS_LIKE = str.maketrans("ILO", "110")


def new_code() -> str:
    """A fresh code, such as `7KQ2M-…-…`."""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(_DATA)) for _ in range(GROUPS))
    return "-".join(group + _check(group, place) for place, group in enumerate(groups))


def looks_like_code(text: str) -> bool:
    """Whether a person who typed this most likely meant a recovery code."""
    letters = _letters(text)
    return len(letters) == GROUPS * (_DATA + 1) and all(letter in ALPHABET for letter in letters)


def code_secret(text: str) -> bytes:
    """What the slot is wrapped with, from the code as it was typed: case and hyphens do not count.

    Raises:
        UserError: it is no code, or a group was mistyped; the text says which.
    """
    if not looks_like_code(text):
        raise UserError(
            f"A recovery code has {GROUPS} groups of {_DATA + 1} letters and digits; "
            "this text does not."
        )
    letters = _letters(text)
    size = _DATA + 1
    groups = [letters[start : start + size] for start in range(0, len(letters), size)]
    for place, group in enumerate(groups):
        if group[-1] != _check(group[:-1], place):
            raise UserError(f"Group {place + 1} of the recovery code ({group}) has a slip.")
    return "".join(group[:-1] for group in groups).encode()


def _letters(text: str) -> str:
    return "".join(text.replace("-", " ").split()).upper().translate(_LOOKS_LIKE)


def _check(group: str, place: int) -> str:
    """Odd weights catch every single wrong character; the place catches groups in wrong order."""
    total = sum((2 * at + 1) * ALPHABET.index(letter) for at, letter in enumerate(group))
    return ALPHABET[(total + 7 * (place + 1)) % len(ALPHABET)]
