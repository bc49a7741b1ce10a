"""llama.cpp does not come back from a call in this process: a stop ends all the same, with words.

The hang is a lock in the place of llama.cpp's step: a thread in native code waits just so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.engine.asking import Asking
from tests.listener import Listener

from snug.domain.errors import EnvironmentFault
from snug.domain.events import Failed, Finished, StopReason, TextDelta
from snug.domain.model import ModelFile
from snug.domain.sampling import Sampling
from snug.engine.host import EngineHost
from snug.engine.isolated_work import Patience

ENDLESS = Sampling(temperature=0.0, max_tokens=400, ignore_eos=True)
STORY = "Tell me a long story."


class Stuck:
    """An engine that is amid an answer and does not come back before it is let go."""

    def __init__(self, starter: ModelFile, patience: Patience | None = None) -> None:
        self.host = EngineHost(patience=patience)
        self.ask = Asking(self.host, starter)
        self.ask("Hi", replace(ENDLESS, max_tokens=1))
        self._go, self._in = threading.Event(), threading.Event()
        decoder = self.ask.session().chat.decoder
        self._real = decoder.step
        decoder.step = self._step  # type: ignore[method-assign]
        self.answer, self.job = self.ask.start(STORY, ENDLESS, lookup=False)
        assert self._in.wait(20)

    def _step(self, token: int) -> None:
        self._in.set()
        assert self._go.wait(60)
        self._real(token)

    def let_go(self) -> None:
        self._go.set()


@pytest.fixture
def stuck(starter: ModelFile) -> Iterator[Stuck]:
    found = Stuck(starter)
    yield found
    found.let_go()
    found.host.close()


def test_a_stop_ends_in_two_and_a_half_seconds_with_words(stuck: Stuck) -> None:
    """Row 16 of the threats, in the application's own process."""
    began = time.monotonic()
    stuck.job.cancel()
    end = stuck.answer.wait_for_end()
    assert time.monotonic() - began < 2.5
    assert isinstance(end, Failed)
    assert "did not stop" in end.message
    assert "kept" in end.message
    told = len(stuck.answer.events)
    stuck.let_go()
    assert stuck.ask("What is 2+2?").text  # it came back, and all is as before
    assert len(stuck.answer.events) == told  # and the old answer says nothing more
    assert not stuck.host.hangs


def test_one_that_waits_behind_it_is_stopped_as_well(stuck: Stuck) -> None:
    waiting, job = stuck.ask.start("Hi")
    job.cancel()
    waiting.wait_for_end()
    assert waiting.finished.stop_reason is StopReason.STOPPED


def test_an_engine_that_hangs_says_so_to_whoever_asks_next(starter: ModelFile) -> None:
    stuck = Stuck(starter, Patience(kill_s=0.1, leave_s=0.0))
    stuck.job.cancel()
    stuck.answer.wait_for_end()
    assert stuck.host.hangs
    assert "open it again" in stuck.ask("Hi").failure
    with pytest.raises(EnvironmentFault, match="open it again"):
        stuck.host.devices()
    stuck.let_go()
    stuck.host.close()


def test_a_stop_that_works_leaves_no_watch_behind(stuck: Stuck) -> None:
    stuck.let_go()
    stuck.job.cancel()
    assert isinstance(stuck.answer.wait_for_end(), Finished)
    for thread in threading.enumerate():
        if thread.name == "snug-stop-watch":
            thread.join(0.5)
            assert not thread.is_alive()


def test_a_receiver_that_is_slow_is_no_hang(starter: ModelFile) -> None:
    host = EngineHost(patience=Patience(kill_s=0.05))
    slow, go = threading.Event(), threading.Event()

    def wait(event: object) -> None:
        if isinstance(event, TextDelta):
            slow.set()
            assert go.wait(20)

    listener = Listener(wait)
    job = host.generate(Asking(host, starter).request(STORY, ENDLESS), listener)
    assert slow.wait(20)
    job.cancel()
    time.sleep(0.3)  # the watch has come and gone
    assert not any(isinstance(event, Failed | Finished) for event in listener.events)
    go.set()
    assert isinstance(listener.wait_for_end(), Finished)
    host.close()
