"""After a crash or a kill: the chat that was open, its draft, and a word about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QAbstractButton, QPlainTextEdit
from pytestqt.qtbot import QtBot
from tests.ui.fakes import Rooms, put_conversation

from snug.domain.conversation import Conversation, Role, Status
from snug.domain.errors import Remedy, RemedyKind
from snug.domain.events import Failed
from snug.services.bundle import Services
from snug.services.engine_settings import CONTEXT_LENGTH, HOST
from snug.ui.look.theme import Theme
from snug.ui.main_window import MainWindow
from snug.ui.places import Place
from snug.ui.settings.preferences_keys import OPEN_CONVERSATION

Open = Callable[..., MainWindow]


@pytest.fixture
def open_window(qtbot: QtBot, services: Services, theme: Theme) -> Iterator[Open]:
    made: list[MainWindow] = []

    def build(crash_signal: int | None = None) -> MainWindow:
        profile = replace(services.profile, crash_signal=crash_signal)
        window = MainWindow(replace(services, profile=profile), theme)
        made.append(window)
        window.show()
        return window

    yield build
    for window in made:
        window.close()
        window.deleteLater()


@pytest.fixture
def cut_off(rooms: Rooms) -> Conversation:
    """A chat that was open, with half an answer and a draft."""
    chat = put_conversation(
        rooms.store, "Sea", 1, (Role.USER, "A story"), (Role.ASSISTANT, "The sea was")
    )
    half = replace(chat.messages[1], status=Status.INTERRUPTED)
    chat = replace(chat, messages=(chat.messages[0], half), draft="and now")
    rooms.store.kept[chat.id] = chat
    rooms.store.settings[OPEN_CONVERSATION] = chat.id
    return chat


def press(window: MainWindow, name: str) -> None:
    button = window.findChild(QAbstractButton, name)
    assert isinstance(button, QAbstractButton)
    assert button.isVisible()
    button.click()


def draft(window: MainWindow) -> str:
    field = window.findChild(QPlainTextEdit, "composer")
    assert isinstance(field, QPlainTextEdit)
    return field.toPlainText()


def test_after_a_crash_the_chat_is_there_and_one_click_goes_on(
    qtbot: QtBot, open_window: Open, rooms: Rooms, cut_off: Conversation
) -> None:
    window = open_window(11)
    assert window.chat_page.conversation_id == cut_off.id
    assert draft(window) == "and now"
    assert window.banner.text == (
        "Snug closed unexpectedly while answering; everything up to here was kept. Continue?"
    )
    press(window, "bannerAction")
    kept = rooms.store.kept
    qtbot.waitUntil(lambda: kept[cut_off.id].messages[1].status is Status.COMPLETE)
    assert kept[cut_off.id].messages[1].text == "The sea wasHello from the engine."
    assert window.banner.text == ""


def test_going_on_below_the_message_closes_the_explanation_too(
    qtbot: QtBot, open_window: Open, cut_off: Conversation
) -> None:
    window = open_window(6)
    press(window, "noteButton")
    qtbot.waitUntil(lambda: window.banner.text == "")


def test_after_a_kill_the_chat_is_there_without_a_word(
    open_window: Open, cut_off: Conversation
) -> None:
    window = open_window()
    assert window.chat_page.conversation_id == cut_off.id
    assert window.banner.text == ""


def test_a_crash_outside_an_answer_says_that_all_was_kept(open_window: Open) -> None:
    window = open_window(11)
    assert window.chat_page.conversation_id is None
    assert window.banner.text.startswith("Snug closed unexpectedly and opened again.")


def test_a_chat_that_is_gone_is_not_missed(open_window: Open, rooms: Rooms) -> None:
    rooms.store.settings[OPEN_CONVERSATION] = "gone"
    window = open_window()
    assert window.chat_page.conversation_id is None
    assert window.banner.text == ""


def test_what_is_open_is_remembered_until_the_window_closes_in_order(
    qtbot: QtBot, open_window: Open, rooms: Rooms, cut_off: Conversation
) -> None:
    settings = rooms.store.settings
    window = open_window()
    window.new_chat()
    qtbot.waitUntil(lambda: settings[OPEN_CONVERSATION] == "")
    window.open_conversation(cut_off.id)
    qtbot.waitUntil(lambda: settings[OPEN_CONVERSATION] == cut_off.id)
    window.close()
    qtbot.waitUntil(lambda: settings[OPEN_CONVERSATION] == "")


@pytest.mark.parametrize(
    ("remedy", "name", "kept"),
    [
        (Remedy(RemedyKind.USE_CONTEXT, 4096), CONTEXT_LENGTH, "4096"),
        (Remedy(RemedyKind.USE_ISOLATED), HOST, "isolated"),
    ],
)
def test_a_failure_with_a_remedy_is_mended_and_asked_again_by_one_click(
    qtbot: QtBot, open_window: Open, rooms: Rooms, remedy: Remedy, name: str, kept: str
) -> None:
    window = open_window()
    rooms.engine.script = [Failed("It needs 9.1 GB, 7.4 GB are free.", (remedy,))]
    window.chat_page.send("Hello")  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: window.findChild(QAbstractButton, "noteButton") is not None)
    qtbot.waitUntil(lambda: window.findChild(QAbstractButton, "noteButton").isVisible())  # type: ignore[union-attr]
    rooms.engine.script = ["Now it fits."]
    press(window, "noteButton")
    chat = window.chat_page.conversation_id or ""
    qtbot.waitUntil(lambda: rooms.store.kept[chat].messages[-1].text == "Now it fits.")
    assert rooms.store.settings[name] == kept


def test_a_load_that_failed_offers_its_remedy_across_the_page(open_window: Open) -> None:
    window = open_window()
    window.desk.follow(Failed("It was put aside.", (Remedy(RemedyKind.OPEN_SETTINGS),)))
    assert window.banner.text == "It was put aside."
    press(window, "bannerAction")
    assert window.place is Place.SETTINGS
