from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QEnterEvent, QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QLabel, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from snug.domain.conversation import Conversation, Message, Part, PartKind, Role, Status
from snug.domain.events import Timings
from snug.ui.chat.message_view import MessageView
from snug.ui.chat.turn import Action, Note, Turn, turns_of
from snug.ui.look.theme import Theme

WIDTH = 700


def message(
    message_id: str = "a1",
    text: str = "Hello.",
    role: Role = Role.ASSISTANT,
    status: Status = Status.COMPLETE,
    parent_id: str | None = "u1",
    error: str = "",
    thoughts: str = "",
) -> Message:
    parts = (Part(PartKind.REASONING, thoughts),) if thoughts else ()
    parts += (Part(PartKind.TEXT, text),) if text else ()
    return Message(
        message_id,
        "c",
        parent_id,
        role,
        parts,
        status,
        model="Tiny",
        error=error,
        timings=Timings(0.0, 0.34, 41.2),
    )


def mine(text: str = "My words") -> Message:
    return message("u1", text, Role.USER, parent_id=None)


@pytest.fixture
def page(qtbot: QtBot, theme: Theme) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(800, 600)
    made.move(2_000, 2_000)  # away from the pointer
    made.show()
    made.activateWindow()
    return made


def show(theme: Theme, page: QWidget, turn: Turn) -> MessageView:
    view = MessageView(turn, theme, page)
    view.setGeometry(0, 0, WIDTH + 16, view.layout_for(WIDTH))
    view.show()
    return view


def hover(view: MessageView) -> None:
    point = QPointF(1, 1)
    view.enterEvent(QEnterEvent(point, point, point))


def button(view: QWidget, name: str) -> QAbstractButton:
    found = view.findChild(QAbstractButton, name)
    assert isinstance(found, QAbstractButton), name
    return found


def words(view: MessageView) -> str:
    found = view.findChild(QLabel, "messageNote")
    return found.text() if isinstance(found, QLabel) and found.isVisible() else ""


NOTES = [
    (
        Status.INTERRUPTED,
        "",
        "text",
        "Snug closed before this answer was finished; everything up to here was kept.",
        "Continue",
        Action.CONTINUE,
    ),
    (
        Status.FAILED,
        "The model is gone. Choose another.",
        "",
        "The model is gone. Choose another.",
        "Try again",
        Action.REGENERATE,
    ),
    (Status.STOPPED, "", "text", "You stopped here.", "Continue", Action.CONTINUE),
    (
        Status.COMPLETE,
        "The answer reached its token limit.",
        "text",
        "The answer reached its token limit.",
        "Continue",
        Action.CONTINUE,
    ),
]


@pytest.mark.parametrize(("status", "error", "text", "said", "offered", "action"), NOTES)
def test_an_answer_that_ended_early_says_so_and_offers_one_thing(
    theme: Theme,
    page: QWidget,
    status: Status,
    error: str,
    text: str,
    said: str,
    offered: str,
    action: Action,
) -> None:
    turn = Turn(message(status=status, error=error, text=text), last=True)
    view = show(theme, page, turn)
    asked: list[tuple[str, str]] = []
    view.asked.connect(lambda what, which: asked.append((what, which)))
    assert words(view) == said
    offer = button(view, "noteButton")
    assert offer.text() == offered
    assert offer.isVisible()
    offer.click()
    assert asked == [(action, "a1")]


def test_a_complete_answer_says_nothing(theme: Theme, page: QWidget) -> None:
    assert words(show(theme, page, Turn(message(), last=True))) == ""


def test_only_the_last_answer_can_be_continued(theme: Theme, page: QWidget) -> None:
    view = show(theme, page, Turn(message(status=Status.STOPPED)))
    assert words(view) == "You stopped here."
    assert not button(view, "noteButton").isVisible()


def test_a_message_without_answer_offers_one(theme: Theme, page: QWidget) -> None:
    view = show(theme, page, Turn(mine(), last=True))
    assert words(view) == "This message has no answer yet."
    assert Turn(mine(), last=True, busy=True).note is Note.NONE


def test_buttons_come_with_the_pointer_and_with_the_keyboard(theme: Theme, page: QWidget) -> None:
    view = show(theme, page, Turn(message()))
    assert view.findChild(QAbstractButton, "copyMessage") is None
    hover(view)
    assert button(view, "copyMessage").isVisible()
    assert button(view, "regenerateMessage").isVisible()
    assert button(view, "editMessage").accessibleName() == "Rewrite the answer"
    other = show(theme, page, Turn(mine()))
    other.set_focused(True)
    assert button(other, "editMessage").isVisible()
    assert not button(other, "regenerateMessage").isVisible()


def test_hidden_buttons_paint_nothing_but_can_be_reached(
    qtbot: QtBot, theme: Theme, page: QWidget
) -> None:
    view = show(theme, page, Turn(message()))
    hover(view)
    copy = button(view, "copyMessage")
    shown = copy.grab().toImage()
    view.leaveEvent(QEvent(QEvent.Type.Leave))
    assert copy.grab().toImage() != shown
    copy.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(copy.hasFocus)
    assert copy.isVisible()


def test_copy_takes_the_text_as_the_model_wrote_it(theme: Theme, page: QWidget) -> None:
    view = show(theme, page, Turn(message(text="# Title\n\n**bold**", thoughts="hm")))
    hover(view)
    button(view, "copyMessage").click()
    assert QGuiApplication.clipboard().text() == "# Title\n\n**bold**"


def test_the_row_tells_model_speed_and_first_token(theme: Theme, page: QWidget) -> None:
    view = show(theme, page, Turn(message()))
    hover(view)
    texts = [label.text() for label in view.findChildren(QLabel) if label.isVisible()]
    assert "Tiny · 41.2 tokens/s · first token after 0.3 s" in texts


def test_alternatives_are_paged(theme: Theme, page: QWidget) -> None:
    view = show(theme, page, Turn(message("a2"), alternatives=("a1", "a2", "a3")))
    chosen: list[str] = []
    view.branch_chosen.connect(chosen.append)
    hover(view)
    button(view, "beforeMessage").click()
    button(view, "afterMessage").click()
    assert chosen == ["a1", "a3"]
    assert "2/3" in [label.text() for label in view.findChildren(QLabel)]
    view.set_turn(Turn(message("a2"), alternatives=("a2",)))
    assert not button(view, "beforeMessage").isVisible()


def test_nothing_can_be_asked_while_the_conversation_answers(theme: Theme, page: QWidget) -> None:
    view = show(theme, page, Turn(message(), alternatives=("a1", "a2"), busy=True))
    hover(view)
    enabled = {
        name: button(view, f"{name}Message").isEnabled()
        for name in ("copy", "regenerate", "before", "after")
    }
    assert enabled == {"copy": True, "regenerate": False, "before": False, "after": False}


def test_reasoning_is_folded_and_timed(qtbot: QtBot, theme: Theme, page: QWidget) -> None:
    view = show(theme, page, Turn(message(thoughts="First **this**."), thought_s=3.2))
    fold = button(view, "reasoningFold")
    assert fold.text() == "Thought for 3 s"
    assert view.findChild(QWidget, "reasoningText") is None
    before = view.layout_for(WIDTH)
    fold.click()
    text = view.findChild(QWidget, "reasoningText")
    assert text is not None
    assert view.layout_for(WIDTH) > before
    fold.click()
    assert view.layout_for(WIDTH) == before


def test_reasoning_streams_before_the_answer(theme: Theme, page: QWidget) -> None:
    view = show(theme, page, Turn(message(text="", status=Status.INTERRUPTED), live=True))
    view.set_thoughts("One", True, 0.0)
    assert button(view, "reasoningFold").text() == "Thinking…"
    view.set_thoughts("One two", False, 61.0)
    assert button(view, "reasoningFold").text() == "Thought for 61 s"
    view.set_thoughts("One two", False, 0.0)
    assert button(view, "reasoningFold").text() == "Thought before answering"


def test_a_growing_answer_ends_as_the_stored_one(qtbot: QtBot, theme: Theme, page: QWidget) -> None:
    text = "Some *words*.\n\n```py\nx = 1\n```\n\n- a\n- b"
    view = show(theme, page, Turn(message(text="", status=Status.INTERRUPTED), live=True))
    for letter in text:
        view.append(letter)
    qtbot.waitUntil(lambda: view.settled)
    view.set_turn(Turn(message(text=text)))
    whole = show(theme, page, Turn(message(text=text)))
    assert view.text.toPlainText() == whole.text.toPlainText()
    assert view.layout_for(WIDTH) == whole.layout_for(WIDTH)


def test_drawing_again_is_paced(qtbot: QtBot, theme: Theme, page: QWidget) -> None:
    view = show(theme, page, Turn(message(text="", status=Status.INTERRUPTED), live=True))
    drawn: list[int] = []
    view.text.document().contentsChanged.connect(lambda: drawn.append(1))
    view.append("start ")
    qtbot.waitUntil(lambda: view.settled)
    drawn.clear()
    for _ in range(300):
        view.append("word ")
    assert drawn == []
    qtbot.waitUntil(lambda: view.settled)
    assert 0 < len(drawn) < 10


def test_editing_happens_in_place(qtbot: QtBot, theme: Theme, page: QWidget) -> None:
    view = show(theme, page, Turn(mine("First words")))
    edited: list[tuple[str, str]] = []
    view.edited.connect(lambda which, text: edited.append((which, text)))
    hover(view)
    button(view, "editMessage").click()
    field = view.findChild(QPlainTextEdit, "editMessage")
    assert isinstance(field, QPlainTextEdit)
    assert field.toPlainText() == "First words"
    assert not view.text.isVisible()
    field.setPlainText("Other words")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert edited == [("u1", "Other words")]
    assert view.text.isVisible()


def test_esc_leaves_an_edit_as_it_was(qtbot: QtBot, theme: Theme, page: QWidget) -> None:
    view = show(theme, page, Turn(mine("First words")))
    edited: list[str] = []
    view.edited.connect(lambda _, text: edited.append(text))
    view.begin_edit()
    field = view.findChild(QPlainTextEdit, "editMessage")
    assert isinstance(field, QPlainTextEdit)
    field.setPlainText("Other words")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert edited == []
    assert view.text.isVisible()
    assert view.text.toPlainText() == "First words"


def test_an_answer_is_rewritten_as_the_model_wrote_it(
    qtbot: QtBot, theme: Theme, page: QWidget
) -> None:
    view = show(theme, page, Turn(message(text="**bold**")))
    edited: list[str] = []
    view.edited.connect(lambda _, text: edited.append(text))
    view.begin_edit()
    field = view.findChild(QPlainTextEdit, "editMessage")
    assert isinstance(field, QPlainTextEdit)
    assert field.toPlainText() == "**bold**"
    field.setPlainText("plain")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert edited == ["plain"]


def test_the_bubble_is_no_wider_than_its_words(theme: Theme, page: QWidget) -> None:
    short = show(theme, page, Turn(mine("Hi")))
    long = show(theme, page, Turn(mine("words " * 200)))
    assert short.text.width() < 60
    assert long.text.width() < WIDTH * 0.85
    assert short.text.geometry().right() == long.text.geometry().right()


def test_messages_have_names_that_can_be_read_out(theme: Theme, page: QWidget) -> None:
    assert show(theme, page, Turn(mine("Hi"))).accessibleName() == "You: Hi"
    assert show(theme, page, Turn(message())).accessibleName() == "Answer from Tiny: Hello."


def test_what_is_too_much_to_show_is_said_and_still_copied(theme: Theme, page: QWidget) -> None:
    view = show(theme, page, Turn(mine("x" * 250_000)))
    assert "50" in view.text.toPlainText()[-90:]
    assert view.text.toPlainText().endswith("more characters are not shown. Copy takes them all.")
    hover(view)
    button(view, "copyMessage").click()
    assert len(QGuiApplication.clipboard().text()) == 250_000


def test_turns_know_their_siblings_and_the_end() -> None:
    first = mine()
    answers = [message(f"a{n}") for n in range(3)]
    other = message("x", role=Role.USER, parent_id="a1")
    conversation = Conversation("c", "", 0, 0, (first, *answers, other), leaf_id="a2")
    turns = turns_of(conversation)
    assert [turn.message.id for turn in turns] == ["u1", "a2"]
    assert turns[1].alternatives == ("a0", "a1", "a2")
    assert (turns[1].position, turns[1].last) == (2, True)
    assert turns_of(conversation, "a2", busy=True)[1].live
