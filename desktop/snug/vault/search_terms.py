"""From a query as a value to what SQLite is asked: an FTS5 expression, and conditions on rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import apsw

from snug.domain.search_query import SearchQuery, Term
from snug.vault import search_words
from snug.vault.query import fetch
from snug.vault.rows import storable
from snug.vault.search_words import TOKENIZER

_FEW = 1000  # conversations that may be named one by one in an expression


@dataclass(frozen=True, slots=True)
class Scope:
    """Which conversations come into question.

    Attributes:
        condition: of `conversations c`.
        few: their numbers inside the database, where a filter leaves so few; otherwise None.
        is_sieve: a filter leaves more than that, yet may leave out most.
    """

    condition: str
    few: tuple[int, ...] | None
    is_sieve: bool


class Phrases:
    """The terms of a query as FTS5 phrases; a term that holds no word is a literal."""

    def __init__(self, connection: apsw.Connection, query: SearchQuery) -> None:
        # The tokenizer itself is asked: its table of letters is not that of this Python.
        name, *options = TOKENIZER.split()
        self._tokenizer = connection.fts5_tokenizer(name, options)
        words = [term for term in query.terms if self._holds_words(term)]
        self.whole = [_phrase(term) for term in words if not term.beginning]
        self.begun = next((term for term in words if term.beginning), None)
        self.literals = [
            bare
            for term in query.terms
            if not self._holds_words(term) and (bare := storable(term.text).strip("\"'*"))
        ]
        self.without = [_phrase(term) for term in query.without if self._holds_words(term)]
        self.literals_without = [
            storable(term.text) for term in query.without if not self._holds_words(term)
        ]

    @property
    def hold_words(self) -> bool:
        """Whether the index can find something of what must be there."""
        return bool(self.whole or self.begun)

    def expression(
        self, wanted: Sequence[str] = (), without: Sequence[str] = (), *, with_begun: bool = True
    ) -> str:
        """All that must be there, and not what must not; "" where nothing must.

        Args:
            wanted, without: expressions that must, and must not, hold too.
            with_begun: False leaves the unfinished word out.
        """
        wanted = [*self.whole, *wanted]
        if with_begun and self.begun is not None:
            wanted.append(f"{_phrase(self.begun)} *")
        without = [*self.without, *without]
        expression = " AND ".join(wanted)
        if wanted and without:
            return f"({expression}) NOT ({' OR '.join(without)})"
        return expression

    def _holds_words(self, term: Term) -> bool:
        text = search_words.search_words(storable(term.text))
        return bool(self._tokenizer(text.encode(), apsw.FTS5_TOKENIZE_QUERY, None))


def scope(connection: apsw.Connection, query: SearchQuery) -> Scope:
    """The conversations that folders, tags, archive and trash leave."""
    conditions = [f"c.trashed_ms IS {'NOT ' if query.trashed else ''}NULL"]
    if query.archived is not None:
        conditions.append(f"c.archived = {int(query.archived)}")
    tags, folders = query.tags, query.folders
    walked = list(conditions)  # from the filters to their conversations, each by an index
    for name in tags.included:
        tag = _numbers(connection, "tags WHERE name = ?", storable(name))
        walked.append(_OF_TAG.format(tag))
        conditions.append(_TAGGED.format(tag))
    for name in folders.included:
        folder = _numbers(connection, "folders WHERE name LIKE ? ESCAPE '\\'", _like(name))
        walked.append(f"c.folder IN {folder}")
        conditions.append(f"c.folder IN {folder}")
    for name in tags.excluded:
        tag = _numbers(connection, "tags WHERE name = ?", storable(name))
        conditions.append(f"NOT {_TAGGED.format(tag)}")
    for name in folders.excluded:
        folder = _numbers(connection, "folders WHERE name LIKE ? ESCAPE '\\'", _like(name))
        conditions.append(f"(c.folder IS NULL OR c.folder NOT IN {folder})")
    if not (tags.included or folders.included or query.trashed or query.archived):
        return Scope(" AND ".join(conditions), None, is_sieve=False)
    statement = f"SELECT c.seq FROM conversations c WHERE {' AND '.join(walked)} LIMIT {_FEW + 1}"  # noqa: S608
    found = tuple(seq for (seq,) in fetch(connection, statement))
    few = found if len(found) <= _FEW else None
    return Scope(" AND ".join(conditions), few, is_sieve=few is None)


_OF_TAG = "c.seq IN (SELECT conversation FROM conversation_tags WHERE tag IN {})"
# By the primary key, row by row.
_TAGGED = """EXISTS(SELECT 1 FROM conversation_tags
    WHERE conversation = c.seq AND tag IN {})"""


def _numbers(connection: apsw.Connection, source: str, value: str) -> str:
    """The numbers of rows, as SQL writes a list."""
    rows = fetch(connection, f"SELECT seq FROM {source}", (value,))  # noqa: S608
    return f"({','.join(str(seq) for (seq,) in rows)})"


def facets(connection: apsw.Connection, query: SearchQuery, where: Scope) -> list[str] | None:
    """What must hold of each message besides its words, as FTS5 expressions.

    Returns:
        None where nothing can match: a model that wrote nothing, no conversation left.
    """
    found: list[str] = []
    if where.few is not None:
        found.append(_any(map(search_words.conversation_facet, where.few)))
    if query.roles:
        found.append(_any(map(search_words.role_facet, query.roles)))
    if query.since_ms is not None or query.until_ms is not None:
        found.append(_any(search_words.time_facets(query.since_ms, query.until_ms)))
    for name in query.models.included:
        found.append(_any(map(search_words.model_facet, _models(connection, name))))
    return None if "" in found else found


def models_without(connection: apsw.Connection, query: SearchQuery) -> list[str]:
    """The facets of models that must not have written a message."""
    return [
        _quoted(search_words.model_facet(model))
        for name in query.models.excluded
        for model in _models(connection, name)
    ]


def forget_unused_models(connection: apsw.Connection) -> None:
    """The name of a model that wrote no message any more goes. In a transaction of the caller's."""
    for (model,) in fetch(connection, "SELECT name FROM models"):
        facet = _quoted(search_words.model_facet(model))
        used = "SELECT 1 FROM message_words WHERE message_words MATCH ? LIMIT 1"
        if not fetch(connection, used, (facet,)):
            connection.execute("DELETE FROM models WHERE name = ?", (model,))


def _models(connection: apsw.Connection, name: str) -> list[str]:
    rows = fetch(
        connection, "SELECT name FROM models WHERE name LIKE ? ESCAPE '\\'", (_like(name),)
    )
    return [model for (model,) in rows]


def _like(text: str) -> str:
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return f"%{storable(text)}%"


def _any(words: Iterable[str]) -> str:
    """An expression for one of them; "" where there is none."""
    some = " OR ".join(_quoted(word) for word in words)
    return f"({some})" if some else ""


def _phrase(term: Term) -> str:
    return _quoted(search_words.search_words(storable(term.text)))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
