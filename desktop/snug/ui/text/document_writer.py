"""Writes blocks of Markdown into the one document of a message, and takes the last ones back.

Qt reads the Markdown into a scratch document; from there only what is known here is copied, in
Snug's own typography. So no image, style sheet or other resource can reach what is shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextList,
    QTextTable,
)

from snug.ui.look.parts import reading_direction
from snug.ui.look.typography import CODE_HEADER, CODE_PAD, LIST_STEP, Typography
from snug.ui.text.blocks import Block, Code, Footnote, Formula, Prose
from snug.ui.text.bombs import is_bomb
from snug.ui.text.formula_object import FormulaObject
from snug.ui.text.inert_document import InertDocument
from snug.ui.text.lifting import Kind, Lifted, lift
from snug.ui.text.ornaments import Decoration, Ornament
from snug.ui.text.safe_text import runs, shown_code, shown_prose
from snug.ui.text.table_writer import write_table
from snug.ui.text.word_writer import WordWriter

_FEATURES = (
    QTextDocument.MarkdownFeature.MarkdownDialectGitHub
    | QTextDocument.MarkdownFeature.MarkdownNoHTML
)
_QUOTES = QTextFormat.Property.BlockQuoteLevel.value
_CODE = QTextFormat.Property.BlockCodeLanguage.value
_RULER = QTextFormat.Property.BlockTrailingHorizontalRulerWidth.value
_BREAK = re.compile(r"(?: {2,}|\\)\n *(?=[^\s>#|*+-])")  # else Qt makes it a paragraph


@dataclass(slots=True)
class Written:
    """A block that stands in the document.

    Attributes:
        before: where the document ended before it was written.
        fresh: whether that end was an empty paragraph ready for use.
        first: position of its first character.
    """

    block: Block
    before: int
    fresh: bool
    first: int
    decorations: list[Decoration]
    after_code: bool


def formulas_in(block: Block) -> list[tuple[str, bool]]:
    """The formulas that a block takes to be written: LaTeX, and whether it is set large."""
    if isinstance(block, Formula):
        return [(shown_prose(block.text), True)] if block.closed else []
    if isinstance(block, Code) or ("$" not in block.text and "\\" not in block.text):
        return []
    found = lift(shown_prose(block.text))[1]
    kinds = (Kind.FORMULA, Kind.DISPLAY)
    return [(p.text, p.kind is Kind.DISPLAY) for p in found if p.kind in kinds]


class DocumentWriter:
    """The only one who changes the document of a message. Lives on the window's thread."""

    def __init__(self, document: QTextDocument, typography: Typography) -> None:
        self._document = document
        self._typography = typography
        self._document.setIndentWidth(LIST_STEP)
        self._cursor = QTextCursor(document)
        self._scratch = InertDocument()
        self._formulas = FormulaObject(document, document)
        self.written: list[Written] = []
        self._fresh = True  # the last paragraph is empty and unused
        self._after_code = False  # what follows must leave room below a code block
        self._decorations: list[Decoration] = []

    @property
    def ends_with_code(self) -> bool:
        """The document needs room below its last line."""
        return self._after_code

    def append(self, block: Block) -> None:
        """Write a block at the end."""
        self._cursor.movePosition(QTextCursor.MoveOperation.End)
        written = Written(
            block, self._cursor.position(), self._fresh, 0, [], after_code=self._after_code
        )
        self._decorations = written.decorations
        self._cursor.beginEditBlock()
        if not self.written:
            self._leave_head(CODE_HEADER if isinstance(block, Code) else 0)
        if isinstance(block, Code):
            self._write_code(block)
        elif isinstance(block, Formula):
            self._write_formula(block)
        elif isinstance(block, Footnote):
            self._write_note(block)
        elif is_bomb(block.text):
            self._write_plain(block.text)
        else:
            self._write_prose(block)
        self._cursor.endEditBlock()
        written.first = written.before + (0 if written.fresh else 1)
        self.written.append(written)

    def append_plain(self, text: str) -> None:
        """Write text as it was typed, with its line ends and blanks."""
        self._cursor.movePosition(QTextCursor.MoveOperation.End)
        self._write_plain(text)

    def grow_code(self, block: Code) -> bool:
        """Add to the last block, if it is code that only became longer; False where it is not."""
        last = self.written[-1]
        if not isinstance(last.block, Code) or last.block.language != block.language:
            return False
        old, new = shown_code(last.block.text), shown_code(block.text)
        if not new.startswith(old):
            return False
        self._cursor.movePosition(QTextCursor.MoveOperation.End)
        self._cursor.beginEditBlock()
        self._insert_code_lines(new[len(old) :], block.indent)
        self._cursor.endEditBlock()
        last.decorations[-1].end = self._cursor.position()
        last.block = block
        return True

    def take_back(self) -> None:
        """Remove the last block."""
        last = self.written.pop()
        cursor = self._cursor
        cursor.beginEditBlock()
        cursor.setPosition(last.before)
        shape, words = cursor.blockFormat(), cursor.blockCharFormat()
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        if last.fresh:
            _leave_list(cursor)
            cursor.setBlockFormat(self._typography.gap_block())
            cursor.setBlockCharFormat(QTextCharFormat())
        elif cursor.blockFormat() != shape:  # an empty paragraph took that of the removed one
            cursor.setBlockFormat(shape)
            cursor.setBlockCharFormat(words)
        cursor.endEditBlock()
        self._fresh = last.fresh
        self._after_code = last.after_code

    def clear(self, typography: Typography) -> None:
        """Empty the document, to be written in another dress."""
        self._typography = typography
        self._document.clear()
        self._document.setIndentWidth(LIST_STEP)
        self._cursor = QTextCursor(self._document)
        self.written.clear()
        self._fresh = True
        self._after_code = False

    # -- paragraphs ---------------------------------------------------------------------------

    def _paragraph(self, shape: QTextBlockFormat, words: QTextCharFormat) -> None:
        """Begin a paragraph at the end of the document."""
        if self._after_code:
            shape = QTextBlockFormat(shape)
            shape.setTopMargin(max(shape.topMargin(), CODE_PAD * 2))
            self._after_code = False
        if self._fresh:
            self._fresh = False
            _leave_list(self._cursor)
            self._cursor.setBlockFormat(shape)
            self._cursor.setBlockCharFormat(words)
        else:
            self._cursor.insertBlock(shape, words)
            _leave_list(self._cursor)
        self._cursor.setCharFormat(words)

    def _leave_head(self, height: float) -> None:
        """Room above everything: Qt cuts the margin above the document's first paragraph."""
        frame = self._document.rootFrame()
        shape = frame.frameFormat()
        if shape.topMargin() != height:
            shape.setTopMargin(height)
            frame.setFrameFormat(shape)

    def _write_plain(self, text: str) -> None:
        shape = self._typography.paragraph()
        shape.setBottomMargin(0)
        words = self._typography.words()
        self._paragraph(shape, words)
        self._cursor.insertText("\n".join(runs(shown_prose(text))), words)

    # -- code ---------------------------------------------------------------------------------

    def _write_code(self, block: Code) -> None:
        words = self._typography.code_words()
        if self._fresh and self.written:
            self._fresh = False  # Qt cuts the margin above what follows a table: leave its gap
        self._paragraph(self._typography.code_line(True, block.indent, CODE_HEADER), words)
        start = self._cursor.position()
        self._insert_code_lines(shown_code(block.text), block.indent)
        end = self._cursor.position()
        self._decorations.append(Decoration(Ornament.CODE, start, end, block.indent, header=True))
        self._after_code = True

    def _insert_code_lines(self, text: str, indent: int) -> None:
        words = self._typography.code_words()
        head, newline, rest = text.partition("\n")
        for number, piece in enumerate(runs(head)):
            if number:
                self._cursor.insertBlock(self._typography.code_line(False, indent, 0), words)
            self._cursor.insertText(piece, words)
        if newline:
            self._cursor.insertBlock(self._typography.code_line(False, indent, 0), words)
            self._cursor.insertText("\n".join(runs(rest)), words)

    def _write_code_in_prose(self, block: QTextBlock, quotes: int, indent: int) -> None:
        """A line of code within a quote, or indented by four: code without a bar."""
        last = self._decorations[-1] if self._decorations else None
        goes_on = (
            last is not None
            and last.ornament is Ornament.CODE
            and last.end == self._cursor.position()
            and not self._fresh
        )
        depth = indent + 2 * quotes
        shape = self._typography.code_line(not goes_on, depth, CODE_PAD)
        if goes_on:
            self._after_code = False
        if quotes:
            shape.setProperty(_QUOTES, quotes)
        self._paragraph(shape, self._typography.code_words())
        start = self._cursor.position()
        pieces = runs(shown_code(block.text()))
        self._cursor.insertText("\n".join(pieces), self._typography.code_words())
        if last is not None and goes_on:
            last.end = self._cursor.position()
        else:
            end = self._cursor.position()
            self._decorations.append(Decoration(Ornament.CODE, start, end, depth))
        self._after_code = True

    # -- formulas and footnotes ---------------------------------------------------------------

    def _write_formula(self, block: Formula) -> None:
        words = self._typography.display_words()
        if self._fresh and self.written:
            self._fresh = False  # as for code
        self._paragraph(self._typography.display(block.indent), words)
        if block.closed:
            writer = WordWriter(self._typography)
            source = shown_prose(block.source)
            writer.write_formula(self._cursor, shown_prose(block.text), source, words, True)
        else:  # what is there so far would only flash up
            self._cursor.insertText("…", words)

    def _write_note(self, block: Footnote) -> None:
        first = not (self.written and isinstance(self.written[-1].block, Footnote))
        if first and self.written:
            self._paragraph(self._typography.ruler(), self._typography.words())
            at = self._cursor.position()
            self._decorations.append(Decoration(Ornament.RULER, at, at))
        usual, self._typography = self._typography, self._typography.quiet()
        try:
            if is_bomb(block.text):
                self._write_plain(block.text)
            else:
                self._write_prose(Prose(block.text), block.label)
        finally:
            self._typography = usual

    # -- prose --------------------------------------------------------------------------------

    def _write_prose(self, prose: Prose, label: str = "") -> None:
        """Write Markdown; behind the `label` of a footnote where it is one."""
        head = f"[^{label}]\u00a0" if label else ""
        text, lifted = lift(head + shown_prose(prose.text))
        if label:
            lifted[0] = replace(lifted[0], kind=Kind.BACK)
        self._scratch.setMarkdown(_BREAK.sub("\u2028", text), _FEATURES)
        lists: dict[int, QTextList] = {}
        block = self._scratch.begin()
        probe = QTextCursor(self._scratch)
        while block.isValid():
            probe.setPosition(block.position())
            table = _table_at(probe)
            if table is not None:
                self._write_table(table, lifted)
                block = self._scratch.findBlock(table.lastPosition() + 1)
                if not block.text():
                    block = block.next()
                continue
            if not _precedes_table(block):
                self._write_block(block, prose, lists, lifted)
            block = block.next()
        self._scratch.clear()

    def _write_block(
        self,
        block: QTextBlock,
        prose: Prose,
        lists: dict[int, QTextList],
        lifted: list[Lifted],
    ) -> None:
        shape = block.blockFormat()
        quotes = shape.intProperty(_QUOTES) if shape.hasProperty(_QUOTES) else 0
        if shape.hasProperty(_CODE):
            self._write_code_in_prose(block, quotes, prose.indent)
            return
        if shape.hasProperty(_RULER):
            self._paragraph(self._typography.ruler(), self._typography.words())
            at = self._cursor.position()
            self._decorations.append(Decoration(Ornament.RULER, at, at))
            return
        level = shape.headingLevel()
        color = self._typography.soft if quotes else None
        words = self._typography.words(color, level)
        self._paragraph(self._shape(block, prose, quotes), words)
        source = block.textList()
        if source is not None:
            self._join_list(source, lists)
            if shape.marker() is not QTextBlockFormat.MarkerType.NoMarker:
                ticked = QTextBlockFormat()
                ticked.setMarker(shape.marker())
                self._cursor.mergeBlockFormat(ticked)
        start = self._cursor.position()
        WordWriter(self._typography).write(self._cursor, block, words, lifted)
        if quotes:
            self._note_quote(start, quotes)

    def _shape(self, block: QTextBlock, prose: Prose, quotes: int) -> QTextBlockFormat:
        shape = block.blockFormat()
        if shape.headingLevel():
            return self._typography.heading(shape.headingLevel(), first=not self.written)
        inside = block.textList() is not None or shape.indent() > 0
        if not inside:
            made = self._typography.paragraph(0, prose.indent, quotes)
            if reading_direction(block.text()) is Qt.LayoutDirection.RightToLeft:
                made.setRightMargin(made.leftMargin())
                made.setLeftMargin(0)
            return made
        following = block.next()
        nested = following.isValid() and (
            following.textList() is not None or following.blockFormat().indent() > 0
        )
        made = self._typography.item(prose.indent, quotes, nested or prose.indent > 0)
        made.setIndent(shape.indent())
        return made

    def _join_list(self, source: QTextList, lists: dict[int, QTextList]) -> None:
        known = lists.get(source.objectIndex())
        if known is None:
            made = self._cursor.createList(self._typography.list_like(source.format()))
            lists[source.objectIndex()] = made
        else:
            known.add(self._cursor.block())

    def _note_quote(self, start: int, depth: int) -> None:
        last = self._decorations[-1] if self._decorations else None
        end = self._cursor.position()
        if last is not None and last.ornament is Ornament.QUOTE and last.depth == depth:
            last.end = end
        else:
            self._decorations.append(Decoration(Ornament.QUOTE, start, end, depth))

    # -- tables -------------------------------------------------------------------------------

    def _write_table(self, source: QTextTable, lifted: list[Lifted]) -> None:
        if self._after_code or self._fresh:
            self._paragraph(self._typography.gap_block(), self._typography.words())
        write_table(self._cursor, source, self._typography, lifted)
        self._cursor.movePosition(QTextCursor.MoveOperation.End)
        self._cursor.setBlockFormat(self._typography.gap_block())
        self._fresh = True


def _precedes_table(block: QTextBlock) -> bool:
    """The empty paragraph that Qt puts before a table at the start of a document."""
    if block.text() or block.length() > 1 or not block.next().isValid():
        return False
    return _table_at(QTextCursor(block.next())) is not None


def _table_at(cursor: QTextCursor) -> QTextTable | None:
    return cursor.currentTable()


def _leave_list(cursor: QTextCursor) -> None:
    owner = cursor.currentList()
    if owner is not None:
        owner.remove(cursor.block())
