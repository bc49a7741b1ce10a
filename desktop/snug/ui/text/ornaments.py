"""What lies behind the words of a message: code blocks, quote bars, rulers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QTextDocument

from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.look.typography import CODE_HEADER, CODE_PAD, COLUMN_WIDTH, QUOTE_STEP

QUOTE_BAR = 3


class Ornament(Enum):
    """What is painted behind the text."""

    CODE = auto()
    QUOTE = auto()
    RULER = auto()


@dataclass(slots=True)
class Decoration:
    """An ornament from the text block at `start` to the one at `end` (positions), `depth` deep.

    `header` is true where a code block has a bar with language and copy button.
    """

    ornament: Ornament
    start: int
    end: int
    depth: int = 0
    header: bool = False


def code_rect(document: QTextDocument, decoration: Decoration, width: float) -> QRectF:
    """The box of a code block, its bar included, in the document's coordinates."""
    top, bottom = _span(document, decoration)
    head = CODE_HEADER if decoration.header else CODE_PAD
    left = decoration.depth * COLUMN_WIDTH
    return QRectF(left, top - head, width - left, bottom - top + head + CODE_PAD)


def paint_ornaments(
    painter: QPainter,
    document: QTextDocument,
    decorations: Iterable[Decoration],
    theme: Theme,
    area: QRectF,
) -> None:
    """Paint those that show in `area`; `painter` is at the document's origin."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    width = document.textWidth()
    for decoration in decorations:
        if decoration.ornament is Ornament.CODE:
            rect = code_rect(document, decoration, width)
            if rect.intersects(area):
                _paint_box(painter, rect, theme)
            continue
        top, bottom = _span(document, decoration)
        if bottom < area.top() - SIZES.gap_4 or top > area.bottom() + SIZES.gap_4:
            continue
        if decoration.ornament is Ornament.QUOTE:
            block = document.findBlock(decoration.start)
            rtl = block.textDirection() is Qt.LayoutDirection.RightToLeft
            bars = [_bar(level, width, rtl, top, bottom) for level in range(decoration.depth)]
            _paint_bars(painter, bars, theme.color("line_strong"))
        else:
            painter.fillRect(QRectF(0, round(top), width, 1), theme.color("line"))


def _span(document: QTextDocument, decoration: Decoration) -> tuple[float, float]:
    layout = document.documentLayout()
    top = layout.blockBoundingRect(document.findBlock(decoration.start)).top()
    bottom = layout.blockBoundingRect(document.findBlock(decoration.end)).bottom()
    return top, bottom


def _paint_box(painter: QPainter, rect: QRectF, theme: Theme) -> None:
    painter.setPen(QPen(theme.color("line"), 1))
    painter.setBrush(theme.color("panel"))
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), SIZES.radius, SIZES.radius)


def _bar(level: int, width: float, rtl: bool, top: float, bottom: float) -> QRectF:
    left = level * QUOTE_STEP
    x = width - left - QUOTE_BAR if rtl else left
    return QRectF(x, top + SIZES.gap, QUOTE_BAR, bottom - top - 2)


def _paint_bars(painter: QPainter, bars: list[QRectF], color: QColor) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    for bar in bars:
        painter.drawRoundedRect(bar, QUOTE_BAR / 2, QUOTE_BAR / 2)
