from __future__ import annotations

import pytest
from PySide6.QtWidgets import QToolButton, QWidget
from pytestqt.qtbot import QtBot

from snug.domain.conversation import Message, Part, PartKind, Role
from snug.domain.events import ToolCall
from snug.domain.tools import call_text
from snug.ui.chat.message_view import MessageView
from snug.ui.chat.turn import Turn
from snug.ui.look.theme import Theme
from snug.ui.text.message_text import MessageText

WEATHER = call_text(ToolCall("get_weather", '{"city": "Graz", "days": 2}', "c1"))
CLOCK = call_text(ToolCall("get_time", "{}", "c2"))


@pytest.fixture
def page(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(800, 600)
    made.show()
    return made


def view_of(theme: Theme, page: QWidget, *calls: str, live: bool = False) -> MessageView:
    parts = tuple(Part(PartKind.TOOL_CALL, call) for call in calls)
    view = MessageView(Turn(Message("a", "c", "u", Role.ASSISTANT, parts), live=live), theme, page)
    view.setGeometry(0, 0, 716, view.layout_for(700))
    view.show()
    return view


def fold_of(view: MessageView) -> QToolButton:
    fold = view.findChild(QToolButton, "toolCallsFold")
    assert isinstance(fold, QToolButton)
    return fold


def unfolded(view: MessageView) -> str:
    fold_of(view).click()
    text = view.findChild(MessageText, "toolCallsText")
    assert isinstance(text, MessageText)
    return text.toPlainText()


def test_a_call_says_that_it_was_not_run_and_unfolds_its_arguments(
    theme: Theme, page: QWidget
) -> None:
    view = view_of(theme, page, WEATHER)
    fold = fold_of(view)
    assert fold.text() == fold.accessibleName() == "Asked for get_weather — not run"
    folded = view.layout_for(700)
    text = unfolded(view)
    assert '"city": "Graz",\n' in text.replace("\u2028", "\n")
    assert view.layout_for(700) > folded


def test_several_calls_are_named_in_one_line(theme: Theme, page: QWidget) -> None:
    view = view_of(theme, page, WEATHER, CLOCK, CLOCK)
    assert fold_of(view).text() == "Asked for get_weather, get_time — not run"
    text = unfolded(view)
    assert text.index("get_weather") < text.index("Graz") < text.index("get_time")


@pytest.mark.parametrize(
    ("call", "named", "shown"),
    [
        (ToolCall("a\u202eb\n&c", "{broken"), "ab&c", "{broken"),
        (ToolCall("x" * 400, "[" * 9_000), "x" * 48, "[[["),
        (ToolCall("", ""), "a tool without a name", ""),
    ],
)
def test_a_hostile_call_is_shown_and_harmless(
    theme: Theme, page: QWidget, call: ToolCall, named: str, shown: str
) -> None:
    view = view_of(theme, page, call_text(call))
    assert fold_of(view).accessibleName() == f"Asked for {named} — not run"
    assert shown in unfolded(view)


def test_a_call_shows_while_the_answer_is_made(theme: Theme, page: QWidget) -> None:
    view = view_of(theme, page, live=True)
    assert view.findChild(QToolButton, "toolCallsFold") is None
    view.set_calls((WEATHER,))
    assert fold_of(view).isVisible()
