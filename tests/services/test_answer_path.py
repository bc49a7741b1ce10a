"""From the person's words to the stored answer: the real vault, the real library."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.services.scripted import Listener, ScriptedEngine

from snug.domain.conversation import Conversation, Message, Part, PartKind, Role, Status
from snug.domain.errors import DiskFullError, UserError
from snug.domain.events import Finished, TextDelta, ToolCall
from snug.domain.tools import read_call
from snug.models.library import Library
from snug.models.starter import find_starter
from snug.services.conversations import ConversationService
from snug.services.models import ModelService
from snug.services.requests import Extras
from snug.vault.conversations import Conversations
from snug.vault.vault import Vault

WAIT_S = 20.0


class Desk:
    """The service over a vault in memory and a scripted engine."""

    def __init__(self, folder: Path, engine: ScriptedEngine) -> None:
        self.vault = Vault.temporary()
        self.store = self.vault.conversations
        self.engine = engine
        models = ModelService(Library(folder, find_starter), self.store, engine)
        self.service = ConversationService(self.store, models, engine)
        self.id = self.service.create().id

    def read(self) -> Conversation:
        return self.service.conversation(self.id)

    def stored_answer(self) -> str:
        return "".join(m.text for m in self.read().messages if m.role is Role.ASSISTANT)

    def ask(self, text: str = "Hi") -> Listener:
        listener = Listener(self.stored_answer)
        assert self.service.send(self.id, text, listener).wait(WAIT_S)
        return listener


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, ScriptedEngine())
    yield made
    made.engine.close()
    made.vault.close()


def test_the_persons_message_is_stored_before_the_engine_starts(tmp_path: Path) -> None:
    seen: list[list[str]] = []
    engine = ScriptedEngine(before=lambda number: (number == 0 and seen.append(texts())) or None)
    desk = Desk(tmp_path, engine)

    def texts() -> list[str]:
        return [m.text for m in desk.read().messages if m.role is Role.USER]

    desk.ask("Is it safe?")
    assert seen == [["Is it safe?"]]
    desk.vault.close()


def test_text_is_on_disk_before_it_is_shown(desk: Desk) -> None:
    desk.engine.words = tuple(f"word{n} " for n in range(200))
    listener = desk.ask()
    shown = ""
    for event, stored in zip(listener.events, listener.stored, strict=True):
        if isinstance(event, TextDelta):
            shown += event.text
            assert stored.startswith(shown)
    assert shown == "".join(desk.engine.words) == desk.stored_answer()


def test_a_finished_answer_is_complete_with_its_figures(desk: Desk) -> None:
    desk.ask("Hello?")
    user, answer = desk.read().messages
    assert (user.role, answer.role) == (Role.USER, Role.ASSISTANT)
    assert answer.status is Status.COMPLETE
    assert answer.text == "Hello there."
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3
    assert answer.model.startswith("SmolLM2")
    assert desk.read().title == "Hello?"


def test_stop_keeps_what_came(tmp_path: Path) -> None:
    reached, go = threading.Event(), threading.Event()

    def before(number: int) -> None:
        if number == 2:
            reached.set()
            go.wait(WAIT_S)

    desk = Desk(tmp_path, ScriptedEngine(("a", "b", "c", "d"), before))
    listener = Listener()
    run = desk.service.send(desk.id, "Hi", listener)
    assert reached.wait(WAIT_S)
    run.cancel()
    assert desk.engine.answers[0].halted.wait(WAIT_S)
    go.set()
    assert run.wait(WAIT_S)
    answer = desk.read().messages[1]
    assert (answer.text, answer.status) == ("ab", Status.STOPPED)
    desk.vault.close()


def test_two_questions_at_once_are_refused(tmp_path: Path) -> None:
    go = threading.Event()
    desk = Desk(tmp_path, ScriptedEngine(before=lambda _n: (go.wait(WAIT_S) and None) or None))
    run = desk.service.send(desk.id, "One", Listener())
    with pytest.raises(UserError, match="still answering"):
        desk.service.send(desk.id, "Two", Listener())
    go.set()
    assert run.wait(WAIT_S)
    desk.ask("Two")
    assert len(desk.read().messages) == 4
    desk.vault.close()


def test_regenerate_and_edit_grow_branches(desk: Desk) -> None:
    desk.ask("First")
    user, answer = desk.read().messages
    desk.engine.words = ("Another",)
    assert desk.service.regenerate(desk.id, answer.id, Listener()).wait(WAIT_S)
    assert [m.text for m in desk.read().active_path()] == ["First", "Another"]
    assert desk.service.edit(desk.id, user.id, "Second", Listener()).wait(WAIT_S)
    conversation = desk.read()
    assert [m.text for m in conversation.active_path()] == ["Second", "Another"]
    assert len(conversation.siblings(user)) == 2
    assert [m.text for m in desk.engine.requests[-1].messages] == ["Second"]
    back = desk.service.choose_branch(desk.id, answer.id)
    assert [m.text for m in back.active_path()] == ["First", "Hello there."]


def test_resume_goes_on_in_the_same_message(desk: Desk) -> None:
    desk.ask("Go")
    answer = desk.read().messages[1]
    desk.engine.words = (" And more.",)
    assert desk.service.resume(desk.id, answer.id, Listener()).wait(WAIT_S)
    assert desk.engine.requests[-1].answer_start == "Hello there."
    after = desk.read().messages
    assert len(after) == 2
    assert after[1].text == "Hello there. And more."


def test_a_missing_model_keeps_the_question_and_says_why(desk: Desk) -> None:
    settings = desk.read().settings
    desk.service.save_settings(desk.id, type(settings)(model="no such model"))
    listener = desk.ask("Anyone?")
    assert listener.kinds() == ["Failed"]
    messages = desk.read().messages
    assert messages[0].text == "Anyone?"
    assert messages[1].status is Status.FAILED
    assert "no such model" in messages[1].error


class FullDisk:
    """A store whose disk is full for a while; everything else is the real one."""

    def __init__(self, store: Conversations) -> None:
        self._store = store
        self.full = threading.Event()
        self.refused = threading.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def append_journal(self, message_id: str, parts: tuple[Part, ...]) -> None:
        self._refuse()
        self._store.append_journal(message_id, parts)

    def finish_message(self, message: Message) -> None:
        self._refuse()
        self._store.finish_message(message)

    def _refuse(self) -> None:
        if self.full.is_set():
            self.refused.set()
            raise DiskFullError("The disk is full (0 bytes free).")


@pytest.fixture
def full_desk(tmp_path: Path) -> Iterator[tuple[Desk, FullDisk]]:
    desk = Desk(tmp_path, ScriptedEngine(tuple(f"{n} " for n in range(2_000))))
    disk = FullDisk(desk.store)
    models = ModelService(Library(tmp_path, find_starter), desk.store, desk.engine)
    desk.service = ConversationService(disk, models, desk.engine)  # type: ignore[arg-type]
    yield desk, disk
    disk.full.clear()
    desk.engine.close()
    desk.vault.close()


def test_a_full_disk_pauses_the_engine_and_nothing_is_lost(
    full_desk: tuple[Desk, FullDisk],
) -> None:
    desk, disk = full_desk
    disk.full.set()
    listener = Listener()
    run = desk.service.send(desk.id, "Hi", listener)
    assert disk.refused.wait(WAIT_S)
    assert not run.wait(1.2)
    said = desk.engine.answers[0].said
    assert said < 2_000
    assert listener.text == ""
    disk.full.clear()
    assert run.wait(WAIT_S)
    assert listener.kinds().count("Paused") == 1
    assert listener.kinds().count("Resumed") == 1
    assert listener.text == "".join(desk.engine.words) == desk.stored_answer()
    assert desk.read().messages[1].status is Status.COMPLETE


def test_a_paused_answer_can_be_stopped(full_desk: tuple[Desk, FullDisk]) -> None:
    desk, disk = full_desk
    disk.full.set()
    listener = Listener()
    run = desk.service.send(desk.id, "Hi", listener)
    assert disk.refused.wait(WAIT_S)
    run.cancel()
    disk.full.clear()
    assert run.wait(WAIT_S)
    last = listener.events[-1]
    assert isinstance(last, Finished)
    assert desk.stored_answer() == listener.text


def test_reasoning_is_kept_apart(desk: Desk) -> None:
    desk.ask()
    assert [p.kind for p in desk.read().messages[1].parts] == [PartKind.TEXT]


def test_calls_of_tools_are_kept_with_the_answer_and_told_to_the_model_again(desk: Desk) -> None:
    calls = (ToolCall("look_up", '{"word": "a"}', "id1"), ToolCall("look_up", "{}", "id2"))
    desk.engine.calls = calls
    listener = Listener()
    tools = '[{"name": "look_up"}]'
    assert desk.service.send(desk.id, "Hi", listener, Extras.checked(tools=tools)).wait(WAIT_S)
    assert '"look_up"' in desk.engine.requests[0].tools
    assert tuple(e for e in listener.events if isinstance(e, ToolCall)) == calls
    answer = desk.read().messages[-1]
    assert tuple(map(read_call, answer.tool_calls)) == calls
    assert answer.text == "Hello there."
    desk.ask("And now?")
    assert desk.engine.requests[1].messages[1].tool_calls == calls


def test_another_answer_may_ask_for_the_same_tools(desk: Desk) -> None:
    desk.ask("Hi")
    leaf = desk.read().leaf_id
    assert leaf is not None
    run = desk.service.regenerate(
        desk.id,
        leaf,
        Listener(),
        Extras.checked(tools='[{"name": "look_up"}]', schema='{"type": "object"}'),
    )
    assert run.wait(WAIT_S)
    assert '"look_up"' in desk.engine.requests[1].tools
    assert "object" in desk.engine.requests[1].schema
    with pytest.raises(UserError, match="square brackets"):
        desk.service.regenerate(desk.id, leaf, Listener(), Extras.checked(tools="{}"))


def test_tools_that_make_no_sense_are_refused_before_anything_is_stored(desk: Desk) -> None:
    with pytest.raises(UserError, match="square brackets"):
        desk.service.send(desk.id, "Hi", Listener(), Extras.checked(tools="{}"))
    assert desk.read().messages == ()
