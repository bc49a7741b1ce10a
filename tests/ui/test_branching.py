"""The tree of a chat on its page: forked, shortened, rewritten, compared, begun, queued, undone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit
from pytestqt.qtbot import QtBot
from tests.ui.chat import MODEL, USER, button, make_page, quiet, shown, stored, write
from tests.ui.fakes import Rooms, put_conversation

from snug.services.bundle import Services
from snug.services.votes import Votes, Winner
from snug.ui.chat.chat_page import ChatPage
from snug.ui.chat.compare_dialog import CompareDialog, difference
from snug.ui.chat.turn import Action
from snug.ui.look.theme import Theme
from snug.ui.palette import Palette


@pytest.fixture
def page(qtbot: QtBot, rooms: Rooms, services: Services, theme: Theme) -> Iterator[ChatPage]:
    chat = put_conversation(
        rooms.store, "Fruit", 1, (USER, "quince?"), (MODEL, "yes"), (USER, "medlar?"), (MODEL, "no")
    )
    made = make_page(qtbot, services, theme)
    made.open_conversation(chat.id)
    qtbot.waitUntil(lambda: quiet(made))
    yield made
    rooms.engine.hold.set()
    made.shutdown()


def texts(page: ChatPage) -> list[str]:
    return [text for _, text in shown(page)]


def ids(page: ChatPage) -> list[str]:
    return [turn.message.id for turn in page.transcript.turns]


def test_what_is_deleted_comes_back_with_the_button(qtbot: QtBot, page: ChatPage) -> None:
    page.messages.do(Action.DELETE, ids(page)[2])
    assert texts(page) == ["quince?", "yes"]
    assert page.foot.undo.isVisible()
    button(page, "chatUndoButton").click()
    assert texts(page) == ["quince?", "yes", "medlar?", "no"]


def test_several_steps_are_undone_one_after_the_other_the_last_one_first(
    qtbot: QtBot, page: ChatPage
) -> None:
    page.messages.do(Action.DELETE, ids(page)[3])
    page.messages.do(Action.DELETE, ids(page)[0])
    assert texts(page) == []
    assert page.welcome.isVisible()
    page.undo()
    assert texts(page) == ["quince?", "yes", "medlar?"]
    page.undo()
    assert texts(page)[-1] == "no"
    told: list[str] = []
    page.error_occurred.connect(told.append)
    page.undo()
    assert told == ["There is nothing to undo in this chat."]


def test_asking_again_is_undone_by_showing_what_was_there(
    qtbot: QtBot, rooms: Rooms, page: ChatPage
) -> None:
    page.messages.do(Action.REGENERATE, ids(page)[3])
    qtbot.waitUntil(lambda: quiet(page))
    assert texts(page)[-1] != "no"
    page.undo()
    assert texts(page)[-1] == "no"
    assert len(stored(rooms, page)) == 5  # the other version stays


def test_a_rewritten_answer_is_shown_and_undone(page: ChatPage) -> None:
    page.transcript.edited.emit(ids(page)[1], "perhaps")
    assert texts(page) == ["quince?", "perhaps"]
    page.undo()
    assert texts(page) == ["quince?", "yes", "medlar?", "no"]


def test_a_fork_is_told_to_the_window(rooms: Rooms, page: ChatPage) -> None:
    told: list[str] = []
    page.forked.connect(told.append)
    page.messages.do(Action.FORK, ids(page)[1])
    forked = rooms.store.kept[told[0]]
    assert [m.text for m in forked.active_path()] == ["quince?", "yes"]
    assert forked.title == "Fruit (fork)"


def test_versions_are_compared_side_by_side(qtbot: QtBot, page: ChatPage) -> None:
    page.transcript.edited.emit(ids(page)[1], "perhaps")
    page.messages.do(Action.COMPARE, ids(page)[1])
    dialog = page.findChild(CompareDialog)
    assert isinstance(dialog, CompareDialog)
    sides = [dialog.findChild(QPlainTextEdit, f"{name}VersionText") for name in ("left", "right")]
    assert [side.toPlainText() for side in sides if side is not None] == ["yes", "perhaps"]
    action = dialog.findChild(QAction, "rightVersion_0")
    assert action is not None
    action.trigger()
    assert [side.toPlainText() for side in sides if side is not None] == ["yes", "yes"]
    dialog.close()


def test_another_model_answers_the_same_and_both_are_voted_on_without_names(
    qtbot: QtBot, rooms: Rooms, services: Services, page: ChatPage
) -> None:
    settled = page.conversation.settings if page.conversation else None
    page.messages.do(Action.OTHER_MODEL, ids(page)[3])
    palette = page.window().findChild(Palette)
    assert isinstance(palette, Palette)
    chosen = str(palette.list.currentIndex().data())
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.findChild(CompareDialog) is not None)
    newest = page.conversation.active_path()[-1] if page.conversation else None
    assert newest is not None
    assert newest.model == chosen
    assert rooms.engine.requests[-1].model.name == chosen
    assert rooms.store.kept["c-fruit"].settings == settled  # the chat keeps its own
    dialog = page.findChild(CompareDialog)
    assert isinstance(dialog, CompareDialog)
    button(page, "blindVote").click()
    assert chosen not in "".join(choice.text() for choice in dialog._choices)
    button(page, "voteEqual").click()
    assert chosen in "".join(choice.text() for choice in dialog._choices)
    (vote,) = Votes(services.preferences).all()
    assert (vote.winner, vote.blind) == (Winner.EQUAL, True)
    dialog.close()


def test_only_what_differs_is_told() -> None:
    assert difference("a\nb\nc\nd", "a\nb\nx\nd") == ["…", " b", "-c", "+x", " d"]
    assert difference("same", "same") == []


def test_the_answer_begins_with_the_given_words(qtbot: QtBot, rooms: Rooms, page: ChatPage) -> None:
    page.begin_answer()
    field = page.findChild(QLineEdit, "answerBegin")
    assert field is not None
    qtbot.waitUntil(field.hasFocus)
    qtbot.keyClicks(field, "Surely ")
    page.composer.field.setPlainText("damson?")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(stored(rooms, page)) == 6 and quiet(page))
    assert stored(rooms, page)[-1][1].startswith("Surely ")
    assert rooms.engine.requests[-1].answer_start == "Surely "
    assert not field.isVisible()
    assert page.composer.begin == ""


def test_a_stopped_answer_pauses_what_waits_until_the_person_goes_on(
    qtbot: QtBot, rooms: Rooms, page: ChatPage
) -> None:
    rooms.engine.hold.clear()
    write(qtbot, page, "One")
    write(qtbot, page, "Two")
    page.stop()
    rooms.engine.hold.set()
    qtbot.waitUntil(lambda: quiet(page))
    assert page.unsent.waiting(page.conversation_id) == ("Two",)
    assert button(page, "sendWaiting").isVisible()
    button(page, "sendWaiting").click()
    qtbot.waitUntil(lambda: len(stored(rooms, page)) == 8 and quiet(page))
    assert page.unsent.waiting(page.conversation_id) == ()


def test_what_waits_can_be_edited_moved_and_taken_out_and_outlives_the_page(
    qtbot: QtBot, rooms: Rooms, services: Services, theme: Theme, page: ChatPage
) -> None:
    rooms.engine.hold.clear()
    for text in ("One", "Two", "Three", "Four"):
        write(qtbot, page, text)
    waiting = page.foot.waiting
    waiting.up_chosen.emit(2)
    waiting.remove_chosen.emit(0)
    chat = page.conversation_id
    assert chat is not None
    assert page.unsent.waiting(chat) == ("Four", "Three")
    waiting.edit_chosen.emit(1)
    assert page.composer.text == "Three"
    page.stop()
    rooms.engine.hold.set()
    qtbot.waitUntil(lambda: quiet(page))
    page.shutdown()
    later = make_page(qtbot, services, theme)
    later.open_conversation(chat)
    assert later.composer.text == "Three"
    assert later.unsent.waiting(chat) == ("Four",)
    assert button(later, "sendWaiting").isVisible()
    later.shutdown()


def test_what_waits_is_sent_in_a_chat_that_is_not_looked_at(
    qtbot: QtBot, rooms: Rooms, page: ChatPage
) -> None:
    rooms.engine.hold.clear()
    write(qtbot, page, "One")
    write(qtbot, page, "Two")
    chat = page.conversation_id
    assert chat is not None
    page.new_chat()
    rooms.engine.hold.set()
    qtbot.waitUntil(lambda: len(rooms.store.kept[chat].messages) == 8)
    qtbot.waitUntil(lambda: not page._answers.of(chat))
    assert rooms.store.kept[chat].messages[-2].text == "Two"
