"""A box to tick, drawn from the palette: the style's own can hardly be seen in dark."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QCheckBox

from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES

_EDGE = 16
_TICK = ((4.0, 8.4), (6.9, 11.2), (12.0, 5.2))


class TickBox(QCheckBox):
    """Without words of its own: what it ticks stands beside it, and in its accessible name."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """A box with room for the ring of the focus."""
        edge = self._theme.icon_px(_EDGE) + SIZES.gap
        return QSize(edge, edge)

    minimumSizeHint = sizeHint

    def paintEvent(self, event: QPaintEvent) -> None:
        """The box, its tick, and a ring where it has the focus."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge = self._theme.icon_px(_EDGE)
        box = QRectF(0, 0, edge - 1, edge - 1)
        box.moveCenter(QRectF(self.rect()).center())
        on, free = self.isChecked(), self.isEnabled()
        filled = "accent" if free else "text_faint"
        line = "accent" if self.hasFocus() else filled if on else "line_strong"
        painter.setPen(QPen(self._theme.color(line), 2 if self.hasFocus() else 1))
        painter.setBrush(self._theme.color(filled if on else "page"))
        painter.drawRoundedRect(box, SIZES.gap, SIZES.gap)
        if on:
            pen = QPen(self._theme.color("on_accent" if free else "page"), edge / 8)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            unit = edge / _EDGE
            spots = [box.topLeft() + QPointF(x * unit, y * unit) for x, y in _TICK]
            painter.drawPolyline(QPolygonF(spots))
        painter.end()
