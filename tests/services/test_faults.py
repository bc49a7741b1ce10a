"""Answers when something goes wrong: the disk, the vault, the conversation, ourselves."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.listener import PATIENCE_S, Listener
from tests.services.scripted import ScriptedEngine
from tests.starter import starter_model

from snug.domain.conversation import Message, Part, PartKind, Role, Status, join_parts
from snug.domain.errors import (
    DiskFullError,
    EnvironmentFault,
    NotFoundError,
    UserError,
    VaultDamagedError,
)
from snug.domain.events import (
    Event,
    Failed,
    Finished,
    Paused,
    ReasoningDelta,
    Resumed,
    Started,
    StopReason,
    TextDelta,
    Timings,
    Usage,
)
from snug.domain.model import ModelFile, Placement
from snug.services.answer import RETRY_S, AnswerRun
from snug.services.conversations import ConversationService, Run
from snug.services.models import ModelService
from snug.vault.conversations import Conversations
from snug.vault.vault import Vault

WORDS = tuple(f"{number} " for number in range(3_000))


class Library:
    """One model, the starter's entry, until `error` is set."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    def resolve(self, reference: str) -> ModelFile:
        if self.error is not None:
            raise self.error
        return starter_model()

    def models(self) -> tuple[ModelFile, ...]:
        return (starter_model(),)

    def import_file(self, path: Path) -> ModelFile:
        raise NotImplementedError

    def remove(self, name: str) -> ModelFile:
        raise NotImplementedError

    def warnings(self, path: Path) -> tuple[str, ...]:
        return ()

    def check(self, path: Path) -> tuple[str, ...]:
        raise NotImplementedError


class Store(Conversations):
    """The real store, which raises `error` instead of keeping an answer while that is set."""

    error: Callable[[], Exception] | None = None
    writes = 0

    def append_journal(self, message_id: str, parts: object) -> None:
        self._refuse()
        super().append_journal(message_id, parts)  # type: ignore[arg-type]

    def finish_message(self, message: Message) -> None:
        self._refuse()
        super().finish_message(message)

    def _refuse(self) -> None:
        self.writes += 1
        if self.error is not None:
            raise self.error()


class Gate:
    """Lets the scripted engine say words up to a number, and tells when it waits there."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._limit = 0
        self.reached = 0

    def __call__(self, number: int) -> None:
        with self._changed:
            self.reached = number
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._limit > number, PATIENCE_S)

    def open(self, limit: int) -> None:
        with self._changed:
            self._limit = limit
            self._changed.notify_all()

    def wait_at(self, number: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.reached >= number, PATIENCE_S)


class Desk:
    """The service over a real vault in memory, a store that can fail, a scripted engine."""

    def __init__(self) -> None:
        self.vault = Vault.temporary()
        real = self.vault.conversations
        self.store = Store(real._database, real.writer)
        self.gate = Gate()
        self.engine = ScriptedEngine(WORDS, self.gate)
        self.library = Library()
        models = ModelService(self.library, self.store, self.engine)
        self.service = ConversationService(self.store, models, self.engine)
        self.id = self.service.create().id

    def start(self, conversation_id: str = "") -> tuple[Run, Listener]:
        listener = Listener()
        return self.service.send(conversation_id or self.id, "Hi", listener), listener

    def answer(self, conversation_id: str = "") -> Message:
        messages = self.service.conversation(conversation_id or self.id).messages
        return next(m for m in messages if m.role is Role.ASSISTANT)

    def until_shown(self, listener: Listener, count: int) -> None:
        """Let so many words out and wait until they are shown."""
        self.gate.open(count)
        listener.wait_until(lambda _events: listener.text == "".join(WORDS[:count]))

    def close(self) -> None:
        self.store.error = None
        self.gate.open(len(WORDS))
        self.engine.close()
        self.vault.close()


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.close()


def _full() -> Exception:
    return DiskFullError("The disk is full (0 bytes free).")


def _pause(desk: Desk, conversation_id: str = "") -> tuple[Run, Listener]:
    """An answer that has shown ten words and now waits for a full disk."""
    run, listener = desk.start(conversation_id)
    desk.until_shown(listener, 10)
    desk.store.error = _full
    desk.gate.open(len(WORDS))
    listener.wait_for(Paused)
    return run, listener


def test_while_the_disk_is_full_the_engine_waits(desk: Desk) -> None:
    run, listener = _pause(desk)
    writes = desk.store.writes
    assert not run.wait(1.5 * RETRY_S)
    assert 1 <= desk.store.writes - writes <= 2  # a full disk is not hammered
    said = []
    for tries in range(desk.store.writes + 1, desk.store.writes + 3):
        while desk.store.writes < tries:
            assert not run.wait(0.1)
        said.append(desk.engine.answers[0].said)
    assert said[0] == said[1] < len(WORDS)
    assert listener.text == "".join(WORDS[:10])
    desk.store.error = None
    assert run.wait(PATIENCE_S)
    kinds = [type(event) for event in listener.events]
    assert (kinds.count(Paused), kinds.count(Resumed)) == (1, 1)
    assert kinds.index(Paused) < kinds.index(Resumed)
    assert listener.text == "".join(WORDS) == desk.answer().text
    assert desk.answer().status is Status.COMPLETE


def test_a_stop_on_a_full_disk_ends_soon_and_keeps_what_was_seen(desk: Desk) -> None:
    run, listener = _pause(desk)
    began = time.monotonic()
    run.cancel()
    assert run.wait(PATIENCE_S)
    assert time.monotonic() - began < 5.0
    assert listener.failure == "The disk is full (0 bytes free)."
    assert desk.answer().text == listener.text == "".join(WORDS[:10])
    assert desk.answer().status is Status.INTERRUPTED
    assert not desk.service.running(desk.id)
    desk.store.error = None
    resumed = Listener()
    assert desk.service.resume(desk.id, desk.answer().id, resumed).wait(PATIENCE_S)
    assert desk.answer().text == "".join(WORDS[:10]) + resumed.text


def test_a_stop_keeps_everything_where_the_disk_has_room_again(desk: Desk) -> None:
    run, listener = _pause(desk)
    run.cancel()
    desk.store.error = None
    assert run.wait(PATIENCE_S)
    assert listener.finished.stop_reason is StopReason.STOPPED
    assert desk.answer().text == listener.text
    assert desk.answer().status is Status.STOPPED


def test_stopping_everything_on_a_full_disk_takes_one_deadline_for_all(desk: Desk) -> None:
    others = [desk.service.create().id for _ in range(3)]
    for conversation_id in (desk.id, *others):
        _, listener = desk.start(conversation_id)
        desk.gate.open(10)
        listener.wait_until(lambda _e, seen=listener: len(seen.text) > 0)
    desk.store.error = _full
    desk.gate.open(len(WORDS))
    began = time.monotonic()
    desk.service.stop_all(timeout_s=1.0)
    assert time.monotonic() - began < 2.0
    began = time.monotonic()
    desk.service.stop_all(timeout_s=10.0)
    assert time.monotonic() - began < 6.0
    assert not any(desk.service.running(c) for c in (desk.id, *others))


def test_a_damaged_vault_ends_the_answer(desk: Desk) -> None:
    run, listener = desk.start()
    desk.until_shown(listener, 5)
    desk.store.error = lambda: VaultDamagedError("The vault is damaged.")
    desk.gate.open(len(WORDS))
    assert run.wait(PATIENCE_S)
    assert listener.failure == "The vault is damaged."
    assert desk.engine.answers[0].halted.wait(PATIENCE_S)


def test_a_defect_ends_the_answer_and_is_reported(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: reported.append(args.exc_type))
    run, listener = desk.start()
    desk.until_shown(listener, 5)
    desk.store.error = ZeroDivisionError
    desk.gate.open(len(WORDS))
    assert run.wait(PATIENCE_S)
    assert "made a mistake" in listener.failure
    desk.store.writer.run(lambda: None)
    assert reported == [ZeroDivisionError]


def test_a_defect_before_the_answer_ends_it_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: reported.append(args.exc_type))
    desk.library.error = ZeroDivisionError()
    run, listener = desk.start()
    assert run.wait(PATIENCE_S)
    assert "made a mistake" in listener.failure
    assert not desk.service.running(desk.id)
    assert reported == [ZeroDivisionError]


def test_a_question_that_cannot_be_stored_is_told_and_not_kept(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(message: Message, *, durable: bool) -> None:
        raise _full()

    monkeypatch.setattr(desk.store, "add_message", refuse)
    run, listener = desk.start()
    assert run.wait(PATIENCE_S)
    assert "disk is full" in listener.failure
    assert desk.service.conversation(desk.id).messages == ()
    assert not desk.engine.answers


def test_an_answer_that_cannot_begin_leaves_the_question(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = desk.store.add_message

    def refuse_answers(message: Message, *, durable: bool) -> None:
        if message.role is Role.ASSISTANT:
            raise _full()
        real(message, durable=durable)

    monkeypatch.setattr(desk.store, "add_message", refuse_answers)
    run, listener = desk.start()
    assert run.wait(PATIENCE_S)
    assert isinstance(listener.events[-1], Failed)
    monkeypatch.undo()
    question = desk.service.conversation(desk.id).messages[0]
    desk.gate.open(len(WORDS))
    assert desk.service.regenerate(desk.id, question.id, Listener()).wait(PATIENCE_S)
    assert desk.answer().status is Status.COMPLETE


def test_deleting_while_it_answers_stops_and_leaves_nothing(desk: Desk) -> None:
    run, listener = desk.start()
    desk.until_shown(listener, 5)
    desk.gate.open(len(WORDS))
    desk.service.delete(desk.id)
    assert run.wait(0.0)
    assert isinstance(listener.events[-1], Finished)
    assert desk.service.summaries() == ()
    with pytest.raises(NotFoundError):
        desk.service.conversation(desk.id)


def test_a_conversation_deleted_elsewhere_ends_its_answer(desk: Desk) -> None:
    run, listener = desk.start()
    desk.until_shown(listener, 5)
    desk.store.delete(desk.id)
    desk.gate.open(len(WORDS))
    assert run.wait(PATIENCE_S)
    assert "There is no message" in listener.failure
    assert desk.engine.answers[0].halted.wait(PATIENCE_S)
    assert not desk.service.running(desk.id)


def test_a_stop_before_the_engine_has_it_is_passed_on(desk: Desk) -> None:
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        go.wait(PATIENCE_S)

    desk.store.writer.submit(hold)
    assert held.wait(PATIENCE_S)
    run, listener = desk.start()
    run.cancel()
    desk.gate.open(len(WORDS))
    go.set()
    assert run.wait(PATIENCE_S)
    assert desk.engine.answers[0].halted.is_set()
    assert desk.answer().status in (Status.STOPPED, Status.COMPLETE)
    assert desk.answer().text == listener.text


def test_a_closed_vault_refuses_and_the_conversation_is_not_held(desk: Desk) -> None:
    desk.vault.close()
    for _ in range(2):
        with pytest.raises(EnvironmentFault, match="closed"):
            desk.start()
    assert not desk.service.running(desk.id)


def test_a_full_disk_does_not_block_a_conversation_that_comes_after(desk: Desk) -> None:
    run, _ = _pause(desk)
    with pytest.raises(UserError, match="still answering"):
        desk.start()
    desk.store.error = None
    assert run.wait(PATIENCE_S)
    second, after = desk.start()
    assert second.wait(PATIENCE_S)
    assert after.text == "".join(WORDS)


class TestUnderStress:
    """Five thousand events at random moments, on a store that is slow at times."""

    @pytest.mark.parametrize("seed", range(3))
    def test_what_is_shown_is_what_is_stored(self, seed: int) -> None:
        rng = random.Random(seed)
        events: list[Event] = [Started("m", Placement("test", 0, 1), 5, 0, 8192)]
        for number in range(5_000):
            kind = ReasoningDelta if number < 500 * seed else TextDelta
            events.append(kind(f"{number}é "))
        events.append(Finished(Usage(5, 0, 5_000), StopReason.END, Timings(0.0, 0.1, 9.0)))
        with_vault = Vault.temporary()
        real = with_vault.conversations
        store = Store(real._database, real.writer)
        faults = 0

        def sometimes() -> Exception:
            raise _full()

        models = ModelService(Library(), store, ScriptedEngine())
        service = ConversationService(store, models, ScriptedEngine(("x",)))
        conversation = service.create()
        asked = Message("u", conversation.id, None, Role.USER, (Part(PartKind.TEXT, "Hi"),))
        answer = Message("a", conversation.id, "u", Role.ASSISTANT, (), Status.INTERRUPTED)
        store.add_message(asked, durable=True)
        store.add_message(answer, durable=False)
        shown: list[Part] = []
        compared = 0

        def look(event: Event) -> None:
            nonlocal compared
            if isinstance(event, TextDelta | ReasoningDelta):
                kind = PartKind.TEXT if isinstance(event, TextDelta) else PartKind.REASONING
                shown.append(Part(kind, event.text))
                compared += 1
                if compared % 7 == 0:  # reading it all each time takes long
                    assert store.conversation(conversation.id).message("a").parts == join_parts(
                        shown
                    )

        listener = Listener(look)
        ended = threading.Event()
        run = AnswerRun(store, conversation.id, "a", listener, lambda _event: ended.set())
        run.begin(answer)

        def feed() -> None:
            nonlocal faults
            for number, event in enumerate(events):
                if rng.random() < 0.02:
                    time.sleep(rng.random() * 0.004)  # the timing that is tested
                if number in (1_000, 3_000):
                    store.error = sometimes
                    faults += 1
                    threading.Timer(0.05, lambda: setattr(store, "error", None)).start()
                run.on_event(event)

        feeder = threading.Thread(target=feed)
        feeder.start()
        assert run.wait(PATIENCE_S)
        feeder.join()
        stored = store.conversation(conversation.id).message("a")
        assert ended.is_set()
        assert stored.parts == join_parts(shown)
        assert stored.text + stored.reasoning == "".join(
            e.text for k in (TextDelta, ReasoningDelta) for e in events if isinstance(e, k)
        )
        assert stored.status is Status.COMPLETE
        with_vault.close()
