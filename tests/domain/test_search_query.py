from __future__ import annotations

import contextlib
import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snug.domain.conversation import Role
from snug.domain.errors import UserError
from snug.domain.search_query import SearchQuery, Term, Wanted, parse_query

TODAY = datetime.date(2026, 3, 14)


def parsed(text: str) -> SearchQuery:
    return parse_query(text, TODAY)


def day(year: int, month: int, day_of_month: int) -> int:
    midnight = datetime.datetime(year, month, day_of_month).astimezone()
    return int(midnight.timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("tides moon", (Term("tides"), Term("moon", beginning=True))),
        (" moon \n", (Term("moon", beginning=True),)),
        ('"the moon"', (Term("the moon"),)),
        ('"the mo', (Term("the mo", beginning=True),)),
        ('"the moon" tid', (Term("the moon"), Term("tid", beginning=True))),
        ("walnut-cake", (Term("walnut-cake", beginning=True),)),
        ("text:walnut", (Term("text:walnut", beginning=True),)),
        ("12:30", (Term("12:30", beginning=True),)),
        ("https://example.org", (Term("https://example.org", beginning=True),)),
        ("model:", (Term("model:", beginning=True),)),
    ],
)
def test_words_and_phrases_are_terms(text: str, terms: tuple[Term, ...]) -> None:
    assert parsed(text) == SearchQuery(terms=terms)


@pytest.mark.parametrize("text", ["", " ", '"', '""', "*", "-", "--", "'", '-""', 'tag:""'])
def test_signs_alone_ask_for_nothing(text: str) -> None:
    assert parsed(text).is_empty


def test_a_minus_excludes_words_and_phrases() -> None:
    query = parsed('tides -moon -"high water"')
    assert query.terms == (Term("tides"),)
    assert query.without == (Term("moon"), Term("high water"))


def test_a_word_before_an_operator_is_whole() -> None:
    assert parsed("moon tag:sea") == SearchQuery((Term("moon"),), tags=Wanted(("sea",)))


def test_names_may_be_quoted_and_excluded() -> None:
    query = parsed('tag:work -tag:"new york" model:qwen -model:llama in:"trash"')
    assert query.tags == Wanted(("work",), ("new york",))
    assert query.models == Wanted(("qwen",), ("llama",))
    assert query.folders == Wanted(("trash",))
    assert not query.trashed


def test_operators_are_known_in_any_case() -> None:
    assert parsed("TAG:work In:Trash") == SearchQuery(tags=Wanted(("work",)), trashed=True)


def test_places_that_are_no_folders() -> None:
    assert parsed("in:trash").trashed
    assert parsed("in:archive").archived is True
    assert parsed("-in:archive").archived is False
    assert parsed("in:title tides").titles_only


def test_sides_of_a_conversation() -> None:
    assert parsed("from:me").roles == {Role.USER}
    assert parsed("from:model").roles == {Role.ASSISTANT}
    assert parsed("-from:me").roles == {Role.ASSISTANT}


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("before:2026-03-01", None, (2026, 3, 1)),
        ("before:2025", None, (2025, 1, 1)),
        ("after:2025-12", (2026, 1, 1), None),
        ("after:2025-12-31", (2026, 1, 1), None),
        ("after:2025", (2026, 1, 1), None),
        ("on:2025-02", (2025, 2, 1), (2025, 3, 1)),
        ("on:today", (2026, 3, 14), (2026, 3, 15)),
        ("on:yesterday", (2026, 3, 13), (2026, 3, 14)),
        ("after:2025 before:2026-02-03", (2026, 1, 1), (2026, 2, 3)),
        ("before:2026 before:2024", None, (2024, 1, 1)),
    ],
)
def test_times_are_days_where_the_person_is(
    text: str, since: tuple[int, int, int] | None, until: tuple[int, int, int] | None
) -> None:
    query = parsed(text)
    assert query.since_ms == (None if since is None else day(*since))
    assert query.until_ms == (None if until is None else day(*until))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("before:soon", "before: takes a date such as 2026-03-14, 2026-03, 2026"),
        ("after:2026-13", "not 2026-13"),
        ("on:2026-02-30", "not 2026-02-30"),
        ("before:9999", "before: takes"),
        ("before:0000", "before: takes"),
        ("-before:2026", "use before: or after:"),
        ("from:nobody", "me or model"),
    ],
)
def test_what_an_operator_does_not_know_is_said(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        parsed(text)


@given(st.text(alphabet=st.sampled_from('ab:-"* \0\ud83dtagin2026')))
def test_any_text_is_a_query_or_says_why_not(text: str) -> None:
    with contextlib.suppress(UserError):
        parsed(text)
