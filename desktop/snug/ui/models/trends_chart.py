"""Shares over days as lines, each with its name at its end; a single day as bars.

Lines that rise or fall are in colour and carry a shape; the others are grey and still have their
name. In a window that reads from the right, time runs from the right as well.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from snug.domain.trends import Dimension, Direction, Series
from snug.ui.look.parts import draw_line
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.models.trends_words import day_words, name_words, shape_of, share_words

MAX_LINES = 7
_STEPS = (
    0.04,
    0.06,
    0.1,
    0.16,
    0.2,
    0.3,
    0.4,
    0.5,
    0.6,
    0.8,
    1.0,
)  # tops of the scale; each is halved once
_MOST_NAMES = 0.42  # of the width
_LEAST_LINES = 14  # of text, high
_DOTS_TO = 32  # days; with more, dots would touch
_ROLES = {
    Direction.RISING: "accent",
    Direction.FALLING: "warn",
    Direction.STEADY: "line_strong",
    Direction.UNKNOWN: "line_strong",
}


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where the lines are drawn, and the scale they are drawn in."""

    room: QRectF
    top_share: float
    first_day: int
    last_day: int
    mirrored: bool

    def point(self, day: int, share: float) -> QPointF:
        span = max(1, self.last_day - self.first_day)
        along = (day - self.first_day) / span * self.room.width()
        x = self.room.right() - along if self.mirrored else self.room.left() + along
        return QPointF(x, self.room.bottom() - share / self.top_share * self.room.height())


class TrendChart(QWidget):
    """A chart to look at; the tables beside it hold the same numbers for who cannot.

    Left and right, or the pointer, choose a day, whose shares then stand beside the names.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("trendChart")
        self.setAccessibleName(self.tr("Chart of shares by day"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._theme = theme
        self._by = Dimension.CATEGORY
        self._series: tuple[Series, ...] = ()
        self._marked = ""
        self._day: int | None = None  # index of the chosen day
        theme.changed.connect(self._on_theme_changed)

    # -- what is shown ------------------------------------------------------------------------

    def show_series(self, by: Dimension, series: Sequence[Series], summary: str) -> None:
        """Draw the largest of these; what moved comes before what is merely large."""
        self._by = by
        moved = (Direction.RISING, Direction.FALLING)
        ranked = sorted(series, key=lambda one: (one.direction not in moved, -one.share))
        chosen = {one.name for one in ranked[:MAX_LINES]}
        self._series = tuple(one for one in series if one.name in chosen)
        self._marked = ""
        self._day = None
        self.setAccessibleDescription(summary)
        self.updateGeometry()
        self.update()

    def mark(self, name: str) -> None:
        """Bring one line out; "" none."""
        self._marked = name
        self.update()

    @property
    def lines(self) -> tuple[str, ...]:
        """The names that are drawn, as they are kept."""
        return tuple(one.name for one in self._series)

    @property
    def chosen_day(self) -> str:
        """The day whose shares are told; "" for the last one without being asked."""
        return "" if self._day is None else self._series[0].points[self._day].day

    def sizeHint(self) -> QSize:
        """As high as its lines need."""
        line = self._line_height()
        rows = max(1, len(self._series))
        height = (
            (rows + 1) * line if self._days() == 1 else max(_LEAST_LINES * line, (rows + 4) * line)
        )
        return QSize(SIZES.column, height)

    def minimumSizeHint(self) -> QSize:
        """It can become narrow, not low."""
        return QSize(SIZES.popup // 2, self.sizeHint().height())

    # -- choosing a day -----------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right step through the days, Home and End go to the ends, Esc lets go."""
        days = self._days()
        forward = Qt.Key.Key_Left if self._mirrored() else Qt.Key.Key_Right
        back = Qt.Key.Key_Right if self._mirrored() else Qt.Key.Key_Left
        at = days - 1 if self._day is None else self._day
        steps = {back: at - 1, forward: at + 1, Qt.Key.Key_Home: 0, Qt.Key.Key_End: days - 1}
        key = Qt.Key(event.key())
        if key is Qt.Key.Key_Escape and self._day is not None:
            self._choose(None)
        elif key in steps and days > 1:
            self._choose(min(days - 1, max(0, steps[key])))
        else:
            super().keyPressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The day nearest to the pointer."""
        if self._days() < 2:
            return
        plot = self._plot(self._names_width())
        if not plot.room.adjusted(-8, -8, 8, 8).contains(event.position()):
            self._choose(None)
            return
        places = [plot.point(_ordinal(p.day), 0).x() for p in self._series[0].points]
        at = event.position().x()
        self._choose(min(range(len(places)), key=lambda i: abs(places[i] - at)))

    def leaveEvent(self, event: object) -> None:
        """The pointer went on."""
        self._choose(None)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """So did the keyboard."""
        super().focusOutEvent(event)
        self._choose(None)

    def _choose(self, day: int | None) -> None:
        if day == self._day or (day is not None and day >= self._days()):
            return
        self._day = day
        if day is not None:
            self.setAccessibleDescription(self._day_in_words(day))
        self.update()

    def _day_in_words(self, index: int) -> str:
        said = [
            f"{name_words(self._by, one.name)} {share_words(one.points[index].share)}"
            for one in self._series
        ]
        return f"{day_words(self._series[0].points[index].day, year=True)}: {', '.join(said)}"

    # -- drawing ------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Lines with their names, or bars."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._theme.font(SIZES.small, tabular=True))
        if self._days() == 1:
            self._paint_bars(painter)
        elif self._series:
            plot = self._plot(self._names_width())
            self._paint_scale(painter, plot)
            self._paint_lines(painter, plot)
            self._paint_names(painter, plot)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._theme.color("accent"), 2))
            edge = QRectF(self.rect()).adjusted(1, 1, -1, -1)
            painter.drawRoundedRect(edge, SIZES.radius, SIZES.radius)
        painter.end()

    def _paint_scale(self, painter: QPainter, plot: _Plot) -> None:
        line = self._line_height()
        for share in (0.0, plot.top_share / 2, plot.top_share):
            y = plot.point(plot.first_day, share).y()
            painter.setPen(QPen(self._theme.color("line"), 1))
            painter.drawLine(QPointF(plot.room.left(), y), QPointF(plot.room.right(), y))
            painter.setPen(self._theme.color("text_faint"))
            width = int(self._scale_width()) - SIZES.gap_2
            left = int(plot.room.right()) + SIZES.gap_2 if plot.mirrored else SIZES.gap_2
            room = QRect(left, round(y) - line // 2, width, line)
            align = Qt.AlignmentFlag.AlignLeft if plot.mirrored else Qt.AlignmentFlag.AlignRight
            flags = align | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute
            painter.drawText(room, flags, share_words(share))
        points = self._series[0].points
        ends = [points[0], points[-1]]
        if self._day is not None:
            ends = [points[self._day]]
            x = plot.point(_ordinal(ends[0].day), 0).x()
            painter.setPen(QPen(self._theme.color("text_faint"), 1))
            painter.drawLine(QPointF(x, plot.room.top()), QPointF(x, plot.room.bottom()))
        for point in ends:
            self._paint_day(painter, plot, point.day)

    def _paint_day(self, painter: QPainter, plot: _Plot, day: str) -> None:
        words = day_words(day)
        width = painter.fontMetrics().horizontalAdvance(words)
        middle = plot.point(_ordinal(day), 0).x()
        left = min(max(plot.room.left(), middle - width / 2), plot.room.right() - width)
        painter.setPen(self._theme.color("text_soft" if self._day is not None else "text_faint"))
        baseline = plot.room.bottom() + painter.fontMetrics().ascent() + SIZES.gap_2
        painter.drawText(QPointF(left, baseline), words)

    def _paint_lines(self, painter: QPainter, plot: _Plot) -> None:
        for one in sorted(self._series, key=self._weight):
            points = [plot.point(_ordinal(p.day), p.share) for p in one.points]
            color = self._theme.color(self._role(one))
            pen = QPen(color, self._weight(one))
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            painter.drawPolyline(QPolygonF(points))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            radius = self._weight(one)
            shown = points if len(points) <= _DOTS_TO else points[-1:]
            for point in shown:
                painter.drawEllipse(point, radius, radius)
            painter.setBrush(Qt.BrushStyle.NoBrush)

    def _paint_names(self, painter: QPainter, plot: _Plot) -> None:
        """Names at the ends of the lines, moved apart where they would overlap."""
        line = self._line_height()
        ends = {one.name: plot.point(plot.last_day, one.share).y() for one in self._series}
        places = _apart(ends, line, plot.room.top() - line / 2, plot.room.bottom() + line / 2)
        gap = SIZES.gap_4
        width = self._names_width() - gap
        for one in self._series:
            y = places[one.name]
            end = plot.point(plot.last_day, one.share)
            side = -1 if plot.mirrored else 1
            painter.setPen(QPen(self._theme.color("line"), 1))
            painter.drawLine(
                QPointF(end.x() + side * SIZES.gap, end.y()),
                QPointF(end.x() + side * (gap - 2), y),
            )
            left = end.x() - gap - width if plot.mirrored else end.x() + gap
            room = QRect(int(left), round(y - line / 2), int(width), line)
            painter.setPen(self._theme.color(self._text_role(one)))
            draw_line(painter, room, self._label(one), self.layoutDirection())

    def _paint_bars(self, painter: QPainter) -> None:
        line = self._line_height()
        names = self._names_width()
        most = max((one.share for one in self._series), default=0.0) or 1.0
        room = self.width() - names - SIZES.gap_4
        for number, one in enumerate(self._series):
            top = number * line + line // 2
            left = self.width() - names if self._mirrored() else 0
            painter.setPen(self._theme.color("text"))
            draw_line(
                painter,
                QRect(int(left), top, int(names), line),
                self._label(one),
                self.layoutDirection(),
            )
            wide = max(2.0, room * one.share / most)
            x = room - wide if self._mirrored() else names + SIZES.gap_4
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("accent" if one.name == self._marked else "scroll"))
            painter.drawRoundedRect(
                QRectF(x, top + line * 0.25, wide, line * 0.5), SIZES.gap // 2, SIZES.gap // 2
            )

    # -- measures -----------------------------------------------------------------------------

    def _plot(self, names_width: float) -> _Plot:
        line = self._line_height()
        scale = self._scale_width()
        left, right = (names_width, scale) if self._mirrored() else (scale, names_width)
        room = QRectF(self.rect()).adjusted(left, line, -right, -2 * line)
        shares = [point.share for one in self._series for point in one.points]
        top = next((step for step in _STEPS if step >= max(shares, default=0.0)), 1.0)
        days = [_ordinal(point.day) for point in self._series[0].points]
        return _Plot(room, top, days[0], days[-1], self._mirrored())

    def _names_width(self) -> float:
        metrics = self.fontMetrics()
        widest = max(
            (metrics.horizontalAdvance(self._label(one)) for one in self._series), default=0
        )
        return min(self.width() * _MOST_NAMES, widest + SIZES.gap_6)

    def _scale_width(self) -> float:
        return self.fontMetrics().horizontalAdvance(share_words(1.0)) + SIZES.gap_4

    def _label(self, one: Series) -> str:
        point = one.points[-1 if self._day is None else self._day]
        shape = shape_of(one.direction)
        words = f"{name_words(self._by, one.name)}  {share_words(point.share)}"
        return f"{words} {shape}" if shape and shape != "–" else words

    def _role(self, one: Series) -> str:
        return "text" if one.name == self._marked else _ROLES[one.direction]

    def _text_role(self, one: Series) -> str:
        if one.name == self._marked:
            return "text"
        role = _ROLES[one.direction]
        return "text_soft" if role == "line_strong" else role

    def _weight(self, one: Series) -> float:
        if one.name == self._marked:
            return 3.0
        return 2.0 if one.direction in (Direction.RISING, Direction.FALLING) else 1.25

    def _line_height(self) -> int:
        return round(self._theme.px(SIZES.small) * SIZES.line_height)

    def _days(self) -> int:
        return len(self._series[0].points) if self._series else 0

    def _mirrored(self) -> bool:
        return self.layoutDirection() is Qt.LayoutDirection.RightToLeft

    def _on_theme_changed(self) -> None:
        self.setFont(self._theme.font(SIZES.small, tabular=True))
        self.updateGeometry()
        self.update()


def _ordinal(day: str) -> int:
    return datetime.date.fromisoformat(day).toordinal()


def _apart(wanted: dict[str, float], step: float, top: float, bottom: float) -> dict[str, float]:
    """Places at least `step` apart, as near as can be to those that are wanted, within bounds."""
    order = sorted(wanted, key=lambda name: wanted[name])
    places: list[float] = []
    for name in order:
        places.append(max(wanted[name], places[-1] + step if places else top))
    limit = bottom
    for index in range(len(places) - 1, -1, -1):
        places[index] = min(places[index], limit)
        limit = places[index] - step
    return dict(zip(order, places, strict=True))
