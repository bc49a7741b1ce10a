"""Writes a table that Qt read from Markdown into the document of a message."""

from __future__ import annotations

from PySide6.QtGui import QTextCursor, QTextTable

from snug.ui.look.typography import Typography
from snug.ui.text.lifting import Lifted
from snug.ui.text.word_writer import WordWriter


def write_table(
    cursor: QTextCursor, source: QTextTable, typography: Typography, lifted: list[Lifted]
) -> QTextTable:
    """Insert the table at the cursor, which must stand in an empty paragraph."""
    rows, columns = source.rows(), source.columns()
    table = cursor.insertTable(rows, columns, typography.table())
    writer = WordWriter(typography)
    for row in range(rows):
        for column in range(columns):
            _write_cell(source, table, (row, column), (typography, writer, lifted))
    return table


def _write_cell(
    source: QTextTable,
    table: QTextTable,
    place: tuple[int, int],
    dress: tuple[Typography, WordWriter, list[Lifted]],
) -> None:
    row, column = place
    typography, writer, lifted = dress
    cell = table.cellAt(row, column)
    block = source.cellAt(row, column).firstCursorPosition().block()
    cursor = cell.firstCursorPosition()
    shape = typography.paragraph()
    shape.setBottomMargin(0)
    below = source.cellAt(min(1, source.rows() - 1), column)  # Qt aligns no header itself
    shape.setAlignment(below.firstCursorPosition().blockFormat().alignment())
    words = typography.words()
    if row == 0:
        font = words.font()
        font.setBold(True)
        words.setFont(font)
    cursor.setBlockFormat(shape)
    writer.write(cursor, block, words, lifted)
    look = typography.cell(row == 0, column == 0)
    look.setFont(words.font())
    cell.setFormat(look)
