"""What may be typed into the search of chats, and what it means.

Words, each of which must be there, the last one as a beginning; "several words" in quotes as they
stand; -word for what must not be there; and operators:

    model:qwen          answers of a model whose name holds that
    from:me             my own messages; from:model for the answers
    tag:work            chats with that tag
    in:clients          chats in folders with that in their name; in:archive, in:trash;
                        in:title looks at titles alone
    before:2026-03-01   also after: and on:, and 2026-03, 2026, today, yesterday

A minus before model:, from:, tag: or in: excludes. Anything else with a colon is a word like any
other.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, field, replace

from snug.domain.conversation import Role
from snug.domain.errors import UserError

MAX_TERMS = 32  # SQLite limits how deep an expression may be
_TERM = re.compile(
    r"""(?P<minus>-?)(?P<name>[a-z]+):(?:"(?P<quoted_value>[^"]*)"?|(?P<value>[^\s"]+))(?=\s|$)
    |(?P<not>-?)"(?P<quoted>[^"]*)(?:"(?=\s|$)|$)
    |(?P<word>\S+)""",
    re.VERBOSE | re.IGNORECASE,
)
_DATE = re.compile(r"(\d{4})(?:-(\d\d?)(?:-(\d\d?))?)?")
_ROLES = {
    "me": Role.USER,
    "user": Role.USER,
    "model": Role.ASSISTANT,
    "assistant": Role.ASSISTANT,
}
_OPERATORS = ("model", "from", "tag", "in", "before", "after", "on")


@dataclass(frozen=True, slots=True)
class Term:
    """A word, or several that stand one after the other.

    Attributes:
        beginning: the last word of it may go on.
    """

    text: str
    beginning: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an operator asks for: all of `included`, none of `excluded`."""

    included: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search as a value.

    Attributes:
        terms, without: what must be in the text, and what must not.
        models, tags, folders: parts of names of models and folders; whole names of tags.
        roles: whose messages; empty for both.
        since_ms, until_ms: created at or after, and before; UTC milliseconds; None for no limit.
        titles_only: messages are not looked at.
        archived: True for the archive alone, False for all but it, None for both.
        trashed: the trash alone; otherwise all but it.
    """

    terms: tuple[Term, ...] = ()
    without: tuple[Term, ...] = ()
    models: Wanted = field(default_factory=Wanted)
    tags: Wanted = field(default_factory=Wanted)
    folders: Wanted = field(default_factory=Wanted)
    roles: frozenset[Role] = frozenset()
    since_ms: int | None = None
    until_ms: int | None = None
    titles_only: bool = False
    archived: bool | None = None
    trashed: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was asked for."""
        return self == SearchQuery()

    @property
    def about_messages(self) -> bool:
        """Whether something asks for single messages, which no title can answer."""
        return bool(self.models != Wanted() or self.roles)


def parse_query(text: str, today: datetime.date | None = None) -> SearchQuery:
    """What was typed, as a value.

    Args:
        today: for the words today and yesterday; None for the clock's.

    Raises:
        UserError: an operator was given something that it does not know; the text says what it
            takes.
    """
    today = today or datetime.datetime.now().astimezone().date()
    query = SearchQuery()
    last = None
    for match in list(_TERM.finditer(text.replace("\0", " ")))[:MAX_TERMS]:
        name = (match["name"] or "").lower()
        if name in _OPERATORS:
            given = match["value"] if match["quoted_value"] is None else match["quoted_value"]
            quoted = match["quoted_value"] is not None
            if given.strip():
                query = _with_operator(query, name, given.strip(), match["minus"], quoted, today)
            last = None
        else:
            query, last = _with_words(query, match)
    if last is not None:
        query = replace(query, terms=(*query.terms[:-1], replace(last, beginning=True)))
    return query


def _with_words(query: SearchQuery, match: re.Match[str]) -> tuple[SearchQuery, Term | None]:
    """The query with one term more; the term where it may be the beginning of a word."""
    if match["quoted"] is not None:
        term, minus = Term(match["quoted"]), match["not"]
        # The closing quote says that the word is whole.
        may_go_on = not match.group().endswith('"') or len(match.group()) == 1
    else:
        word = match.group()
        minus = "-" if word.startswith("-") else ""
        term, may_go_on = Term(word.removeprefix("-")), True
    if not term.text.strip("\"'*-").strip():
        return query, None
    if minus:
        return replace(query, without=(*query.without, term)), None
    return replace(query, terms=(*query.terms, term)), term if may_go_on else None


def _with_operator(
    query: SearchQuery, name: str, value: str, minus: str, quoted: bool, today: datetime.date
) -> SearchQuery:
    match name:
        case "model":
            return replace(query, models=_added(query.models, value, minus))
        case "tag":
            return replace(query, tags=_added(query.tags, value, minus))
        case "from":
            return replace(query, roles=_roles(value, minus))
        case "in":
            return _with_place(query, value, minus, quoted)
        case _:
            return _with_time(query, name, value, minus, today)


def _added(wanted: Wanted, value: str, minus: str) -> Wanted:
    if minus:
        return replace(wanted, excluded=(*wanted.excluded, value))
    return replace(wanted, included=(*wanted.included, value))


def _roles(value: str, minus: str) -> frozenset[Role]:
    role = _ROLES.get(value.lower())
    if role is None:
        raise UserError(f"from: takes me or model, not {value}.")
    return frozenset({Role.USER, Role.ASSISTANT} - {role} if minus else {role})


def _with_place(query: SearchQuery, value: str, minus: str, quoted: bool) -> SearchQuery:
    place = "" if quoted else value.lower()  # a folder may be called trash too
    if place == "archive":
        return replace(query, archived=not minus)
    if place == "trash":
        return replace(query, trashed=not minus)
    if place == "title":
        return replace(query, titles_only=not minus)
    return replace(query, folders=_added(query.folders, value, minus))


def _with_time(
    query: SearchQuery, name: str, value: str, minus: str, today: datetime.date
) -> SearchQuery:
    if minus:
        raise UserError(f"-{name}: has no meaning; use before: or after: instead.")
    first, next_one = _period(name, value, today)
    since, until = _ms(first), _ms(next_one)
    if name == "before":
        return replace(query, until_ms=_least(query.until_ms, since))
    if name == "after":
        return replace(query, since_ms=_most(query.since_ms, until))
    return replace(
        query,
        since_ms=_most(query.since_ms, since),
        until_ms=_least(query.until_ms, until),
    )


def _period(name: str, value: str, today: datetime.date) -> tuple[datetime.date, datetime.date]:
    """The first day of what was named, and the first day after it."""
    day = datetime.timedelta(days=1)
    named = {"today": today, "yesterday": today - day}.get(value.lower())
    if named is not None:
        return named, named + day
    try:
        if (match := _DATE.fullmatch(value)) is None:
            raise ValueError
        year, month, day_of_month = (int(part or 0) for part in match.groups())
        first = datetime.date(year, month or 1, day_of_month or 1)
        if not month:
            return first, datetime.date(year + 1, 1, 1)
        if not day_of_month:
            return first, datetime.date(year + month // 12, month % 12 + 1, 1)
        return first, first + day
    except (ValueError, OverflowError) as error:
        raise UserError(
            f"{name}: takes a date such as {today.isoformat()}, {today:%Y-%m}, {today.year}, "
            f"today or yesterday, not {value}."
        ) from error


def _ms(day: datetime.date) -> int:
    """The beginning of a day where the person is, as UTC milliseconds."""
    try:
        return int(datetime.datetime.combine(day, datetime.time()).astimezone().timestamp() * 1000)
    except (OverflowError, ValueError, OSError):  # the year 1: no zone reaches back so far
        moment = datetime.datetime.combine(day, datetime.time(), datetime.UTC)
        return int(moment.timestamp() * 1000)


def _least(one: int | None, other: int) -> int:
    return other if one is None else min(one, other)


def _most(one: int | None, other: int) -> int:
    return other if one is None else max(one, other)
