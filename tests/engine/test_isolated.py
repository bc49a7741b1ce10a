"""The real engine in its shut-in child: the same answers, and what its death costs."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.engine.asking import CONTEXT, GREEDY, Asking, talk
from tests.listener import Listener

from snug.domain.errors import ModelFileError
from snug.domain.events import Failed, StopReason, TextDelta
from snug.domain.model import DeviceKind, LoadOptions, ModelFile
from snug.domain.prompt import ContextPlan, GenerationRequest
from snug.domain.sampling import Sampling
from snug.engine.crashes import CrashLimits
from snug.engine.host import EngineHost
from snug.engine.isolated import IsolatedEngine
from snug.engine.isolated_running import ChildPlan
from snug.engine.isolated_work import Patience

STORY = "Tell me a long story about a lighthouse."
LONG = replace(GREEDY, max_tokens=300)
AT_ONCE = CrashLimits(waits_s=(0.0,), crashes=10**6)
STOP_S = 2.5
RECOVERY_S = 65.0


def _request(
    model: ModelFile, text: str, sampling: Sampling = GREEDY, load: LoadOptions = CONTEXT
) -> GenerationRequest:
    return GenerationRequest(model, talk(text), sampling, load)


@pytest.fixture(scope="module")
def engine() -> Iterator[IsolatedEngine]:
    engine = IsolatedEngine(patience=Patience(token_s=1.0), crash_limits=AT_ONCE)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def beginning(host: EngineHost, starter: ModelFile) -> str:
    """The story as the engine in this process begins it."""
    return Asking(host, starter)(STORY, replace(GREEDY, max_tokens=60)).text


def _ask(engine: IsolatedEngine, request: GenerationRequest) -> Listener:
    listener = Listener()
    engine.generate(request, listener)
    listener.wait_for_end()
    return listener


def test_it_answers_what_the_engine_in_this_process_answers(
    engine: IsolatedEngine, ask: Asking, starter: ModelFile
) -> None:
    here, there = ask(STORY), _ask(engine, _request(starter, STORY))
    assert there.text == here.text
    assert there.finished.usage.completion_tokens == here.finished.usage.completion_tokens
    assert there.started == replace(here.started, cached_tokens=there.started.cached_tokens)
    assert engine.placement() == ask.host.placement()


def test_questions_are_answered_as_in_this_process(
    engine: IsolatedEngine, ask: Asking, starter: ModelFile
) -> None:
    _ask(engine, _request(starter, "Hi"))
    assert engine.fit(starter, CONTEXT).projection == ask.host.fit(starter, CONTEXT).projection
    assert engine.devices()[0].kind is DeviceKind.CPU
    assert engine.versions() == ask.host.versions()
    assert engine.problems() == ()
    plans: list[object] = []
    came = threading.Event()
    engine.plan(_request(starter, "Hi"), lambda plan: (plans.append(plan), came.set()))  # type: ignore[func-returns-value]
    assert came.wait(10.0)
    assert isinstance(plans[0], ContextPlan)
    with pytest.raises(ModelFileError):
        engine.fit(replace(starter, path="/nowhere/x.gguf"), CONTEXT)


def test_it_inherits_no_secret(
    monkeypatch: pytest.MonkeyPatch, engine: IsolatedEngine, starter: ModelFile
) -> None:
    engine.release()
    monkeypatch.setenv("HF_TOKEN", "hf_canary")
    monkeypatch.setenv("SNUG_PASSPHRASE_FILE", "/canary")
    fresh = IsolatedEngine()
    try:
        fresh.versions()
        environment = Path(f"/proc/{fresh.child_pid}/environ")
        assert b"canary" not in environment.read_bytes()
        assert b"HOME=" not in environment.read_bytes()
    finally:
        fresh.close()


def test_a_stop_lets_no_more_text_come(engine: IsolatedEngine, starter: ModelFile) -> None:
    listener = Listener()
    job = engine.generate(_request(starter, STORY, LONG), listener)
    listener.wait_for(TextDelta, 5)
    with listener._changed:  # no event can come while it is stopped
        job.cancel()
        seen = len(listener.events)
    listener.wait_for_end()
    assert listener.finished.stop_reason is StopReason.STOPPED
    assert sum(isinstance(e, TextDelta) for e in listener.events[seen:]) <= 1
    assert "4" in _ask(engine, _request(starter, "What is 2+2?")).text


def test_another_model_gets_another_child(
    engine: IsolatedEngine, starter: ModelFile, tmp_path: Path
) -> None:
    other = replace(starter, name="other", path=str(tmp_path / "other.gguf"), sha256="0" * 64)
    os.link(starter.path, other.path) if _same_disk(starter.path, tmp_path) else (
        Path(other.path).write_bytes(Path(starter.path).read_bytes())
    )
    first = _ask(engine, _request(starter, "What is 2+2?"))
    before = engine.child_pid
    second = _ask(engine, _request(other, "What is 2+2?"))
    assert second.text == first.text
    assert engine.child_pid != before


def _same_disk(path: str, folder: Path) -> bool:
    return Path(path).stat().st_dev == folder.stat().st_dev


@pytest.mark.parametrize("kind", ["SIGKILL", "SIGSEGV", "SIGABRT"])
def test_what_came_before_a_death_is_the_answers_beginning_and_the_next_works(
    engine: IsolatedEngine, beginning: str, starter: ModelFile, kind: str
) -> None:
    listener = Listener()
    engine.generate(_request(starter, STORY, LONG), listener)
    listener.wait_for(TextDelta, 7)
    assert engine.child_pid is not None
    os.kill(engine.child_pid, getattr(signal, kind))
    assert isinstance(listener.wait_for_end(), Failed)
    assert f"signal {int(getattr(signal, kind))}" in listener.failure
    assert len(listener.text) > 0
    assert listener.text.startswith(beginning[: len(listener.text)])
    began = time.monotonic()
    assert "4" in _ask(engine, _request(starter, "What is 2+2?")).text
    print("s until the next answer was complete:", round(time.monotonic() - began, 2))


def test_a_stopped_process_is_noticed_and_replaced(
    engine: IsolatedEngine, starter: ModelFile
) -> None:
    listener = Listener()
    engine.generate(_request(starter, STORY, LONG), listener)
    listener.wait_for(TextDelta, 3)
    assert engine.child_pid is not None
    os.kill(engine.child_pid, signal.SIGSTOP)
    began = time.monotonic()
    listener.wait_for_end()
    assert "gave no sign for 1 s" in listener.failure
    assert listener.moments[-1] - began < 3.0
    assert Patience().token_s + 5.0 <= RECOVERY_S
    assert "4" in _ask(engine, _request(starter, "What is 2+2?")).text


def test_stopping_the_answer_of_a_stopped_process_takes_less_than_a_second(
    engine: IsolatedEngine, starter: ModelFile
) -> None:
    listener = Listener()
    job = engine.generate(_request(starter, STORY, LONG), listener)
    listener.wait_for(TextDelta, 3)
    pid = engine.child_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    job.cancel()
    listener.wait_for_end()
    assert listener.finished.stop_reason is StopReason.STOPPED
    assert listener.moments[-1] - began < min(1.0, STOP_S)
    assert "4" in _ask(engine, _request(starter, "What is 2+2?")).text
    assert engine.child_pid != pid


def test_an_engine_with_too_little_memory_refuses_in_words(starter: ModelFile) -> None:
    small = IsolatedEngine(ChildPlan(memory_bytes=900 * 2**20), crash_limits=AT_ONCE)
    try:
        listener = _ask(small, _request(starter, "Hi", load=LoadOptions(context_length=8192)))
    finally:
        small.close()
    print(listener.failure)
    assert "memory" in listener.failure or "free" in listener.failure


def test_the_child_ends_with_its_owner(starter: ModelFile) -> None:
    engine = IsolatedEngine()
    engine.versions()
    pid = engine.child_pid
    assert pid is not None
    began = time.monotonic()
    engine.close()
    assert time.monotonic() - began < 2.0
    assert not Path(f"/proc/{pid}").exists()
