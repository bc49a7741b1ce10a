"""Draws the rows of Discover: name and maker, facts, and two answers at the end."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from snug.domain.hub import Fit, Repository
from snug.domain.licence import LicenceClass
from snug.ui.look.marks import Mark, fit_mark, licence_mark, paint_mark
from snug.ui.look.parts import draw_line
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.models.discover_model import FIT_ROLE, REPOSITORY_ROLE
from snug.ui.models.hub_words import class_words, facts_line, fit_words, name_and_maker
from snug.ui.text.safe_text import shown_code

Index = QModelIndex | QPersistentModelIndex
_MARK = 14


class DiscoverDelegate(QStyledItemDelegate):
    """Paints with the theme's colours; keeps fonts and widths, which cost most."""

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme
        theme.changed.connect(self._measure)
        self._measure()

    def _measure(self) -> None:
        theme = self._theme
        self._name = theme.font(SIZES.body, QFont.Weight.DemiBold)
        self._maker = theme.font(SIZES.bar)
        self._facts = theme.font(SIZES.bar, tabular=True)
        self._name_px = QFontMetrics(self._name).height()
        self._facts_px = QFontMetrics(self._facts).height()
        words = [class_words(kind) for kind in LicenceClass] + [fit_words(fit) for fit in Fit]
        metrics = QFontMetrics(self._facts)
        widest = max(metrics.horizontalAdvance(word) for word in words)
        self._answers_px = widest + theme.icon_px(_MARK) + SIZES.gap_2 + SIZES.gap

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All rows are of one height."""
        return QSize(0, self._name_px + self._facts_px + SIZES.gap + 2 * SIZES.gap_3)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one row."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, option)
        row: Repository | None = index.data(REPOSITORY_ROLE)
        if row is None:
            self._paint_waiting(painter, option)
        else:
            self._paint_words(painter, option, row)
            self._paint_answers(painter, option, row, index.data(FIT_ROLE))
        painter.restore()

    def _paint_ground(self, painter: QPainter, option: QStyleOptionViewItem) -> None:
        rect: QRect = option.rect
        state = option.state
        held = state & (QStyle.StateFlag.State_MouseOver | QStyle.StateFlag.State_Selected)
        ground = rect.adjusted(0, 1, 0, -2)
        if held:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("panel"))
            painter.drawRoundedRect(ground, SIZES.radius, SIZES.radius)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._theme.color("accent"), 2))
            painter.drawRoundedRect(ground.adjusted(1, 1, -1, -1), SIZES.radius, SIZES.radius)
        line = QRect(rect.left() + SIZES.gap_3, rect.bottom(), rect.width() - 2 * SIZES.gap_3, 1)
        painter.fillRect(line, self._theme.color("line"))

    def _paint_waiting(self, painter: QPainter, option: QStyleOptionViewItem) -> None:
        """A row that is being read: two quiet bars where the words will be."""
        inner = _inner(option.rect)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("raised"))
        for top, share in ((0, 0.28), (self._name_px + SIZES.gap, 0.46)):
            bar = QRect(inner.left(), inner.top() + top + 3, round(inner.width() * share), 9)
            painter.drawRoundedRect(QStyle.visualRect(option.direction, inner, bar), 4, 4)

    def _paint_words(
        self, painter: QPainter, option: QStyleOptionViewItem, row: Repository
    ) -> None:
        inner = _inner(option.rect)
        room = QRect(inner)
        room.setWidth(max(0, inner.width() - self._answers_px - SIZES.gap_4))
        name, maker = (shown_code(part) for part in name_and_maker(row.id))
        top = QRect(room.left(), room.top(), room.width(), self._name_px)
        painter.setFont(self._name)
        painter.setPen(self._theme.color("text"))
        width = min(QFontMetrics(self._name).horizontalAdvance(name) + 2, top.width())
        place = QRect(top.left(), top.top(), width, top.height())
        draw_line(
            painter, QStyle.visualRect(option.direction, inner, place), name, option.direction
        )
        painter.setFont(self._maker)
        painter.setPen(self._theme.color("text_soft"))
        rest = QRect(top)
        rest.setLeft(place.right() + SIZES.gap_2)
        if rest.width() > SIZES.gap_6:
            draw_line(
                painter, QStyle.visualRect(option.direction, inner, rest), maker, option.direction
            )
        below = QRect(room.left(), top.bottom() + 1 + SIZES.gap, room.width(), self._facts_px)
        painter.setFont(self._facts)
        draw_line(
            painter,
            QStyle.visualRect(option.direction, inner, below),
            facts_line(row),
            option.direction,
        )

    def _paint_answers(
        self, painter: QPainter, option: QStyleOptionViewItem, row: Repository, fit: Fit
    ) -> None:
        inner = _inner(option.rect)
        kind = row.licence.licence_class
        left = inner.right() + 1 - self._answers_px
        lines = (
            (licence_mark(kind), class_words(kind), inner.top(), self._name_px),
            (
                fit_mark(fit),
                fit_words(fit),
                inner.top() + self._name_px + SIZES.gap,
                self._facts_px,
            ),
        )
        painter.setFont(self._facts)
        for mark, words, top, height in lines:
            self._paint_answer(
                painter, option, QRect(left, top, self._answers_px, height), mark, words
            )

    def _paint_answer(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        room: QRect,
        mark: Mark,
        words: str,
    ) -> None:
        inner = _inner(option.rect)
        edge = self._theme.icon_px(_MARK)
        sign = QRect(room.left(), room.center().y() - edge // 2 + 1, edge, edge)
        paint_mark(painter, QStyle.visualRect(option.direction, inner, sign), mark, self._theme)
        text = room.adjusted(edge + SIZES.gap_2, 0, 0, 0)
        painter.setPen(self._theme.color("text_soft"))
        draw_line(
            painter, QStyle.visualRect(option.direction, inner, text), words, option.direction
        )


def _inner(rect: QRect) -> QRect:
    return rect.adjusted(SIZES.gap_3, SIZES.gap_3 - 1, -SIZES.gap_3, -SIZES.gap_3)
