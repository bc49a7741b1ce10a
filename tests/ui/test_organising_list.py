"""Folders, tags, archive, trash and temporary chats in the window, over a real vault in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QListView, QPushButton
from pytestqt.qtbot import QtBot
from tests.ui.fakes import FakeEngine, Rooms

from snug.domain.conversation import Conversation, Message, Part, PartKind, Role
from snug.domain.organising import ListFilter, Shelf
from snug.services.bundle import Services
from snug.services.conversations import ConversationService
from snug.services.organiser import Organiser
from snug.services.preferences import Preferences
from snug.services.temporary import SplitStore, TemporaryChats
from snug.ui.chats.conversation_model import ConversationModel, RowKind
from snug.ui.chats.retention_dialog import RetentionDialog
from snug.ui.look.theme import Theme
from snug.ui.main_window import MainWindow
from snug.ui.settings.preferences_keys import OPEN_CONVERSATION
from snug.vault.vault import Vault


@dataclass(slots=True)
class Desk:
    window: MainWindow
    vault: Vault
    organiser: Organiser
    engine: FakeEngine

    @property
    def view(self) -> QListView:
        found = self.window.findChild(QListView, "conversationList")
        assert isinstance(found, QListView)
        return found

    @property
    def model(self) -> ConversationModel:
        found = self.view.model()
        assert isinstance(found, ConversationModel)
        return found

    def texts(self) -> list[str]:
        return [row.text for row in self.model.rows if row.kind is not RowKind.HEADING]

    def listed(self, where: ListFilter) -> list[str]:
        return [one.id for one in self.vault.conversations.summaries(where=where)]


def put(vault: Vault, name: str) -> None:
    vault.conversations.create(Conversation(name, name, 0, 0))
    message = Message(f"m{name}", name, None, Role.USER, (Part(PartKind.TEXT, name),))
    vault.conversations.add_message(message, durable=False)


@pytest.fixture
def desk(
    qtbot: QtBot, rooms: Rooms, services: Services, theme: Theme, tmp_path: Path
) -> Iterator[Desk]:
    vault, memory = Vault.temporary(), Vault.temporary()
    for name in ("plain", "work"):
        put(vault, name)
    temporary = TemporaryChats(lambda: memory.conversations)
    store = SplitStore(vault.conversations, temporary)
    conversations = ConversationService(store, services.models, rooms.engine, temporary.keeps)
    organiser = Organiser(vault.organising, conversations)
    made = Services(
        profile=services.profile,
        conversations=conversations,
        models=services.models,
        preferences=Preferences(store),
        organiser=organiser,
        temporary=temporary,
    )
    window = MainWindow(made, theme)
    qtbot.addWidget(window)
    window.show()
    yield Desk(window, vault, organiser, rooms.engine)
    window.close()
    conversations.stop_all()
    memory.close()
    vault.close()


def test_a_folder_unfolds_and_a_chat_dropped_on_it_lies_in_it(qtbot: QtBot, desk: Desk) -> None:
    folder = desk.organiser.create_folder("Tax")
    desk.window.list.refresh()
    data = desk.model.mimeData([desk.model.index_of("work")])
    target = desk.model.index_of_folder(folder.id)
    desk.model.dropMimeData(data, Qt.DropAction.MoveAction, -1, -1, target)
    assert desk.listed(ListFilter(folder_id=folder.id)) == ["work"]
    assert "work" not in desk.texts()
    desk.view.setCurrentIndex(desk.model.index_of_folder(folder.id))
    qtbot.keyClick(desk.view, Qt.Key.Key_Right)
    assert desk.model.row(desk.view.currentIndex()).text == "Tax"
    assert desk.texts() == ["Folders", "Tax", "work", "plain"]


def test_pinned_chats_stand_on_top(desk: Desk) -> None:
    desk.organiser.pin(["plain"], True)
    desk.window.list.refresh()
    assert [row.text for row in desk.model.rows] == ["Pinned", "plain", "Today", "work"]


def test_del_goes_to_the_trash_and_the_trash_gives_it_back(qtbot: QtBot, desk: Desk) -> None:
    desk.view.setCurrentIndex(desk.model.index_of("plain"))
    qtbot.keyClick(desk.view, Qt.Key.Key_Delete)
    desk.window.list.commit_removals()
    qtbot.waitUntil(lambda: desk.listed(ListFilter(Shelf.TRASH)) == ["plain"])
    desk.window.list.show_place(Shelf.TRASH)
    qtbot.waitUntil(lambda: desk.texts() == ["plain"])
    desk.organiser.restore(["plain"])
    desk.window.list.show_place(Shelf.CHATS)
    assert set(desk.texts()) == {"plain", "work"}


def test_emptying_the_trash_and_deleting_a_folder_can_be_undone(qtbot: QtBot, desk: Desk) -> None:
    folder = desk.organiser.create_folder("Tax")
    desk.organiser.move(["work"], folder.id)
    desk.organiser.trash(["plain"])
    undo = desk.window.findChild(QPushButton, "conversationUndoButton")
    assert isinstance(undo, QPushButton)
    desk.window.list.order.delete_folder(folder.id)
    undo.click()
    (again,) = desk.organiser.folders()
    assert desk.listed(ListFilter(folder_id=again.id)) == ["work"]
    desk.window.list.show_place(Shelf.TRASH)
    desk.window.list.order.empty_trash()
    assert desk.texts() == []
    undo.click()
    assert desk.texts() == ["plain"]
    desk.window.list.order.empty_trash()
    desk.window.list.commit_removals()
    qtbot.waitUntil(lambda: desk.listed(ListFilter(Shelf.TRASH)) == [])


def test_archiving_can_be_undone(desk: Desk) -> None:
    desk.window.list.order.archive("plain", True)
    assert desk.texts() == ["work"]
    undo = desk.window.findChild(QPushButton, "conversationUndoButton")
    assert isinstance(undo, QPushButton)
    undo.click()
    assert set(desk.texts()) == {"plain", "work"}


def test_a_new_folder_is_named_in_place(desk: Desk) -> None:
    desk.window.list.order.new_folder()
    (folder,) = desk.organiser.folders()
    desk.model.setData(desk.model.index_of_folder(folder.id), "Taxes")
    assert [one.name for one in desk.organiser.folders()] == ["Taxes"]


def test_the_rule_of_a_folder_says_what_it_will_do(qtbot: QtBot, desk: Desk) -> None:
    folder = desk.organiser.create_folder("Tax")
    dialog = RetentionDialog(folder, desk.organiser, desk.window)
    words = dialog.findChild(QLabel, "retentionWords")
    assert isinstance(words, QLabel)
    assert "Nothing" in words.text()
    dialog._box.setCurrentIndex(1)
    assert dialog.days == 7
    assert "7 days go to the trash" in words.text()
    dialog.reject()


def test_a_temporary_chat_says_so_and_is_listed_but_not_kept(qtbot: QtBot, desk: Desk) -> None:
    desk.window.new_temporary_chat()
    assert desk.window.temporary.isVisible()
    desk.window.chat_page.send("zanzibarquince")  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: "zanzibarquince" in desk.texts())
    assert set(desk.listed(ListFilter())) == {"plain", "work"}
    assert desk.engine.requests[-1].keep is False
    assert desk.vault.conversations.setting(OPEN_CONVERSATION) in (None, "")
    desk.window.open_conversation("plain")
    assert not desk.window.temporary.isVisible()
