"""The conversation list: by day, searchable, renamed in place, deleted with a way back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QDate, QItemSelectionModel, QLocale, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QListView, QMenu, QStackedLayout, QVBoxLayout, QWidget

from snug.domain.conversation import ConversationSummary
from snug.domain.errors import SnugError
from snug.domain.search import SearchHit
from snug.services.conversations import ConversationService
from snug.ui.conversation_delegate import ConversationDelegate
from snug.ui.conversation_groups import Age, Group, group_by_day
from snug.ui.conversation_model import ConversationModel, Row, RowKind
from snug.ui.icons import bind_icon
from snug.ui.parts import flat, label
from snug.ui.tasks import Tasks
from snug.ui.theme import Theme
from snug.ui.tokens import SIZES
from snug.ui.undo_bar import UndoBar
from snug.ui.words import count_words

_PAGE = 200  # conversations asked of the store at a time


class ConversationView(QListView):
    """The list itself: keys and menu. What they do is the owner's business."""

    chosen = Signal(QModelIndex)
    delete_requested = Signal(QModelIndex)
    menu_requested = Signal(QModelIndex, QPoint)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("conversationList")
        self.setAccessibleName(self.tr("Conversations"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QListView.EditTrigger.EditKeyPressed)
        self.setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return opens, Del deletes; F2 and the arrows are Qt's."""
        index = self.currentIndex()
        if index.isValid() and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(index)
        elif index.isValid() and event.key() == Qt.Key.Key_Delete:
            self.delete_requested.emit(index)
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Of the row under the pointer, or of the current one from the keyboard."""
        if event.reason() is QContextMenuEvent.Reason.Keyboard:
            index = self.currentIndex()
            at = self.visualRect(index).center()
        else:
            at = event.pos()
            index = self.indexAt(at)
        if index.isValid():
            self.menu_requested.emit(index, self.viewport().mapToGlobal(at))


class ConversationList(QWidget):
    """The list with its empty states and its way back after deleting.

    Attributes:
        conversation_chosen: id of the conversation and of the message found ("" from the list).
        conversation_removed: gone from view; `conversation_restored`: back again.
        failed: a sentence for the person.
    """

    conversation_chosen = Signal(str, str)
    conversation_removed = Signal(str)
    conversation_restored = Signal(str)
    conversation_renamed = Signal(str, str)
    failed = Signal(str)

    def __init__(
        self,
        conversations: ConversationService,
        theme: Theme,
        tasks: Tasks,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        super().__init__()
        self._conversations = conversations
        self._tasks = tasks
        self._now = now
        self._limit = _PAGE
        self._hidden: set[str] = set()
        self._searching = ""
        self._model = ConversationModel(self)
        self._view = ConversationView()
        self._delegate = ConversationDelegate(theme, self._view)
        self._view.setItemDelegate(self._delegate)
        self._view.setModel(self._model)
        self._empty = label(kind="small", tone="faint", wrap=True)
        self._undo = UndoBar("conversationUndo")
        self._theme = theme
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        self._empty.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignHCenter)
        self._empty.setContentsMargins(SIZES.gap_6, SIZES.gap_6, SIZES.gap_6, 0)
        stack = QWidget()
        self._stack = QStackedLayout(stack)
        self._stack.addWidget(self._view)
        self._stack.addWidget(self._empty)
        column = flat(QVBoxLayout(self))
        column.addWidget(stack, 1)
        column.addWidget(self._undo)

    def _connect(self) -> None:
        self._view.clicked.connect(self._on_view_chosen)
        self._view.chosen.connect(self._on_view_chosen)
        self._view.delete_requested.connect(self._on_delete_requested)
        self._view.menu_requested.connect(self._on_menu_requested)
        self._delegate.menu_requested.connect(
            lambda index: self._on_menu_requested(
                index, self._view.viewport().mapToGlobal(self._view.visualRect(index).center())
            )
        )
        self._model.renamed.connect(self._on_model_renamed)
        self._model.more_wanted.connect(self._on_more_wanted)
        self._theme.changed.connect(self._view.doItemsLayout)

    # -- showing ------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read the list again; selection and place stay. While searching it waits."""
        if self._searching or self._view.state() is QListView.State.EditingState:
            return
        try:
            summaries = self._conversations.summaries(self._limit)
        except SnugError as error:
            self.failed.emit(error.message)
            return
        shown = [s for s in summaries if s.id not in self._hidden and s.message_count]
        rows: list[Row] = []
        for group in group_by_day(shown, self._now().date(), self._now().tzinfo):
            rows.append(Row(RowKind.HEADING, self._heading(group)))
            rows.extend(self._row(summary) for summary in group.conversations)
        self._show(rows, len(summaries) == self._limit, self.tr("Your chats will be listed here."))

    def set_open(self, conversation_id: str | None) -> None:
        """Mark the conversation that is open on the page."""
        self._delegate.open_id = conversation_id
        self._view.viewport().update()

    def title_of(self, conversation_id: str) -> str:
        """The title in the list; "" where it is not listed."""
        index = self._model.index_of(conversation_id)
        return self._model.row(index).text if index.isValid() else ""

    def search(self, text: str) -> None:
        """Show what the words are found in, instead of the list; "" brings the list back."""
        self._searching = text.strip()
        if not self._searching:
            self.refresh()
            return
        asked = self._searching
        self._tasks.run(
            self,
            lambda: self._conversations.search(asked),
            lambda hits: self._on_hits_found(asked, hits),
            self.failed.emit,
        )

    def focus_first(self) -> None:
        """Move the keyboard into the list."""
        for number, row in enumerate(self._model.rows):
            if row.kind is not RowKind.HEADING:
                index = self._model.index(number)
                self._view.setFocus(Qt.FocusReason.OtherFocusReason)
                self._view.selectionModel().setCurrentIndex(
                    index, QItemSelectionModel.SelectionFlag.ClearAndSelect
                )
                return

    def commit_removals(self) -> None:
        """Carry out what could still be undone; call when the window closes."""
        self._undo.commit()

    def _on_hits_found(self, asked: str, hits: tuple[SearchHit, ...]) -> None:
        if asked != self._searching:
            return
        rows = [
            Row(
                RowKind.HIT,
                hit.title or self.tr("New chat"),
                hit.conversation_id,
                hit.message_id,
                hit.snippet,
            )
            for hit in hits
            if hit.conversation_id not in self._hidden
        ]
        if rows:
            found = (
                self.tr("One message found")
                if len(rows) == 1
                else self.tr("{} messages found").format(count_words(len(rows)))
            )
            rows.insert(0, Row(RowKind.HEADING, found))
        self._show(rows, False, self.tr("Nothing found for “{}”.").format(asked))
        self._view.scrollToTop()

    def _show(self, rows: list[Row], has_more: bool, empty: str) -> None:
        place = self._view.verticalScrollBar().value()
        current = self._view.currentIndex()
        current_id = self._model.row(current).conversation_id if current.isValid() else ""
        if self._model.set_rows(rows, has_more):
            index = self._model.index_of(current_id)
            if index.isValid():
                self._view.selectionModel().setCurrentIndex(
                    index, QItemSelectionModel.SelectionFlag.ClearAndSelect
                )
            self._view.verticalScrollBar().setValue(place)
        self._empty.setText(empty)
        self._stack.setCurrentWidget(self._view if rows else self._empty)

    def _heading(self, group: Group) -> str:
        words = {
            Age.TODAY: self.tr("Today"),
            Age.YESTERDAY: self.tr("Yesterday"),
            Age.WEEK: self.tr("Last 7 days"),
        }
        if group.age in words:
            return words[group.age]
        month = QLocale().standaloneMonthName(group.month)
        here = group.year == QDate.currentDate().year()
        return month if here else f"{month} {group.year}"

    def _row(self, summary: ConversationSummary) -> Row:
        return Row(RowKind.CONVERSATION, summary.title or self.tr("New chat"), summary.id)

    # -- doing --------------------------------------------------------------------------------

    def _on_view_chosen(self, index: QModelIndex) -> None:
        row = self._model.row(index)
        if row.kind is not RowKind.HEADING:
            self.conversation_chosen.emit(row.conversation_id, row.message_id)

    def _on_more_wanted(self) -> None:
        self._limit += _PAGE
        self.refresh()

    def _on_menu_requested(self, index: QModelIndex, at: QPoint) -> None:
        row = self._model.row(index)
        if row.kind is not RowKind.CONVERSATION:
            return
        menu = QMenu(self)
        menu.setObjectName("conversationMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        rename = menu.addAction(self.tr("Rename"), Qt.Key.Key_F2)
        rename.triggered.connect(lambda: self.rename(row.conversation_id))
        bind_icon(rename, "edit", self._theme)
        remove = menu.addAction(self.tr("Delete"), Qt.Key.Key_Delete)
        remove.triggered.connect(lambda: self.remove(row.conversation_id))
        bind_icon(remove, "trash", self._theme)
        menu.popup(at)

    def rename(self, conversation_id: str) -> None:
        """Open the in-place editor of a conversation."""
        index = self._model.index_of(conversation_id)
        if index.isValid():
            self._view.setCurrentIndex(index)
            self._view.edit(index)

    def _on_model_renamed(self, conversation_id: str, title: str) -> None:
        try:
            self._conversations.rename(conversation_id, title)
        except SnugError as error:
            self.failed.emit(error.message)
            return
        self.conversation_renamed.emit(conversation_id, title)

    def _on_delete_requested(self, index: QModelIndex) -> None:
        row = self._model.row(index)
        if row.kind is RowKind.CONVERSATION:
            self.remove(row.conversation_id)

    def remove(self, conversation_id: str) -> None:
        """Take a conversation out of view; for eight seconds it can be brought back."""
        index = self._model.index_of(conversation_id)
        if not index.isValid():
            return
        title = self._model.row(index).text
        self._undo.offer(
            self.tr("Deleted “{}”").format(title),
            lambda: self._delete(conversation_id),
            lambda: self._restore(conversation_id),
        )
        self._hidden.add(conversation_id)
        self.refresh()
        self.conversation_removed.emit(conversation_id)

    def _restore(self, conversation_id: str) -> None:
        self._hidden.discard(conversation_id)
        self.refresh()
        self.conversation_restored.emit(conversation_id)

    def _delete(self, conversation_id: str) -> None:
        self._tasks.run(
            self,
            lambda: self._conversations.delete(conversation_id),
            lambda _: self._hidden.discard(conversation_id),
            lambda message: self._on_delete_failed(conversation_id, message),
        )

    def _on_delete_failed(self, conversation_id: str, message: str) -> None:
        self._hidden.discard(conversation_id)
        self.refresh()
        self.failed.emit(message)
