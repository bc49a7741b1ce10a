"""Chats in windows of their own: one each, gone with the main window, back in it when wanted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot
from tests.ui.chat import quiet, write
from tests.ui.fakes import Rooms, put_conversation

from snug.domain.conversation import Role
from snug.services.bundle import Services
from snug.ui.chat_window import ChatWindow
from snug.ui.look.theme import Theme
from snug.ui.main_window import MainWindow
from snug.ui.single_instance import SingleInstance, ask_for_question

pytestmark = pytest.mark.qt_log_ignore("raise", extend=True)


@pytest.fixture
def window(qtbot: QtBot, rooms: Rooms, services: Services, theme: Theme) -> Iterator[MainWindow]:
    put_conversation(rooms.store, "Fruit", 1, (Role.USER, "quince?"), (Role.ASSISTANT, "yes"))
    made = MainWindow(services, theme)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close()


def others(window: MainWindow) -> list[ChatWindow]:
    return [one for one in window.findChildren(ChatWindow) if one.isVisible()]


def test_a_chat_moves_into_a_window_of_its_own_and_back(window: MainWindow) -> None:
    window.open_conversation("c-fruit")
    window.windows.open_present()
    (other,) = others(window)
    assert other.page.conversation_id == "c-fruit"
    assert other.windowTitle() == "Fruit"
    assert window.chat_page.conversation_id is None
    window.open_conversation("c-fruit")  # it is in its own window already
    assert others(window) == [other]
    assert window.chat_page.conversation_id is None
    button = other.findChild(QAbstractButton, "moveToMain")
    assert button is not None
    button.click()
    assert others(window) == []
    assert window.chat_page.conversation_id == "c-fruit"


def test_a_quick_question_is_answered_and_listed_and_esc_closes(
    qtbot: QtBot, rooms: Rooms, window: MainWindow
) -> None:
    window.windows.quick_ask()
    (small,) = others(window)
    assert small.windowFlags() & Qt.WindowType.WindowStaysOnTopHint
    write(qtbot, small.page, "medlar?")
    qtbot.waitUntil(lambda: quiet(small.page) and len(small.page.transcript.turns) == 2)
    chat = small.page.conversation_id
    assert chat is not None
    qtbot.waitUntil(lambda: window.list.title_of(chat) == "medlar?")
    window.windows.quick_ask()
    assert others(window) == [small]
    qtbot.keyClick(small, Qt.Key.Key_Escape)
    assert others(window) == []


def test_the_others_go_with_the_main_window_and_keep_their_drafts(
    rooms: Rooms, window: MainWindow
) -> None:
    window.open_conversation("c-fruit")
    window.windows.open_present()
    others(window)[0].page.composer.field.setPlainText("half a thought")
    window.close()
    assert others(window) == []
    assert rooms.store.kept["c-fruit"].draft == "half a thought"


def test_the_small_window_keeps_a_draft_of_its_own(window: MainWindow) -> None:
    window.new_chat()
    window.chat_page.composer.field.setPlainText("for the main window")
    window.windows.quick_ask()
    (small,) = others(window)
    assert small.page.composer.text == ""
    small.page.composer.field.setPlainText("for the small one")
    small.close()
    window.windows.quick_ask()
    assert others(window)[0].page.composer.text == "for the small one"
    assert window.chat_page.composer.text == "for the main window"
    window.close()
    assert window.chat_page.unsent.new_draft() == "for the main window"


def test_a_terminal_asks_for_the_small_window(qtbot: QtBot, tmp_path: Path) -> None:
    assert not ask_for_question(tmp_path)
    instance = SingleInstance(tmp_path)
    assert instance.claim()
    ask = (
        "import sys, pathlib; from snug.ui.single_instance import ask_for_question as ask; "
        "sys.exit(0 if ask(pathlib.Path(sys.argv[1])) else 1)"
    )
    with qtbot.waitSignal(instance.question_requested, timeout=20_000):
        asking = subprocess.Popen([sys.executable, "-c", ask, str(tmp_path)])
    qtbot.waitUntil(lambda: asking.poll() == 0)
    instance.close()
