"""Tells Markdown that would hold up the window."""

from __future__ import annotations

MAX_BLOCK = 20_000  # characters that are still read as Markdown
MAX_LINE = 8_000
MAX_QUOTES = 16
MAX_INDENT = 64
MAX_COLUMNS = 32
MAX_CELLS = 1_500
MAX_LINES = 600


def is_bomb(text: str) -> bool:
    """The text would take Qt's Markdown reader or layout too long; show it plain."""
    if len(text) > MAX_BLOCK:
        return True
    lines = text.split("\n")
    if len(lines) > MAX_LINES:
        return True
    columns = 0
    for line in lines:
        head = line[: 4 * (MAX_INDENT + MAX_QUOTES)]
        indent = len(head) - len(head.lstrip(" \t"))
        if len(line) > MAX_LINE or indent > MAX_INDENT or _depth(head) > MAX_QUOTES:
            return True
        columns = max(columns, line.count("|"))
    return columns > MAX_COLUMNS or (columns > 1 and columns * len(lines) > MAX_CELLS)


def _depth(line: str) -> int:
    """How deeply quotes and list items are nested at the start of one line."""
    depth = 0
    for letter in line:
        if letter in ">-*+":
            depth += 1
        elif letter not in " \t":
            break
    return depth if set(line.strip()) - set("-*+ ") else 0  # a ruler is none
