"""The number of threads, chosen by trial."""

from __future__ import annotations

from snug.engine.threads import candidates, fastest


class Machine:
    """Trials that take known times on a clock of their own."""

    def __init__(self, seconds: dict[int, float]) -> None:
        self.seconds = seconds
        self.now = 0.0
        self.tried: list[int] = []

    def __call__(self, threads: int) -> float:
        self.tried.append(threads)
        self.now += self.seconds[threads]
        return self.seconds[threads]

    def fastest(self, *numbers: int, budget_s: float = 1.0) -> int:
        return fastest(numbers, self, budget_s, lambda: self.now)


def test_two_cores_leave_nothing_to_choose() -> None:
    assert candidates(2, 2) == candidates(1, 1) == ()


def test_the_physical_cores_are_tried_first_and_no_more_than_there_are() -> None:
    numbers = candidates(8, 16)
    assert numbers[0] == 8
    assert set(numbers) == {4, 6, 7, 8, 12, 16}
    assert max(candidates(4, 4)) == 4


def test_the_fastest_wins() -> None:
    assert Machine({8: 0.02, 16: 0.01, 4: 0.03}).fastest(8, 16, 4) == 16


def test_the_guess_stays_unless_another_is_clearly_faster() -> None:
    assert Machine({8: 0.0100, 7: 0.0099}).fastest(8, 7) == 8


def test_a_hopeless_number_gets_one_step() -> None:
    machine = Machine({8: 0.01, 1: 0.1})
    assert machine.fastest(8, 1) == 8
    assert machine.tried.count(1) == 2  # one to warm up


def test_it_ends_when_the_time_is_spent() -> None:
    machine = Machine({8: 0.6, 4: 0.1, 2: 0.1})
    assert machine.fastest(8, 4, 2) == 8
    assert machine.tried == [8, 8]
