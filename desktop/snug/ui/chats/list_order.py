"""What the menus of the conversation list do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QInputDialog

from snug.domain.errors import SnugError
from snug.domain.organising import Folder
from snug.services.organiser import Organiser
from snug.ui.chats.retention_dialog import RetentionDialog

if TYPE_CHECKING:
    from snug.ui.chats.conversation_list import ConversationList


class ListOrder:
    """The `ListActions` of a list; each one ends with the list read again."""

    def __init__(self, shown: ConversationList, organiser: Organiser | None) -> None:
        self._list = shown
        self._organiser = organiser

    def rename(self, conversation_id: str) -> None:
        """Open the in-place editor."""
        self._list.rename(conversation_id)

    def remove(self, conversation_id: str) -> None:
        """Throw it away, or, in the trash, delete it."""
        self._list.remove(conversation_id)

    def pin(self, conversation_id: str, pinned: bool) -> None:
        """To the top, or not."""
        self._do(lambda order: order.pin([conversation_id], pinned))

    def export(self, conversation_id: str) -> None:
        """Write it to a file, which the window asks for."""
        self._list.export_requested.emit(conversation_id, self._list.title_of(conversation_id))

    def archive(self, conversation_id: str, archived: bool) -> None:
        """Out of sight, or back."""
        title = self._list.title_of(conversation_id)
        done = self._do(lambda order: order.archive([conversation_id], archived))
        if done and archived:
            self._list.offer_undo(
                _tr("Archived “{}”").format(title), lambda: self.archive(conversation_id, False)
            )

    def bring_back(self, conversation_id: str) -> None:
        """Out of the trash."""
        self._do(lambda order: order.restore([conversation_id]))

    def move(self, conversation_id: str, folder_id: str) -> None:
        """Into a folder; "" is out of all."""
        self._do(lambda order: order.move([conversation_id], folder_id or None))

    def move_to_new(self, conversation_id: str) -> None:
        """Into a folder that is made for it."""

        def make(order: Organiser) -> None:
            folder = _new_folder(order)
            order.move([conversation_id], folder.id)
            self._list.unfold(folder.id)

        self._do(make)

    def new_folder(self) -> None:
        """An empty one, to be named in place."""
        made: list[Folder] = []
        if self._do(lambda order: made.append(_new_folder(order))):
            self._list.unfold(made[0].id)
            self._list.rename_folder(made[0].id)

    def set_tag(self, conversation_id: str, tag: str, on: bool) -> None:
        """Give it a tag, or take it."""
        if on:
            self._do(lambda order: order.tag([conversation_id], tag))
        else:
            self._do(lambda order: order.untag([conversation_id], tag))

    def ask_tag(self, conversation_id: str) -> None:
        """Ask for a new tag."""
        dialog = QInputDialog(self._list)
        dialog.setObjectName("newTagDialog")
        dialog.setWindowTitle(_tr("New tag"))
        dialog.setLabelText(_tr("A word or two to find this chat by:"))
        dialog.textValueSelected.connect(lambda name: self.set_tag(conversation_id, name, True))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def rename_folder(self, folder_id: str) -> None:
        """Open the in-place editor."""
        self._list.rename_folder(folder_id)

    def keep_folder_name(self, folder_id: str, name: str) -> None:
        """What was written there."""
        if not self._do(lambda order: order.rename_folder(folder_id, name)):
            self._list.refresh()

    def ask_retention(self, folder_id: str) -> None:
        """Ask how long it keeps."""
        if self._organiser is None:
            return
        found = [folder for folder in self._organiser.folders() if folder.id == folder_id]
        if found:
            dialog = RetentionDialog(found[0], self._organiser, self._list)
            dialog.accepted.connect(lambda: self._set_retention(folder_id, dialog.days))
            dialog.open()

    def delete_folder(self, folder_id: str) -> None:
        """Let its chats fall out of it; with a way back."""
        if self._organiser is None:
            return
        found = [folder for folder in self._organiser.folders() if folder.id == folder_id]
        inside = self._list.inside(folder_id)
        if found and self._do(lambda order: order.delete_folder(folder_id)):
            words = _tr("Folder “{}” deleted, its chats are kept").format(found[0].name)
            self._list.offer_undo(words, lambda: self._make_again(found[0], inside))

    def empty_trash(self) -> None:
        """For good, once nobody has pressed Undo."""
        if self._organiser is not None:
            self._list.remove_later(self._organiser.in_trash(), _tr("Emptied the trash"))

    def _make_again(self, folder: Folder, inside: tuple[str, ...]) -> None:
        def make(order: Organiser) -> None:
            again = order.create_folder(folder.name)
            order.set_retention(again.id, folder.retention_days)
            order.move(inside, again.id)

        self._do(make)

    def _set_retention(self, folder_id: str, days: int | None) -> None:
        self._do(lambda order: order.set_retention(folder_id, days))

    def _do(self, change: Callable[[Organiser], object]) -> bool:
        """Do it and show it; what does not work is told."""
        if self._organiser is None:
            return False
        try:
            change(self._organiser)
        except SnugError as error:
            self._list.failed.emit(error.message)
            return False
        self._list.refresh()
        return True


def _new_folder(order: Organiser) -> Folder:
    taken = {folder.name.casefold() for folder in order.folders()}
    name, number = _tr("New folder"), 1
    while name.casefold() in taken:
        number += 1
        name = f"{_tr('New folder')} {number}"
    return order.create_folder(name)


def _tr(text: str) -> str:
    return QCoreApplication.translate("ConversationList", text)
