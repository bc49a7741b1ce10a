"""The conversation list by day: today, yesterday, the last seven days, then by month."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import Enum

from snug.domain.conversation import ConversationSummary


class Age(Enum):
    """How long ago, as a heading tells it."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Group:
    """Conversations under one heading, newest first. Year and month are set for MONTH only."""

    age: Age
    conversations: tuple[ConversationSummary, ...]
    year: int = 0
    month: int = 0


def group_by_day(
    summaries: Iterable[ConversationSummary], today: date, zone: tzinfo | None = None
) -> tuple[Group, ...]:
    """Put conversations under headings; their order stays.

    Args:
        summaries: most recently changed first.
        today: the day the person sees on the clock.
        zone: of the person's clock; None takes the machine's.
    """
    kept: dict[tuple[Age, int, int], list[ConversationSummary]] = {}
    for summary in summaries:
        moment = datetime.fromtimestamp(summary.updated_ms / 1000, UTC).astimezone(zone)
        kept.setdefault(_heading(moment.date(), today), []).append(summary)
    return tuple(
        Group(age, tuple(members), year, month) for (age, year, month), members in kept.items()
    )


def _heading(day: date, today: date) -> tuple[Age, int, int]:
    if day >= today:  # a clock that was set back leaves days to come; they are today's
        return Age.TODAY, 0, 0
    if day == today - timedelta(days=1):
        return Age.YESTERDAY, 0, 0
    if day > today - timedelta(days=7):
        return Age.WEEK, 0, 0
    return Age.MONTH, day.year, day.month
