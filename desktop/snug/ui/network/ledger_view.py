"""The network ledger: every request that left this computer, by day, and what each host got."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from snug.domain.errors import SnugError
from snug.domain.ledger import HostTotal, LedgerEntry, to_csv, totals
from snug.services.network import Network
from snug.ui.look.banner import Banner, Level
from snug.ui.look.parts import flat, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.look.words import count_words, size_words
from snug.ui.network.ledger_model import LedgerModel

_MOST_HOSTS = 5
_HOST_LETTERS = 26
_TIGHT_PURPOSE_LETTERS = 6  # before the table scrolls sideways
_LEAST_PURPOSE_LETTERS = 16


class LedgerView(QWidget):
    """Totals for each host, a filter, the table, and a file of it all."""

    def __init__(self, network: Network, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("ledgerView")
        self.setAccessibleName(self.tr("Network ledger"))
        self._network = network
        self._theme = theme
        self._entries: tuple[LedgerEntry, ...] = ()
        self.problem = Banner(theme, "ledgerProblem")
        self._summary = label("", "body", wrap=True)
        self._summary.setObjectName("ledgerSummary")
        self._hosts = QWidget()
        self._host_rows = flat(QVBoxLayout(self._hosts), spacing=SIZES.gap)
        self._filter = QLineEdit()
        self._filter.setObjectName("ledgerFilter")
        self._filter.setAccessibleName(self.tr("Show only requests with this word"))
        self._filter.setPlaceholderText(self.tr("Filter by host, purpose or result"))
        self._filter.setClearButtonEnabled(True)
        self._filter.textChanged.connect(self._show_entries)
        self._export = push_button("exportLedger", self.tr("Export as CSV…"), "", self._ask_where)
        self._model = LedgerModel(theme)
        self._table = self._make_table()
        self._none_fits = label(self.tr("No request has this word."), tone="soft")
        self._lay_out()
        theme.changed.connect(self._on_theme_changed)

    def refresh(self) -> None:
        """Read the ledger anew."""
        try:
            self._entries = self._network.ledger()
        except SnugError as error:
            self.problem.tell(error.message, Level.DANGER)
            return
        there = bool(self._entries)
        for part in (self._tools, self._table, self._hosts):
            part.setVisible(there)
        self._summary.setText(self._summary_words())
        self._show_hosts(totals(self._entries))
        self._show_entries()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The purpose takes what the other columns leave."""
        super().resizeEvent(event)
        self._fit_columns()

    # -- building -----------------------------------------------------------------------------

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setObjectName("ledgerTable")
        table.setAccessibleName(self.tr("Requests, newest first"))
        table.setModel(self._model)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        return table

    def _lay_out(self) -> None:
        self._tools = QWidget()
        tools = flat(QHBoxLayout(self._tools), spacing=SIZES.gap_2)
        tools.addWidget(self._filter, 1)
        tools.addWidget(self._export)
        column = flat(QVBoxLayout(self), spacing=SIZES.gap_4)
        column.addWidget(self.problem)
        column.addWidget(self._summary)
        column.addWidget(self._hosts)
        column.addWidget(self._tools)
        column.addWidget(self._none_fits)
        column.addWidget(self._table, 1)
        column.addStretch(0)
        self._on_theme_changed()

    # -- showing ------------------------------------------------------------------------------

    def _summary_words(self) -> str:
        if not self._entries:
            return self.tr(
                "Nothing was ever sent. When you look for a model or download one, every request "
                "stands here with its host, its purpose and its size. Your chats and files are in "
                "none of them."
            )
        sent = sum(total.bytes_sent for total in totals(self._entries))
        return self.tr(
            "{} requests are written down here, {} sent in all. None of them held a word of your "
            "chats or files."
        ).format(count_words(len(self._entries)), size_words(sent))

    def _show_hosts(self, found: tuple[HostTotal, ...]) -> None:
        while (item := self._host_rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for total in found[:_MOST_HOSTS]:
            self._host_rows.addWidget(self._host_row(total))
        if len(found) > _MOST_HOSTS:
            more = self.tr("and {} more hosts").format(count_words(len(found) - _MOST_HOSTS))
            self._host_rows.addWidget(label(more, tone="soft"))

    def _host_row(self, total: HostTotal) -> QWidget:
        row = QWidget()
        line = flat(QHBoxLayout(row), spacing=SIZES.gap_3)
        name = push_button(
            f"host_{total.host}", total.host, "link", partial(self._filter.setText, total.host)
        )
        name.setAccessibleDescription(self.tr("Show only its requests"))
        words = self.tr("{} requests · {} sent · {} received").format(
            count_words(total.requests),
            size_words(total.bytes_sent),
            size_words(total.bytes_received),
        )
        figures = label(words, tone="soft")
        figures.setFont(self._theme.font(SIZES.bar, tabular=True))
        line.addWidget(name)
        line.addWidget(figures)
        line.addStretch(1)
        return row

    def _show_entries(self) -> None:
        wanted = self._filter.text().casefold().strip()
        shown = [one for one in self._entries if not wanted or wanted in _searched(one)]
        self._model.show_entries(shown)
        self._table.clearSpans()
        for row in self._model.heading_rows():
            self._table.setSpan(row, 0, 1, self._model.columnCount())
        self._none_fits.setVisible(bool(self._entries) and not shown)
        self._fit_columns()

    def _fit_columns(self) -> None:
        """Narrow columns as wide as they must be, the purpose as wide as it can."""
        font = self._theme.font(SIZES.bar, tabular=True)
        wide = QFontMetrics(font).horizontalAdvance
        hosts = [wide(one.host) for one in self._entries] or [0]
        cells = {
            0: wide("00:00:00"),
            1: min(max(hosts), wide("n" * _HOST_LETTERS)),
            3: wide(size_words(999)),
            4: wide(size_words(999)),
            5: wide(self.tr("Not ended")),
        }
        room = self.width() - self._table.verticalScrollBar().sizeHint().width()
        gap, least = SIZES.gap_6 + SIZES.gap, wide("n" * _LEAST_PURPOSE_LETTERS)
        if room - sum(cells.values()) - gap * len(cells) < least:
            gap, least = SIZES.gap_6, wide("n" * _TIGHT_PURPOSE_LETTERS)
        for column, width in cells.items():
            self._table.setColumnWidth(column, width + gap)
        roomy = room - sum(cells.values()) - gap * len(cells) >= least
        mode = QHeaderView.ResizeMode.Stretch if roomy else QHeaderView.ResizeMode.Fixed
        self._table.horizontalHeader().setSectionResizeMode(2, mode)
        if not roomy:
            self._table.setColumnWidth(2, least)

    def _on_theme_changed(self) -> None:
        height = round(SIZES.row * max(1.0, self._theme.text_scale))
        self._table.verticalHeader().setDefaultSectionSize(height)
        self._table.setMinimumHeight(height * 4)
        self._fit_columns()

    # -- export -------------------------------------------------------------------------------

    def _ask_where(self) -> None:
        dialog = QFileDialog(self, self.tr("Export the network ledger"))
        dialog.setObjectName("exportLedgerDialog")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(self.tr("Tables (*.csv)"))
        dialog.setDefaultSuffix("csv")
        dialog.selectFile("snug-network-ledger.csv")
        dialog.fileSelected.connect(lambda name: self.export_to(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def export_to(self, path: Path) -> None:
        """Write everything, whatever the filter shows, as a table for spreadsheets."""
        try:
            path.write_text(to_csv(self._entries), encoding="utf-8", newline="")
        except OSError as error:
            words = self.tr("{} cannot be written: {}. Choose another place.")
            self.problem.tell(words.format(path, error.strerror or error), Level.DANGER)
            return
        self.problem.tell(self.tr("Written to {}").format(path), Level.INFO)


def _searched(entry: LedgerEntry) -> str:
    return f"{entry.host} {entry.reason} {entry.outcome.value} {entry.problem}".casefold()
