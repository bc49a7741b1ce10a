"""Pins, summaries and stopping on the real starter with a small context, over a vault on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.services.test_starter import GREEDY, Desk

from snug.domain.conversation import ConversationSettings, Overflow, Status
from snug.engine.host import EngineHost

_SHORT = replace(GREEDY, max_tokens=8)
_FACT = "My sister Amelia lives in Lisbon and has two cats. " * 3


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineHost]:
    engine = EngineHost()
    yield engine
    engine.close()


@pytest.fixture
def desk(tmp_path: Path, engine: EngineHost) -> Iterator[Desk]:
    """A context of 512 tokens."""
    desk = Desk(tmp_path, engine)
    desk.models.set_context_length(512)
    yield desk
    desk.close()


def _choose(desk: Desk, overflow: Overflow) -> None:
    desk.service.save_settings(desk.id, ConversationSettings(None, "", _SHORT, overflow=overflow))


def test_a_long_conversation_goes_on_with_a_summary_that_the_model_wrote(desk: Desk) -> None:
    _choose(desk, Overflow.SUMMARISE)
    dropped = []
    for number in range(9):
        answer, listener = desk.send(f"{number}. {_FACT}")
        assert answer.status is Status.COMPLETE
        dropped.append(listener.started.dropped)
        assert listener.started.prompt_tokens <= 384
    assert dropped[0] == 0
    assert dropped[-1] > 0
    summaries = desk.read().summaries
    assert summaries
    assert all(s.text and s.model == desk.models.default().name for s in summaries)
    path = [m.id for m in desk.read().active_path()]
    assert all(s.message_id in path[:-2] for s in summaries)


def test_a_long_conversation_that_is_to_stop_says_so_and_sends_nothing(desk: Desk) -> None:
    _choose(desk, Overflow.STOP)
    answers = [desk.send(f"{number}. {_FACT}")[0] for number in range(8)]
    assert answers[0].status is Status.COMPLETE
    assert answers[-1].status is Status.FAILED
    assert "nothing was sent" in answers[-1].error
    _choose(desk, Overflow.DROP)
    answer, listener = desk.send("Go on.")
    assert answer.status is Status.COMPLETE
    assert listener.started.dropped > 0


def test_a_pinned_message_is_still_sent_when_others_are_dropped(desk: Desk) -> None:
    _choose(desk, Overflow.DROP)
    desk.send("Hi.")  # much shorter than the others, so that its place in the prompt shows
    for number in range(7):
        desk.send(f"{number}. {_FACT}")
    plain = desk.plan("Go on.")
    first = desk.read().messages[0]
    desk.service.pin(desk.id, first.id, True)
    assert desk.read().messages[0].pinned
    pinned = desk.plan("Go on.")
    assert plain.dropped > 0
    assert pinned.dropped > 0
    desk.service.pin(desk.id, first.id, False)
    assert desk.plan("Go on.") == plain
    assert pinned != plain
