"""What speed to expect, from what this machine did."""

from __future__ import annotations

import math

import pytest

from snug.domain.speed import Expectation, Measurement, Where, expected, speed_words

GB = 10**9


def on_cpu(speed: float, size: float, name: str = "") -> Measurement:
    return Measurement(speed, int(size * GB), Where.CPU, name)


def test_nothing_measured_is_nothing_known() -> None:
    assert expected(GB, 0.0, ()) is None
    assert expected(0, 0.0, [on_cpu(10, 1)]) is None
    assert speed_words(None).startswith("not known")


def test_one_measurement_scales_with_the_bytes_that_are_read() -> None:
    found = expected(2 * GB, 0.0, [on_cpu(30, 1, "Tiny")])
    assert found == Expectation(15.0, "Tiny")
    assert speed_words(found) == "about 15 tokens/s, from what this machine did with Tiny"


def test_a_speed_from_a_very_different_size_is_told_as_doubtful() -> None:
    near, far = (expected(int(s * GB), 0.0, [on_cpu(30, 1, "Tiny")]) for s in (8.0, 8.1))
    assert near is not None
    assert far is not None
    assert (near.reliable, far.reliable) == (True, False)
    assert "far off" in speed_words(far)
    assert "far off" not in speed_words(near)


def test_a_fixed_time_per_token_is_told_from_the_bytes() -> None:
    # 10 ms, and 50 ms for each gigabyte.
    measured = [on_cpu(1 / (0.01 + 0.05 * size), size) for size in (0.1, 1.0, 4.0)]
    found = expected(8 * GB, 0.0, measured)
    assert found is not None
    assert found.tokens_per_second == pytest.approx(1 / 0.41, rel=0.01)


def test_one_odd_measurement_changes_little() -> None:
    measured = [on_cpu(20 / size, size) for size in (0.5, 1.0, 2.0, 4.0, 6.0)]
    found = expected(3 * GB, 0.0, [*measured, on_cpu(0.01, 1.0)])
    assert found is not None
    assert found.tokens_per_second == pytest.approx(20 / 3, rel=0.2)


def test_graphics_cards_and_processor_are_kept_apart() -> None:
    measured = [on_cpu(10, 1), Measurement(100, GB, Where.GPU)]
    speeds = [expected(GB, share, measured) for share in (0.0, 0.5, 1.0)]
    assert [round(s.tokens_per_second, 1) for s in speeds if s] == [10.0, 18.2, 100.0]
    assert expected(GB, 1.0, [on_cpu(10, 1)]) is None
    assert expected(GB, 0.5, [on_cpu(10, 1)]) is None
    assert expected(GB, 0.0, [Measurement(50, GB, Where.BOTH)]) is None


def test_senseless_measurements_count_as_none() -> None:
    odd = [on_cpu(math.nan, 1), on_cpu(math.inf, 1), on_cpu(-1, 1), on_cpu(5, 0), on_cpu(0, 1)]
    assert expected(GB, 0.0, odd) is None
    assert expected(GB, 0.0, [*odd, on_cpu(7, 1)]) == Expectation(7.0)
