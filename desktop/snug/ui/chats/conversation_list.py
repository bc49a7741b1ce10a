"""The conversation list: by day, searchable, renamed in place, deleted with a way back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, Qt, Signal
from PySide6.QtWidgets import QListView, QStackedLayout, QVBoxLayout, QWidget

from snug.domain.errors import SnugError
from snug.domain.organising import ListFilter, Shelf
from snug.domain.search import FIRST_PAGE, SearchHit
from snug.domain.search_query import Term, parse_query
from snug.services.conversations import ConversationService
from snug.services.organiser import Organiser
from snug.services.temporary import TemporaryChats
from snug.ui.chat.conversation_view import ConversationView
from snug.ui.chats.conversation_delegate import ConversationDelegate
from snug.ui.chats.conversation_menu import ListMenus
from snug.ui.chats.conversation_model import ConversationModel, Row, RowKind
from snug.ui.chats.list_order import ListOrder
from snug.ui.chats.list_place_bar import ListPlaceBar
from snug.ui.chats.list_rows import ListRows
from snug.ui.chats.undo_bar import UndoBar
from snug.ui.look.parts import flat, label
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.look.words import count_words
from snug.ui.tasks import Tasks

_ALL = 1_000_000
_PAGE = 200  # conversations asked of the store at a time


class ConversationList(QWidget):
    """The list with its empty states and its way back after deleting.

    Attributes:
        conversation_chosen: id of the conversation and of the message found ("" from the list).
        conversation_removed: gone from view; `conversation_restored`: back again.
        export_requested: a chat is to be written to a file: its id and title.
        file_dropped: a file was dropped on the list; its path.
        failed: a sentence for the person.
    """

    conversation_chosen = Signal(str, str)
    conversation_removed = Signal(str)
    conversation_restored = Signal(str)
    conversation_renamed = Signal(str, str)
    export_requested = Signal(str, str)
    file_dropped = Signal(str)
    failed = Signal(str)

    def __init__(
        self,
        conversations: ConversationService,
        theme: Theme,
        tasks: Tasks,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        organiser: Organiser | None = None,
        temporary: TemporaryChats | None = None,
    ) -> None:
        super().__init__()
        self._organiser = organiser
        self._temporary = temporary
        self._rows = ListRows(conversations, organiser, temporary, now)
        self._conversations = conversations
        self._tasks = tasks
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
        self._bar = None if organiser is None else ListPlaceBar(organiser, theme)
        actions = ListOrder(self, organiser)
        self._menus = ListMenus(actions, organiser, theme, self)
        self.order = actions
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
        if self._bar is not None:
            column.addWidget(self._bar)
        column.addWidget(stack, 1)
        column.addWidget(self._undo)

    def _connect(self) -> None:
        self._view.clicked.connect(self._on_view_chosen)
        self._view.chosen.connect(self._on_view_chosen)
        self._view.delete_requested.connect(self._on_delete_requested)
        self._view.menu_requested.connect(self._on_menu_requested)
        self._view.file_dropped.connect(self.file_dropped)
        self._delegate.menu_requested.connect(
            lambda index: self._on_menu_requested(
                index, self._view.viewport().mapToGlobal(self._view.visualRect(index).center())
            )
        )
        self._model.renamed.connect(self._on_model_renamed)
        self._model.more_wanted.connect(self._on_more_wanted)
        self._view.fold_requested.connect(self._on_fold_requested)
        self._model.folder_renamed.connect(self.order.keep_folder_name)
        self._model.dropped.connect(self._on_model_dropped)
        self._theme.changed.connect(self._view.doItemsLayout)
        if self._bar is not None:
            self._bar.chosen.connect(self.show_place)
            self._bar.folder_requested.connect(self.order.new_folder)
            self._bar.empty_requested.connect(self.order.empty_trash)
            self._bar.failed.connect(self.failed)

    # -- showing ------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read the list again; selection and place stay. While searching it waits."""
        if self._searching or self._view.state() is QListView.State.EditingState:
            return
        try:
            rows, has_more = self._rows.read(self._limit, self._hidden)
        except SnugError as error:
            self.failed.emit(error.message)
            return
        self._show(rows, has_more, self._rows.empty_words())
        if self._bar is not None:
            self._bar.show_place(self._rows.place, has_rows=bool(rows))

    def show_place(self, shelf: Shelf, tag: str = "") -> None:
        """Look at all chats, the archive, the trash, or what has a tag."""
        self._rows.place.shelf, self._rows.place.tag = shelf, tag
        self._limit = _PAGE
        self.refresh()
        self._view.scrollToTop()

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
            lambda message: self._on_search_failed(asked, message),
        )

    @property
    def searched_terms(self) -> tuple[Term, ...]:
        """The words that are being searched for."""
        with contextlib.suppress(SnugError):
            return parse_query(self._searching).terms
        return ()

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

    def _on_search_failed(self, asked: str, message: str) -> None:
        if asked == self._searching:  # said where hits would be: one may still be typing
            self._show([], False, message)

    def _on_hits_found(self, asked: str, hits: tuple[SearchHit, ...]) -> None:
        if asked != self._searching:
            return
        rows = [
            Row(
                RowKind.HIT,
                hit.title or self.tr("New chat"),
                hit.conversation_id,
                "" if hit.of_title else hit.message_id,
                hit.snippet,
            )
            for hit in hits
            if hit.conversation_id not in self._hidden
        ]
        if rows:
            rows.insert(0, Row(RowKind.HEADING, self._found_words(len(rows))))
        self._show(rows, False, self.tr("Nothing found for “{}”.").format(asked))
        self._view.scrollToTop()

    def _found_words(self, count: int) -> str:
        if count == 1:
            return self.tr("One place found")
        if count >= FIRST_PAGE:
            return self.tr("The best {}; more words find less").format(count_words(count))
        return self.tr("{} places found").format(count_words(count))

    def _show(self, rows: list[Row], has_more: bool, empty: str) -> None:
        place = self._view.verticalScrollBar().value()
        current = self._view.currentIndex()
        before = self._model.row(current) if current.isValid() else None
        if self._model.set_rows(rows, has_more):
            index = QModelIndex() if before is None else self._model.index_of_same(before)
            if index.isValid():
                self._view.selectionModel().setCurrentIndex(
                    index, QItemSelectionModel.SelectionFlag.ClearAndSelect
                )
            self._view.verticalScrollBar().setValue(place)
        self._empty.setText(empty)
        self._stack.setCurrentWidget(self._view if rows else self._empty)

    # -- doing --------------------------------------------------------------------------------

    def _on_view_chosen(self, index: QModelIndex) -> None:
        row = self._model.row(index)
        if row.kind in (RowKind.FOLDER, RowKind.FOLDERS):
            self._on_fold_requested(index, not row.unfolded)
        elif row.kind is not RowKind.HEADING:
            self.conversation_chosen.emit(row.conversation_id, row.message_id)

    def _on_fold_requested(self, index: QModelIndex, unfold: bool) -> None:
        row, place = self._model.row(index), self._rows.place
        if row.kind is RowKind.FOLDERS:
            place.folders_shown = unfold
        elif row.kind is RowKind.FOLDER and unfold:
            place.open_folders.add(row.folder_id)
        elif row.kind is RowKind.FOLDER:
            place.open_folders.discard(row.folder_id)
        self.refresh()

    def _on_model_dropped(self, conversation_id: str, folder_id: str) -> None:
        before = self._model.row(self._model.index_of(conversation_id)).folder_id
        if self._rows.place.is_all and folder_id != before:
            self.order.move(conversation_id, folder_id)

    def _on_more_wanted(self) -> None:
        self._limit += _PAGE
        self.refresh()

    def _on_menu_requested(self, index: QModelIndex, at: QPoint) -> None:
        row = self._model.row(index)
        try:
            if row.kind is RowKind.CONVERSATION:
                self._menus.of_conversation(row, self._rows.place.shelf).popup(at)
            elif row.kind is RowKind.FOLDER:
                self._menus.of_folder(row).popup(at)
        except SnugError as error:
            self.failed.emit(error.message)

    def rename(self, conversation_id: str) -> None:
        """Open the in-place editor of a conversation."""
        self._edit(self._model.index_of(conversation_id))

    def rename_folder(self, folder_id: str) -> None:
        """Open the in-place editor of a folder."""
        self._edit(self._model.index_of_folder(folder_id))

    def unfold(self, folder_id: str) -> None:
        """Show the folders, and what is in this one."""
        self._rows.place.folders_shown = True
        self._rows.place.open_folders.add(folder_id)
        self.refresh()

    def _edit(self, index: QModelIndex) -> None:
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
        elif row.kind is RowKind.FOLDER:
            self.order.delete_folder(row.folder_id)

    def remove(self, conversation_id: str) -> None:
        """Take a conversation out of view; for eight seconds it can be brought back."""
        index = self._model.index_of(conversation_id)
        if not index.isValid():
            return
        title = self._model.row(index).text
        words = self.tr("Deleted “{}”")
        to_trash = self._goes_to_trash(conversation_id)
        if to_trash and self._organiser is not None and self._organiser.keep_days():
            words = self.tr("In the trash: “{}”")
        self._undo.offer(
            words.format(title),
            lambda: self._delete(conversation_id, to_trash),
            lambda: self._restore(conversation_id),
        )
        self._hidden.add(conversation_id)
        self.refresh()
        self.conversation_removed.emit(conversation_id)

    def _restore(self, conversation_id: str) -> None:
        self._hidden.discard(conversation_id)
        self.refresh()
        self.conversation_restored.emit(conversation_id)

    def offer_undo(self, text: str, undo: Callable[[], None]) -> None:
        """Tell what was done, with a way back."""
        self._undo.offer(text, lambda: None, undo)

    def inside(self, folder_id: str) -> tuple[str, ...]:
        """The ids of all chats in a folder, archived ones too."""
        where = ListFilter(folder_id=folder_id)
        return tuple(s.id for s in self._conversations.summaries(_ALL, where=where))

    def remove_later(self, conversation_ids: Sequence[str], text: str) -> None:
        """Take chats out of view and, where nobody undoes it, delete them for good."""

        def delete(order: Organiser) -> None:
            self._tasks.run(
                self,
                lambda: order.delete(conversation_ids),
                lambda _: self._hidden.difference_update(conversation_ids),
                self.failed.emit,
            )

        def show_again() -> None:
            self._hidden.difference_update(conversation_ids)
            self.refresh()

        if self._organiser is not None and conversation_ids:
            order = self._organiser
            self._undo.offer(text, lambda: delete(order), show_again)
            self._hidden.update(conversation_ids)
            self.refresh()

    def _goes_to_trash(self, conversation_id: str) -> bool:
        if self._temporary is not None and self._temporary.holds(conversation_id):
            return False
        return self._organiser is not None and self._rows.place.shelf is not Shelf.TRASH

    def _throw_away(self, conversation_id: str, to_trash: bool) -> None:
        if to_trash and self._organiser is not None:
            self._organiser.trash([conversation_id])
        else:
            self._conversations.delete(conversation_id)

    def _delete(self, conversation_id: str, to_trash: bool) -> None:
        self._tasks.run(
            self,
            lambda: self._throw_away(conversation_id, to_trash),
            lambda _: self._on_deleted(conversation_id),
            lambda message: self._on_delete_failed(conversation_id, message),
        )

    def _on_deleted(self, conversation_id: str) -> None:
        self._hidden.discard(conversation_id)
        if self._rows.place.shelf is Shelf.TRASH:
            self.refresh()  # it was hidden there as well

    def _on_delete_failed(self, conversation_id: str, message: str) -> None:
        self._hidden.discard(conversation_id)
        self.refresh()
        self.failed.emit(message)
