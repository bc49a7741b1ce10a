"""The map of a chat: its branches are there, and each message is a way."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTreeWidgetItem
from pytestqt.qtbot import QtBot
from tests.ui.chat import MODEL, USER, make_page, quiet, shown
from tests.ui.fakes import Rooms, put_conversation

from snug.domain.conversation import Conversation
from snug.services.bundle import Services
from snug.ui.chat.chat_page import ChatPage
from snug.ui.chat.tree_map import TreeMap, stretches
from snug.ui.look.theme import Theme


@pytest.fixture
def page(qtbot: QtBot, rooms: Rooms, services: Services, theme: Theme) -> Iterator[ChatPage]:
    chat = put_conversation(
        rooms.store, "Fruit", 1, (USER, "quince?"), (MODEL, "yes"), (USER, "medlar?"), (MODEL, "no")
    )
    made = make_page(qtbot, services, theme)
    made.open_conversation(chat.id)
    qtbot.waitUntil(lambda: quiet(made))
    made.transcript.edited.emit("c-fruit-1", "perhaps")  # another version of the first answer
    made.map.toggle()
    yield made
    made.shutdown()


def drawn(page: ChatPage) -> TreeMap:
    found = page.findChild(TreeMap)
    assert isinstance(found, TreeMap)
    return found


def item(parent: QTreeWidgetItem, *way: int) -> QTreeWidgetItem:
    for number in way:
        child = parent.child(number)
        assert child is not None
        parent = child
    return parent


def test_branches_hang_under_what_they_answer_and_the_shown_one_is_told(page: ChatPage) -> None:
    top = drawn(page).tree.invisibleRootItem()
    assert item(top, 0).text(0) == "→ quince?"
    texts = [item(top, 0, n).text(0) for n in range(item(top, 0).childCount())]
    assert texts == ["yes", "→ medlar?", "no", "perhaps"]
    role = Qt.ItemDataRole.AccessibleTextRole
    assert item(top, 0, 3).data(0, role) == "Answer: perhaps (shown)"
    assert item(top, 0, 0).data(0, role) == "Answer: yes"


def test_a_message_of_another_branch_is_shown_when_it_is_chosen_and_undone(
    qtbot: QtBot, page: ChatPage
) -> None:
    tree = drawn(page).tree
    tree.setCurrentItem(item(tree.invisibleRootItem(), 0, 1))
    tree.itemActivated.emit(tree.currentItem(), 0)
    assert [text for _, text in shown(page)] == ["quince?", "yes", "medlar?", "no"]
    qtbot.waitUntil(lambda: drawn(page).tree.currentItem().text(0) == "no")
    page.undo()
    assert [text for _, text in shown(page)] == ["quince?", "perhaps"]


def test_esc_closes_the_map(qtbot: QtBot, page: ChatPage) -> None:
    qtbot.keyClick(drawn(page).tree, Qt.Key.Key_Escape)
    assert not drawn(page).isVisible()


def test_an_empty_chat_says_so(page: ChatPage) -> None:
    page.new_chat()
    drawn(page).show_conversation(page.conversation)
    assert not drawn(page).tree.isVisible()


@pytest.mark.alone
def test_10_000_messages_are_drawn_within_300_ms(rooms: Rooms, page: ChatPage) -> None:
    turns = [(USER if n % 2 == 0 else MODEL, f"message {n}") for n in range(10_000)]
    long: Conversation = put_conversation(rooms.store, "Long", 2, *turns)
    assert len(stretches(long)[0].messages) == 10_000
    start = time.perf_counter()
    drawn(page).show_conversation(long)
    assert time.perf_counter() - start < 0.3
