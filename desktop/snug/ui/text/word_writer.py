"""Writes the words of one paragraph: what Qt read of the Markdown, in Snug's own dress.

Formulas and references to footnotes, which were lifted out before, come back here.
"""

from __future__ import annotations

from PySide6.QtGui import QTextBlock, QTextCharFormat, QTextCursor, QTextDocument, QTextFormat

from snug.ui.look.typography import Typography
from snug.ui.text.formula import Undrawn, draw_formula
from snug.ui.text.formula_object import SIGN, formula_words, trouble_words
from snug.ui.text.fragments import blocks, fragments
from snug.ui.text.lifting import Kind, Lifted, restored, split_marks
from snug.ui.text.links import Refusal, check_link

_ALT = QTextFormat.Property.ImageAltText.value
NOTE_LINK, NOTE_BACK = "#note-", "#from-note-"


class WordWriter:
    """Bound to one state of the theme."""

    def __init__(self, typography: Typography) -> None:
        self._typography = typography

    def write(
        self, cursor: QTextCursor, block: QTextBlock, base: QTextCharFormat, lifted: list[Lifted]
    ) -> None:
        """Write the words of a paragraph of the scratch document at the cursor."""
        for fragment in fragments(block):
            source = fragment.charFormat()
            words = self._typography.like(source, base)
            if source.isImageFormat():
                image = source.toImageFormat()
                alt = str(image.property(_ALT) or "").strip() or "no description"
                text, address = f"[image: {alt}] (not loaded)", image.name()
            else:
                text, address = fragment.text(), source.anchorHref()
            address = restored(address, lifted)
            if address and not isinstance(check_link(address), Refusal):
                words = self._typography.linked(words, address)
            elif address:
                words.setFontUnderline(True)
                words.setAnchor(True)
                words.setAnchorHref(address)
            for piece in split_marks(text, lifted):
                if isinstance(piece, str):
                    cursor.insertText(piece, words)
                else:
                    self._write_piece(cursor, piece, words)

    def write_formula(
        self, cursor: QTextCursor, latex: str, source: str, words: QTextCharFormat, display: bool
    ) -> None:
        """Write a formula, drawn or, where that cannot be, as it was written."""
        drawn = draw_formula(latex, display)
        if isinstance(drawn, Undrawn):
            plain = self._typography.source_words(words)
            plain.setToolTip(trouble_words(drawn))
            cursor.insertText(source.replace(SIGN, "\ufffd").replace("\n", "\u2028"), plain)
        else:
            cursor.insertText(SIGN, formula_words(words, latex, source, display))

    def _write_piece(self, cursor: QTextCursor, piece: Lifted, words: QTextCharFormat) -> None:
        if piece.kind in (Kind.NOTE, Kind.BACK):
            made = self._typography.raised_words(words)
            place = NOTE_LINK if piece.kind is Kind.NOTE else NOTE_BACK
            cursor.insertText(piece.text, self._typography.linked(made, place + piece.text))
        else:
            display = piece.kind is Kind.DISPLAY
            self.write_formula(cursor, piece.text, piece.source, words, display)


def find_anchor(document: QTextDocument, address: str) -> int | None:
    """The position of the first words that lead to an address."""
    for block in blocks(document):
        for fragment in fragments(block):
            if fragment.charFormat().anchorHref() == address:
                return fragment.position()
    return None
