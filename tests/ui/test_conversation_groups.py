from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from snug.domain.conversation import ConversationSummary
from snug.ui.chats.conversation_groups import Age, group_by_day

TODAY = date(2026, 3, 5)


def summary(moment: datetime) -> ConversationSummary:
    return ConversationSummary(moment.isoformat(), "t", round(moment.timestamp() * 1000), 1)


def at(day: date, hour: int = 12) -> ConversationSummary:
    return summary(datetime(day.year, day.month, day.day, hour, tzinfo=UTC))


def test_days_fall_under_their_headings() -> None:
    days = [TODAY - timedelta(days=n) for n in (0, 1, 2, 6, 7, 40)]
    groups = group_by_day([at(day) for day in days], TODAY, UTC)
    assert [(g.age, g.month, len(g.conversations)) for g in groups] == [
        (Age.TODAY, 0, 1),
        (Age.YESTERDAY, 0, 1),
        (Age.WEEK, 0, 2),
        (Age.MONTH, 2, 1),
        (Age.MONTH, 1, 1),
    ]


def test_the_day_is_that_of_the_persons_clock() -> None:
    late = summary(datetime(2026, 3, 4, 23, 30, tzinfo=UTC))
    assert group_by_day([late], TODAY, UTC)[0].age is Age.YESTERDAY
    assert group_by_day([late], TODAY, timezone(timedelta(hours=2)))[0].age is Age.TODAY


def test_the_same_month_of_two_years_makes_two_groups() -> None:
    groups = group_by_day([at(date(2025, 3, 9)), at(date(2024, 3, 9))], TODAY, UTC)
    assert [(g.year, g.month) for g in groups] == [(2025, 3), (2024, 3)]


@given(st.lists(st.integers(-3, 2000), max_size=60))
def test_no_conversation_is_lost_or_moved(ages: list[int]) -> None:
    rows = [at(TODAY - timedelta(days=n)) for n in sorted(ages)]
    groups = group_by_day(rows, TODAY, UTC)
    assert [s for g in groups for s in g.conversations] == rows
    assert len({(g.age, g.year, g.month) for g in groups}) == len(groups)
