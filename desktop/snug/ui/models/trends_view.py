"""Trends: what rises and falls on the Hub, and what is trending now, from the kept looks."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from snug.domain.errors import NotFoundError
from snug.domain.trends import Dimension, Series, is_runnable
from snug.services.looks import Look
from snug.services.trends import Trends
from snug.ui.look.banner import Banner, Level
from snug.ui.look.level_column import LevelColumn
from snug.ui.look.parts import Choice, Segments, column_width, flat, flow, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.models.trends_chart import TrendChart
from snug.ui.models.trends_list import TrendingList
from snug.ui.models.trends_table import NumbersTable
from snug.ui.models.trends_words import moment_words, summary_words
from snug.ui.tasks import Tasks

PERIODS = (7, 30, 90)
MAX_ROWS = 8  # of the table, until all are asked for


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the page shows, read in one go on another thread."""

    look: Look | None
    series: tuple[Series, ...]
    ways: Mapping[str, str] = field(default_factory=dict)
    due: bool = False


class TrendsView(QWidget):
    """A chart of shares by day, the same in tables, and the list of the last look.

    Looks by itself at most once a day, when it is opened, and only after a first look by hand.

    Attributes:
        opened: a model was chosen; it, and "" as the quantization.
    """

    opened = Signal(object, str)

    def __init__(self, trends: Trends, theme: Theme, tasks: Tasks) -> None:
        super().__init__()
        self.setObjectName("trendsView")
        self.setAccessibleName(self.tr("Trends"))
        self._trends = trends
        self._theme = theme
        self._tasks = tasks
        self._by = Dimension.CATEGORY
        self._days = 30
        self._series: tuple[Series, ...] = ()
        self._turn = 0  # of reading; what an earlier one brings is dropped
        self._all_rows = False
        self._looking: threading.Event | None = None
        self._make_parts()
        self._arrange_parts()
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    # -- building -----------------------------------------------------------------------------

    def _make_parts(self) -> None:
        self.problem = Banner(self._theme, "trendsProblem")
        self._state = label(tone="soft", wrap=True)
        self._state.setObjectName("trendsState")
        self._look = push_button("trendsLook", self.tr("Look now"), "", self.look)
        self._groups = Segments(
            "trendsBy",
            self.tr("Count by"),
            [
                Choice(Dimension.CATEGORY.value, self.tr("Category")),
                Choice(Dimension.FAMILY.value, self.tr("Family")),
                Choice(Dimension.LICENCE.value, self.tr("Licence")),
            ],
        )
        self._groups.set_value(self._by.value)
        self._groups.chosen.connect(self._on_group_chosen)
        self._periods = Segments(
            "trendsPeriod",
            self.tr("Period"),
            [Choice(str(days), self.tr("{} days").format(days)) for days in PERIODS],
        )
        self._periods.set_value(str(self._days))
        self._periods.chosen.connect(self._on_period_chosen)
        self._summary = label(kind="body", wrap=True)
        self._summary.setObjectName("trendsSummary")
        self.chart = TrendChart(self._theme)
        self.table = NumbersTable("trendsTable", self.tr("Shares and trends"), self._theme)
        self.table.marked.connect(self.chart.mark)
        self._rest = push_button("trendsRest", "", "link", self._on_rest_clicked)
        self._every = push_button("trendsEvery", "", "link", self._on_every_clicked)
        self.days_table = NumbersTable("trendsDays", self.tr("Shares of every day"), self._theme)
        self.days_table.hide()
        self.list = TrendingList(self._theme)
        self.list.opened.connect(self._on_model_opened)

    def _arrange_parts(self) -> None:
        self._state_row = flat(QBoxLayout(QBoxLayout.Direction.LeftToRight), spacing=SIZES.gap_4)
        self._state_row.addWidget(self._state, 1)
        self._state_row.addWidget(self._look, 0, Qt.AlignmentFlag.AlignLeading)
        self._choices = flat(QBoxLayout(QBoxLayout.Direction.LeftToRight), spacing=SIZES.gap_2)
        self._choices.addWidget(self._groups, 0, Qt.AlignmentFlag.AlignLeading)
        self._choices.addStretch(1)
        self._choices.addWidget(self._periods, 0, Qt.AlignmentFlag.AlignLeading)
        self._over_time = QWidget()
        times = flat(QVBoxLayout(self._over_time), spacing=SIZES.gap_4)
        times.addLayout(self._choices)
        times.addWidget(self._summary)
        times.addWidget(self.chart)
        times.addWidget(self.table)
        more = flat(QHBoxLayout(), spacing=SIZES.gap_4)
        more.addWidget(self._rest)
        more.addWidget(self._every)
        more.addStretch(1)
        times.addLayout(more)
        times.addWidget(self.days_table)
        self._empty = self._make_empty()
        self._inner = QWidget()
        self._column = flat(QVBoxLayout(self._inner), SIZES.gap_6, SIZES.gap_4)
        for widget in (self._over_time, self.list, self._empty):
            widget.hide()
        self._column.addLayout(self._state_row)
        self._column.addWidget(self._over_time)
        self._column.addSpacing(SIZES.gap_4)
        self._column.addWidget(self.list)
        self._column.addWidget(self._empty)
        self._column.addStretch(1)
        outer = flat(QVBoxLayout(self))
        outer.addWidget(self.problem)
        outer.addWidget(self._make_scroll(), 1)

    def _make_scroll(self) -> QScrollArea:
        body = QWidget()
        scroll = QScrollArea()
        self._level = LevelColumn(flat(QHBoxLayout(body)), self._inner, scroll)
        scroll.setObjectName("trendsScroll")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(body)
        return scroll

    def _make_empty(self) -> QWidget:
        page = QWidget()
        page.setObjectName("trendsEmpty")
        column = flat(QVBoxLayout(page), spacing=SIZES.gap_4)
        column.addSpacing(SIZES.page_top)
        column.addWidget(label(self.tr("See what rises and falls on the Hub"), "heading"))
        column.addWidget(
            label(
                self.tr(
                    "Snug asks the Hub what is trending, in two to eight requests, and keeps the "
                    "answer here, encrypted. Nothing about you is sent. After a look on three "
                    "days this page shows what becomes more and what less."
                ),
                "body",
                "soft",
                wrap=True,
            )
        )
        self._first = push_button("trendsFirstLook", self.tr("Look now"), "primary", self.look)
        column.addWidget(self._first, 0, Qt.AlignmentFlag.AlignLeading)
        return page

    # -- showing ------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read what is kept again; looks at the Hub where today's look is due."""
        self._read(may_look=True)

    def look(self) -> None:
        """Ask the Hub now; a second press stops it."""
        if self._looking is not None:
            self._looking.set()
            return
        self._begin_look(automatic=False)

    def hideEvent(self, event: QHideEvent) -> None:
        """A window that closes does not wait for the Hub."""
        if self._looking is not None and not self.window().isVisible():
            self._looking.set()
        super().hideEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow page the choices stand below one another."""
        super().resizeEvent(event)
        self._on_theme_changed()

    def _read(self, *, may_look: bool) -> None:
        self._turn += 1
        turn, by, days = self._turn, self._by, self._days
        trends = self._trends

        def read() -> _Shown:
            look = trends.last()
            if look is None:
                return _Shown(None, ())
            ways = {
                one.id: found[0]
                for one in look.repositories
                if not is_runnable(one) and (found := trends.made_from(one.id))
            }
            return _Shown(look, trends.series(by, days), ways, may_look and trends.is_due())

        self._tasks.run(
            self, read, lambda shown: self._on_read(turn, shown), self._on_reading_failed
        )

    def _on_read(self, turn: int, shown: _Shown) -> None:
        if turn != self._turn:
            return
        self._series = shown.series
        self._empty.setVisible(shown.look is None)
        self._over_time.setVisible(shown.look is not None)
        self.list.setVisible(shown.look is not None)
        self._show_state(shown.look)
        if shown.look is None:
            return
        summary = (
            summary_words(self._by, shown.series)
            if shown.series
            else self.tr("There was no look in these days. Choose a longer period, or look now.")
        )
        self._summary.setText(summary)
        self.chart.setVisible(bool(shown.series))
        self.table.setVisible(bool(shown.series))
        self.chart.show_series(self._by, shown.series, summary)
        self._show_tables()
        self.list.show_models(shown.look.repositories, shown.ways)
        if shown.due and self._looking is None:
            self._begin_look(automatic=True)

    def _show_state(self, look: Look | None) -> None:
        offline = self._trends.offline
        self._look.setVisible(look is not None and not offline)
        self._first.setVisible(not offline)
        if look is None:
            words = (
                self.tr(
                    "Snug is offline and has not looked at the Hub yet. Go online to look once."
                )
                if offline
                else ""
            )
        else:
            moment = moment_words(look.time_ms)
            words = (
                self.tr("Offline: this is the look of {}.").format(moment)
                if offline
                else self.tr("Last look: {}").format(moment)
            )
        self._state.setText(words)
        self._state.setVisible(bool(words))

    def _show_tables(self) -> None:
        """What the chart shows; the rest on request."""
        count = len(self._series)
        short = tuple(one for one in self._series if one.name in self.chart.lines)
        rows = self._series if self._all_rows or count <= MAX_ROWS else short
        self.table.show_summary(self._by, rows)
        self.table.set_narrow(self._is_narrow)
        words = self.tr("Show fewer") if self._all_rows else self.tr("All {}").format(count)
        self._rest.setText(words)
        self._rest.setAccessibleName(words)
        self._rest.setVisible(count > MAX_ROWS)
        self._show_days()

    def _show_days(self) -> None:
        opened = not self.days_table.isHidden()
        several = bool(self._series) and self._series[0].days > 1
        self._every.setVisible(several)
        words = self.tr("Hide the days") if opened else self.tr("Every day as a table")
        self._every.setText(words)
        self._every.setAccessibleName(words)
        if opened:
            self.days_table.show_days(self._by, self._series)
            self.days_table.setVisible(several)

    # -- looking ------------------------------------------------------------------------------

    def _begin_look(self, *, automatic: bool) -> None:
        stop = self._looking = threading.Event()
        if not automatic:
            self.problem.clear()
        for button in (self._look, self._first):
            button.setText(self.tr("Stop looking"))
            button.setAccessibleName(self.tr("Stop looking"))
        self._tasks.run(
            self,
            lambda: self._trends.look(stop, automatic=automatic),
            lambda look: self._on_looked(look, automatic),
            lambda message: self._on_looking_failed(message, stop, automatic),
        )

    def _on_looked(self, look: Look, automatic: bool) -> None:
        self._end_look()
        if look.kept and not automatic:
            self.problem.tell(
                self.tr(
                    "The last look is of {}, so the Hub was not asked again. Looks are at least "
                    "five minutes apart, and longer where the Hub wishes it."
                ).format(moment_words(look.time_ms))
            )
        self._read(may_look=False)

    def _on_looking_failed(self, message: str, stop: threading.Event, automatic: bool) -> None:
        self._end_look()
        if not stop.is_set():
            kept = self.tr("What is shown was kept.") if self._series else ""
            level = Level.INFO if automatic else Level.WARN
            self.problem.tell(f"{message} {kept}".strip(), level)

    def _end_look(self) -> None:
        self._looking = None
        for button in (self._look, self._first):
            button.setText(self.tr("Look now"))
            button.setAccessibleName(self.tr("Look now"))

    # -- reactions ----------------------------------------------------------------------------

    def _on_reading_failed(self, message: str) -> None:
        self.problem.tell(message, Level.DANGER)

    def _on_group_chosen(self, value: str) -> None:
        self._by = Dimension(value)
        self._read(may_look=False)

    def _on_period_chosen(self, value: str) -> None:
        self._days = int(value)
        self._read(may_look=False)

    def _on_rest_clicked(self) -> None:
        self._all_rows = not self._all_rows
        self._show_tables()

    def _on_every_clicked(self) -> None:
        self.days_table.setVisible(self.days_table.isHidden())
        self._show_days()

    def _on_model_opened(self, identifier: str) -> None:
        def read() -> object:
            found = self._trends.model(identifier)
            if found is None:
                raise NotFoundError(f"{identifier} is not kept any more. Look again.")
            return found

        self._tasks.run(self, read, lambda one: self.opened.emit(one, ""), self._on_reading_failed)

    @property
    def _is_narrow(self) -> bool:
        return self.width() < SIZES.page_narrow * max(1.0, self._theme.text_scale)

    def _on_theme_changed(self) -> None:
        narrow = self._is_narrow
        self.table.set_narrow(narrow)
        self._choices.setDirection(flow(narrow))
        self._state_row.setDirection(flow(narrow))
        self._inner.setMaximumWidth(column_width(self._theme, wide=True) + 2 * SIZES.gap_6)
        self._level.keep()
        if self._series and self.sender() is self._theme:
            self._show_tables()
