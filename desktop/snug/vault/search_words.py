"""What stands in the index of words, and the functions that put it there.

The index keeps no text, only words. Two kinds of them are ours and begin with a character of the
private use area, which is taken out of every text, so that nobody can type them:

- facets: the conversation, role, model, year and month of a message, so that `model:` or `before:`
  is found in the index like any other word;
- one for each symbol (an emoji, an arrow), of which SQLite's tokenizer knows only some.

Writing without blanks between words (Chinese, Japanese, Thai …) is indexed by character; what is
looked for becomes a phrase of them.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Callable
from functools import lru_cache

import apsw

from snug.domain.conversation import Role

TOKENIZER = "unicode61 remove_diacritics 2"
_FACET = "\ue000"
_SYMBOL = "\ue001"
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
_ALONE = re.compile(
    "["
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "]"
)
# By fixed ranges: what a text was indexed by must be found again when it is deleted, whatever this
# Python's table of characters has learned meanwhile.
_SYMBOLS = re.compile(
    "["
    "\u00a6\u00a9\u00ac\u00ae\u00b0\u00b1\u2044\u2052\u207a-\u207c\u208a-\u208c"
    "\u2100\u2101\u2103-\u2106\u2108\u2109\u2114\u2116-\u2118\u211e-\u2123\u2125\u2127\u2129"
    "\u212e\u213a\u213b\u2140-\u2144\u214a-\u214d\u214f"
    "\u2190-\u2307\u230c-\u2328\u232b-\u244a\u249c-\u24e9\u2500-\u2767\u2794-\u27c4\u27c7-\u27e5"
    "\u27f0-\u2982\u2999-\u29d7\u29dc-\u29fb\u29fe-\u2bff"
    "\u3004\u3012\u3013\u3020\u3036\u3037\u303e\u303f"
    "\U0001f000-\U0001f0ff\U0001f10d-\U0001fbef"
    "]"
)
_FIRST_YEAR, _LAST_YEAR = 1990, 2100  # what lies outside counts as one of these
_ROLES = {Role.USER.value: "ru", Role.ASSISTANT.value: "ra"}


def register(connection: apsw.Connection) -> None:
    """Make the functions known that the triggers of the index call."""
    functions: tuple[tuple[str, Callable[..., str], int], ...] = (
        ("search_words", search_words, 1),
        ("message_facets", _message_facets, 4),
    )
    for name, function, arguments in functions:
        connection.create_scalar_function(
            name,
            function,
            arguments,
            deterministic=True,
            flags=apsw.SQLITE_INNOCUOUS,  # triggers may call it although the schema is not trusted
        )


def add_words(
    connection: apsw.Connection,
    seq: int,
    conversation: int,
    role: Role,
    model: str,
    created_ms: int,
    text: str,
) -> None:
    """Put a message that was just stored into the index. In a transaction of the caller's."""
    if role.value not in _ROLES:
        return
    if model:
        connection.execute("INSERT OR IGNORE INTO models VALUES(?)", (model,))
    words = _message_facets(conversation, role.value, model, created_ms) + search_words(text)
    connection.execute("INSERT INTO message_words(rowid, text) VALUES(?, ?)", (seq, words))


def add_title(connection: apsw.Connection, seq: int, title: str) -> None:
    """Put the title of a new conversation into the index. In a transaction of the caller's."""
    words = search_words(title)
    connection.execute("INSERT INTO title_words(rowid, title) VALUES(?, ?)", (seq, words))


def search_words(text: str) -> str:
    """A text as the tokenizer is to see it, in the index and in what is looked for."""
    if text.isascii():
        return text
    text = _PRIVATE.sub(" ", text)
    text = _ALONE.sub(r" \g<0> ", text)
    return _SYMBOLS.sub(_symbol, text)


def _symbol(match: re.Match[str]) -> str:
    return f" {_SYMBOL}{ord(match.group()):x} "


def _message_facets(conversation: int, role: str, model: str, created_ms: int) -> str:
    year, month = _year_and_month(created_ms)
    facets = [
        conversation_facet(conversation),
        _FACET + _ROLES[role],
        year_facet(year),
        month_facet(year, month),
    ]
    if model:
        facets.append(model_facet(model))
    return " ".join(facets) + " "


def conversation_facet(conversation: int) -> str:
    """Of the conversation with this number inside the database."""
    return f"{_FACET}c{conversation}"


def role_facet(role: Role) -> str:
    """Of the messages that a side wrote."""
    return _FACET + _ROLES[role.value]


@lru_cache(maxsize=256)
def model_facet(model: str) -> str:
    """Of the messages that a model wrote."""
    return f"{_FACET}m{hashlib.sha256(model.encode()).hexdigest()[:12]}"


def year_facet(year: int) -> str:
    """Of the messages of a year, UTC."""
    return f"{_FACET}y{year}"


def month_facet(year: int, month: int) -> str:
    """Of the messages of a month, UTC."""
    return f"{_FACET}d{year}{month:02}"


def time_facets(since_ms: int | None, until_ms: int | None) -> list[str]:
    """Facets of the years and months that a span of time touches; what they miss is nothing."""
    first = (_FIRST_YEAR, 1) if since_ms is None else _year_and_month(since_ms)
    last = (_LAST_YEAR, 12) if until_ms is None else _year_and_month(until_ms - 1)
    facets: list[str] = []
    for year in range(first[0], last[0] + 1):
        from_month = first[1] if year == first[0] else 1
        to_month = last[1] if year == last[0] else 12
        if (from_month, to_month) == (1, 12):
            facets.append(year_facet(year))
        else:
            facets += [month_facet(year, month) for month in range(from_month, to_month + 1)]
    return facets


def _year_and_month(ms: int) -> tuple[int, int]:
    try:
        moment = datetime.datetime.fromtimestamp(ms / 1000, datetime.UTC)
    except (OverflowError, ValueError, OSError):
        return (_LAST_YEAR, 12) if ms > 0 else (_FIRST_YEAR, 1)
    if moment.year > _LAST_YEAR:
        return _LAST_YEAR, 12
    if moment.year < _FIRST_YEAR:
        return _FIRST_YEAR, 1
    return moment.year, moment.month
