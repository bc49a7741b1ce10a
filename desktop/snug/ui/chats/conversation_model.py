"""Rows of the conversation list: headings, conversations, search hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

from snug.domain.search import MATCH_END, MATCH_START

Index = QModelIndex | QPersistentModelIndex
ROW_ROLE = Qt.ItemDataRole.UserRole
_MIME = "application/x-snug-conversation"


class RowKind(Enum):
    """What a row is."""

    HEADING = "heading"
    CONVERSATION = "conversation"
    HIT = "hit"
    FOLDERS = "folders"  # the heading above them, which folds
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        snippet: of a hit, its matches marked as in `SearchHit`.
        folder_id: of a folder, or of the folder that a conversation lies in.
        note: faint words at the end: tags, or a count.
        unfolded: what belongs to a folder is listed below it.
    """

    kind: RowKind
    text: str
    conversation_id: str = ""
    message_id: str = ""
    snippet: str = ""
    folder_id: str = ""
    note: str = ""
    unfolded: bool = False
    indented: bool = False
    pinned: bool = False
    temporary: bool = False


class ConversationModel(QAbstractListModel):
    """Holds rows; an edit is passed on as `renamed` and shows at once."""

    renamed = Signal(str, str)  # conversation id, new title
    folder_renamed = Signal(str, str)  # folder id, new name
    dropped = Signal(str, str)  # conversation id, folder id or "" for none
    more_wanted = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[Row, ...] = ()
        self._has_more = False

    def set_rows(self, rows: Sequence[Row], has_more: bool = False) -> bool:
        """Show other rows; False where they are the same and nothing was touched."""
        self._has_more = has_more
        if tuple(rows) == self._rows:
            return False
        self.beginResetModel()
        self._rows = tuple(rows)
        self.endResetModel()
        return True

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows as they are shown."""
        return self._rows

    def row(self, index: Index) -> Row:
        """The row behind a valid index."""
        return self._rows[index.row()]

    def index_of(self, conversation_id: str) -> QModelIndex:
        """Where a conversation stands; invalid where it does not."""
        for number, row in enumerate(self._rows):
            if row.kind is RowKind.CONVERSATION and row.conversation_id == conversation_id:
                return self.index(number)
        return QModelIndex()

    def index_of_folder(self, folder_id: str) -> QModelIndex:
        """Where a folder stands; invalid where it does not."""
        for number, row in enumerate(self._rows):
            if row.kind is RowKind.FOLDER and row.folder_id == folder_id:
                return self.index(number)
        return QModelIndex()

    def index_of_same(self, row: Row) -> QModelIndex:
        """Where what a row stood for stands now."""
        if row.kind is RowKind.FOLDER:
            return self.index_of_folder(row.folder_id)
        if row.kind is RowKind.FOLDERS:
            found = (n for n, one in enumerate(self._rows) if one.kind is RowKind.FOLDERS)
            number = next(found, None)
            return QModelIndex() if number is None else self.index(number)
        return self.index_of(row.conversation_id)

    def rowCount(self, parent: Index | None = None) -> int:
        """Number of rows."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text for display, editing and screen readers; the row itself for the delegate."""
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return row.text
        if role == ROW_ROLE:
            return row
        if role == Qt.ItemDataRole.AccessibleTextRole and row.kind is RowKind.HIT:
            return f"{row.text}: {_unmarked(row.snippet)}"
        if role == Qt.ItemDataRole.AccessibleTextRole and row.note:
            return f"{row.text}, {row.note}"
        if role == Qt.ItemDataRole.ToolTipRole and row.kind is not RowKind.HEADING:
            return row.text
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Headings are only looked at; conversations can be renamed in place."""
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        row = self._rows[index.row()]
        kind = row.kind
        if kind is RowKind.HEADING:  # a chat dropped here falls out of its folder
            return Qt.ItemFlag.ItemIsDropEnabled
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if kind is RowKind.FOLDER:
            return flags | Qt.ItemFlag.ItemIsEditable | Qt.ItemFlag.ItemIsDropEnabled
        if kind is RowKind.CONVERSATION:
            more = Qt.ItemFlag.ItemIsEditable | Qt.ItemFlag.ItemIsDropEnabled
            return flags | more if row.temporary else flags | more | Qt.ItemFlag.ItemIsDragEnabled
        return flags

    def mimeTypes(self) -> list[str]:
        """Ids alone are dragged: nothing that another program could read."""
        return [_MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """The chat that is dragged."""
        data = QMimeData()
        if indexes:
            data.setData(_MIME, self.row(indexes[0]).conversation_id.encode())
        return data

    def supportedDropActions(self) -> Qt.DropAction:
        """Chats are moved."""
        return Qt.DropAction.MoveAction

    def dropMimeData(
        self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index
    ) -> bool:
        """Tell where a chat was dropped: False, so that the view removes no row by itself."""
        one = bytes(data.data(_MIME).data()).decode()
        target = parent.row() if parent.isValid() else row
        if one and 0 <= target < len(self._rows):
            self.dropped.emit(one, self._rows[target].folder_id)
        return False

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """A new title from the in-place editor; a blank one changes nothing."""
        title = " ".join(str(value).split())
        if not index.isValid() or not title or title == self._rows[index.row()].text:
            return False
        row = self._rows[index.row()]
        changed = replace(row, text=title)
        self._rows = (*self._rows[: index.row()], changed, *self._rows[index.row() + 1 :])
        self.dataChanged.emit(index, index)
        if row.kind is RowKind.FOLDER:
            self.folder_renamed.emit(row.folder_id, title)
        else:
            self.renamed.emit(row.conversation_id, title)
        return True

    def canFetchMore(self, parent: Index) -> bool:
        """There are older conversations."""
        return self._has_more and not parent.isValid()

    def fetchMore(self, parent: Index) -> None:
        """Ask for them; they come with the next `set_rows`."""
        if self._has_more:
            self._has_more = False
            self.more_wanted.emit()


def _unmarked(snippet: str) -> str:
    return snippet.replace(MATCH_START, "").replace(MATCH_END, "")
