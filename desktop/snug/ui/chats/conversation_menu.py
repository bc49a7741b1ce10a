"""The menus of the conversation list: of a chat, wherever it lies, and of a folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QMenu, QWidget

from snug.domain.organising import Shelf
from snug.services.organiser import Organiser
from snug.ui.chats.conversation_model import Row
from snug.ui.look.icons import bind_icon
from snug.ui.look.theme import Theme


class ListActions(Protocol):
    """What the menus ask the list to do."""

    def rename(self, conversation_id: str) -> None:
        """Open the in-place editor."""

    def remove(self, conversation_id: str) -> None:
        """Throw it away, or, in the trash, delete it."""

    def pin(self, conversation_id: str, pinned: bool) -> None:
        """To the top, or not."""

    def archive(self, conversation_id: str, archived: bool) -> None:
        """Out of sight, or back."""

    def export(self, conversation_id: str) -> None:
        """Write it to a file."""

    def bring_back(self, conversation_id: str) -> None:
        """Out of the trash."""

    def move(self, conversation_id: str, folder_id: str) -> None:
        """Into a folder; "" is out of all."""

    def move_to_new(self, conversation_id: str) -> None:
        """Into a folder that is made for it."""

    def set_tag(self, conversation_id: str, tag: str, on: bool) -> None:
        """Give it a tag, or take it."""

    def ask_tag(self, conversation_id: str) -> None:
        """Ask for a new tag."""

    def rename_folder(self, folder_id: str) -> None:
        """Open the in-place editor."""

    def ask_retention(self, folder_id: str) -> None:
        """Ask how long it keeps."""

    def delete_folder(self, folder_id: str) -> None:
        """Let its chats fall out of it."""


class ListMenus:
    """Builds them."""

    def __init__(
        self, actions: ListActions, organiser: Organiser | None, theme: Theme, parent: QWidget
    ) -> None:
        self._actions = actions
        self._organiser = organiser
        self._theme = theme
        self._parent = parent

    def of_conversation(self, row: Row, shelf: Shelf) -> QMenu:
        """The menu of a chat. Raises: SnugError."""
        do, one = self._actions, row.conversation_id
        menu = self._menu("conversationMenu")
        if shelf is Shelf.TRASH:
            self._add(menu, _tr("Restore"), "undo", lambda: do.bring_back(one))
            text = _tr("Delete for good")
            self._add(menu, text, "trash", lambda: do.remove(one), Qt.Key.Key_Delete)
            return menu
        self._add(menu, _tr("Rename"), "edit", lambda: do.rename(one), Qt.Key.Key_F2)
        if self._organiser is not None and not row.temporary:
            self._add_order(menu, row, self._organiser, shelf)
            self._add(menu, _tr("Export…"), "", lambda: do.export(one))
        self._add(menu, _tr("Delete"), "trash", lambda: do.remove(one), Qt.Key.Key_Delete)
        return menu

    def of_folder(self, row: Row) -> QMenu:
        """The menu of a folder."""
        do, folder = self._actions, row.folder_id
        menu = self._menu("folderMenu")
        self._add(menu, _tr("Rename"), "edit", lambda: do.rename_folder(folder), Qt.Key.Key_F2)
        self._add(menu, _tr("How long to keep…"), "", lambda: do.ask_retention(folder))
        text = _tr("Delete the folder, keep its chats")
        self._add(menu, text, "trash", lambda: do.delete_folder(folder), Qt.Key.Key_Delete)
        return menu

    def _add_order(self, menu: QMenu, row: Row, organiser: Organiser, shelf: Shelf) -> None:
        do, one = self._actions, row.conversation_id
        pin = _tr("Unpin") if row.pinned else _tr("Pin")
        self._add(menu, pin, "pin", lambda: do.pin(one, not row.pinned))
        folders = menu.addMenu(_tr("Move to folder"))
        bind_icon(folders.menuAction(), "folder", self._theme)
        for folder in organiser.folders():
            action = folders.addAction(_plain(folder.name))
            action.triggered.connect(lambda _=False, to=folder.id: do.move(one, to))
            action.setCheckable(True)
            action.setChecked(folder.id == row.folder_id)
        folders.addSeparator()
        folders.addAction(_tr("New folder"), lambda: do.move_to_new(one))
        if row.folder_id:
            folders.addAction(_tr("Out of the folder"), lambda: do.move(one, ""))
        tags = menu.addMenu(_tr("Tags"))
        has = row.note.split(", ")
        for tag in organiser.tags():
            action = tags.addAction(_plain(tag.name))
            action.setCheckable(True)
            action.setChecked(tag.name in has)
            action.toggled.connect(lambda on, name=tag.name: do.set_tag(one, name, on))
        tags.addAction(_tr("New tag…"), lambda: do.ask_tag(one))
        archived = shelf is Shelf.ARCHIVE
        text = _tr("Back from the archive") if archived else _tr("Archive")
        self._add(menu, text, "save", lambda: do.archive(one, not archived))

    def _menu(self, name: str) -> QMenu:
        menu = QMenu(self._parent)
        menu.setObjectName(name)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu

    def _add(
        self,
        menu: QMenu,
        text: str,
        icon_name: str,
        done: Callable[[], object],
        key: Qt.Key | None = None,
    ) -> None:
        action = menu.addAction(text)
        if key is not None:
            action.setShortcut(key)
        action.triggered.connect(lambda: done())
        if icon_name:
            bind_icon(action, icon_name, self._theme)


def _plain(name: str) -> str:
    return name.replace("&", "&&")


def _tr(text: str) -> str:
    return QCoreApplication.translate("ConversationList", text)
