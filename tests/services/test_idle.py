from __future__ import annotations

from snug.services.idle import IdlePolicy


class Clock:
    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


def test_it_is_due_so_many_minutes_after_the_last_use() -> None:
    clock = Clock()
    policy = IdlePolicy(lambda: 10, clock)
    policy.use()
    clock.s += 540
    policy.use()
    clock.s += 599
    assert policy.due_in_s() == 1.0
    clock.s += 1
    assert policy.due_in_s() == 0.0
    clock.s += 3600  # slept through it
    assert policy.due_in_s() == 0.0


def test_never_means_never() -> None:
    clock = Clock()
    policy = IdlePolicy(lambda: 0, clock)
    policy.use()
    clock.s += 1e6
    assert policy.due_in_s() is None


def test_without_a_model_nothing_is_due() -> None:
    policy = IdlePolicy(lambda: 10, Clock())
    assert policy.due_in_s() is None
    policy.use()
    policy.forget()
    assert policy.due_in_s() is None


def test_another_choice_counts_from_the_same_use() -> None:
    clock, minutes = Clock(), [30]
    policy = IdlePolicy(lambda: minutes[0], clock)
    policy.use()
    clock.s += 360
    minutes[0] = 5
    assert policy.due_in_s() == 0.0
