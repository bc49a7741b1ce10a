"""Stopping: at every stage, soon, and with nothing broken afterwards."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from tests.engine.asking import GREEDY, Asking, talk
from tests.listener import PATIENCE_S, Listener

from snug.domain.events import (
    Event,
    Finished,
    Loading,
    Prefill,
    ReasoningDelta,
    Started,
    StopReason,
    TextDelta,
)
from snug.domain.model import LoadOptions
from snug.domain.prompt import ContextPlan
from snug.domain.sampling import Sampling
from snug.engine.host import EngineHost, Job

LONG = "The quick brown fox jumps over the lazy dog near the river bank at noon. " * 260
PREFILL_STOP_S = 0.3
ENDLESS = Sampling(temperature=0.8, seed=1, max_tokens=2000)
STORY = "Tell me a long story about a lighthouse."


class _StopsAt:
    """A sink that stops its own job at the first event of a kind, on the engine's thread."""

    def __init__(self, kind: type[Event]) -> None:
        self.kind = kind
        self.job: Job | None = None
        self.known = threading.Event()
        self.stopped_at = 0.0
        self.listener = Listener(self._look)

    def _look(self, event: Event) -> None:
        if isinstance(event, self.kind) and not self.stopped_at:
            assert self.known.wait(PATIENCE_S)
            assert self.job is not None
            self.stopped_at = time.monotonic()
            self.job.cancel()

    def run(self, asking: Asking, sampling: Sampling = ENDLESS) -> Listener:
        self.job = asking.host.generate(asking.request(STORY, sampling), self.listener)
        self.known.set()
        self.listener.wait_for_end()
        return self.listener


def _from_elsewhere(asking: Asking, messages: str, count: int) -> tuple[Listener, float]:
    """Stop from another thread once so many `Prefill` came. Returns: its end, seconds it took."""
    listener, job = asking.start(messages, GREEDY)
    listener.wait_for(Prefill, count)
    began = time.monotonic()
    job.cancel()
    listener.wait_for_end()
    return listener, listener.moments[-1] - began


def test_after_a_stop_no_more_text_comes(ask: Asking) -> None:
    for pieces in (1, 4, 9):
        listener = ask.stop_after(talk(STORY), pieces)
        assert sum(isinstance(e, TextDelta) for e in listener.events) == pieces
        assert listener.finished.stop_reason is StopReason.STOPPED


def test_a_stop_from_another_thread_lets_at_most_one_more_token_come(ask: Asking) -> None:
    listener, job = ask.start(STORY, ENDLESS)
    listener.wait_for(TextDelta, 5)
    with listener._changed:  # no event can come while it is stopped
        job.cancel()
        seen = len(listener.events)
    listener.wait_for_end()
    late = [e for e in listener.events[seen:] if isinstance(e, TextDelta | ReasoningDelta)]
    assert len(late) <= 1
    assert listener.finished.stop_reason is StopReason.STOPPED


def test_a_stop_during_a_long_prefill_takes_less_than_300_ms(ask: Asking) -> None:
    roomy = replace(ask, load=LoadOptions(context_length=8192))
    fresh = roomy("What is 2+2?").text
    took = []
    for step in (1, 2, 3):
        listener, seconds = _from_elsewhere(roomy, f"{step} {LONG}", step)
        assert listener.started.prompt_tokens > 4000
        assert listener.finished.stop_reason is StopReason.STOPPED
        assert not listener.text
        took.append(seconds)
        # What was read before the stop is whole: the next answers are those of a fresh engine.
        assert roomy("What is 2+2?").text == fresh
    print("ms from the stop to the end:", [round(1000 * seconds) for seconds in took])
    assert max(took) <= PREFILL_STOP_S


def test_what_a_stopped_prefill_has_read_is_used_by_the_next(ask: Asking) -> None:
    question = LONG[:2600] + "\nWhat animal jumps?"
    ask("Hi", replace(GREEDY, max_tokens=1))
    listener, job = ask.start(question, replace(GREEDY, max_tokens=16))
    read = listener.wait_for(Prefill, 2)
    job.cancel()
    listener.wait_for_end()
    resumed = ask(question, replace(GREEDY, max_tokens=16))
    assert listener.started.cached_tokens + read.done <= resumed.started.cached_tokens
    assert resumed.started.cached_tokens < resumed.started.prompt_tokens
    ask("Something else.", replace(GREEDY, max_tokens=1))
    assert ask(question, replace(GREEDY, max_tokens=16)).text == resumed.text


def test_a_stop_during_the_load_leaves_nothing_loaded(ask: Asking) -> None:
    other = replace(ask, load=LoadOptions(context_length=1024))
    listener = _StopsAt(Loading).run(other)
    assert {type(event) for event in listener.events} == {Loading, Finished}
    assert listener.finished.stop_reason is StopReason.STOPPED
    assert ask.host.placement() is None
    assert "4" in other("What is 2+2?").text


def test_a_stop_at_the_start_produces_no_text(ask: Asking) -> None:
    ask("Hi", replace(GREEDY, max_tokens=1))
    listener = _StopsAt(Started).run(ask)
    assert not listener.text
    assert listener.finished.stop_reason is StopReason.STOPPED
    assert "4" in ask("What is 2+2?").text


def test_a_queued_answer_stops_without_waiting_for_its_turn(ask: Asking) -> None:
    running, job = ask.start(STORY, ENDLESS)
    running.wait_for(TextDelta)
    queued, other = ask.start("What is 2+2?")
    other.cancel()
    queued.wait_for_end()
    assert queued.finished.stop_reason is StopReason.STOPPED
    assert [type(event) for event in queued.events] == [Finished]
    assert not isinstance(running.events[-1], Finished)
    job.cancel()
    running.wait_for_end()


def test_answers_come_in_the_order_they_were_asked_for(ask: Asking) -> None:
    first, _ = ask.start(STORY, replace(GREEDY, max_tokens=40))
    second, _ = ask.start("What is 2+2?")
    second.wait_for_end()
    assert isinstance(first.events[-1], Finished)
    assert first.moments[-1] <= second.moments[0]
    assert "4" in second.text


def test_stopping_twice_or_after_the_end_does_no_harm(ask: Asking) -> None:
    listener, job = ask.start("What is 2+2?")
    listener.wait_for_end()
    job.cancel()
    job.cancel()
    assert "4" in ask("What is 2+2?").text
    assert sum(isinstance(e, Finished) for e in listener.events) == 1


def test_a_plan_is_answered_while_an_answer_streams(ask: Asking) -> None:
    running, job = ask.start(STORY, ENDLESS)
    running.wait_for(TextDelta, 2)
    plan = ask.plan(ask.request("What is 2+2?"))
    assert isinstance(plan, ContextPlan)
    assert plan.prompt_tokens > 10
    assert not isinstance(running.events[-1], Finished)
    whole = len(running.text)
    running.wait_until(lambda _events: len(running.text) > whole)  # and the answer goes on
    job.cancel()
    running.wait_for_end()


def test_a_receiver_that_fails_ends_its_own_answer_only(ask: Asking) -> None:
    def fail(event: Event) -> None:
        if isinstance(event, TextDelta):
            raise ZeroDivisionError

    broken = Listener(fail)
    ask.host.generate(ask.request(STORY), broken)
    assert "ZeroDivisionError" in (broken.wait_for_end() and broken.failure)
    assert "4" in ask("What is 2+2?").text


def test_closing_ends_a_running_answer_within_3_s(ask: Asking) -> None:
    host = EngineHost()
    asking = replace(ask, host=host)
    running, _ = asking.start(STORY, ENDLESS)
    waiting, _ = asking.start("What is 2+2?")
    running.wait_for(TextDelta)
    began = time.monotonic()
    host.close()
    assert time.monotonic() - began < 3.0
    assert not host._thread.is_alive()
    assert running.finished.stop_reason is StopReason.STOPPED
    assert waiting.finished.stop_reason is StopReason.STOPPED
    late, _ = asking.start("Hi")
    assert late.failure == "Snug is closing."
