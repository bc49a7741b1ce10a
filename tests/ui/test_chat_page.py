from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPlainTextEdit
from pytestqt.qtbot import QtBot
from tests.ui.chat import MODEL, USER, button, make_page, quiet, shown, stored, write
from tests.ui.fakes import Rooms, put_conversation

from snug.domain.conversation import Status
from snug.domain.errors import DiskFullError
from snug.domain.events import (
    Failed,
    Finished,
    ReasoningDelta,
    Started,
    StopReason,
    TextDelta,
    Timings,
    Usage,
)
from snug.services.bundle import Services
from snug.ui.chat.chat_page import ChatPage
from snug.ui.chat.turn import Note
from snug.ui.look.theme import Theme


@pytest.fixture
def page(qtbot: QtBot, rooms: Rooms, services: Services, theme: Theme) -> Iterator[ChatPage]:
    made = make_page(qtbot, services, theme)
    yield made
    rooms.engine.hold.set()
    made.shutdown()


# -- asking -----------------------------------------------------------------------------------


def test_an_empty_chat_welcomes_and_the_cursor_is_in_the_composer(
    qtbot: QtBot, page: ChatPage
) -> None:
    assert page.welcome.isVisible()
    assert not page.transcript.isVisible()
    qtbot.waitUntil(page.composer.field.hasFocus)


def test_nothing_is_stored_before_the_first_message(
    qtbot: QtBot, rooms: Rooms, page: ChatPage
) -> None:
    qtbot.keyClicks(page.composer.field, "still thinking")
    assert page.conversation_id is None
    assert rooms.store.kept == {}


def test_the_own_message_shows_at_once_and_the_answer_comes(
    qtbot: QtBot, rooms: Rooms, page: ChatPage
) -> None:
    rooms.engine.hold.clear()
    changed: list[str] = []
    page.conversation_changed.connect(changed.append)
    write(qtbot, page, "Hello?")
    assert shown(page)[0] == (USER, "Hello?")
    assert page.composer.text == ""
    assert changed == [page.conversation_id]
    rooms.engine.hold.set()
    qtbot.waitUntil(lambda: quiet(page))
    assert shown(page) == [(USER, "Hello?"), (MODEL, "Hello from the engine.")]
    assert stored(rooms, page)[1] == (MODEL, "Hello from the engine.", Status.COMPLETE)
    assert page.transcript.turns[1].message.timings is not None


def test_an_example_is_asked_with_one_click(qtbot: QtBot, rooms: Rooms, page: ChatPage) -> None:
    example = button(page, "example1")
    example.click()
    qtbot.waitUntil(lambda: quiet(page))
    assert shown(page)[0] == (USER, example.text())


def test_events_are_passed_on_in_order(qtbot: QtBot, page: ChatPage) -> None:
    kinds: list[type] = []
    page.run_event.connect(lambda event: kinds.append(type(event)))
    write(qtbot, page, "Hello?")
    qtbot.waitUntil(lambda: quiet(page))
    assert kinds.index(Started) < kinds.index(TextDelta) < kinds.index(Finished)
    assert kinds[-1] is Finished


def test_what_is_sent_while_it_answers_waits_and_is_sent_in_turn(
    qtbot: QtBot, rooms: Rooms, page: ChatPage
) -> None:
    rooms.engine.hold.clear()
    for text in ("One", "Two", "Three"):
        write(qtbot, page, text)
    assert page.composer.text == ""
    assert page.unsent.waiting(page.conversation_id) == ("Two", "Three")
    rooms.engine.hold.set()
    qtbot.waitUntil(lambda: len(stored(rooms, page)) == 6 and quiet(page))
    assert [text for role, text, _ in stored(rooms, page) if role is USER] == [
        "One",
        "Two",
        "Three",
    ]
    assert not page.foot.waiting.isVisible()


@pytest.mark.parametrize("way", ["button", "esc", "shell"])
def test_an_answer_can_be_stopped(qtbot: QtBot, rooms: Rooms, page: ChatPage, way: str) -> None:
    rooms.engine.script = ["Some ", "words ", 30.0, "never"]
    write(qtbot, page, "Go on")
    qtbot.waitUntil(lambda: len(shown(page)) == 2 and "words" in shown(page)[1][1])
    if way == "button":
        button(page, "stopButton").click()
    elif way == "esc":
        qtbot.keyClick(page.composer.field, Qt.Key.Key_Escape)
    else:
        page.stop()
    qtbot.waitUntil(lambda: quiet(page))
    assert stored(rooms, page)[1][2] is Status.STOPPED
    assert page.transcript.turns[1].note is Note.STOPPED


def test_a_failed_answer_says_why_and_can_be_tried_again(
    qtbot: QtBot, rooms: Rooms, page: ChatPage
) -> None:
    rooms.engine.script = [Failed("The graphics card was lost. Try again.")]
    write(qtbot, page, "Hello?")
    qtbot.waitUntil(lambda: quiet(page))
    assert page.transcript.turns[1].note is Note.FAILED
    rooms.engine.script = ["Better."]
    button(page, "noteButton").click()
    qtbot.waitUntil(lambda: quiet(page) and shown(page)[-1] == (MODEL, "Better."))
    assert len(page.transcript.turns[1].alternatives) == 2


def test_a_message_that_could_not_be_stored_comes_back_to_the_composer(
    qtbot: QtBot, rooms: Rooms, page: ChatPage
) -> None:
    errors: list[str] = []
    page.error_occurred.connect(errors.append)
    write(qtbot, page, "First")
    qtbot.waitUntil(lambda: quiet(page))
    page.composer.set_text("Second")
    rooms.store.fail_next = DiskFullError("The disk is full.")
    page.send("Second")
    qtbot.waitUntil(lambda: bool(errors))
    assert errors == ["The disk is full."]
    assert page.composer.text == "Second"
    assert len(page.transcript.turns) == 2


def test_continue_goes_on_in_the_same_message(qtbot: QtBot, rooms: Rooms, page: ChatPage) -> None:
    usage, timings = Usage(1, 0, 1), Timings(0, 0.1, 20)
    rooms.engine.script = ["Half an ", Finished(usage, StopReason.LENGTH, timings)]
    write(qtbot, page, "Tell")
    qtbot.waitUntil(lambda: quiet(page))
    assert page.transcript.turns[1].note is Note.CUT
    rooms.engine.script = ["answer."]
    button(page, "noteButton").click()
    qtbot.waitUntil(lambda: quiet(page) and len(rooms.engine.requests) == 2)
    assert shown(page) == [(USER, "Tell"), (MODEL, "Half an answer.")]
    assert stored(rooms, page)[1] == (MODEL, "Half an answer.", Status.COMPLETE)
    assert page.transcript.turns[1].note is Note.NONE


def test_editing_makes_a_branch_and_the_arrows_switch(
    qtbot: QtBot, rooms: Rooms, page: ChatPage
) -> None:
    write(qtbot, page, "First")
    qtbot.waitUntil(lambda: quiet(page))
    rooms.engine.script = ["Another answer."]
    qtbot.keyClick(page.composer.field, Qt.Key.Key_Up)
    field = page.findChild(QPlainTextEdit, "editMessage")
    assert isinstance(field, QPlainTextEdit)
    field.setPlainText("Second")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: quiet(page) and len(stored(rooms, page)) == 4)
    assert shown(page) == [(USER, "Second"), (MODEL, "Another answer.")]
    turn = page.transcript.turns[0]
    assert (turn.position, len(turn.alternatives)) == (1, 2)
    view = page.transcript.view_of(turn.message.id)
    assert view is not None
    view.branch_chosen.emit(turn.alternatives[0])
    qtbot.waitUntil(lambda: quiet(page))
    assert shown(page) == [(USER, "First"), (MODEL, "Hello from the engine.")]


def test_answering_again_makes_an_alternative(qtbot: QtBot, rooms: Rooms, page: ChatPage) -> None:
    write(qtbot, page, "First")
    qtbot.waitUntil(lambda: quiet(page))
    rooms.engine.script = ["In other words."]
    answer = page.transcript.turns[1].message.id
    page.transcript.asked.emit("regenerate", answer)
    qtbot.waitUntil(lambda: quiet(page) and len(stored(rooms, page)) == 3)
    assert shown(page) == [(USER, "First"), (MODEL, "In other words.")]
    assert page.transcript.turns[1].alternatives[0] == answer


def test_reasoning_is_shown_apart_and_timed(qtbot: QtBot, rooms: Rooms, page: ChatPage) -> None:
    rooms.engine.script = [ReasoningDelta("Let me see."), "The answer."]
    write(qtbot, page, "Think")
    qtbot.waitUntil(lambda: quiet(page))
    assert shown(page)[1] == (MODEL, "The answer.")
    fold = button(page, "reasoningFold")
    assert fold.text() == "Thought for 1 s"


# -- several conversations --------------------------------------------------------------------


def test_an_answer_goes_on_while_another_conversation_is_open(
    qtbot: QtBot, rooms: Rooms, page: ChatPage
) -> None:
    other = put_conversation(rooms.store, "Other", 1, (USER, "Q"), (MODEL, "A"))
    rooms.engine.script = ["One ", "two "] + [0.02] * 3 + ["three."]
    write(qtbot, page, "Count")
    first = page.conversation_id
    assert first is not None
    qtbot.waitUntil(lambda: len(shown(page)) == 2 and "two" in shown(page)[1][1])
    rooms.engine.hold.clear()
    page.open_conversation(other.id)
    assert shown(page) == [(USER, "Q"), (MODEL, "A")]
    assert not page.answering
    page.open_conversation(first)
    assert page.answering
    assert shown(page)[1][1].startswith("One two")
    rooms.engine.hold.set()
    qtbot.waitUntil(lambda: quiet(page))
    assert shown(page) == [(USER, "Count"), (MODEL, "One two three.")]


def test_an_answer_that_ended_meanwhile_is_there_when_one_returns(
    qtbot: QtBot, rooms: Rooms, page: ChatPage
) -> None:
    rooms.engine.hold.clear()
    write(qtbot, page, "Count")
    first = page.conversation_id
    assert first is not None
    changed: list[str] = []
    page.conversation_changed.connect(changed.append)
    page.new_chat()
    assert page.welcome.isVisible()
    rooms.engine.hold.set()
    qtbot.waitUntil(lambda: changed == [first])
    assert page.conversation_id is None
    page.open_conversation(first)
    qtbot.waitUntil(lambda: quiet(page))
    assert shown(page) == [(USER, "Count"), (MODEL, "Hello from the engine.")]


def test_a_stored_interrupted_answer_can_be_continued(
    qtbot: QtBot, rooms: Rooms, page: ChatPage
) -> None:
    kept = put_conversation(rooms.store, "Cut", 1, (USER, "Q"), (MODEL, "Half"))
    broken = replace(kept.messages[1], status=Status.INTERRUPTED)
    rooms.store.kept[kept.id] = replace(kept, messages=(kept.messages[0], broken))
    page.open_conversation(kept.id)
    qtbot.waitUntil(lambda: quiet(page))
    assert page.transcript.turns[1].note is Note.INTERRUPTED
    rooms.engine.script = [" and half."]
    button(page, "noteButton").click()
    qtbot.waitUntil(lambda: quiet(page) and len(rooms.engine.requests) == 1)
    assert shown(page)[1] == (MODEL, "Half and half.")
