"""Draws the rows of the palette: words at the start, keys or kind at the end."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES

_Index = QModelIndex | QPersistentModelIndex


class PaletteDelegate(QStyledItemDelegate):
    """One line each; the chosen one is tinted."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """As high as a control."""
        return QSize(SIZES.dialog // 2, self._theme.px(SIZES.body) + 2 * SIZES.gap_2)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """The row."""
        words, _, hint = str(index.data() or "").partition("\t")
        painter.save()
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        room = option.rect
        if chosen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("accent_soft"))
            painter.drawRoundedRect(room, SIZES.gap, SIZES.gap)
        inner = room.adjusted(SIZES.gap_3, 0, -SIZES.gap_3, 0)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(self._theme.font(SIZES.bar))
        painter.setPen(self._theme.color("text_soft"))
        wide = painter.fontMetrics().horizontalAdvance(hint)
        rtl = option.direction is Qt.LayoutDirection.RightToLeft
        end, start = (
            (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight)
            if rtl
            else (Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignLeft)
        )
        painter.drawText(inner, end | middle, hint)
        gap = wide + SIZES.gap_4 if hint else 0
        text_room = inner.adjusted(gap, 0, 0, 0) if rtl else inner.adjusted(0, 0, -gap, 0)
        painter.setPen(self._theme.color("text"))
        shown = painter.fontMetrics().elidedText(
            words, Qt.TextElideMode.ElideRight, text_room.width()
        )
        painter.drawText(text_room, start | middle, shown)
        painter.restore()
