"""The palette and the keys: everything is found by letters, and every key can be another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractButton, QKeySequenceEdit, QLabel
from pytestqt.qtbot import QtBot
from tests.ui.fake_chat_page import FakeChatPage
from tests.ui.fakes import Rooms, put_conversation

from snug.domain.conversation import Role
from snug.services.bundle import Services
from snug.ui.look.theme import Theme
from snug.ui.main_window import MainWindow
from snug.ui.palette import Entry, Palette
from snug.ui.shortcut_sheet import ShortcutSheet


@pytest.fixture
def window(qtbot: QtBot, rooms: Rooms, services: Services, theme: Theme) -> Iterator[MainWindow]:
    put_conversation(rooms.store, "Fruit of the quince", 1, (Role.USER, "quince?"))
    made = MainWindow(services, theme, FakeChatPage)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close()


def palette(window: MainWindow) -> Palette:
    window.keys.show_palette()
    found = window.findChild(Palette)
    assert isinstance(found, Palette)
    return found


def rows(shown: Palette) -> list[str]:
    return [str(shown._model.index(n).data()) for n in range(shown._model.rowCount())]


def test_every_key_of_the_window_is_there_with_its_keys(window: MainWindow) -> None:
    shown = rows(palette(window))
    for key in window.keys.bindings.keys:
        if key.id != "palette":
            keys = QKeySequence(key.keys[0]).toString(QKeySequence.SequenceFormat.NativeText)
            assert f"{key.text}\t{keys}" in shown


def test_a_chat_is_opened_by_a_few_letters(qtbot: QtBot, window: MainWindow) -> None:
    shown = palette(window)
    qtbot.keyClicks(shown.field, "fquin")
    assert rows(shown)[0].startswith("Fruit of the quince\t")
    qtbot.keyClick(shown.field, Qt.Key.Key_Return)
    assert window.chat_page.conversation_id == "c-fruit-of-the-quince"


def test_the_list_is_walked_from_the_field(qtbot: QtBot, window: MainWindow) -> None:
    shown = palette(window)
    second = rows(shown)[1]
    qtbot.keyClick(shown.field, Qt.Key.Key_Down)
    assert str(shown.list.currentIndex().data()) == second
    qtbot.keyClick(shown.field, Qt.Key.Key_Up)
    qtbot.keyClick(shown.field, Qt.Key.Key_Up)
    assert str(shown.list.currentIndex().data()) == rows(shown)[-1]
    shown.close()


def test_what_is_not_found_is_searched_in_all_chats(qtbot: QtBot, window: MainWindow) -> None:
    shown = palette(window)
    qtbot.keyClicks(shown.field, "zzqq")
    nothing = shown.findChild(QLabel, "paletteNothing")
    assert nothing is not None
    assert nothing.isVisible()
    qtbot.keyClick(shown.field, Qt.Key.Key_Return)
    assert window.sidebar.search_field.text() == "zzqq"


@pytest.mark.alone
def test_5_000_entries_open_within_50_ms_and_are_filtered_within_16_ms_a_key(
    qtbot: QtBot, theme: Theme, window: MainWindow
) -> None:
    entries = [Entry(f"Chat number {n} about trees and rivers", "", list) for n in range(5000)]

    def seconds(work: Callable[[], object]) -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    assert min(seconds(lambda: Palette(entries, theme, window)) for _ in range(3)) < 0.05
    shown = Palette(entries, theme, window)
    assert min(seconds(lambda: shown._on_typed("trv 49")) for _ in range(5)) < 0.016


# -- keys -------------------------------------------------------------------------------------


def sheet(qtbot: QtBot, window: MainWindow) -> ShortcutSheet:
    window.keys.show_sheet()
    found = window.findChild(ShortcutSheet)
    assert isinstance(found, ShortcutSheet)
    return found


def press(shown: ShortcutSheet, key_id: str, keys: str) -> None:
    button = shown.findChild(QAbstractButton, f"keys_{key_id}")
    assert button is not None
    button.click()
    edit = shown.findChildren(QKeySequenceEdit, "recordKeys")[-1]
    edit.setKeySequence(QKeySequence(keys))
    edit.editingFinished.emit()


def bound(window: MainWindow, keys: str) -> bool:
    return window.findChild(QShortcut, f"shortcut_{keys}") is not None


def conflict(shown: ShortcutSheet) -> str:
    words = shown.findChild(QLabel, "shortcutConflict")
    assert words is not None
    return words.text() if words.isVisible() else ""


def test_another_key_counts_at_once_and_is_kept(
    qtbot: QtBot, services: Services, theme: Theme, window: MainWindow
) -> None:
    press(sheet(qtbot, window), "new", "Ctrl+Alt+N")
    assert bound(window, "Ctrl+Alt+N")
    assert not bound(window, "Ctrl+N")
    later = MainWindow(services, theme, FakeChatPage)
    qtbot.addWidget(later)
    assert bound(later, "Ctrl+Alt+N")
    later.close()


def test_a_key_that_is_taken_names_what_has_it_and_is_taken_over_only_if_wanted(
    qtbot: QtBot, window: MainWindow
) -> None:
    shown = sheet(qtbot, window)
    press(shown, "new", "Ctrl+F")
    assert "Find in this chat" in conflict(shown)
    holder = window.keys.bindings.holder("Ctrl+F")
    assert holder is not None
    assert holder.id == "find"
    button = shown.findChild(QAbstractButton, "takeOver")
    assert button is not None
    button.click()
    keys = {key.id: key.keys for key in window.keys.bindings.keys}
    assert keys["new"] == ("Ctrl+F",)
    assert keys["find"] == ()


@pytest.mark.parametrize(("keys", "words"), [("Ctrl+C", "belongs to"), ("K", "needed for writing")])
def test_keys_that_are_needed_elsewhere_are_refused(
    qtbot: QtBot, window: MainWindow, keys: str, words: str
) -> None:
    shown = sheet(qtbot, window)
    press(shown, "new", keys)
    assert words in conflict(shown)
    assert bound(window, "Ctrl+N")


def test_one_press_brings_back_all_keys(qtbot: QtBot, window: MainWindow) -> None:
    shown = sheet(qtbot, window)
    press(shown, "new", "Ctrl+Alt+N")
    button = shown.findChild(QAbstractButton, "resetKeys")
    assert button is not None
    button.click()
    assert bound(window, "Ctrl+N")
    assert not bound(window, "Ctrl+Alt+N")


@pytest.mark.parametrize("kept", ["{", "[]", '{"new": 3, "gone": ["Ctrl+J"]}', '{"new": ["", 1]}'])
def test_kept_keys_without_sense_leave_the_window_usable(
    qtbot: QtBot, services: Services, theme: Theme, kept: str
) -> None:
    services.preferences.set("window.keys", kept)
    made = MainWindow(services, theme, FakeChatPage)
    qtbot.addWidget(made)
    assert bound(made, "Ctrl+M")
    made.close()
