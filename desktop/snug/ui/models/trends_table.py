"""The chart's numbers as tables, for who reads rather than looks, by keyboard and aloud."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractScrollArea,
    QFrame,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
)

from snug.domain.trends import Dimension, Direction, Series
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.look.words import count_words
from snug.ui.models.trends_words import change_words, day_words, name_words, share_words

_TONES = {Direction.RISING: "accent", Direction.FALLING: "warn"}


class NumbersTable(QTableWidget):
    """A quiet table that is as high as its rows, so that the page scrolls and not the table.

    Attributes:
        marked: the name of the row that the reader is at; "" for none.
    """

    marked = Signal(str)

    def __init__(self, name: str, accessible_name: str, theme: Theme) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(accessible_name)
        self._theme = theme
        self._names: list[str] = []
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizeAdjustPolicy(QAbstractScrollArea.SizeAdjustPolicy.AdjustToContents)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.horizontalHeader().setHighlightSections(False)
        self.itemSelectionChanged.connect(self._on_selection_changed)

    def show_summary(self, by: Dimension, series: Sequence[Series]) -> None:
        """One row for each name: share on the last day, models, and where it goes."""
        heads = {
            Dimension.CATEGORY: self.tr("Category"),
            Dimension.FAMILY: self.tr("Family"),
            Dimension.LICENCE: self.tr("Licence"),
        }
        known = any(one.direction is not Direction.UNKNOWN for one in series)
        trend = self.tr("Trend") if known else ""
        self._begin([heads[by], self.tr("Share"), self.tr("Models"), trend], len(series))
        self._names = [one.name for one in series]
        for row, one in enumerate(series):
            self._put(row, 0, name_words(by, one.name))
            self._put(row, 1, share_words(one.share), number=True)
            self._put(row, 2, count_words(one.points[-1].count), number=True)
            tone = _TONES.get(one.direction, "text_soft")
            self._put(row, 3, change_words(one), tone=tone)
        self._end(stretch=3)

    def show_days(self, by: Dimension, series: Sequence[Series]) -> None:
        """One row for each day with a look, newest first; a column for each name."""
        days = [point.day for point in series[0].points] if series else []
        heads = [self.tr("Day"), *(name_words(by, one.name) for one in series)]
        self._begin(heads, len(days))
        self._names = []
        for row, index in enumerate(reversed(range(len(days)))):
            self._put(row, 0, day_words(days[index], year=True))
            for column, one in enumerate(series, 1):
                point = one.points[index]
                self._put(row, column, share_words(point.share), number=True)
        self._end(stretch=None)

    def set_narrow(self, narrow: bool) -> None:
        """Leave the number of models out of the summary where there is little room."""
        if self._names:
            self.setColumnHidden(2, narrow)

    def texts(self) -> list[list[str]]:
        """What it says, row by row."""
        return [
            [
                item.text() if (item := self.item(row, column)) else ""
                for column in range(self.columnCount())
            ]
            for row in range(self.rowCount())
        ]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc lets the row go."""
        if event.key() == Qt.Key.Key_Escape and self.selectedItems():
            self.clearSelection()
            return
        super().keyPressEvent(event)

    def _begin(self, heads: list[str], rows: int) -> None:
        self.clear()
        self.setColumnCount(len(heads))
        self.setRowCount(rows)
        for column, text in enumerate(heads):
            item = QTableWidgetItem(text)
            side = Qt.AlignmentFlag.AlignTrailing if column > 0 else Qt.AlignmentFlag.AlignLeading
            item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
            self.setHorizontalHeaderItem(column, item)

    def _put(
        self, row: int, column: int, text: str, *, number: bool = False, tone: str = ""
    ) -> None:
        item = QTableWidgetItem(text)
        side = Qt.AlignmentFlag.AlignTrailing if number else Qt.AlignmentFlag.AlignLeading
        item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
        if number:
            item.setFont(self._theme.font(SIZES.bar, tabular=True))
        item.setForeground(self._theme.color(tone or "text"))
        self.setItem(row, column, item)

    def _end(self, stretch: int | None) -> None:
        head = self.horizontalHeader()
        head.setStretchLastSection(False)
        head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        if stretch is not None:
            head.setSectionResizeMode(stretch, QHeaderView.ResizeMode.Stretch)
            last = self.horizontalHeaderItem(stretch)
            if last is not None:
                last.setTextAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
        row = round(self._theme.px(SIZES.bar) * 2.2)
        self.verticalHeader().setDefaultSectionSize(row)
        head.setFixedHeight(row)
        bar = self.horizontalScrollBar().sizeHint().height() if stretch is None else 0
        self.setFixedHeight(row * (self.rowCount() + 1) + bar + 2)

    def _on_selection_changed(self) -> None:
        rows = {item.row() for item in self.selectedItems()}
        chosen = [self._names[row] for row in rows if row < len(self._names)]
        self.marked.emit(chosen[0] if chosen else "")
