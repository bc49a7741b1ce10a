"""How each kind of paragraph and word looks, as Qt text formats made from the theme."""

from __future__ import annotations

import math
from copy import copy

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QTextBlockFormat,
    QTextCharFormat,
    QTextFormat,
    QTextFrameFormat,
    QTextListFormat,
    QTextTableCellFormat,
    QTextTableFormat,
)

from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES

HEADING_LINE = 1.3
CODE_LINE = 1.5
DISPLAY_SCALE = 1.1
CODE_HEADER = SIZES.gap * 9  # above the first line of a code block
CODE_PAD = SIZES.gap_3
QUOTE_STEP = SIZES.gap_4
LIST_STEP = SIZES.gap_6
COLUMN_WIDTH = 8  # pixels that one column of indentation in Markdown stands for
LEAST = QTextBlockFormat.LineHeightTypes.MinimumHeight.value  # code in a line keeps its height
FIXED = QTextBlockFormat.LineHeightTypes.FixedHeight.value


class Typography:
    """Formats for one state of the theme; made anew when the theme changes."""

    def __init__(self, theme: Theme, tone: str = "text") -> None:
        self._line_px = _even(theme.px(SIZES.body) * SIZES.line_height)
        self._code_px = _even(theme.px(SIZES.bar) * CODE_LINE)
        self.text = theme.color(tone)
        self.soft = theme.color("text_soft")
        self.accent = theme.color("accent")
        self.line = theme.color("line")
        self.raised = theme.color("raised")
        self.panel = theme.color("panel")
        self._body = theme.font(SIZES.body)
        self._small = theme.font(SIZES.bar)
        self._mono = theme.mono_font(SIZES.bar)
        self._headings = (
            theme.font(SIZES.title, QFont.Weight.DemiBold),
            theme.font(SIZES.heading, QFont.Weight.DemiBold),
            theme.font(SIZES.body, QFont.Weight.Bold),
        )

    def quiet(self) -> Typography:
        """The same for what stands below the text: smaller and softer."""
        made = copy(self)
        made._body, made.text = self._small, self.soft
        made._line_px = _even(self._small.pixelSize() * SIZES.line_height)
        return made

    # -- words --------------------------------------------------------------------------------

    def words(self, color: QColor | None = None, heading: int = 0) -> QTextCharFormat:
        """Plain words of a paragraph or of a heading of a level."""
        made = QTextCharFormat()
        made.setFont(self._headings[min(heading, 3) - 1] if heading else self._body)
        made.setForeground(QBrush(color or self.text))
        return made

    def display_words(self) -> QTextCharFormat:
        """A formula on a line of its own: a little larger than the words."""
        made = self.words()
        font = made.font()
        font.setPixelSize(round(font.pixelSize() * DISPLAY_SCALE))
        made.setFont(font)
        return made

    def source_words(self, base: QTextCharFormat) -> QTextCharFormat:
        """A formula as it was written, between words like `base`."""
        made = QTextCharFormat(base)
        font = QFont(self._mono)
        font.setPixelSize(max(1, round(self._body.pixelSize() * 0.9)))
        made.setFont(font)
        made.setBackground(QBrush(self.raised))
        return made

    def raised_words(self, base: QTextCharFormat) -> QTextCharFormat:
        """The number of a footnote."""
        made = QTextCharFormat(base)
        made.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignSuperScript)
        return made

    def code_words(self) -> QTextCharFormat:
        """A line of code."""
        made = QTextCharFormat()
        made.setFont(self._mono)
        made.setForeground(QBrush(self.text))
        return made

    def like(self, source: QTextCharFormat, base: QTextCharFormat) -> QTextCharFormat:
        """What Markdown says of some words (bold, code, link …), in our dress."""
        made = QTextCharFormat(base)
        font = QFont(base.font())
        if source.fontFixedPitch():
            font = QFont(self._mono)
            font.setPixelSize(max(1, round(base.font().pixelSize() * 0.9)))
            made.setBackground(QBrush(self.raised))
        if source.fontWeight() >= QFont.Weight.Bold.value:
            font.setWeight(max(base.font().weight(), QFont.Weight.DemiBold))
        font.setItalic(source.fontItalic())
        font.setStrikeOut(source.fontStrikeOut())
        made.setFont(font)
        return made

    def linked(self, words: QTextCharFormat, address: str) -> QTextCharFormat:
        """Words that lead to an address."""
        made = QTextCharFormat(words)
        made.setAnchor(True)
        made.setAnchorHref(address)
        made.setForeground(QBrush(self.accent))
        made.setFontUnderline(True)
        return made

    # -- paragraphs ---------------------------------------------------------------------------

    def paragraph(self, top: int = 0, indent: int = 0, quotes: int = 0) -> QTextBlockFormat:
        """Running text. `indent` in columns of Markdown, `quotes` deep."""
        made = QTextBlockFormat()
        made.setLineHeight(self._line_px, LEAST)
        made.setTopMargin(top)
        made.setBottomMargin(SIZES.gap_3)
        self._move_in(made, indent, quotes)
        return made

    def display(self, indent: int) -> QTextBlockFormat:
        """A formula on a line of its own."""
        made = self.paragraph(SIZES.gap, indent)
        made.setBottomMargin(SIZES.gap_4)
        made.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        return made

    def heading(self, level: int, first: bool) -> QTextBlockFormat:
        """A heading; `first` stands at the very top."""
        made = QTextBlockFormat()
        made.setHeadingLevel(level)
        size = self._headings[min(level, 3) - 1].pixelSize()
        made.setLineHeight(_even(size * HEADING_LINE), LEAST)
        made.setTopMargin(0 if first else SIZES.gap * (7 if level == 1 else 6 if level == 2 else 5))
        made.setBottomMargin(SIZES.gap_2)
        return made

    def item(self, indent: int, quotes: int, nested: bool) -> QTextBlockFormat:
        """A list item, or a paragraph within one."""
        made = self.paragraph(SIZES.gap, indent, quotes)
        made.setBottomMargin(SIZES.gap if nested else SIZES.gap_3)
        return made

    def code_line(self, first: bool, indent: int, header: int) -> QTextBlockFormat:
        """One line of a code block. The last one's room below is made by what follows."""
        made = QTextBlockFormat()
        made.setLineHeight(self._code_px, LEAST)
        made.setTopMargin(SIZES.gap_2 + header if first else 0)
        made.setLeftMargin(CODE_PAD + SIZES.gap + indent * COLUMN_WIDTH)
        made.setRightMargin(CODE_PAD)
        made.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        return made

    def ruler(self) -> QTextBlockFormat:
        """Room for a hairline across the column."""
        made = self.gap_block()
        made.setTopMargin(SIZES.gap_4)
        made.setBottomMargin(SIZES.gap_4)
        return made

    def gap_block(self) -> QTextBlockFormat:
        """An empty paragraph that Qt demands around a table, as low as can be."""
        made = QTextBlockFormat()
        made.setLineHeight(1, FIXED)
        return made

    def _move_in(self, made: QTextBlockFormat, indent: int, quotes: int) -> None:
        made.setLeftMargin(indent * COLUMN_WIDTH + quotes * QUOTE_STEP)
        if quotes:
            made.setProperty(QTextFormat.Property.BlockQuoteLevel.value, quotes)

    # -- lists and tables ---------------------------------------------------------------------

    def list_like(self, source: QTextListFormat) -> QTextListFormat:
        """A list of the same kind, depth and first number."""
        made = QTextListFormat()
        made.setStyle(source.style())
        made.setIndent(source.indent())
        made.setStart(source.start())
        return made

    def table(self) -> QTextTableFormat:
        """A table without a box; its rows are held by hairlines."""
        made = QTextTableFormat()
        made.setBorder(0)
        made.setCellPadding(0)
        made.setCellSpacing(0)
        made.setBorderCollapse(True)
        made.setTopMargin(SIZES.gap)
        made.setBottomMargin(SIZES.gap_4)
        made.setHeaderRowCount(1)
        return made

    def cell(self, header: bool, first: bool) -> QTextTableCellFormat:
        """A cell with a hairline below."""
        made = QTextTableCellFormat()
        made.setTopPadding(SIZES.gap + 2)
        made.setBottomPadding(SIZES.gap + 2)
        made.setLeftPadding(0 if first else SIZES.gap_4)
        made.setRightPadding(SIZES.gap_4)
        made.setBottomBorder(1)
        made.setBottomBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
        made.setBottomBorderBrush(QBrush(self.soft if header else self.line))
        return made


def _even(height: float) -> float:
    return 2 * math.ceil(height / 2)
