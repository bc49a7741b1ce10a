"""How much of the context a request takes, and what must go."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.engine.asking import GREEDY, Asking, talk

from snug.domain.conversation import Role
from snug.domain.errors import SnugError, TemplateError
from snug.domain.prompt import ContextPlan, Overflow, PromptMessage

_ONE = replace(GREEDY, max_tokens=1)
_SENTENCE = "The lighthouse keeper and her dog watched the ships go by all day. "


@pytest.fixture
def small(ask: Asking) -> Asking:
    """A context of 512 tokens, loaded."""
    small = replace(ask, load=replace(ask.load, context_length=512))
    small("Hi", _ONE)
    return small


def _plan(asking: Asking, messages: tuple[PromptMessage, ...]) -> ContextPlan:
    plan = asking.plan(asking.request(messages))
    assert isinstance(plan, ContextPlan), plan
    return plan


def _turns(count: int, system: str = "", text: str = _SENTENCE) -> tuple[PromptMessage, ...]:
    """So many questions and, but for the last, their answers."""
    texts = [f"{number}. {text}" for number in range(2 * count - 1)]
    return talk(*texts, system=system)


def test_nothing_is_dropped_while_all_fits(small: Asking) -> None:
    plan = _plan(small, _turns(4))
    assert (plan.dropped, plan.overflow) == (0, False)
    assert plan.context_length == 512
    assert plan.reserve_tokens == 128
    assert plan.prompt_tokens == small(_turns(4), _ONE).started.prompt_tokens


def test_the_oldest_turns_go_first_and_the_prompt_begins_with_the_person(small: Asking) -> None:
    turns = _turns(16, system="Be brief.")
    plan = _plan(small, turns)
    assert plan.dropped > 0
    assert plan.dropped % 2 == 0
    assert not plan.overflow
    assert plan.prompt_tokens <= plan.context_length - plan.reserve_tokens
    kept = turns[1 + plan.dropped :]
    assert kept[0].role is Role.USER
    assert plan.prompt_tokens == _plan(small, (turns[0], *kept)).prompt_tokens


def test_an_answer_is_made_from_what_was_planned(small: Asking) -> None:
    turns = _turns(16, system="Be brief.")
    plan = _plan(small, turns)
    started = small(turns, _ONE).started
    assert (started.dropped, started.prompt_tokens) == (plan.dropped, plan.prompt_tokens)


def test_what_is_dropped_stays_the_same_for_several_turns(small: Asking) -> None:
    counts = [_plan(small, _turns(number)).dropped for number in range(4, 28)]
    changes = [i for i in range(1, len(counts)) if counts[i] != counts[i - 1]]
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert 2 <= len(changes) <= 16
    assert max(counts.count(count) for count in set(counts) - {0}) >= 2


def test_a_shortened_conversation_reuses_its_kv_entries(small: Asking) -> None:
    reused = 0
    for number in range(24, 30):
        started = small(_turns(number, text="Yes."), _ONE).started
        assert started.dropped > 0
        reused += started.cached_tokens >= started.prompt_tokens - 40  # an answer and a question
    assert reused >= 4


def test_a_message_that_does_not_fit_alone_is_an_overflow_with_numbers(small: Asking) -> None:
    long = talk("Hi", "Hello", _SENTENCE * 60)
    plan = _plan(small, long)
    assert plan.overflow
    assert plan.prompt_tokens > 384
    failure = small(long).failure
    assert str(plan.prompt_tokens) in failure
    assert "512" in failure
    assert small("Hi", _ONE).finished.usage.completion_tokens == 1


def test_the_system_prompt_counts_and_is_never_dropped(small: Asking) -> None:
    plan = _plan(small, talk("Hi", system=_SENTENCE * 60))
    assert plan.overflow
    plan = _plan(small, (*_turns(14, system=_SENTENCE * 8),))
    alone = _plan(small, talk("Hi", system=_SENTENCE * 8))
    assert plan.dropped > 0
    assert plan.prompt_tokens > alone.prompt_tokens


def test_planning_does_not_disturb_the_cache(small: Asking) -> None:
    turns = _turns(5)
    first = small(turns, _ONE).started
    _plan(small, _turns(16))
    _plan(small, talk("Something else."))
    assert small(turns, _ONE).started.cached_tokens == first.prompt_tokens - 1


def test_a_template_that_fails_is_told_instead_of_a_plan(small: Asking) -> None:
    broken = replace(small, model=replace(small.model, chat_template="{{ 1 / 0 }}"))
    assert isinstance(broken("Hi").failure, str)  # now this model is the loaded one
    answer = broken.plan(broken.request("Hi"))
    assert isinstance(answer, TemplateError)


def test_a_model_that_is_not_loaded_is_not_planned_with(small: Asking) -> None:
    answers: list[ContextPlan | SnugError] = []
    other = replace(small, load=replace(small.load, context_length=300))
    small.host.plan(other.request("Hi"), answers.append)
    small.host.call(lambda _native: None)
    assert answers == []


def test_a_long_newest_message_drops_no_more_than_it_needs(small: Asking) -> None:
    earlier = _turns(3)[:-1]  # two questions with their answers, none of which fills a quarter
    long = (*earlier, PromptMessage(Role.USER, "word " * 300))
    plan = _plan(small, long)
    assert plan.dropped == 2
    assert not plan.overflow


def test_a_pinned_exchange_is_in_the_prompt_whatever_is_dropped(small: Asking) -> None:
    turns = _turns(16)
    plain = _plan(small, turns)
    pinned = (turns[0], replace(turns[1], pinned=True), *turns[2:])
    plan = _plan(small, pinned)
    assert plan.dropped > 0
    assert not plan.overflow
    alone = _plan(small, (*turns[:2], *turns[2 + plan.dropped :]))
    assert plan.prompt_tokens == alone.prompt_tokens
    assert plain.dropped > 0


def test_a_conversation_that_is_to_stop_is_told_with_numbers_and_remedies(small: Asking) -> None:
    request = replace(small.request(_turns(16)), overflow=Overflow.STOP)
    plan = small.plan(request)
    assert isinstance(plan, ContextPlan)
    assert (plan.dropped, plan.overflow) == (0, True)
    failure = small(_turns(16), _ONE, overflow=Overflow.STOP).failure
    assert f"{plan.prompt_tokens} tokens" in failure
    assert "512, 128 of them for the answer; nothing was sent" in failure
    assert "summarise" in failure
    assert small(_turns(4), _ONE, overflow=Overflow.STOP).finished.usage.completion_tokens == 1
