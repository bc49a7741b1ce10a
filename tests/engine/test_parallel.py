"""Many answers at a time: each is the one it would be alone, and none is in another's way."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
from tests.engine.asking import GREEDY, Asking, talk
from tests.listener import PATIENCE_S, Listener

from snug.domain.events import Event, Failed, Finished, Started, StopReason, TextDelta
from snug.domain.model import LoadOptions
from snug.domain.sampling import Sampling
from snug.engine.host import EngineHost
from snug.engine.job import Job

SHORT = replace(GREEDY, max_tokens=8)
ENDLESS = Sampling(temperature=0.0, max_tokens=400, ignore_eos=True)
RULES = "You answer briefly. " + " ".join(f"Rule {n}: be kind and exact." for n in range(20))
STORY = "Tell me a long story about a lighthouse."


def _questions(count: int) -> list[str]:
    return [f"What is {number} plus {number + 1}?" for number in range(count)]


def _all(
    asking: Asking, texts: list[str], sampling: Sampling = SHORT, system: str = ""
) -> list[Listener]:
    """Answers that are asked for at once."""
    started = threading.Event()
    asking.host._ask(lambda: bool(started.wait(PATIENCE_S)))  # so that all of them wait together
    listeners = [
        asking.start(talk(text, system=system), sampling, parallel=True)[0] for text in texts
    ]
    started.set()
    for listener in listeners:
        listener.wait_for_end()
    return listeners


@pytest.mark.parametrize("count", [1, 5, 40])
def test_each_answer_is_the_one_asked_for_alone(ask: Asking, count: int) -> None:
    texts = _questions(count)
    together = _all(ask, texts, system="Answer in one word.")
    for text, listener in list(zip(texts, together, strict=True))[:: max(1, count // 8)]:
        alone = ask(talk(text, system="Answer in one word."), SHORT)
        assert listener.text == alone.text
        assert listener.finished.stop_reason is alone.finished.stop_reason
        assert listener.finished.usage.prompt_tokens == alone.finished.usage.prompt_tokens
    assert all(isinstance(each.events[-1], Finished) for each in together)


def test_a_beginning_that_all_share_is_read_once(ask: Asking) -> None:
    shared = len(ask.tokens(RULES)) if ask("Hi", SHORT) else 0
    first, *others = _all(ask, _questions(6), system=RULES)
    assert first.finished.usage.cached_tokens < shared
    for other in others:
        assert other.finished.usage.cached_tokens >= shared
    for text, listener in zip(_questions(6), [first, *others], strict=True):
        assert listener.text == ask(talk(text, system=RULES), SHORT).text


def test_one_that_is_stopped_leaves_the_others_alone(ask: Asking) -> None:
    stopped, job = ask.start(STORY, ENDLESS, parallel=True)
    other, _ = ask.start("What is 2+2?", replace(SHORT, max_tokens=30), parallel=True)
    stopped.wait_for(TextDelta, 3)
    job.cancel()
    stopped.wait_for_end()
    other.wait_for_end()
    assert stopped.finished.stop_reason is StopReason.STOPPED
    assert other.text == ask("What is 2+2?", replace(SHORT, max_tokens=30)).text


def test_one_that_waits_in_the_queue_is_stopped_once(ask: Asking) -> None:
    started = threading.Event()
    ask.host._ask(lambda: bool(started.wait(PATIENCE_S)))
    listener, job = ask.start(STORY, ENDLESS, parallel=True)
    job.cancel()
    job.cancel()
    started.set()
    listener.wait_for_end()
    ask("Hi", SHORT)
    assert [type(event) for event in listener.events] == [Finished]
    assert listener.finished.stop_reason is StopReason.STOPPED


def test_one_that_is_stopped_while_its_model_loads_ends_once(ask: Asking) -> None:
    other = replace(ask, load=LoadOptions(context_length=1280))
    jobs: list[Job] = []
    known = threading.Event()

    def stop(_event: Event) -> None:
        if known.wait(PATIENCE_S) and len(listener.events) == 0:
            jobs[0].cancel()

    listener = Listener(stop)
    jobs.append(ask.host.generate(other.request(STORY, ENDLESS, parallel=True), listener))
    known.set()
    listener.wait_for_end()
    ask("Hi", SHORT)
    ends = [event for event in listener.events if isinstance(event, Finished | Failed)]
    assert len(ends) == 1
    assert listener.finished.stop_reason is StopReason.STOPPED


def test_a_stop_of_the_chat_does_not_stop_a_later_load_for_the_others(ask: Asking) -> None:
    assert ask.stop_after(talk(STORY), 2).finished.stop_reason is StopReason.STOPPED
    other = replace(ask, load=LoadOptions(context_length=1536))
    listener = other("What is 2+2?", SHORT, parallel=True)
    assert listener.finished.stop_reason is not StopReason.STOPPED
    assert listener.text


def test_a_prompt_that_does_not_fit_is_told_with_numbers(ask: Asking) -> None:
    good, _ = ask.start("What is 2+2?", SHORT, parallel=True)
    long = ask("word " * 3000, SHORT, parallel=True)
    assert "tokens" in long.failure
    assert "2048" in long.failure
    good.wait_for_end()
    assert good.text == ask("What is 2+2?", SHORT).text


def test_a_chat_goes_on_beside_the_others(ask: Asking) -> None:
    alone = ask(STORY, replace(ENDLESS, max_tokens=40)).text
    order: list[str] = []
    chat = Listener(lambda e: order.append("chat") if isinstance(e, TextDelta) else None)
    aside = Listener(lambda e: order.append("aside") if isinstance(e, TextDelta) else None)
    gate = threading.Event()
    ask.host._ask(lambda: bool(gate.wait(PATIENCE_S)))
    jobs = [
        ask.host.generate(ask.request("What is 2+2?" * 60, ENDLESS, parallel=True), aside),
        ask.host.generate(ask.request(STORY, replace(ENDLESS, max_tokens=40)), chat),
    ]
    gate.set()
    chat.wait_for_end()
    aside.wait_for(TextDelta, 20)
    between = order[order.index("chat") : len(order) - order[::-1].index("chat")]
    assert "aside" in between
    runs = "".join("a" if kind == "aside" else "c" for kind in between).split("c")
    assert max(map(len, runs)) <= 2  # one step of theirs for each of the person's
    assert chat.text == alone
    for job in jobs:
        job.cancel()
    aside.wait_for_end()


def test_a_step_beside_a_chat_is_short(ask: Asking) -> None:
    ask("Hi", SHORT)
    chat, job = ask.start(STORY, ENDLESS)
    chat.wait_for(TextDelta, 2)
    sizes: list[int] = []
    aside, _ = ask.start("Read this. " * 150, SHORT, parallel=True)
    aside.wait_for(Started)

    def look(_native: object) -> None:
        lane = ask.session()._parallel
        assert lane is not None
        sizes.append(lane._batch.count)

    while not any(isinstance(e, TextDelta | Finished) for e in aside.events) and len(sizes) < 200:
        ask.host.call(look)
    assert max(sizes) <= 64
    assert chat.text
    assert not isinstance(chat.events[-1], Finished)
    job.cancel()
    chat.wait_for_end()
    aside.wait_for_end()


def test_another_model_waits_for_those_at_work_and_no_longer(ask: Asking) -> None:
    first, _ = ask.start(STORY, replace(ENDLESS, max_tokens=30), parallel=True)
    first.wait_for(TextDelta)
    other = replace(ask, load=LoadOptions(context_length=512))
    chat, _ = other.start("What is 2+2?", SHORT)
    late, _ = ask.start("What is 3+3?", SHORT, parallel=True)
    for listener in (first, chat, late):
        listener.wait_for_end()
    assert first.finished.stop_reason is StopReason.LENGTH
    assert first.moments[-1] <= chat.moments[0]
    assert chat.moments[-1] <= next(
        m for m, e in zip(late.moments, late.events, strict=True) if isinstance(e, Started)
    )
    assert chat.started.context_length == 512
    assert late.text


def test_closing_amid_a_batch_ends_all_of_them_soon(ask: Asking) -> None:
    host = EngineHost()
    asking = replace(ask, host=host)
    asking("Hi", SHORT)
    running = [asking.start(text, ENDLESS, parallel=True)[0] for text in _questions(34)]
    running[0].wait_for(TextDelta)
    began = time.monotonic()
    host.close()
    assert time.monotonic() - began < 3.0
    assert not host._thread.is_alive()
    for listener in running:
        assert listener.finished.stop_reason is StopReason.STOPPED


@pytest.mark.parametrize("kind", [Started, TextDelta, Finished])
def test_a_receiver_that_fails_ends_its_own_answer_only(ask: Asking, kind: type[Event]) -> None:
    def fail(event: Event) -> None:
        if isinstance(event, kind):
            raise ZeroDivisionError

    broken = Listener(fail)
    good, _ = ask.start("What is 2+2?", SHORT, parallel=True)
    ask.host.generate(ask.request("What is 2+3?", SHORT, parallel=True), broken)
    after, _ = ask.start("What is 4+4?", SHORT, parallel=True)
    good.wait_for_end()
    after.wait_for_end()
    assert good.text == ask("What is 2+2?", SHORT).text
    assert after.text == ask("What is 4+4?", SHORT).text
    if kind is not Finished:
        assert "ZeroDivisionError" in broken.failure
        assert sum(isinstance(event, Failed) for event in broken.events) == 1


def test_a_receiver_that_always_fails_does_not_end_the_engine(ask: Asking) -> None:
    def fail(_event: Event) -> None:
        raise ZeroDivisionError

    for _ in range(3):
        ask.host.generate(ask.request("What is 2+3?", SHORT, parallel=True), fail)
    assert ask("What is 2+2?", SHORT).text
    assert ask.host._thread.is_alive()
    assert ask("What is 2+2?", SHORT, parallel=True).text


def test_each_request_has_its_own_way_of_drawing(ask: Asking) -> None:
    schema = '{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}'
    seeded = Sampling(temperature=0.8, seed=7, max_tokens=20)
    room = replace(GREEDY, max_tokens=20)
    asked = [("What is 2+2?", room, schema), ("A poem, please.", seeded, ""), ("Hi", room, "")]
    gate = threading.Event()
    ask.host._ask(lambda: bool(gate.wait(PATIENCE_S)))
    together = [ask.start(t, s, schema=f, parallel=True)[0] for t, s, f in asked]
    bad, _ = ask.start("Hi", Sampling(logit_bias=(("#99999999", 1.0),)), parallel=True)
    gate.set()
    assert "no token" in (bad.wait_for_end() and bad.failure)
    for listener, (text, sampling, form) in zip(together, asked, strict=True):
        listener.wait_for_end()
        assert listener.text == ask(text, sampling, schema=form).text
    assert together[0].text.startswith("{")


def test_log_probabilities_are_those_of_the_other_lane(ask: Asking) -> None:
    alone = ask("What is 2+2?", SHORT, top_logprobs=3)
    aside = ask("What is 2+2?", SHORT, top_logprobs=3, parallel=True)

    def told(listener: Listener) -> list[tuple[bytes, float]]:
        deltas = [e for e in listener.events if isinstance(e, TextDelta)]
        return [(t.spelling, t.logprob) for delta in deltas for t in delta.logprobs]

    assert [s for s, _ in told(alone)] == [s for s, _ in told(aside)]
    assert [p for _, p in told(alone)] == pytest.approx([p for _, p in told(aside)], abs=0.05)
    assert b"".join(s for s, _ in told(aside)).decode() == aside.text


def test_the_lane_s_memory_is_given_back(ask: Asking) -> None:
    ask("What is 2+2?", SHORT, parallel=True)
    assert ask.session()._parallel is not None
    ask.host.release()
    ask.host.call(lambda _native: None)
    assert ask.host.placement() is None
    assert ask.host._worker.session is None


def test_no_memory_for_the_lane_is_told_and_the_chat_lives(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("Hi", SHORT)
    ask.host.call(lambda _native: ask.session().close_parallel())
    with monkeypatch.context() as patch:
        patch.setattr(ask.loaded(), "new_context", lambda *_a, **_k: None)
        refused = ask("What is 2+2?", SHORT, parallel=True)
    assert "not enough memory" in refused.failure
    assert ask("What is 2+2?", SHORT).text
    assert ask("What is 2+2?", SHORT, parallel=True).text


def test_an_idle_engine_and_one_that_waits_use_no_processor(ask: Asking) -> None:
    ask("Hi", SHORT)
    turns = 0
    real = ask.host._answer_quick

    def count() -> None:
        nonlocal turns
        turns += 1
        real()

    ask.host._answer_quick = count  # type: ignore[method-assign]
    before = time.thread_time()
    time.sleep(0.3)  # what must not happen has this long to happen
    assert turns == 0
    assert time.thread_time() - before < 0.1
    chat, job = ask.start(STORY, ENDLESS)
    chat.wait_for(TextDelta)
    other = replace(ask, load=LoadOptions(context_length=512))
    waiting, waits = other.start("Hi", SHORT, parallel=True)
    begun, seen = turns, len(chat.events)
    chat.wait_until(lambda events: len(events) >= seen + 10)
    assert turns - begun <= len(chat.events) - seen + 3  # no turn without a token of the chat
    waits.cancel()
    job.cancel()
    chat.wait_for_end()
    waiting.wait_for_end()
    del ask.host._answer_quick
