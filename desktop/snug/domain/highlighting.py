"""How well a text answers a search, and the stretch of it that shows why."""

from __future__ import annotations

import re
import unicodedata

from snug.domain.search import MATCH_END, MATCH_START
from snug.domain.search_query import Term

_CHARACTERS = 160
_BEFORE = 50  # of them in front of the first match
_SATURATION = 1.2  # BM25: how soon more of the same word adds little
_LENGTH = 0.75  # BM25: how much a long text counts less
_USUAL_CHARACTERS = 400


class Highlighter:
    """Finds the terms of a search in texts, without regard to case and accents.

    Args:
        anywhere: also inside of words.
    """

    def __init__(self, terms: tuple[Term, ...], *, anywhere: bool = False) -> None:
        self._each = [
            re.compile(pattern)
            for term in terms
            if (pattern := _anywhere(term) if anywhere else _pattern(term))
        ]
        self._any = re.compile("|".join(one.pattern for one in self._each) or r"(?!)")

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where the terms stand in a text: begin and end of each, in order."""
        return [match.span() for match in self._any.finditer(_folded(text))]

    def matches(self, text: str) -> bool:
        """Whether any of the terms is in a text."""
        return self._any.search(_folded(_composed(text))) is not None

    def score(self, text: str) -> float:
        """How much a text is about the terms: the more often in less text, the higher."""
        folded = _folded(_composed(text))
        length = 1 - _LENGTH + _LENGTH * len(text) / _USUAL_CHARACTERS
        total = 0.0
        for pattern in self._each:
            count = len(pattern.findall(folded))
            total += count / (count + _SATURATION * length)
        return total

    def snippet(self, text: str) -> str:
        """A stretch of the text around the first match, on one line, the matches marked."""
        text = _composed(text)
        folded = _folded(text)
        first = self._any.search(folded)
        start = max(0, first.start() - _BEFORE) if first is not None else 0
        if start:  # at a word's beginning
            blank = text.find(" ", start, start + 20)
            start = blank + 1 if blank >= 0 else start
        end = min(len(text), max(start + _CHARACTERS, first.end() if first else 0))
        end = min(end, start + 2 * _CHARACTERS)
        parts = ["…" if start else ""]
        position = start
        for match in self._any.finditer(folded, start, end):
            parts += [_clean(text[position : match.start()]), MATCH_START]
            parts += [_clean(text[match.start() : match.end()]), MATCH_END]
            position = match.end()
        parts += [_clean(text[position:end]), "…" if end < len(text) else ""]
        return " ".join("".join(parts).split())

    def whole(self, text: str) -> str:
        """A whole title, the matches marked."""
        text = _composed(text)
        marked, position = "", 0
        for match in self._any.finditer(_folded(text)):
            marked += _clean(text[position : match.start()])
            marked += MATCH_START + _clean(text[match.start() : match.end()]) + MATCH_END
            position = match.end()
        return " ".join((marked + _clean(text[position:])).split())


def _anywhere(term: Term) -> str | None:
    words = _folded(_composed(term.text)).split()
    return r"\s+".join(re.escape(word) for word in words) or None


def _pattern(term: Term) -> str | None:
    """A regular expression for a term in a folded text; None where nothing of it can be seen."""
    words = re.findall(r"\w+|[^\w\s\"'*]", _folded(_composed(term.text)))
    if not words:
        return None
    spoken = any(word[0].isalnum() for word in words)
    if spoken:
        words = [word for word in words if word[0].isalnum() or word[0] == "_"] or words
    pattern = r"[\W_]*".join(re.escape(word) for word in words)
    if spoken and not _stands_alone(words[0][0]):
        pattern = rf"(?<![^\W_]){pattern}"
    if spoken and not _stands_alone(words[-1][-1]):
        pattern += r"[^\W_]*" if term.beginning else r"(?![^\W_])"
    return pattern


def _stands_alone(character: str) -> bool:
    """Whether words in this writing need no blank around them."""
    return unicodedata.category(character) == "Lo"


class _Folding(dict[int, str]):
    """Maps each character to one without case and accents; filled as characters come."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if unicodedata.category(character) == "Lo":  # a syllable is more than its first sound
            self[code] = character
            return character
        base = unicodedata.normalize("NFKD", character)[:1].lower()
        self[code] = folded = base if len(base) == 1 else character
        return folded


_folding = _Folding()


def _composed(text: str) -> str:
    """An accent is one character with its letter."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _folded(text: str) -> str:
    """As long as the text itself, so that places in one are places in the other."""
    return text.lower() if text.isascii() else text.translate(_folding)


def _clean(text: str) -> str:
    for sign in (MATCH_START, MATCH_END, "**", "`"):  # marks of ours, and those of Markdown
        text = text.replace(sign, "")
    return text
