"""What tests of the chat page do with it, and what they read off it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot
from tests.ui.fakes import Rooms

from snug.domain.conversation import Role, Status
from snug.services.bundle import Services
from snug.ui.chat.chat_page import ChatPage
from snug.ui.look.theme import Theme

USER, MODEL = Role.USER, Role.ASSISTANT


def make_page(qtbot: QtBot, services: Services, theme: Theme) -> ChatPage:
    made = ChatPage(services, theme)
    qtbot.addWidget(made)
    made.resize(1_000, 700)
    made.new_chat()
    made.show()
    made.activateWindow()
    made.focus_composer()
    return made


def write(qtbot: QtBot, page: ChatPage, text: str) -> None:
    qtbot.keyClicks(page.composer.field, text)
    qtbot.keyClick(page.composer.field, Qt.Key.Key_Return)


def shown(page: ChatPage) -> list[tuple[Role, str]]:
    """What can be read on the page, from the widgets themselves."""
    return [
        (turn.message.role, view.text.toPlainText())
        for turn in page.transcript.turns
        if (view := page.transcript.view_of(turn.message.id)) is not None
    ]


def quiet(page: ChatPage) -> bool:
    """No answer is being made and all is drawn."""
    return page.composer.field.isVisible() and not page.answering and page.transcript.settled


def stored(rooms: Rooms, page: ChatPage) -> list[tuple[Role, str, Status]]:
    assert page.conversation_id is not None
    messages = rooms.store.kept[page.conversation_id].messages
    return [(m.role, m.text, m.status) for m in messages]


def button(page: ChatPage, name: str) -> QAbstractButton:
    found = page.findChild(QAbstractButton, name)
    assert isinstance(found, QAbstractButton), name
    return found
