"""How far to guess ahead."""

from __future__ import annotations

import pytest

from snug.engine.pace import Pace


def _trusting(times: int = 60) -> Pace:
    pace = Pace()
    pace.judged(times, 0)
    return pace


def test_nothing_is_guessed_before_a_plain_step_was_measured() -> None:
    pace = _trusting()
    assert pace.choose(32) == 0
    pace.took(8, 0.02)
    assert pace.choose(32) == 0
    pace.took(1, 0.02)
    assert pace.choose(32) > 0


def test_nothing_is_chosen_of_nothing() -> None:
    pace = _trusting()
    pace.took(1, 0.02)
    assert pace.choose(0) == 0
    assert pace.choose(-1) == 0


def test_never_more_than_there_are() -> None:
    pace = _trusting(500)
    pace.took(1, 0.02)
    pace.took(33, 0.021)
    for available in range(1, 33):
        assert 0 <= pace.choose(available) <= available
    assert pace.choose(32) == 32


def test_trust_rises_with_guesses_that_hold_and_falls_with_those_that_do_not() -> None:
    pace = Pace()
    first = pace.trust
    pace.judged(5, 0)
    higher = pace.trust
    pace.judged(0, 1)
    assert first < higher
    assert pace.trust < higher
    pace.judged(0, 100)
    assert 0.0 <= pace.trust < 0.01


def test_what_was_worthwhile_is_given_up_when_guesses_fail() -> None:
    pace = _trusting()
    pace.took(1, 0.02)
    for width in (2, 4, 8, 16, 33):
        pace.took(width, 0.021)
    many = pace.choose(32)
    chosen = [many]
    for _ in range(40):
        pace.judged(0, 1)
        chosen.append(pace.choose(32))
    assert many > 8
    assert chosen == sorted(chosen, reverse=True)
    assert chosen[-1] == 0


def test_where_steps_cost_as_much_as_their_tokens_nothing_is_guessed() -> None:
    pace = _trusting()
    for width in (1, 2, 4, 8, 16, 33):
        pace.took(width, 0.02 * width)
    assert pace.choose(32) == 0


def test_guesses_that_cost_something_are_fewer() -> None:
    pace = _trusting(20)
    pace.took(1, 0.02)
    pace.took(33, 0.022)
    assert pace.choose(32, 0.02) == 0
    assert 0 < pace.choose(32, 0.004) <= pace.choose(32)


def test_costs_lie_between_those_that_were_measured() -> None:
    pace = Pace()
    assert pace.cost(4) == 0.0
    pace.took(1, 0.010)
    pace.took(33, 0.042)
    assert pace.cost(1) == pytest.approx(0.010)
    assert pace.cost(17) == pytest.approx(0.026)
    assert pace.cost(33) == pytest.approx(0.042)
    alone = Pace()
    alone.took(1, 0.010)
    assert alone.cost(11) == pytest.approx(0.010 + 10 * 0.35 * 0.010)


def test_a_width_between_is_learnt_as_the_one_above_it() -> None:
    pace = Pace()
    pace.took(1, 0.01)
    pace.took(3, 0.03)
    assert pace.cost(4) == pytest.approx(0.04)


def test_a_pause_of_the_machine_changes_little() -> None:
    pace = Pace()
    pace.took(1, 0.01)
    pace.took(1, 60.0)
    assert pace.cost(1) <= 0.016


@pytest.mark.parametrize("right", [0, 3, 50])
def test_the_tokens_expected_are_one_and_what_holds(right: int) -> None:
    pace = Pace()
    pace.judged(right, 0)
    trust = pace.trust
    assert pace.expected(0) == 1.0
    assert pace.expected(2) == pytest.approx(1 + trust + trust**2)
