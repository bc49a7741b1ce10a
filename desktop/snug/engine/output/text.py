"""The first stages of a token's bytes: UTF-8 across borders, stop texts."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


def partial_suffix(text: str, needles: Sequence[str]) -> int:
    """Length of the longest end of `text` that is a proper beginning of one of the needles."""
    longest = min(len(text), max((len(n) for n in needles), default=0) - 1)
    for length in range(longest, 0, -1):
        tail = text[-length:]
        if any(needle.startswith(tail) for needle in needles):
            return length
    return 0


class Utf8Stream:
    """Bytes in, whole characters out; a broken sequence becomes U+FFFD."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def feed(self, data: bytes) -> str:
        """Characters that are complete now."""
        return self._decoder.decode(data)

    def flush(self) -> str:
        """What an unfinished sequence leaves."""
        return self._decoder.decode(b"", final=True)


class StopMatcher:
    """Ends a stream at the text that is complete first, which is not part of it.

    Of two that are complete with the same character the longer one counts, so that the result does
    not depend on how the stream was cut into pieces.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.hit = False

    def feed(self, text: str) -> str:
        """Text that is certain not to belong to a stop text."""
        if not self._stops or self.hit:
            return "" if self.hit else text
        text = self._held + text
        found = [(i + len(stop), i) for stop in self._stops if (i := text.find(stop)) >= 0]
        if found:
            self.hit = True
            self._held = ""
            return text[: min(found)[1]]
        keep = partial_suffix(text, self._stops)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def flush(self) -> str:
        """What was held back and turned out to be text."""
        held, self._held = self._held, ""
        return "" if self.hit else held
