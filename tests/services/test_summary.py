"""Summarise and continue: a real vault, a scripted engine with a context of so many messages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.services.scripted import Listener, ScriptedEngine
from tests.services.test_answer_path import WAIT_S, Desk

from snug.domain.conversation import ConversationSettings, Overflow, Role, Status
from snug.domain.errors import SnugError
from snug.domain.events import Finished, Started, StopReason
from snug.domain.prompt import ContextPlan, GenerationRequest
from snug.services.summary import HEADING

_SUMMARISE = ConversationSettings(overflow=Overflow.SUMMARISE, system_prompt="Be brief.")


@pytest.fixture
def long_desk(tmp_path: Path) -> Iterator[Desk]:
    """A context of five messages, and a conversation that summarises."""
    desk = Desk(tmp_path, ScriptedEngine())
    desk.engine.context = 5
    desk.service.save_settings(desk.id, _SUMMARISE)
    yield desk
    desk.engine.close()
    desk.vault.close()


def _fill(desk: Desk, turns: int = 2) -> None:
    """So many questions with answers; two are four messages with the system prompt."""
    for number in range(turns):
        desk.ask(f"Question {number}")


def _last(desk: Desk) -> GenerationRequest:
    return desk.engine.requests[-1]


def _asked(request: GenerationRequest) -> list[str]:
    return [m.text for m in request.messages if m.role is Role.USER]


def test_nothing_is_summarised_while_all_fits(long_desk: Desk) -> None:
    _fill(long_desk)
    assert len(long_desk.engine.requests) == 2
    assert long_desk.read().summaries == ()


def test_what_no_longer_fits_is_summarised_before_the_answer(long_desk: Desk) -> None:
    _fill(long_desk)
    long_desk.engine.script = [("They spoke", " of zero.")]
    long_desk.ask("Question 2")
    summing, answering = long_desk.engine.requests[-2:]
    assert "Question 0" in summing.messages[0].text
    assert "Hello there." in summing.messages[0].text
    assert (summing.conversation, summing.keep) == ("", False)
    assert summing.sampling is not None
    assert summing.sampling.temperature == 0
    assert answering.messages[0].role is Role.SYSTEM
    assert answering.messages[0].text.startswith(f"Be brief.\n\n{HEADING}\nThey spoke")
    assert "Question 0" not in _asked(answering)
    assert _asked(answering)[-1] == "Question 2"


def test_the_summary_is_kept_with_the_last_message_it_covers(long_desk: Desk) -> None:
    _fill(long_desk)
    long_desk.engine.script = [("They spoke of zero.",)]
    listener = long_desk.ask("Question 2")
    conversation = long_desk.read()
    (summary,) = conversation.summaries
    assert summary.text == "They spoke of zero."
    covered = conversation.message(summary.message_id)
    assert covered.role is Role.ASSISTANT
    assert covered.parent_id == conversation.messages[0].id
    started = next(e for e in listener.events if isinstance(e, Started))
    assert started.dropped == 2
    assert conversation.messages[-1].text == "Hello there."


def test_a_kept_summary_serves_the_next_turn_and_is_folded_into_the_one_after(
    long_desk: Desk,
) -> None:
    long_desk.engine.context = 7
    _fill(long_desk, 3)
    long_desk.engine.script = [("SUM-A",)]
    long_desk.ask("Question 3")
    before = len(long_desk.engine.requests)
    long_desk.engine.context = 9  # too little for the whole, enough for what follows the summary
    long_desk.ask("Question 4")
    (answering,) = long_desk.engine.requests[before:]
    assert answering.messages[0].text.endswith("SUM-A")
    long_desk.engine.context = 7
    long_desk.ask("Question 5")
    summing = long_desk.engine.requests[before + 1]
    assert "Summary so far:\nSUM-A" in summing.messages[0].text
    assert "Question 0" not in summing.messages[0].text
    assert len(long_desk.read().summaries) == 2


def _plan(desk: Desk, draft: str) -> ContextPlan:
    plans: list[object] = []
    came = threading.Event()

    def sink(plan: object) -> None:
        plans.append(plan)
        came.set()

    desk.service.plan(desk.id, draft, sink)
    assert came.wait(WAIT_S)
    (plan,) = plans
    assert isinstance(plan, ContextPlan)
    return plan


def test_what_a_message_would_take_is_counted_with_the_summary_that_stands_there(
    long_desk: Desk,
) -> None:
    _fill(long_desk)
    long_desk.engine.script = [("SUM-A",)]
    long_desk.ask("Question 2")
    assert _plan(long_desk, "").dropped == 2  # those that the summary covers
    plan = _plan(long_desk, "Question 3")
    long_desk.engine.script = [("SUM-B",)]
    long_desk.ask("Question 3")
    # One more exchange goes, as it then did; the answer itself was not counted.
    assert (plan.dropped, plan.prompt_tokens) == (4, len(_last(long_desk).messages))
    long_desk.engine.context = 99  # all fits again, so that all is sent
    whole = _plan(long_desk, "Question 4")
    assert (whole.dropped, whole.prompt_tokens) == (0, 10)


def test_a_branch_without_the_covered_message_does_not_get_its_summary(long_desk: Desk) -> None:
    _fill(long_desk)
    long_desk.engine.script = [("They spoke of zero.",)]
    long_desk.ask("Question 2")
    first = long_desk.read().messages[0]
    run = long_desk.service.edit(long_desk.id, first.id, "Quite another thing", Listener())
    assert run.wait(WAIT_S)
    assert [m.text for m in _last(long_desk).messages] == ["Be brief.", "Quite another thing"]


def test_a_pinned_exchange_is_neither_summarised_nor_left_out(long_desk: Desk) -> None:
    long_desk.engine.context = 7
    _fill(long_desk, 3)
    answer = long_desk.read().messages[1]
    long_desk.service.pin(long_desk.id, answer.id, True)
    long_desk.engine.script = [("They spoke of one.",)]
    long_desk.ask("Question 3")
    long_desk.engine.script = [("They spoke of two.",)]
    long_desk.ask("Question 4")
    assert "Question 0" in _asked(_last(long_desk))
    assert "Question 1" not in _asked(_last(long_desk))
    assert all("Question 0" not in r.messages[0].text for r in long_desk.engine.requests)


def test_where_no_summary_comes_the_oldest_are_dropped(long_desk: Desk) -> None:
    _fill(long_desk)
    long_desk.engine.script = [()]
    long_desk.ask("Question 2")
    assert _last(long_desk).overflow is Overflow.DROP
    assert _asked(_last(long_desk)) == ["Question 0", "Question 1", "Question 2"]
    assert long_desk.read().summaries == ()
    assert long_desk.read().messages[-1].status is Status.COMPLETE


def test_a_summary_can_be_stopped(tmp_path: Path) -> None:
    summing, go = threading.Event(), threading.Event()
    engine = ScriptedEngine()
    engine.context = 5
    desk = Desk(tmp_path, engine)
    desk.service.save_settings(desk.id, _SUMMARISE)
    _fill(desk)

    def before(_number: int) -> None:
        summing.set()
        go.wait(WAIT_S)

    engine.before = before
    listener = Listener()
    run = desk.service.send(desk.id, "Question 2", listener)
    assert summing.wait(WAIT_S)
    run.cancel()
    go.set()
    assert run.wait(WAIT_S)
    last = listener.events[-1]
    assert isinstance(last, Finished)
    assert last.stop_reason is StopReason.STOPPED
    assert len(engine.requests) == 3  # no answer was begun
    assert desk.read().summaries == ()
    assert desk.read().messages[-1].status is Status.STOPPED
    engine.close()
    desk.vault.close()


def test_a_long_beginning_is_summarised_passage_by_passage(long_desk: Desk) -> None:
    for number in range(2):
        long_desk.ask(f"Question {number} " + "word " * 60)
    before = len(long_desk.engine.requests)
    long_desk.ask("Question 2")
    summing = long_desk.engine.requests[before:-1]
    assert len(summing) >= 2
    assert "Summary so far:\nHello there." in summing[1].messages[0].text
    assert len(long_desk.read().summaries) == 1


def test_a_deleted_conversation_takes_its_summaries_along(long_desk: Desk) -> None:
    _fill(long_desk)
    long_desk.ask("Question 2")
    assert long_desk.read().summaries
    long_desk.service.delete(long_desk.id)
    assert long_desk.service.summaries() == ()


def test_an_engine_that_cannot_count_answers_without_a_summary(long_desk: Desk) -> None:
    _fill(long_desk)
    long_desk.engine.plan = lambda _request, sink: sink(SnugError("no"))  # type: ignore[method-assign]
    long_desk.ask("Question 2")
    assert _asked(_last(long_desk)) == ["Question 0", "Question 1", "Question 2"]
    assert long_desk.read().messages[-1].status is Status.COMPLETE
