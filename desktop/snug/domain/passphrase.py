"""How long a passphrase would hold, told in words."""

from __future__ import annotations

import math
from enum import StrEnum

MIN_LENGTH = 8
_GUESS_BITS = (40.0, 55.0, 70.0)
_WORD_BITS = 11.0  # one of 2,000 usual words
_USUAL = ("password", "passwort", "passphrase", "qwerty", "letmein", "welcome", "admin", "snug")


class Strength(StrEnum):
    """From a guess of minutes to one that nobody can pay for."""

    WEAK = "weak"
    FAIR = "fair"
    GOOD = "good"
    STRONG = "strong"


def strength(passphrase: str) -> Strength:
    """A cautious estimate: the smaller of what its characters and what its words are worth.

    With Argon2id at 64 MiB a guess costs about 0.3 s of a processor, so 40 bits are about 10,000
    processor years; a weak one is told as such all the same.
    """
    bits = min(_bits_of_characters(passphrase), _bits_of_words(passphrase))
    reached = sum(bits >= limit for limit in _GUESS_BITS)
    return tuple(Strength)[reached]


def _bits_of_characters(text: str) -> float:
    pool = 0
    for holds, size in (
        (str.islower, 26),
        (str.isupper, 26),
        (str.isdigit, 10),
        (lambda c: c.isascii() and not c.isalnum(), 20),
        (lambda c: not c.isascii(), 60),
    ):
        pool += size if any(holds(c) for c in text) else 0
    # A run such as "aaaa" or "1234" is worth its first character.
    worth = sum(1 for at, c in enumerate(text) if at == 0 or abs(ord(c) - ord(text[at - 1])) > 1)
    return worth * math.log2(pool) if pool else 0.0


def _bits_of_words(text: str) -> float:
    words = set(text.casefold().split())
    if any(usual in text.casefold() for usual in _USUAL):
        return _WORD_BITS * 2
    if len(words) < 2:
        return math.inf
    letters = sum(len(word) for word in words)
    return len(words) * _WORD_BITS if letters > 3 * len(words) else math.inf
