"""Guesses from the text itself: what followed the last few tokens the last time they came.

Source: prompt lookup decoding (A. Saxena, 2023); an exact table instead of a search.
"""

from __future__ import annotations

from collections.abc import Sequence

_LENGTHS = (5, 3)  # tokens that must agree; two agree too often by chance


class PromptLookup:
    """A table of where each short run of tokens was seen last. Costs 1 µs per token.

    Attributes:
        held: tokens that the guess at work has foretold so far, one after another.
    """

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens: list[int] = []
        self._seen: tuple[dict[tuple[int, ...], int], ...] = tuple({} for _ in _LENGTHS)
        self._cursor: int | None = None  # where the guess that held until now goes on
        self.held = 0
        for token in tokens:
            self.append(token)

    def append(self, token: int) -> None:
        """The text goes on with this token."""
        tokens = self._tokens
        end = len(tokens)
        # A run is entered once something follows it, so that the text's end never finds itself.
        for length, seen in zip(_LENGTHS, self._seen, strict=True):
            if end >= length:
                seen[tuple(tokens[end - length :])] = end
        if self._cursor is not None:
            self._cursor = self._cursor + 1 if tokens[self._cursor] == token else None
            self.held += 1
        tokens.append(token)
        if self._cursor is not None and self._cursor >= len(tokens) - 1:
            self._cursor = None

    def guess(self, count: int) -> list[int]:
        """At most `count` tokens that may come next; none where nothing is known."""
        if self._cursor is None:
            self._cursor, self.held = self._find(), 0
        if self._cursor is None:
            return []
        return self._tokens[self._cursor : self._cursor + count]

    def _find(self) -> int | None:
        tokens = self._tokens
        for length, seen in zip(_LENGTHS, self._seen, strict=True):
            if len(tokens) >= length:
                place = seen.get(tuple(tokens[-length:]))
                if place is not None:
                    return place
        return None
