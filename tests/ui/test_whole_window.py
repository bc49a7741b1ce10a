"""The shell and the page with the conversation together, over the fakes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot
from tests.ui.fakes import SMALL, Rooms

from snug.services.bundle import Services
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import Scheme
from snug.ui.main_window import MainWindow

PROMISED = {
    "composer",
    "sendButton",
    "stopButton",
    "transcript",
    "conversationList",
    "newChatButton",
    "modelPicker",
    "searchField",
    "contextMeter",
}


@pytest.fixture
def window(qtbot: QtBot, services: Services, theme: Theme) -> Iterator[MainWindow]:
    made = MainWindow(services, theme)
    qtbot.addWidget(made, before_close_func=lambda w: w.close())
    made.resize(1280, 800)
    made.show()
    made.start()
    yield made
    made.close()


def composer(window: MainWindow) -> QPlainTextEdit:
    found = window.findChild(QPlainTextEdit, "composer")
    assert isinstance(found, QPlainTextEdit)
    return found


def ask(qtbot: QtBot, window: MainWindow, text: str) -> str:
    """Write and send; returns the id of the conversation once it is listed."""
    qtbot.keyClicks(composer(window), text)
    qtbot.keyClick(composer(window), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.chat_page.conversation_id is not None)
    conversation_id = window.chat_page.conversation_id
    assert conversation_id is not None
    qtbot.waitUntil(lambda: window.list.title_of(conversation_id) != "")
    return conversation_id


def test_the_promised_names_are_there(window: MainWindow) -> None:
    assert {widget.objectName() for widget in window.findChildren(QWidget)} >= PROMISED


def test_writing_and_return_is_answered_listed_and_titled(
    qtbot: QtBot, rooms: Rooms, window: MainWindow
) -> None:
    conversation_id = ask(qtbot, window, "Which knot holds?")
    kept = rooms.store.kept
    qtbot.waitUntil(lambda: kept[conversation_id].messages[-1].text == "Hello from the engine.")
    assert window.list.title_of(conversation_id) == "Which knot holds?"
    qtbot.waitUntil(lambda: window.header.title.text() == "Which knot holds?")


def test_esc_stops_a_running_answer(qtbot: QtBot, rooms: Rooms, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: rooms.engine.placement() is not None)
    rooms.engine.hold.clear()
    ask(qtbot, window, "Go on for ever")
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(composer(window), Qt.Key.Key_Escape)
    stop = window.findChild(QAbstractButton, "stopButton")
    assert isinstance(stop, QAbstractButton)
    qtbot.waitUntil(lambda: not stop.isVisible())


def test_the_picked_model_answers_next(qtbot: QtBot, rooms: Rooms, window: MainWindow) -> None:
    ask(qtbot, window, "First")
    window.header.picker.open_list()
    row = window.findChild(QAbstractButton, f"pick_{SMALL.name}")
    assert isinstance(row, QAbstractButton)
    row.click()
    qtbot.waitUntil(lambda: composer(window).isEnabled())
    qtbot.keyClicks(composer(window), "Second")
    qtbot.keyClick(composer(window), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(rooms.engine.requests) == 2)
    assert rooms.engine.requests[1].model == SMALL


def test_deleting_the_open_conversation_and_undo(
    qtbot: QtBot, rooms: Rooms, window: MainWindow
) -> None:
    conversation_id = ask(qtbot, window, "Keep me")
    window.list.remove(conversation_id)
    assert window.chat_page.conversation_id is None
    undo = window.findChild(QAbstractButton, "conversationUndoButton")
    assert isinstance(undo, QAbstractButton)
    undo.click()
    assert window.chat_page.conversation_id == conversation_id


def test_the_scheme_switches_while_a_conversation_is_open(
    qtbot: QtBot, theme: Theme, window: MainWindow
) -> None:
    ask(qtbot, window, "Colours")
    for scheme in (Scheme.DARK, Scheme.CONTRAST, Scheme.LIGHT):
        theme.set_scheme(scheme)
    assert window.chat_page.conversation_id is not None


def test_every_control_of_the_whole_window_has_a_name_and_words(
    qtbot: QtBot, window: MainWindow
) -> None:
    ask(qtbot, window, "Names")
    for widget in window.findChildren(QWidget):
        reachable = widget.focusPolicy() is not Qt.FocusPolicy.NoFocus
        pressable = isinstance(widget, QAbstractButton)
        if not widget.isVisible() or not (reachable or pressable):
            continue
        owner = f"{type(widget).__name__} {widget.objectName()} in {widget.parentWidget()}"
        assert widget.objectName(), owner
        assert widget.accessibleName(), owner
