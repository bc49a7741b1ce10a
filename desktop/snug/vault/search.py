"""Finding messages and conversations by words and operators, the first page at once.

Ranking every hit of a common word would take as long as there are hits. So the newest hits are
looked at, up to a window, and the best of them come first; words that few messages hold are ranked
over all of them. The beginning of a word matches many words, whose lists SQLite would have to merge
first: the newest texts are tried by hand before that.
"""

from __future__ import annotations

from dataclasses import dataclass

import apsw

from snug.domain.conversation import Role
from snug.domain.highlighting import Highlighter
from snug.domain.search import SearchHit
from snug.domain.search_query import SearchQuery, Term, parse_query
from snug.vault import search_terms
from snug.vault.query import Value, fetch, number
from snug.vault.search_terms import Phrases
from snug.vault.search_words import role_facet

_WINDOW = 300  # newest hits among which the best are found
_FILTERED_WINDOW = 100  # the same where a filter on conversations leaves out most of them
_TRIED = 600  # newest texts that are searched for the beginning of a word
_REACH = 20_000  # newest messages that are searched for what is no word
_ANY_SIDE = f'("{role_facet(Role.USER)}" OR "{role_facet(Role.ASSISTANT)}")'


@dataclass(frozen=True, slots=True)
class _Found:
    conversation_id: str
    message_id: str
    title: str
    text: str


def search(connection: apsw.Connection, text: str, limit: int) -> tuple[SearchHit, ...]:
    """Conversations whose title matches, then messages, each best first, each message once.

    Returns:
        At most `limit` hits. For a title, the hit is the conversation's first message ("" for an
        empty conversation) and the snippet the title.

    Raises:
        UserError: an operator does not know what it was given.
    """
    query = parse_query(text)
    if limit <= 0 or query.is_empty:
        return ()
    return _Search(connection, query, limit).hits()


class _Search:
    def __init__(self, connection: apsw.Connection, query: SearchQuery, limit: int) -> None:
        self._connection = connection
        self._query = query
        self._limit = limit
        self._phrases = Phrases(connection, query)
        self._scope = search_terms.scope(connection, query)
        self._highlighter = Highlighter(query.terms)

    def hits(self) -> tuple[SearchHit, ...]:
        messages = [] if self._query.titles_only or self._is_for_lists else self._messages()
        found = {hit.conversation_id for hit in messages}
        titles = [hit for hit in self._titles() if hit.conversation_id not in found]
        return (*titles, *messages)[: self._limit]

    @property
    def _is_for_lists(self) -> bool:
        """Whether nothing was asked that one message answers better than another."""
        return not self._query.terms and not self._query.about_messages

    def _messages(self) -> list[SearchHit]:
        facets = search_terms.facets(self._connection, self._query, self._scope)
        if facets is None:
            return []
        if not self._phrases.hold_words and not facets:
            facets = [_ANY_SIDE]
        without = search_terms.models_without(self._connection, self._query)
        begun = self._phrases.begun
        found = None
        if begun is not None and self._limit <= _WINDOW:
            found = self._begun(begun, facets, without)
        if found is None:
            expression = self._phrases.expression(facets, without)
            window = _FILTERED_WINDOW if self._scope.is_sieve else _WINDOW
            found = self._candidates(expression, max(window, self._limit))
        found.sort(key=lambda one: -self._highlighter.score(one.text))
        return [self._hit(one) for one in found[: self._limit]]

    def _begun(self, begun: Term, facets: list[str], without: list[str]) -> list[_Found] | None:
        """The newest messages with the unfinished word, found by looking at their texts.

        Returns:
            None where that may have missed some of the first page.
        """
        if not facets and not self._phrases.whole:
            facets = [_ANY_SIDE]
        expression = self._phrases.expression(facets, without, with_begun=False)
        most = _FILTERED_WINDOW if self._scope.is_sieve else _TRIED
        tried = self._candidates(expression, most)
        begins = Highlighter((begun,))
        found = [one for one in tried if begins.matches(one.text)][:_WINDOW]
        return found if len(found) >= self._limit or len(tried) < most else None

    def _candidates(self, expression: str, limit: int) -> list[_Found]:
        """The newest messages in which an expression holds; SQLite stops at the last of them."""
        conditions = ["message_words MATCH ?", self._scope.condition]
        values: list[Value] = [expression]
        for bound, operator in ((self._query.since_ms, ">="), (self._query.until_ms, "<")):
            if bound is not None:
                conditions.append(f"m.created_ms {operator} ?")
                values.append(bound)
        condition, literals = self._without_words("m.text")
        if condition:
            newest = number(self._connection, "SELECT coalesce(max(seq), 0) FROM messages")
            conditions += [condition, "message_words.rowid > ?"]
            values += [*literals, newest - _REACH]
        rows = fetch(
            self._connection,
            f"""SELECT c.id, m.id, c.title, m.text
            FROM message_words
            CROSS JOIN messages m ON m.seq = message_words.rowid
            CROSS JOIN conversations c ON c.seq = m.conversation
            WHERE {" AND ".join(conditions)}
            ORDER BY message_words.rowid DESC LIMIT ?""",  # noqa: S608
            (*values, limit),
        )
        return [_Found(*row) for row in rows]

    def _titles(self) -> list[SearchHit]:
        if self._query.about_messages:
            return []
        conditions, values = [self._scope.condition], list[Value]()
        source, order = "conversations c", "c.updated_ms DESC, c.seq DESC"
        if expression := self._phrases.expression():
            source = "title_words CROSS JOIN conversations c ON c.seq = title_words.rowid"
            conditions.append("title_words MATCH ?")
            values.append(expression)
            order = "title_words.rowid DESC"
        elif self._phrases.without:
            conditions.append(
                "c.seq NOT IN (SELECT rowid FROM title_words WHERE title_words MATCH ?)"
            )
            values.append(" OR ".join(self._phrases.without))
        if not expression and self._scope.few is not None:
            conditions.append(f"c.seq IN ({','.join(map(str, self._scope.few))})")
        for bound, operator in ((self._query.since_ms, ">="), (self._query.until_ms, "<")):
            if bound is not None:
                conditions.append(f"c.updated_ms {operator} ?")
                values.append(bound)
        condition, literals = self._without_words("c.title")
        if condition:
            conditions.append(condition)
            values += literals
        rows = fetch(
            self._connection,
            f"""SELECT c.id,
                coalesce((SELECT id FROM messages WHERE conversation = c.seq ORDER BY seq LIMIT 1),
                    ''),
                c.title, c.title
            FROM {source} WHERE {" AND ".join(conditions)}
            ORDER BY {order} LIMIT ?""",  # noqa: S608
            (*values, max(_WINDOW, self._limit) if expression else self._limit),
        )
        found = [_Found(*row) for row in rows]
        if expression:
            found.sort(key=lambda one: -self._highlighter.score(one.text))
        return [self._title_hit(one) for one in found[: self._limit]]

    def _without_words(self, column: str) -> tuple[str, list[Value]]:
        """A condition for what must be there, or not, and is no word."""
        wanted, unwanted = self._phrases.literals, self._phrases.literals_without
        conditions = [f"instr({column}, ?)" for _ in wanted]
        conditions += [f"NOT instr({column}, ?)" for _ in unwanted]
        return " AND ".join(conditions), [*wanted, *unwanted]

    def _hit(self, one: _Found) -> SearchHit:
        snippet = self._highlighter.snippet(one.text)
        return SearchHit(one.conversation_id, one.message_id, one.title, snippet)

    def _title_hit(self, one: _Found) -> SearchHit:
        snippet = self._highlighter.whole(one.text)
        return SearchHit(one.conversation_id, one.message_id, one.title, snippet, of_title=True)
