"""Walking through a document: Qt's own iterators, as Python's."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtGui import QTextBlock, QTextDocument, QTextFragment


def blocks(document: QTextDocument, start: int = 0) -> Iterator[QTextBlock]:
    """The paragraphs from the one at a position on."""
    block = document.findBlock(start)
    while block.isValid():
        yield block
        block = block.next()


def fragments(block: QTextBlock) -> Iterator[QTextFragment]:
    """The stretches of one format in a paragraph."""
    iterator = block.begin()
    while not iterator.atEnd():
        yield iterator.fragment()
        iterator += 1
