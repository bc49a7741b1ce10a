from __future__ import annotations

from pathlib import Path

from snug.domain.keeping import Backup
from snug.services.keeping import DAY_MS
from snug.vault.pruning import _kept

NOW = 1_700_000_000_000
LARGE = 10**9


def kept(*ages_in_days: float, size: int = 1000, deleted: float | None = None) -> list[float]:
    """The ages of those that stay beside one that was made now; a negative age is the future."""
    others = [
        Backup(Path(str(age)), NOW - int(age * DAY_MS), size, 5) for age in sorted(ages_in_days)
    ]
    deleted_ms = 0 if deleted is None else NOW - int(deleted * DAY_MS)
    return [float(one.path.name) for one in _kept(others, size, NOW, deleted_ms)]


def test_the_newest_stay_and_one_for_each_week_before() -> None:
    ages = kept(*range(1, 60))
    assert ages[:2] == [1, 2]
    assert len(ages) == 6
    assert ages[-1] >= 21


def test_large_ones_are_fewer() -> None:
    assert len(kept(*range(1, 60), size=LARGE)) == 3


def test_what_was_deleted_leaves_the_backups_with_the_next_one() -> None:
    assert kept(0.5, 2, 3, 5, deleted=1) == [0.5]


def test_one_that_a_fast_clock_dated_ahead_goes_after_the_others_and_with_a_deletion() -> None:
    assert kept(-400, -300, 1, 2, 3) == [1, 2, -400]
    assert kept(-400, 0.5, deleted=1) == [0.5]


def test_a_clock_that_went_back_costs_only_what_was_deleted_by_its_old_time() -> None:
    assert kept(-400, -300, 1, deleted=-350) == [1, -400]
