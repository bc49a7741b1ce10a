"""Sampling values are checked where they are made."""

from __future__ import annotations

from typing import Any

import pytest

from snug.domain.errors import UserError
from snug.domain.sampling import MAX_SEED, Sampling

_RANGES: list[tuple[str, float, float]] = [
    ("temperature", 0, 2),
    ("top_k", 0, 1_000_000),
    ("top_p", 0, 1),
    ("min_p", 0, 1),
    ("repeat_penalty", 0.5, 2),
    ("repeat_last_n", 0, 65_536),
    ("seed", 0, MAX_SEED),
    ("max_tokens", 1, 1_000_000),
]


@pytest.mark.parametrize(("name", "low", "high"), _RANGES)
def test_both_ends_of_a_range_are_taken(name: str, low: float, high: float) -> None:
    for value in (low, high):
        wanted: dict[str, Any] = {name: value}
        assert getattr(Sampling(**wanted), name) == value


@pytest.mark.parametrize(("name", "low", "high"), _RANGES)
def test_what_lies_outside_is_refused_with_the_range(name: str, low: float, high: float) -> None:
    for value in (low - 1, high + 1, float("nan"), float("inf"), -float("inf"), 10**400, -(2**63)):
        wanted: dict[str, Any] = {name: value}
        with pytest.raises(UserError, match=rf"{name} must be between .* is not\.$"):
            Sampling(**wanted)


def test_no_seed_and_no_limit_are_taken() -> None:
    assert Sampling() == Sampling(seed=None, max_tokens=None)
