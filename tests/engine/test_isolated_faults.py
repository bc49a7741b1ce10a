"""A child that misbehaves: its answers fail in words, it is ended, and the next one starts."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.engine.asking import CONTEXT, talk
from tests.listener import Listener

from snug.domain.events import Failed, StopReason, TextDelta
from snug.domain.model import ModelFile
from snug.domain.prompt import GenerationRequest
from snug.engine.crashes import CrashLimits, CrashLog
from snug.engine.isolated import IsolatedEngine
from snug.engine.isolated_running import ChildPlan
from snug.engine.isolated_work import Patience

AT_ONCE = CrashLimits(waits_s=(0.0,))
SHORT = Patience(load_s=0.6, token_s=0.4, stop_s=0.1, kill_s=0.4, leave_s=1.0)
Make = Callable[..., IsolatedEngine]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[IsolatedEngine] = []

    def build(manner: str, **more: object) -> IsolatedEngine:
        script = str(Path(__file__).with_name("misbehaving_child.py"))
        plan = ChildPlan((sys.executable, "-I", script, manner))
        options: dict[str, object] = {"crash_limits": AT_ONCE, "patience": SHORT, **more}
        made.append(IsolatedEngine(plan, **options))  # type: ignore[arg-type]
        return made[-1]

    yield build
    for engine in made:
        engine.close()


def _ask(engine: IsolatedEngine, model: ModelFile) -> Listener:
    listener = Listener()
    engine.generate(GenerationRequest(model, talk("Hi"), None, CONTEXT), listener)
    return listener


@pytest.mark.parametrize(
    ("manner", "says"),
    [
        ("SIGABRT", "ended unexpectedly (signal 6)"),
        ("SIGILL", "an instruction that this processor lacks (signal 4)"),
        ("SIGKILL", "memory ran short"),
        ("leaves", "ended unexpectedly (code 3)"),
        ("garbage", "makes no sense"),
        ("wrong type", "makes no sense"),
        ("not a number", "makes no sense"),
        ("too long", "makes no sense"),
        ("unasked state", "makes no sense"),
        ("hangs", "gave no sign for"),
    ],
)
def test_each_misdeed_ends_its_answer_with_a_sentence(
    make: Make, starter: ModelFile, manner: str, says: str
) -> None:
    told: list[str] = []
    engine = make(manner, on_crash=lambda _m, _o, sentence, _many: told.append(sentence))
    listener = _ask(engine, starter)
    listener.wait_for_end()
    assert says in listener.failure
    assert "Everything up to here was kept" in listener.failure
    assert told == [listener.failure]
    assert engine.child_pid is None
    assert engine.placement() is None


def test_after_a_silence_of_the_loading_engine_it_is_ended(make: Make, starter: ModelFile) -> None:
    engine = make("good")
    listener = Listener()
    engine.preload(starter, CONTEXT, listener)  # which this child never answers
    listener.wait_for_end()
    assert "gave no sign for 1 s" in listener.failure


def test_an_engine_that_always_aborts_is_started_exactly_three_times(
    make: Make, starter: ModelFile
) -> None:
    quarantines: list[bool] = []
    engine = make("SIGABRT", on_crash=lambda _m, _o, _s, many: quarantines.append(many))
    failures = []
    for _ in range(6):
        listener = _ask(engine, starter)
        listener.wait_for_end()
        failures.append(listener.failure)
    assert engine.starts == 3
    assert quarantines == [False, False, True]
    assert all("in quarantine" in text for text in failures[3:])
    assert not any("in quarantine" in text for text in failures[:3])


def test_a_forgiven_model_is_started_again(make: Make, starter: ModelFile) -> None:
    engine = make("SIGABRT")
    for _ in range(3):
        _ask(engine, starter).wait_for_end()
    engine.forgive()
    listener = _ask(engine, starter)
    listener.wait_for_end()
    assert "signal 6" in listener.failure
    assert engine.starts == 4


def test_waiting_grows_with_each_crash_and_old_crashes_are_forgotten() -> None:
    now = 0.0
    log = CrashLog(CrashLimits(), lambda: now)
    waits = []
    for _ in range(3):
        log.note("model")
        waits.append(log.wait_s("model"))
    assert waits == [1.0, 4.0, 16.0]
    assert log.too_many("model")
    assert not log.too_many("another")
    assert log.wait_s("another") == 0.0
    now = 10.0
    assert log.wait_s("model") == 6.0
    now = 601.0
    assert not log.too_many("model")
    assert log.wait_s("model") == 0.0


def test_queued_answers_fail_with_the_running_one(make: Make, starter: ModelFile) -> None:
    engine = make("hangs")
    both = [_ask(engine, starter), _ask(engine, starter)]
    for listener in both:
        assert isinstance(listener.wait_for_end(), Failed)


@pytest.mark.alone
def test_a_deaf_engine_is_stopped_for_the_person_and_then_ended(
    make: Make, starter: ModelFile
) -> None:
    engine = make("hangs", patience=Patience(stop_s=0.1, kill_s=0.4))
    listener = Listener()
    job = engine.generate(GenerationRequest(starter, talk("Hi"), None, CONTEXT), listener)
    listener.wait_for(TextDelta)
    began = time.monotonic()
    job.cancel()
    listener.wait_for_end()
    assert listener.finished.stop_reason is StopReason.STOPPED
    assert listener.finished.usage.completion_tokens == 1
    assert 0.1 <= listener.moments[-1] - began < 0.35  # it did not wait for the kill
    began = time.monotonic()
    engine.close()
    assert time.monotonic() - began < 2.5


def test_closing_ends_what_waits(make: Make, starter: ModelFile) -> None:
    engine = make("hangs", patience=Patience(leave_s=0.2))
    running, queued = _ask(engine, starter), _ask(engine, starter)
    running.wait_for(TextDelta)
    engine.close()
    assert running.finished.stop_reason is StopReason.STOPPED
    assert queued.finished.stop_reason is StopReason.STOPPED
    assert _ask(engine, starter).failure == "Snug is closing."


def test_a_receiver_that_fails_ends_its_own_answer_only(make: Make, starter: ModelFile) -> None:
    def fail(event: object) -> None:
        if isinstance(event, TextDelta):
            raise ZeroDivisionError

    engine = make("good", patience=Patience())
    broken = Listener(fail)
    engine.generate(GenerationRequest(starter, talk("Hi"), None, CONTEXT), broken)
    broken.wait_for_end()
    assert "ZeroDivisionError" in broken.failure
    healthy = _ask(engine, starter)
    healthy.wait_for_end()
    assert healthy.text == "one "


class _Keeper:
    """Keeps states in memory."""

    def __init__(self) -> None:
        self.states: dict[tuple[str, str], bytes] = {}
        self.dropped: list[str] = []

    def save(self, conversation: str, fingerprint: str, data: bytes | memoryview) -> None:
        self.states[conversation, fingerprint] = bytes(data)

    def load(self, conversation: str, fingerprint: str) -> bytes | None:
        return self.states.get((conversation, fingerprint))

    def drop(self, conversation: str) -> None:
        self.dropped.append(conversation)


def test_states_of_the_child_reach_the_keeper_and_come_back(make: Make, starter: ModelFile) -> None:
    keeper = _Keeper()
    engine = make("states", keeper=keeper, patience=Patience())
    listener = Listener()
    request = GenerationRequest(starter, talk("Hi"), None, CONTEXT, conversation="c")
    engine.generate(request, listener)
    listener.wait_for_end()
    assert keeper.states == {("c", "f"): bytes(range(256)) * 12_000}
    assert keeper.dropped == ["c"]
    assert listener.text == "one " + hashlib.sha256(keeper.states["c", "f"]).hexdigest()


def test_a_child_gets_no_state_of_a_conversation_that_it_was_not_asked_about(
    make: Make, starter: ModelFile
) -> None:
    keeper = _Keeper()
    keeper.states["c", "f"] = b"another conversation"
    engine = make("states", keeper=keeper, patience=Patience())
    listener = Listener()
    request = GenerationRequest(starter, talk("Hi"), None, CONTEXT, conversation="mine")
    engine.generate(request, listener)
    listener.wait_for_end()
    assert "makes no sense" in listener.failure
    assert keeper.states == {("c", "f"): b"another conversation"}
    assert keeper.dropped == []


def test_what_waits_behind_a_deaf_answer_gets_another_engine(
    make: Make, starter: ModelFile
) -> None:
    engine = make("hangs", patience=Patience(token_s=0.5, stop_s=0.05, kill_s=0.2))
    first = Listener()
    job = engine.generate(GenerationRequest(starter, talk("Hi"), None, CONTEXT), first)
    first.wait_for(TextDelta)
    job.cancel()
    first.wait_for_end()
    second = _ask(engine, starter)
    second.wait_for(TextDelta)
    assert engine.starts == 2
    second.wait_for_end()
