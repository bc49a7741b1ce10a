from __future__ import annotations

import pytest

from snug.domain.hub import Category, Fit, RemoteFile, Repository, Variant, fit_of
from snug.domain.licence import classify
from snug.domain.trends import (
    Direction,
    Tally,
    is_runnable,
    largest_that_fits,
    series_of,
    size_range,
)


def tallies(*days: dict[str, int]) -> list[Tally]:
    return [
        Tally(f"2026-11-{number + 1:02d}", sum(counts.values()), counts)
        for number, counts in enumerate(days)
    ]


def repository(**more: object) -> Repository:
    values: dict[str, object] = {"category": Category.TEXT} | more
    return Repository(id="m/x", licence=classify("mit"), **values)  # type: ignore[arg-type]


def test_a_share_is_the_part_of_a_days_models() -> None:
    (text, video) = series_of(tallies({"text": 75, "video": 25}))
    assert [(p.day, p.share, p.count) for p in text.points] == [("2026-11-01", 0.75, 75)]
    assert video.share == 0.25


def test_the_first_third_is_compared_with_the_last() -> None:
    days = [{"a": n, "b": 100 - n} for n in (10, 20, 50, 50, 30, 40)]
    a = next(one for one in series_of(tallies(*days)) if one.name == "a")
    assert a.change == pytest.approx(0.35 - 0.15)
    assert (a.direction, a.days) == (Direction.RISING, 6)
    b = next(one for one in series_of(tallies(*days)) if one.name == "b")
    assert b.direction is Direction.FALLING


def test_with_few_days_nothing_is_claimed() -> None:
    one = series_of(tallies({"a": 100}))[0]
    assert (one.change, one.direction, one.days) == (0.0, Direction.UNKNOWN, 1)
    two = series_of(tallies({"a": 90, "b": 10}, {"a": 10, "b": 90}))
    assert {one.direction for one in two} == {Direction.UNKNOWN}
    assert two[0].change == pytest.approx(0.8)


def test_a_model_or_two_is_no_trend() -> None:
    steady = series_of(tallies({"a": 50, "b": 50}, {"a": 50, "b": 50}, {"a": 51, "b": 49}))
    assert {one.direction for one in steady} == {Direction.STEADY}
    # Nine points are a fifth of nothing, but not of sixty.
    large = series_of(tallies({"a": 60, "b": 40}, {"a": 60, "b": 40}, {"a": 69, "b": 31}))
    assert {one.name: one.direction for one in large} == {
        "a": Direction.STEADY,
        "b": Direction.FALLING,
    }


def test_what_was_not_seen_on_a_day_is_nought_there_and_other_comes_last() -> None:
    found = series_of(tallies({"a": 10, "other": 90}, {"b": 50, "other": 50}))
    assert [one.name for one in found] == ["b", "a", "other"]
    assert [p.count for p in found[0].points] == [0, 50]


def test_a_day_without_models_is_passed_over() -> None:
    assert series_of(tallies({})) == ()
    assert series_of(tallies({}, {"a": 1}))[0].days == 1


def test_what_snug_runs_is_a_gguf_of_a_kind_that_llama_cpp_knows() -> None:
    assert not is_runnable(repository())
    assert is_runnable(repository(architecture="llama"))
    files = (Variant("Q4_0", (RemoteFile("a.gguf", 5),)),)
    assert is_runnable(repository(variants=files))
    assert not is_runnable(repository(variants=files, category=Category.IMAGE))


def test_sizes_are_those_of_the_files_or_an_estimate() -> None:
    files = tuple(Variant("Q", (RemoteFile("a", n), RemoteFile("b", 1))) for n in (5, 9))
    assert size_range(repository(variants=files, parameter_count=10**9)) == (6, 10)
    low, high = size_range(repository(parameter_count=10**9))
    assert low == high == 606_000_000
    assert size_range(repository()) == (0, 0)


@pytest.mark.parametrize("available", [0, 10**6, 3 * 10**9, 16 * 10**9, 2**40])
def test_the_largest_file_that_fits_is_where_fitting_ends(available: int) -> None:
    largest = largest_that_fits(available)
    assert fit_of(largest + 1, available) is Fit.NO
    assert largest == 1 or fit_of(largest, available) is not Fit.NO


def test_with_unknown_memory_there_is_no_bound() -> None:
    assert largest_that_fits(None) == 0
