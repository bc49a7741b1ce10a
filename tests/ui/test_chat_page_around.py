"""Drafts, context, status and links of the chat page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot
from tests.ui.chat import MODEL, USER, button, make_page, quiet, shown, write
from tests.ui.fakes import LARGE, SMALL, Rooms, put_conversation

from snug.domain.conversation import Part, PartKind
from snug.domain.errors import Remedy, RemedyKind
from snug.domain.events import Failed, Paused, Resumed, Shifted, ToolCall
from snug.domain.prompt import ContextPlan
from snug.services.bundle import Services
from snug.ui.chat.chat_page import ChatPage
from snug.ui.chat.turn import Action
from snug.ui.chat.unsent_texts import NEW_DRAFT
from snug.ui.look.theme import Theme
from snug.ui.look.words import count_words
from snug.ui.text.link_prompt import LinkPrompt


@pytest.fixture
def page(qtbot: QtBot, rooms: Rooms, services: Services, theme: Theme) -> Iterator[ChatPage]:
    made = make_page(qtbot, services, theme)
    yield made
    rooms.engine.hold.set()
    made.shutdown()


# -- drafts -----------------------------------------------------------------------------------


def test_drafts_are_kept_for_each_conversation(qtbot: QtBot, rooms: Rooms, page: ChatPage) -> None:
    one = put_conversation(rooms.store, "One", 1, (USER, "Q"), (MODEL, "A"))
    qtbot.keyClicks(page.composer.field, "for a new chat")
    page.open_conversation(one.id)
    assert page.composer.text == ""
    qtbot.keyClicks(page.composer.field, "for one")
    page.new_chat()
    assert page.composer.text == "for a new chat"
    qtbot.waitUntil(lambda: rooms.store.kept[one.id].draft == "for one")
    page.open_conversation(one.id)
    assert page.composer.text == "for one"
    assert rooms.store.settings[NEW_DRAFT] == "for a new chat"


def test_a_draft_is_kept_by_itself_and_at_the_end(
    qtbot: QtBot, rooms: Rooms, page: ChatPage
) -> None:
    qtbot.keyClicks(page.composer.field, "half a thought")
    qtbot.waitUntil(lambda: rooms.store.settings.get(NEW_DRAFT) == "half a thought")
    qtbot.keyClicks(page.composer.field, "!")
    page.shutdown()
    assert rooms.store.settings[NEW_DRAFT] == "half a thought!"


def test_what_was_sent_is_no_draft_any_more(qtbot: QtBot, rooms: Rooms, page: ChatPage) -> None:
    qtbot.keyClicks(page.composer.field, "Hello")
    qtbot.waitUntil(lambda: NEW_DRAFT in rooms.store.settings)
    qtbot.keyClick(page.composer.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: quiet(page))
    assert rooms.store.settings[NEW_DRAFT] == ""
    assert page.conversation_id is not None
    assert rooms.store.kept[page.conversation_id].draft == ""


# -- context, status, notices -----------------------------------------------------------------


def test_what_will_be_dropped_is_said_before_sending(
    qtbot: QtBot, rooms: Rooms, page: ChatPage
) -> None:
    one = put_conversation(rooms.store, "One", 1, (USER, "Q"), (MODEL, "A"))
    rooms.engine.plan_result = ContextPlan(7_600, 8_192, 512, 4)
    page.open_conversation(one.id)
    notice = page.foot.context_notice
    qtbot.waitUntil(
        lambda: notice.text == "The 4 oldest messages no longer fit and will be left out."
    )
    assert page.status.meter.text == f"{count_words(7_600)} of {count_words(8_192)} tokens"
    rooms.engine.plan_result = ContextPlan(9_000, 8_192, 512, 0, overflow=True)
    qtbot.keyClicks(page.composer.field, "longer")
    qtbot.waitUntil(lambda: "too long" in notice.text)
    rooms.engine.plan_result = ContextPlan(100, 8_192, 512, 0)
    qtbot.keyClicks(page.composer.field, "x")
    qtbot.waitUntil(lambda: notice.text == "")


def test_an_answer_that_waits_says_so_until_it_goes_on(
    qtbot: QtBot, rooms: Rooms, page: ChatPage
) -> None:
    rooms.engine.script = ["One ", Paused("The disk is full (0 B free)."), 0.05, 5.0]
    write(qtbot, page, "Go")
    notice = page.foot.paused
    qtbot.waitUntil(lambda: notice.text.startswith("The disk is full (0 B free). The answer waits"))
    page.stop()
    qtbot.waitUntil(lambda: quiet(page))
    assert notice.text == ""
    rooms.engine.script = ["One ", Paused("Full."), Resumed(), "two"]
    write(qtbot, page, "Again")
    qtbot.waitUntil(lambda: quiet(page))
    assert notice.text == ""


def test_the_status_tells_where_and_how_fast(qtbot: QtBot, rooms: Rooms, page: ChatPage) -> None:
    write(qtbot, page, "Hello?")
    qtbot.waitUntil(lambda: quiet(page))
    assert page.status.placement_words == "Runs on the processor"
    assert page.status.activity_words.startswith("142")
    assert "tokens/s" in page.status.activity_words


def test_the_chosen_model_is_kept_with_the_conversation(
    qtbot: QtBot, rooms: Rooms, page: ChatPage
) -> None:
    page.set_model(SMALL)
    assert page.composer.field.placeholderText() == f"Message {SMALL.name}"
    write(qtbot, page, "Hello?")
    qtbot.waitUntil(lambda: quiet(page))
    assert rooms.engine.requests[0].model == SMALL
    assert shown(page)[1][0] is MODEL
    page.set_model(LARGE)
    assert page.conversation_id is not None
    assert rooms.store.kept[page.conversation_id].settings.model == LARGE.name


# -- links ------------------------------------------------------------------------------------


def test_a_link_asks_before_it_opens(qtbot: QtBot, page: ChatPage) -> None:
    opened: list[QUrl] = []
    page.open_url = lambda url: bool(opened.append(url)) or True
    page.transcript.link_chosen.emit("https://example.com/x", QPoint(10, 10))
    prompt = page.findChild(LinkPrompt)
    assert isinstance(prompt, LinkPrompt)
    assert prompt.isVisible()
    assert opened == []
    confirm = prompt.findChild(QPushButton, "openLink")
    assert isinstance(confirm, QPushButton)
    confirm.click()
    assert [url.toString() for url in opened] == ["https://example.com/x"]


def test_the_question_about_a_link_goes_with_the_conversation(page: ChatPage) -> None:
    page.transcript.link_chosen.emit("https://example.com/x", QPoint(10, 10))
    page.new_chat()
    assert not any(prompt.isVisible() for prompt in page.findChildren(LinkPrompt))


def test_parts_of_a_stored_answer_are_told_apart(
    qtbot: QtBot, rooms: Rooms, page: ChatPage
) -> None:
    kept = put_conversation(rooms.store, "Thought", 1, (USER, "Q"), (MODEL, "A"))
    parts = (Part(PartKind.REASONING, "hm"), Part(PartKind.TEXT, "A"))
    answer = replace(kept.messages[1], parts=parts)
    rooms.store.kept[kept.id] = replace(kept, messages=(kept.messages[0], answer))
    page.open_conversation(kept.id)
    assert shown(page)[1] == (MODEL, "A")
    assert button(page, "reasoningFold").text() == "Thought before answering"


# -- what an answer brings besides text -------------------------------------------------------


def test_a_call_of_a_tool_shows_below_the_answer_and_is_kept(
    qtbot: QtBot, rooms: Rooms, page: ChatPage
) -> None:
    rooms.engine.script = ["Let me look.", ToolCall("get_weather", '{"city": "Graz"}')]
    write(qtbot, page, "Weather?")
    qtbot.waitUntil(lambda: quiet(page))
    assert button(page, "toolCallsFold").text() == "Asked for get_weather — not run"
    assert page.conversation_id is not None
    assert len(rooms.store.kept[page.conversation_id].messages[-1].tool_calls) == 1


def test_a_context_that_runs_full_on_the_way_is_told(
    qtbot: QtBot, rooms: Rooms, page: ChatPage
) -> None:
    rooms.engine.script = ["One", Shifted(4), 30.0]
    write(qtbot, page, "Long?")
    qtbot.waitUntil(lambda: "4 oldest messages are left out" in page.foot.context_notice.text)
    page.stop()
    qtbot.waitUntil(lambda: quiet(page) and page.foot.context_notice.text == "")


def test_a_model_in_quarantine_is_released_and_asked_again_with_one_click(
    qtbot: QtBot, rooms: Rooms, services: Services, page: ChatPage
) -> None:
    released: list[str] = []
    services.models.release_quarantine = lambda model: released.append(model.name)
    remedies = (Remedy(RemedyKind.RELEASE_QUARANTINE),)
    rooms.engine.script = [Failed("It is in quarantine.", remedies)]
    write(qtbot, page, "Hello?")
    qtbot.waitUntil(lambda: quiet(page))
    offer = button(page, "noteButton")
    assert offer.text() == "Try this model again"
    rooms.engine.script = ["Better."]
    offer.click()
    qtbot.waitUntil(lambda: quiet(page) and shown(page)[-1] == (MODEL, "Better."))
    assert len(released) == 1


def test_an_answer_whose_engine_ended_goes_on_where_it_was(
    qtbot: QtBot, rooms: Rooms, page: ChatPage
) -> None:
    rooms.engine.script = ["Half", Failed("The engine ended unexpectedly.")]
    write(qtbot, page, "Hello?")
    qtbot.waitUntil(lambda: quiet(page))
    rooms.engine.script = [" and whole."]
    offer = button(page, "noteButton")
    assert offer.text() == "Continue"
    offer.click()
    qtbot.waitUntil(lambda: quiet(page) and shown(page)[-1] == (MODEL, "Half and whole."))
    assert rooms.engine.requests[-1].answer_start == "Half"


def test_a_message_is_pinned_marked_and_let_go(qtbot: QtBot, rooms: Rooms, page: ChatPage) -> None:
    one = put_conversation(rooms.store, "One", 1, (USER, "Q"), (MODEL, "A"))
    page.open_conversation(one.id)
    qtbot.waitUntil(lambda: quiet(page))
    asked_id = one.messages[0].id
    page.transcript.asked.emit(Action.PIN, asked_id)
    assert rooms.store.kept[one.id].message(asked_id).pinned
    mark = button(page, "pinMessage")
    assert mark.isVisible()
    assert mark.accessibleName().startswith("Pinned")
    mark.click()
    assert not rooms.store.kept[one.id].message(asked_id).pinned
    assert mark.accessibleName().startswith("Pin,")
