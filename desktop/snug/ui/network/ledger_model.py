"""The requests as rows of a table, newest first, each day under a heading of its own."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QDate,
    QDateTime,
    QLocale,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
)

from snug.domain.ledger import LedgerEntry, Outcome, day_of
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.look.words import size_words

_Index = QModelIndex | QPersistentModelIndex
SENT, RECEIVED = 3, 4


@dataclass(frozen=True, slots=True)
class _Day:
    """A heading."""

    day: datetime.date


class LedgerModel(QAbstractTableModel):
    """Columns: time, host, what for, sent, received, how it ended."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._rows: list[_Day | LedgerEntry] = []
        self._headers = (
            self.tr("Time"),
            self.tr("Host"),
            self.tr("What for"),
            self.tr("Sent"),
            self.tr("Received"),
            self.tr("Result"),
        )
        self._outcomes = {
            Outcome.OPEN: self.tr("Not ended"),
            Outcome.DONE: self.tr("Done"),
            Outcome.FAILED: self.tr("Failed"),
            Outcome.STOPPED: self.tr("Stopped"),
            Outcome.REFUSED: self.tr("Refused"),
        }

    def show_entries(self, entries: Sequence[LedgerEntry]) -> None:
        """Show these, given oldest first."""
        self.beginResetModel()
        self._rows = []
        day: datetime.date | None = None
        for entry in reversed(entries):
            if day_of(entry) != day:
                day = day_of(entry)
                self._rows.append(_Day(day))
            self._rows.append(entry)
        self.endResetModel()

    def heading_rows(self) -> list[int]:
        """Which rows are headings."""
        return [number for number, row in enumerate(self._rows) if isinstance(row, _Day)]

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008  Qt's own default
        """As Qt calls it."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008  Qt's own default
        """As Qt calls it."""
        return 0 if parent.isValid() else len(self._headers)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """The names of the columns."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._headers[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: _Index, role: int = 0) -> Any:
        """A cell."""
        row = self._rows[index.row()]
        column = index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column if isinstance(row, LedgerEntry) else 0)
        if isinstance(row, _Day):
            return self._day_data(row, column, role)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._cell(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.problem or self._cell(row, column)
        if role == Qt.ItemDataRole.FontRole:
            return self._theme.font(SIZES.bar, tabular=True)
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._theme.color(self._colour(row, column))
        return None

    def _day_data(self, row: _Day, column: int, role: int) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and column == 0:
            day = QDate(row.day.year, row.day.month, row.day.day)
            return QLocale().toString(day, QLocale.FormatType.LongFormat)
        if role == Qt.ItemDataRole.FontRole:
            font = self._theme.font(SIZES.bar)
            font.setBold(True)
            return font
        return None

    def _cell(self, entry: LedgerEntry, column: int) -> str:
        if column == 0:
            moment = QDateTime.fromMSecsSinceEpoch(entry.time_ms).time()
            return moment.toString("HH:mm:ss")
        return (
            "",
            entry.host,
            entry.reason,
            size_words(entry.bytes_sent),
            size_words(entry.bytes_received),
            self._outcomes[entry.outcome],
        )[column]

    def _colour(self, entry: LedgerEntry, column: int) -> str:
        if column == len(self._headers) - 1 and entry.outcome is Outcome.FAILED:
            return "warn"
        return "text" if column in (1, 2) else "text_soft"


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = (
        Qt.AlignmentFlag.AlignTrailing
        if column in (SENT, RECEIVED)
        else Qt.AlignmentFlag.AlignLeading
    )
    return side | Qt.AlignmentFlag.AlignVCenter
