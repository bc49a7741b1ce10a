"""A long JSON list, one entry at a time: memory for the longest entry, whatever the length."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Protocol

_CHUNK = 1024 * 1024
_MOST = 128 * 1024**2  # characters of one entry
_MOST_INSIDE = 4_000_000  # lists and objects in one
_NEAR_THE_END = 64  # characters; an error farther from it is no entry that goes on
_BETWEEN = " \t\r\n,"


class Readable(Protocol):
    """What is read from."""

    def read(self, size: int = -1) -> bytes:
        """As of a file."""


def entries(file: Readable, skip: int = 0) -> Iterator[object]:
    """What stands in the list that a file consists of, or that begins after `skip` bytes of it.

    Raises:
        ValueError: it is no JSON from some place on; what came before has been given.
        RecursionError: an entry is nested too deeply.
    """
    file.read(skip)
    text = _Text(file)
    text.drop(_BETWEEN.replace(",", "") + "\ufeff")
    if text.take() != "[":
        raise ValueError("it is no list")
    while True:
        text.drop(_BETWEEN)
        if text.next() == "]":
            return
        yield text.entry()


class _Text:
    """The part of a file that is being looked at, as text."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._json = json.JSONDecoder()
        self._text = ""
        self._at = 0
        self._ended = False

    def next(self) -> str:
        """The next character, which stays; "" at the end."""
        if self._at >= len(self._text):
            self._more(_CHUNK)
        return self._text[self._at : self._at + 1]

    def take(self) -> str:
        """The next character."""
        character = self.next()
        self._at += len(character)
        return character

    def drop(self, characters: str) -> None:
        """Go on to the first character that is none of these."""
        while (character := self.next()) and character in characters:
            self._at += 1

    def entry(self) -> object:
        """The JSON value that begins here."""
        while True:
            check_size(self._text)
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if not self._may_go_on(error):
                    raise ValueError("it ends too early" if self._ended else error.msg) from error
            else:
                # A number may go on in what is not read yet.
                if end < len(self._text) or self._ended:
                    self._at = end
                    return value
            self._more(max(_CHUNK, len(self._text) - self._at))

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        """Whether what comes after what was read could mend it."""
        if self._ended or len(self._text) - self._at > _MOST:
            return False
        at_end = error.pos >= len(self._text) - _NEAR_THE_END
        return at_end or error.msg.startswith("Unterminated string")

    def _more(self, characters: int) -> None:
        """Read as much again, so that a long entry is not parsed too often."""
        if self._ended:
            return
        data = self._file.read(characters)
        self._ended = not data
        self._text = self._text[self._at :] + self._decoder.decode(data, final=self._ended)
        self._at = 0


def check_size(text: str) -> None:
    """Refuse what takes far more memory as values than as text. Raises: ValueError."""
    inside = text.count("[") + text.count("{")
    if inside > _MOST_INSIDE:
        raise ValueError(
            f"it has {inside:,} lists and objects at one place; Snug reads {_MOST_INSIDE:,}"
        )
