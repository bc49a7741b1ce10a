"""Finding what somebody means by a few of its letters, in their order."""

from __future__ import annotations

import unicodedata

_AT_WORD = 8  # a letter that begins a word
_IN_ROW = 5  # a letter right behind the one before it
_LETTER = 1
_TELLING = 3  # letters that are no chance where they stand together


def plain(text: str) -> str:
    """Without case and accents, as long as nothing else changes its length."""
    if text.isascii():  # most titles; letter by letter takes many times as long
        return text.casefold()
    folded = "".join(
        first if len(first := unicodedata.normalize("NFD", c.casefold())[:1]) else c for c in text
    )
    return folded if len(folded) == len(text) else text.casefold()


def score(wanted: str, text: str) -> tuple[int, tuple[int, ...]] | None:
    """How well a text is meant by letters, and which of its letters are; None where it is not.

    Args:
        wanted, text: as `plain` gives them. Blanks in `wanted` do not count.
    """
    letters = [letter for letter in wanted if not letter.isspace()]
    whole = wanted.strip()
    at = text.find(whole) if whole else -1
    if at >= 0 and (len(whole) >= _TELLING or _begins_word(text, at)):  # as it stands is best
        start = _AT_WORD if _begins_word(text, at) else 0
        bonus = len(letters) * (_IN_ROW + _LETTER) + start + _AT_WORD
        return bonus, tuple(range(at, at + len(whole)))
    places: list[int] = []
    total, at = 0, 0
    for letter in letters:
        place = _next(text, letter, at, places)
        if place < 0:
            return None
        in_row = bool(places) and place == places[-1] + 1
        total += (
            _LETTER + (_IN_ROW if in_row else 0) + (_AT_WORD if _begins_word(text, place) else 0)
        )
        places.append(place)
        at = place + 1
    return total, tuple(places)


def _next(text: str, letter: str, at: int, places: list[int]) -> int:
    """The next place of a letter: right here, else where a word begins with it, else anywhere."""
    if places and at < len(text) and text[at] == letter:
        return at
    first = place = text.find(letter, at)
    while place >= 0 and not _begins_word(text, place):
        place = text.find(letter, place + 1)
    return place if place >= 0 else first


def _begins_word(text: str, at: int) -> bool:
    return at == 0 or not text[at - 1].isalnum()
