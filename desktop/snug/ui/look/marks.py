"""Green, amber and red, each also told by a shape: for licences and for what fits."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from snug.domain.hub import Fit
from snug.domain.licence import LicenceClass
from snug.ui.look.parts import flat, label
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES


class Mark(Enum):
    """A shape and a colour of the palette."""

    GOOD = "good"  # a disc with a tick
    WARN = "warn"  # a triangle with a stroke
    BAD = "bad"  # a square with a cross
    UNKNOWN = "text_faint"  # a ring with a dot


def licence_mark(kind: LicenceClass) -> Mark:
    """How a licence class is marked."""
    return {
        LicenceClass.COMMERCIAL: Mark.GOOD,
        LicenceClass.RESTRICTED: Mark.WARN,
        LicenceClass.RESEARCH: Mark.BAD,
        LicenceClass.UNKNOWN: Mark.UNKNOWN,
    }[kind]


def fit_mark(fit: Fit) -> Mark:
    """How a fit is marked."""
    return {Fit.FITS: Mark.GOOD, Fit.TIGHT: Mark.WARN, Fit.NO: Mark.BAD}.get(fit, Mark.UNKNOWN)


def paint_mark(painter: QPainter, room: QRect, mark: Mark, theme: Theme) -> None:
    """Draw a mark into a square of about 14 px."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    color = theme.color(mark.value)
    edge = min(room.width(), room.height())
    box = QRectF(0, 0, edge, edge)
    box.moveCenter(QRectF(room).center())
    inside = QPen(theme.color("page"), edge / 8)
    inside.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    unit = edge / 14
    painter.translate(box.topLeft())
    if mark is Mark.GOOD:
        _paint_tick(painter, unit, inside)
    elif mark is Mark.WARN:
        _paint_triangle(painter, unit, inside)
    elif mark is Mark.BAD:
        _paint_cross(painter, unit, inside)
    else:
        _paint_ring(painter, unit, color)
    painter.restore()


def _paint_tick(painter: QPainter, unit: float, inside: QPen) -> None:
    painter.drawEllipse(QRectF(0, 0, 14 * unit, 14 * unit))
    painter.setPen(inside)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    tick = [QPointF(x * unit, y * unit) for x, y in ((3.9, 7.3), (6.1, 9.5), (10.2, 4.9))]
    painter.drawPolyline(QPolygonF(tick))


def _paint_triangle(painter: QPainter, unit: float, inside: QPen) -> None:
    path = QPainterPath()
    path.addPolygon(
        QPolygonF([QPointF(x * unit, y * unit) for x, y in ((7, 0.6), (14, 13), (0, 13))])
    )
    path.closeSubpath()
    painter.drawPath(path)
    painter.setPen(inside)
    painter.drawLine(QPointF(7 * unit, 5.2 * unit), QPointF(7 * unit, 8.4 * unit))
    painter.drawPoint(QPointF(7 * unit, 11 * unit))


def _paint_cross(painter: QPainter, unit: float, inside: QPen) -> None:
    painter.drawRoundedRect(QRectF(0.5 * unit, 0.5 * unit, 13 * unit, 13 * unit), 2, 2)
    painter.setPen(inside)
    painter.drawLine(QPointF(4.4 * unit, 4.4 * unit), QPointF(9.6 * unit, 9.6 * unit))
    painter.drawLine(QPointF(9.6 * unit, 4.4 * unit), QPointF(4.4 * unit, 9.6 * unit))


def _paint_ring(painter: QPainter, unit: float, color: QColor) -> None:
    painter.drawEllipse(QPointF(7 * unit, 7 * unit), 1.6 * unit, 1.6 * unit)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(color, 1.6 * unit))
    painter.drawEllipse(QRectF(1 * unit, 1 * unit, 12 * unit, 12 * unit))


class _Shape(QWidget):
    """The mark alone."""

    def __init__(self, mark: Mark, theme: Theme, edge: int) -> None:
        super().__init__()
        self.mark = mark
        self._theme = theme
        self._edge = edge
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Grows with the text."""
        edge = self._theme.icon_px(self._edge)
        return QSize(edge, edge)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        paint_mark(painter, self.rect(), self.mark, self._theme)
        painter.end()


class MarkLabel(QWidget):
    """A mark and its word."""

    def __init__(
        self, name: str, mark: Mark, text: str, theme: Theme, kind: str = "", edge: int = 14
    ) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(text)
        self._shape = _Shape(mark, theme, edge)
        self._words = label(text, kind)
        row = flat(QHBoxLayout(self), spacing=SIZES.gap_2)
        row.addWidget(self._shape, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._words)
        row.addStretch(1)

    @property
    def text(self) -> str:
        """The word."""
        return self._words.text()

    @property
    def mark(self) -> Mark:
        """The shape."""
        return self._shape.mark

    def set(self, mark: Mark, text: str) -> None:
        """Show another one."""
        self._shape.mark = mark
        self._shape.update()
        self._words.setText(text)
        self.setAccessibleName(text)
