"""Finding messages by their words.

Whatever the person types is a list of words, never a query language: each word becomes a quoted
phrase for FTS5 (a hyphenated one a phrase of several), the last one a prefix. A word in which FTS5
sees neither letter nor digit (an emoji, "++") is not in the index; it narrows what the others find,
or is looked for in all texts where there are no others.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

import apsw

from snug.domain.search import MATCH_END, MATCH_START, SearchHit
from snug.vault.query import fetch
from snug.vault.rows import storable

MAX_WORDS = 32  # FTS5 limits how deep an expression may be
SNIPPET_WORDS = 24
_SNIPPET_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for.

    Attributes:
        words: an FTS5 expression; "" where no word has a letter or digit.
        literals: texts without letters or digits that must be there as they are.
    """

    words: str
    literals: tuple[str, ...]


def parse(connection: apsw.Connection, text: str) -> Query:
    """A query from what was typed; any text is a valid one."""
    # The tokenizer itself is asked: its table of letters is not that of this Python.
    tokenizer = connection.fts5_tokenizer("unicode61", ["remove_diacritics", "2"])
    phrases: list[str] = []
    literals: list[str] = []
    ends_in_word = False
    for word in storable(text).replace("\0", " ").split()[:MAX_WORDS]:
        ends_in_word = bool(tokenizer(word.encode(), apsw.FTS5_TOKENIZE_QUERY, None))
        if ends_in_word:
            phrases.append('"' + word.replace('"', '""') + '"')
        elif bare := word.strip("\"'*"):
            literals.append(bare)
    if phrases and ends_in_word:
        phrases[-1] += " *"
    return Query(" ".join(phrases), tuple(literals))


def search(connection: apsw.Connection, text: str, limit: int) -> tuple[SearchHit, ...]:
    """Conversations whose title matches, then messages, each best first, each message once.

    Returns:
        At most `limit` hits. For a title, the hit is the conversation's first message ("" for an
        empty conversation) and the snippet the title.
    """
    query = parse(connection, text)
    if limit <= 0 or not (query.words or query.literals):
        return ()
    if not query.words:
        return _literal_hits(connection, query, limit)
    messages = _message_hits(connection, query, limit)
    found = {hit.conversation_id for hit in messages}
    titles = [
        hit for hit in _title_hits(connection, query, limit) if hit.conversation_id not in found
    ]
    return (*titles, *messages)[:limit]


def _message_hits(connection: apsw.Connection, query: Query, limit: int) -> list[SearchHit]:
    start, end = _marks()
    rows = fetch(
        connection,
        """SELECT c.id, m.id, c.title, snippet(message_words, 0, ?, ?, '…', ?)
        FROM message_words
        CROSS JOIN messages m ON m.seq = message_words.rowid
        CROSS JOIN conversations c ON c.seq = m.conversation
        WHERE message_words MATCH ?
            AND c.trashed_ms IS NULL
            AND NOT EXISTS(SELECT 1 FROM json_each(?) WHERE NOT instr(m.text, value))
        ORDER BY rank LIMIT ?""",
        (start, end, SNIPPET_WORDS, query.words, json.dumps(query.literals), limit),
    )
    return [SearchHit(c, m, title, _flat(text, start, end)) for c, m, title, text in rows]


def _title_hits(connection: apsw.Connection, query: Query, limit: int) -> list[SearchHit]:
    start, end = _marks()
    rows = fetch(
        connection,
        """SELECT c.id, c.title, highlight(title_words, 0, ?, ?),
            coalesce((SELECT id FROM messages WHERE conversation = c.seq ORDER BY seq LIMIT 1), '')
        FROM title_words CROSS JOIN conversations c ON c.seq = title_words.rowid
        WHERE title_words MATCH ?
            AND c.trashed_ms IS NULL
            AND NOT EXISTS(SELECT 1 FROM json_each(?) WHERE NOT instr(c.title, value))
        ORDER BY rank LIMIT ?""",
        (start, end, query.words, json.dumps(query.literals), limit),
    )
    return [SearchHit(c, m, title, _flat(text, start, end)) for c, title, text, m in rows]


def _literal_hits(connection: apsw.Connection, query: Query, limit: int) -> tuple[SearchHit, ...]:
    """Newest first: there is nothing to rank by."""
    rows = fetch(
        connection,
        """SELECT c.id, m.id, c.title, m.text
        FROM messages m CROSS JOIN conversations c ON c.seq = m.conversation
        WHERE m.role IN ('user', 'assistant')
            AND c.trashed_ms IS NULL
            AND NOT EXISTS(SELECT 1 FROM json_each(?) WHERE NOT instr(m.text, value))
        ORDER BY m.seq DESC LIMIT ?""",
        (json.dumps(query.literals), limit),
    )
    return tuple(
        SearchHit(c, m, title, _cut(text, query.literals[0])) for c, m, title, text in rows
    )


def _cut(text: str, literal: str) -> str:
    start, end = _marks()
    at = text.index(literal)
    first = max(0, at - _SNIPPET_CHARACTERS // 2)
    last = at + len(literal) + _SNIPPET_CHARACTERS // 2
    marked = text[first:at] + start + literal + end + text[at + len(literal) : last]
    dots = ("…" if first else "", "…" if last < len(text) else "")
    return _flat(dots[0] + marked + dots[1], start, end)


def _marks() -> tuple[str, str]:
    # Not U+E000 at once: a text may hold that character itself.
    nonce = secrets.token_hex(8)
    return f"<{nonce}", f"{nonce}>"


def _flat(snippet: str, start: str, end: str) -> str:
    clean = snippet.replace(MATCH_START, "").replace(MATCH_END, "")
    return " ".join(clean.replace(start, MATCH_START).replace(end, MATCH_END).split())
