"""What rises and falls on the Hub: shares per day, and what changed over a period.

A share is a part of the models on the Hub's trending page, counted, so "12 of 100" is 0.12. It says
what people look at, not what they use. With few looks nothing is claimed.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from snug.domain.errors import EnvironmentFault
from snug.domain.families import OTHER, family_of
from snug.domain.hub import Category, Fit, Query, Repository, fit_of

MIN_DAYS: Final = 3  # with looks; below, nothing is called rising or falling
MIN_CHANGE: Final = 0.02  # of all: two models of a hundred may come and go by chance
MIN_RELATIVE: Final = 0.2  # of what it was
PARTS: Final = 3  # the first third of the days is compared with the last
DAY_MS: Final = 86_400_000
# Bytes for each parameter at about four bits, where only the number of parameters is known.
# Source: 4.85 bits for each weight of llama.cpp's Q4_K_M.
BYTES_PER_PARAMETER: Final = 0.606

_RUNNABLE: Final = frozenset(
    {Category.TEXT, Category.CODE, Category.VISION_LANGUAGE, Category.EMBEDDING, Category.OTHER}
)


class Dimension(StrEnum):
    """By what the models are counted."""

    CATEGORY = "category"
    FAMILY = "family"
    LICENCE = "licence"


class Direction(StrEnum):
    """Where a share goes."""

    RISING = "rising"
    FALLING = "falling"
    STEADY = "steady"
    UNKNOWN = "unknown"  # too few looks to tell


class Scope(StrEnum):
    """Which page of the Hub a look read."""

    FIELD = "field"  # all that is trending
    RUNNABLE = "gguf"  # what there is as GGUF
    CATEGORY = "category"  # categories that the other pages hardly show; never counted


class HubBusyError(EnvironmentFault):
    """The Hub asked for fewer requests (HTTP 429).

    Attributes:
        wait_s: how long it asks to be left alone.
    """

    def __init__(self, message: str, wait_s: float) -> None:
        super().__init__(message)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Page:
    """What one request of a look brought."""

    scope: Scope
    repositories: tuple[Repository, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """One day's look, counted.

    Attributes:
        day: YYYY-MM-DD, UTC.
        total: models on the page; those that could not be told apart included.
    """

    day: str
    total: int
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Point:
    """One day of a series: `count` of the models of that day, as a share from 0 to 1."""

    day: str
    share: float
    count: int


@dataclass(frozen=True, slots=True)
class Series:
    """How one category, family or licence class went.

    Attributes:
        points: one for each day with a look, oldest first; 0 where it was not seen.
        change: share in the last part of the period minus that in the first; 0.1 is ten points.
            0.0 where there are fewer than two days.
        days: with a look; what `change` rests on.
    """

    name: str
    points: tuple[Point, ...]
    change: float
    direction: Direction
    days: int

    @property
    def share(self) -> float:
        """On the last day."""
        return self.points[-1].share if self.points else 0.0


@dataclass(frozen=True, slots=True)
class Filter:
    """What of the kept models is wanted; every field narrows.

    Attributes:
        architectures: any of these; empty for all.
        min_bytes, max_bytes: of one of its files; 0 for no bound. Where the files are not known
            the size at about four bits is taken.
        runnable: True for what there is as GGUF and llama.cpp runs.
    """

    query: Query
    architectures: frozenset[str] = frozenset()
    min_bytes: int = 0
    max_bytes: int = 0
    runnable: bool | None = None


def series_of(tallies: Sequence[Tally], other: str = OTHER) -> tuple[Series, ...]:
    """The series of every name that was counted, the largest on the last days first.

    Args:
        tallies: one for each day with a look, oldest first; empty ones are passed over.
        other: the name that comes last whatever its size.
    """
    counted = [tally for tally in tallies if tally.total > 0]
    names = sorted({name for tally in counted for name in tally.counts})
    found = [_series(name, counted) for name in names]
    part = max(1, len(counted) // PARTS)

    def rank(one: Series) -> tuple[bool, float, str]:
        return (one.name == other, -_mean(one.points[-part:]), one.name)

    return tuple(sorted(found, key=rank))


def _series(name: str, tallies: Sequence[Tally]) -> Series:
    points = tuple(
        Point(tally.day, tally.counts.get(name, 0) / tally.total, tally.counts.get(name, 0))
        for tally in tallies
    )
    days = len(points)
    if days < 2:
        return Series(name, points, 0.0, Direction.UNKNOWN, days)
    part = max(1, days // PARTS)
    before = _mean(points[:part])
    change = _mean(points[-part:]) - before
    return Series(name, points, change, _direction(before, change, days), days)


def _direction(before: float, change: float, days: int) -> Direction:
    if days < MIN_DAYS:
        return Direction.UNKNOWN
    if abs(change) < max(MIN_CHANGE, before * MIN_RELATIVE) - 1e-9:
        return Direction.STEADY
    return Direction.RISING if change > 0 else Direction.FALLING


def _mean(points: Iterable[Point]) -> float:
    shares = [point.share for point in points]
    return sum(shares) / len(shares) if shares else 0.0


def can_run(category: Category) -> bool:
    """Whether llama.cpp runs models of this kind at all."""
    return category in _RUNNABLE


def is_runnable(repository: Repository) -> bool:
    """Whether there is a GGUF of a kind that llama.cpp runs; only its header tells for certain."""
    told = bool(repository.variants) or bool(repository.architecture)
    return told and can_run(repository.category)


def family(repository: Repository) -> str:
    """The family of a repository."""
    return family_of(repository.id, repository.architecture, repository.base_models)


def size_range(repository: Repository) -> tuple[int, int]:
    """Bytes of its smallest and largest file; an estimate where the files are not known, else 0."""
    sizes = [variant.size_bytes for variant in repository.variants]
    if sizes:
        return min(sizes), max(sizes)
    estimate = round(repository.parameter_count * BYTES_PER_PARAMETER)
    return estimate, estimate


def largest_that_fits(available_bytes: int | None) -> int:
    """Bytes of the largest file that `fit_of` lets run; 0 where the memory is not known."""
    if available_bytes is None or fit_of(1, available_bytes) is Fit.NO:
        return 0 if available_bytes is None else 1
    low, high = 1, max(2, available_bytes)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fit_of(middle, available_bytes) is Fit.NO else (middle, high)
    return low


def day_of(time_ms: int) -> str:
    """The UTC day of a moment, YYYY-MM-DD."""
    return datetime.datetime.fromtimestamp(time_ms / 1000, datetime.UTC).date().isoformat()
