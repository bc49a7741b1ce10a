from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QListView, QPushButton
from pytestqt.qtbot import QtBot
from tests.ui.fakes import Rooms, put_conversation

from snug.domain.conversation import Role, now_ms
from snug.domain.errors import DiskFullError
from snug.services.bundle import Services
from snug.ui.bridge import Bridge
from snug.ui.chats.conversation_list import ConversationList
from snug.ui.chats.conversation_model import ConversationModel, RowKind
from snug.ui.look.theme import Theme
from snug.ui.tasks import Tasks

DAY_MS = 86_400_000


@pytest.fixture
def shown(
    qtbot: QtBot, rooms: Rooms, services: Services, theme: Theme
) -> Iterator[ConversationList]:
    put_conversation(rooms.store, "Heat pumps", now_ms(), (Role.USER, "How do heat pumps work?"))
    put_conversation(rooms.store, "Cats", now_ms() - 3 * DAY_MS, (Role.USER, "A name for a cat"))
    bridge = Bridge()
    tasks = Tasks(bridge)
    made = ConversationList(services.conversations, theme, tasks)
    qtbot.addWidget(made)
    made.resize(264, 500)
    made.show()
    made.refresh()
    yield made
    tasks.close()
    bridge.close()


def view(shown: ConversationList) -> QListView:
    found = shown.findChild(QListView, "conversationList")
    assert isinstance(found, QListView)
    return found


def texts(shown: ConversationList) -> list[str]:
    model = view(shown).model()
    assert isinstance(model, ConversationModel)
    return [row.text for row in model.rows]


def select(shown: ConversationList, conversation_id: str) -> None:
    model = view(shown).model()
    assert isinstance(model, ConversationModel)
    view(shown).setFocus()
    view(shown).setCurrentIndex(model.index_of(conversation_id))


def test_conversations_stand_under_their_day(shown: ConversationList) -> None:
    assert texts(shown) == ["Today", "Heat pumps", "Last 7 days", "Cats"]


def test_headings_cannot_be_reached_with_the_keyboard(shown: ConversationList) -> None:
    model = view(shown).model()
    assert isinstance(model, ConversationModel)
    for number, row in enumerate(model.rows):
        reachable = bool(model.flags(model.index(number)) & Qt.ItemFlag.ItemIsSelectable)
        assert reachable is (row.kind is not RowKind.HEADING)


def test_return_opens_the_current_conversation(qtbot: QtBot, shown: ConversationList) -> None:
    select(shown, "c-cats")
    with qtbot.waitSignal(shown.conversation_chosen) as heard:
        qtbot.keyClick(view(shown), Qt.Key.Key_Return)
    assert heard.args == ["c-cats", ""]


def test_a_search_replaces_the_list_and_an_empty_one_brings_it_back(
    qtbot: QtBot, shown: ConversationList
) -> None:
    shown.search("heat")
    qtbot.waitUntil(lambda: texts(shown) == ["One place found", "Heat pumps"])
    shown.search("")
    assert texts(shown) == ["Today", "Heat pumps", "Last 7 days", "Cats"]


def test_an_older_search_never_overwrites_a_newer_one(
    qtbot: QtBot, shown: ConversationList
) -> None:
    for text in ("h", "he", "heat", "cat"):
        shown.search(text)
    qtbot.waitUntil(lambda: texts(shown) == ["One place found", "Cats"])
    qtbot.waitUntil(lambda: shown._tasks.close(0.1))
    assert texts(shown) == ["One place found", "Cats"]


def test_f2_renames_in_place(qtbot: QtBot, rooms: Rooms, shown: ConversationList) -> None:
    select(shown, "c-cats")
    qtbot.keyClick(view(shown), Qt.Key.Key_F2)
    editor = view(shown).findChild(QLineEdit, "conversationTitleEditor")
    assert editor is not None
    editor.selectAll()
    qtbot.keyClicks(editor, "Grey cats")
    with qtbot.waitSignal(shown.conversation_renamed):
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert rooms.store.kept["c-cats"].title == "Grey cats"


def test_a_blank_title_changes_nothing(qtbot: QtBot, rooms: Rooms, shown: ConversationList) -> None:
    select(shown, "c-cats")
    model = view(shown).model()
    assert model.setData(view(shown).currentIndex(), "   ") is False
    assert rooms.store.kept["c-cats"].title == "Cats"


def test_del_hides_at_once_and_undo_brings_back(
    qtbot: QtBot, rooms: Rooms, shown: ConversationList
) -> None:
    select(shown, "c-cats")
    qtbot.keyClick(view(shown), Qt.Key.Key_Delete)
    assert texts(shown) == ["Today", "Heat pumps"]
    assert "c-cats" in rooms.store.kept
    undo = shown.findChild(QPushButton, "conversationUndoButton")
    assert undo is not None
    with qtbot.waitSignal(shown.conversation_restored):
        qtbot.mouseClick(undo, Qt.MouseButton.LeftButton)
    assert "Cats" in texts(shown)
    shown.commit_removals()
    assert "c-cats" in rooms.store.kept


def test_a_removal_is_carried_out_when_its_time_is_over(
    qtbot: QtBot, rooms: Rooms, shown: ConversationList
) -> None:
    shown.remove("c-cats")
    shown.commit_removals()
    qtbot.waitUntil(lambda: "c-cats" not in rooms.store.kept)


def test_a_second_removal_carries_out_the_first(
    qtbot: QtBot, rooms: Rooms, shown: ConversationList
) -> None:
    shown.remove("c-cats")
    shown.remove("c-heat-pumps")
    qtbot.waitUntil(lambda: "c-cats" not in rooms.store.kept)
    assert "c-heat-pumps" in rooms.store.kept


def test_a_removal_that_fails_is_told_and_the_row_returns(
    qtbot: QtBot, rooms: Rooms, shown: ConversationList
) -> None:
    shown.remove("c-cats")
    rooms.store.fail_next = DiskFullError("The disk is full.")
    with qtbot.waitSignal(shown.failed) as heard:
        shown.commit_removals()
    assert heard.args == ["The disk is full."]
    assert "Cats" in texts(shown)


def test_thousands_of_conversations_come_in_portions(
    qtbot: QtBot, rooms: Rooms, shown: ConversationList
) -> None:
    for number in range(450):
        put_conversation(rooms.store, f"Old {number}", 1_600_000_000_000, (Role.USER, "x"))
    shown.refresh()
    assert sum(text.startswith("Old") for text in texts(shown)) == 198
    view(shown).scrollToBottom()
    qtbot.waitUntil(lambda: sum(text.startswith("Old") for text in texts(shown)) > 198)
