"""The drawer with a chat's settings: what is set there holds for the next answer, and is undone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel, QLineEdit, QPlainTextEdit
from pytestqt.qtbot import QtBot
from tests.ui.chat import MODEL, USER, button, make_page, quiet, write
from tests.ui.fakes import Rooms, put_conversation

from snug.domain.conversation import ConversationSettings, Overflow
from snug.services.bundle import Services
from snug.ui.chat.chat_page import ChatPage
from snug.ui.chat.chat_settings import ChatSettings
from snug.ui.look.theme import Theme


@pytest.fixture
def page(qtbot: QtBot, rooms: Rooms, services: Services, theme: Theme) -> Iterator[ChatPage]:
    made = make_page(qtbot, services, theme)
    made.settings.toggle()
    yield made
    made.shutdown()


def drawer(page: ChatPage) -> ChatSettings:
    found = page.findChild(ChatSettings)
    assert isinstance(found, ChatSettings)
    return found


def line(page: ChatPage, name: str) -> QLineEdit:
    found = page.findChild(QLineEdit, f"sampling_{name}")
    assert isinstance(found, QLineEdit)
    return found


def instructions(page: ChatPage) -> QPlainTextEdit:
    found = page.findChild(QPlainTextEdit, "systemPrompt")
    assert isinstance(found, QPlainTextEdit)
    return found


def put(field: QLineEdit, text: str) -> None:
    field.setText(text)
    field.editingFinished.emit()


def kept(rooms: Rooms, page: ChatPage) -> ConversationSettings:
    assert page.conversation_id is not None
    return rooms.store.kept[page.conversation_id].settings


def open_fruit(rooms: Rooms, page: ChatPage) -> None:
    chat = put_conversation(rooms.store, "Fruit", 1, (USER, "quince?"), (MODEL, "yes"))
    page.open_conversation(chat.id)


def test_what_is_set_before_the_first_message_holds_for_it(
    qtbot: QtBot, rooms: Rooms, page: ChatPage
) -> None:
    instructions(page).setPlainText("Be brief.")
    put(line(page, "temperature"), "0,2")
    page.settings.close()
    write(qtbot, page, "Hi")
    qtbot.waitUntil(lambda: quiet(page))
    settings = kept(rooms, page)
    assert settings.system_prompt == "Be brief."
    assert settings.sampling is not None
    assert settings.sampling.temperature == 0.2
    assert rooms.engine.requests[-1].sampling == settings.sampling


def test_a_change_in_an_open_chat_is_kept_and_undone(rooms: Rooms, page: ChatPage) -> None:
    open_fruit(rooms, page)
    put(line(page, "top_k"), "7")
    action = drawer(page).findChild(QAction, "overflowChoice_stop")
    assert action is not None
    action.trigger()
    settings = kept(rooms, page)
    assert settings.overflow is Overflow.STOP
    assert settings.sampling is not None
    assert settings.sampling.top_k == 7
    page.undo()
    assert kept(rooms, page).overflow is Overflow.DROP
    page.undo()
    assert kept(rooms, page).sampling is None
    assert line(page, "top_k").text() == ""


@pytest.mark.parametrize(
    ("text", "words"), [("9", "between 0 and 2"), ("warm", "must be a number"), ("nan", "between")]
)
def test_a_value_that_cannot_be_is_told_at_the_field_and_not_kept(
    rooms: Rooms, page: ChatPage, text: str, words: str
) -> None:
    open_fruit(rooms, page)
    put(line(page, "temperature"), text)
    problems = [p.text() for p in page.findChildren(QLabel, "samplingProblem") if p.isVisible()]
    assert len(problems) == 1
    assert words in problems[0]
    assert kept(rooms, page).sampling is None


def test_one_press_goes_back_to_what_the_model_recommends(rooms: Rooms, page: ChatPage) -> None:
    open_fruit(rooms, page)
    put(line(page, "min_p"), "0.3")
    assert kept(rooms, page).sampling is not None
    button(page, "resetSampling").click()
    assert kept(rooms, page).sampling is None


def test_what_is_typed_belongs_to_the_chat_it_was_typed_in(rooms: Rooms, page: ChatPage) -> None:
    open_fruit(rooms, page)
    first = page.conversation_id
    second = put_conversation(rooms.store, "Trees", 2, (USER, "oak?"), (MODEL, "yes"))
    instructions(page).setPlainText("Of fruit.")
    page.open_conversation(second.id)
    assert rooms.store.kept[first or ""].settings.system_prompt == "Of fruit."
    assert rooms.store.kept[second.id].settings.system_prompt == ""
    assert instructions(page).toPlainText() == ""


def test_esc_closes_it_and_a_narrow_page_is_covered(qtbot: QtBot, page: ChatPage) -> None:
    assert drawer(page).width() < page.width() / 2
    page.resize(600, 700)
    qtbot.waitUntil(lambda: drawer(page).width() >= 600)
    qtbot.keyClick(instructions(page), Qt.Key.Key_Escape)
    assert not drawer(page).isVisible()


def test_a_long_number_stays_as_it_was_written(rooms: Rooms, page: ChatPage) -> None:
    open_fruit(rooms, page)
    put(line(page, "seed"), "1234567")
    put(line(page, "min_p"), "0.12345678")
    put(line(page, "temperature"), "0.5")
    sampling = kept(rooms, page).sampling
    assert sampling is not None
    assert (sampling.seed, sampling.min_p, sampling.temperature) == (1234567, 0.12345678, 0.5)
