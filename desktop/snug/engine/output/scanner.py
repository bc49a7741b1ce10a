"""Finds the end of a JSON value in text that comes in pieces, each character looked at once."""

from __future__ import annotations


class JsonScanner:
    """Watches brackets and strings; it does not check that what stands between them is JSON.

    Args:
        start: characters before the value.
    """

    def __init__(self, start: int = 0) -> None:
        self.in_string = False
        self._escaped = False
        self._depth = 0
        self._seen = start

    def end(self, text: str) -> int:
        """Where the first object or list of `text` ends; -1 while it does not.

        Args:
            text: what was given before, and more.
        """
        for index in range(self._seen, len(text)):
            character = text[index]
            if self.in_string:
                self.in_string = self._escaped or character != '"'
                self._escaped = character == "\\" and not self._escaped
            elif character == '"':
                self.in_string = True
            elif character in "{[":
                self._depth += 1
            elif character in "}]":
                self._depth -= 1
                if self._depth <= 0:
                    return index + 1
        self._seen = len(text)
        return -1
