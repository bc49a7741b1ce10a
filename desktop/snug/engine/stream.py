"""From token bytes to events: UTF-8 across borders, reasoning apart from text, stop texts."""

from __future__ import annotations

import codecs
from collections.abc import Generator, Iterator, Sequence

from snug.domain.events import ReasoningDelta, TextDelta

# Tags that models wrap their thinking in; peers split the same ones.
REASONING_TAGS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("[THINK]", "[/THINK]"),
)


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


class ReasoningSplitter:
    """Tells thinking from the answer by the tags around it.

    Args:
        opened_by_prompt: the closing tag of a block that the prompt itself opened, else "".
        may_open: whether a tag may come; not where visible text stands before (continue).
        goes_on: the prompt ends amid the block.
    """

    def __init__(
        self, opened_by_prompt: str = "", *, may_open: bool = True, goes_on: bool = False
    ) -> None:
        self._close = opened_by_prompt
        self._held = ""
        self._at_start = may_open  # a tag counts only before any visible text
        self._inner_start = not goes_on  # line ends after an opening tag are not shown
        self._trim = False  # nor is white space after a closing one

    def feed(self, text: str) -> Iterator[TextDelta | ReasoningDelta]:
        """Events for the text that can be told apart now."""
        if not (self._close or self._at_start or self._trim or self._held):
            if text:
                yield TextDelta(text)
            return
        self._held += text
        while self._held:
            if self._close:
                if not (yield from self._inside()):
                    return
            elif self._at_start:
                if not self._opening():
                    return
            else:
                if self._trim:
                    self._held = self._held.lstrip()
                    self._trim = not self._held
                if self._held:
                    yield TextDelta(self._held)
                self._held = ""

    def flush(self) -> Iterator[TextDelta | ReasoningDelta]:
        """What was held back at the end."""
        held, self._held = self._held, ""
        if held:
            yield ReasoningDelta(held) if self._close else TextDelta(held)

    def _inside(self) -> Generator[ReasoningDelta, None, bool]:
        if self._inner_start:
            self._held = self._held.lstrip("\n")
            self._inner_start = not self._held
        end = self._held.find(self._close)
        if end >= 0:
            if end:
                yield ReasoningDelta(self._held[:end])
            self._held = self._held[end + len(self._close) :]
            self._close, self._at_start, self._trim = "", False, True
            return True
        keep = partial_suffix(self._held, (self._close,))
        sure = self._held[: len(self._held) - keep]
        self._held = self._held[len(sure) :]
        if sure:
            yield ReasoningDelta(sure)
        return False

    def _opening(self) -> bool:
        """At the very start: an opening tag, the beginning of one, or plain text."""
        stripped = self._held.lstrip()
        for opening, closing in REASONING_TAGS:
            if stripped.startswith(opening):
                self._held = stripped[len(opening) :]
                self._close = closing
                return True
        if any(opening.startswith(stripped) for opening, _ in REASONING_TAGS):
            return False  # also for white space alone: wait for more
        self._at_start = False
        return True


def tags_of(template: str) -> tuple[str, str]:
    """The opening and closing tag that a chat template speaks of, else the most common ones."""
    return next((tags for tags in REASONING_TAGS if tags[1] in template), REASONING_TAGS[0])


def opened_by(prompt: str) -> str:
    """The closing tag of a thinking block that the prompt ends in, else ""."""
    tail = prompt.rstrip()
    return next((closing for opening, closing in REASONING_TAGS if tail.endswith(opening)), "")
