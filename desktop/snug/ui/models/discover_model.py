"""Rows of Discover: as many as there are, but read page by page as they come into sight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

from snug.domain.hub import Fit, Repository
from snug.services.discover import PAGE
from snug.ui.models.hub_words import spoken_row

Index = QModelIndex | QPersistentModelIndex
REPOSITORY_ROLE = Qt.ItemDataRole.UserRole
FIT_ROLE = Qt.ItemDataRole.UserRole + 1


class DiscoverModel(QAbstractListModel):
    """A list of known length whose rows come when they are looked at.

    So the scroll bar is right from the start and 5,000 rows cost no more than 50.

    Attributes:
        page_wanted: rows from this number on are in sight and not there yet.
    """

    page_wanted = Signal(int)

    def __init__(self, fit_of: Callable[[Repository], Fit], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._fit_of = fit_of
        self._count = 0
        self._rows: dict[int, Repository] = {}
        self._asked: set[int] = set()
        self._fits: dict[str, Fit] = {}

    def show(self, count: int, first: Sequence[Repository]) -> None:
        """Another list; `first` are its first rows."""
        self.beginResetModel()
        self._count = max(count, len(first))
        self._rows = dict(enumerate(first))
        self._asked = {0}
        self._fits = {}
        self.endResetModel()

    def fill(self, offset: int, rows: Sequence[Repository]) -> None:
        """Rows that were wanted."""
        for number, row in enumerate(rows, start=offset):
            if number < self._count:
                self._rows[number] = row
        if rows:
            last = min(offset + len(rows), self._count) - 1
            self.dataChanged.emit(self.index(offset), self.index(last))

    def forget_fits(self) -> None:
        """The memory that is free is known now, or is another."""
        self._fits = {}
        if self._count:
            self.dataChanged.emit(self.index(0), self.index(self._count - 1), [FIT_ROLE])

    def repository(self, index: Index) -> Repository | None:
        """The repository of a row; None while it is read."""
        return self._rows.get(index.row()) if index.isValid() else None

    def row_of(self, repository_id: str) -> int:
        """Where a repository stands among the rows that were read; -1 where it does not."""
        return next((n for n, row in self._rows.items() if row.id == repository_id), -1)

    def rowCount(self, parent: Index | None = None) -> int:
        """Number of rows, read or not."""
        return 0 if parent is not None and parent.isValid() else self._count

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Name, words for screen readers, and the repository itself for the delegate."""
        if not index.isValid():
            return None
        row = self._rows.get(index.row())
        if row is None:
            self._want(index.row())
            return self.tr("Reading…") if role == Qt.ItemDataRole.DisplayRole else None
        if role == Qt.ItemDataRole.DisplayRole:
            return row.id
        if role == REPOSITORY_ROLE:
            return row
        if role == FIT_ROLE:
            return self._fit(row)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return spoken_row(row, self._fit(row))
        return None

    def _fit(self, row: Repository) -> Fit:
        known = self._fits.get(row.id)
        if known is None:
            known = self._fits[row.id] = self._fit_of(row)
        return known

    def _want(self, row: int) -> None:
        page = row // PAGE
        if page not in self._asked:
            self._asked.add(page)
            self.page_wanted.emit(page * PAGE)
