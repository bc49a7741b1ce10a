"""The index of words: one table for messages, one for titles."""

from __future__ import annotations

import apsw

from snug.vault.search_words import TOKENIZER


def words_of_everything(connection: apsw.Connection) -> None:
    """5: an index that also knows conversation, side, model and month of each message.

    `message_words` and `title_words` keep no text (`search_words` says what they hold instead);
    `models` are the names that `model:` is compared with. What is new comes in by
    `search_words.add_words` and `add_title`, not by a trigger: `tables.insert_message` says why.
    """
    for statement in (*_AWAY_WITH_THE_OLD, *_WORDS):
        connection.execute(statement)


_AWAY_WITH_THE_OLD = (
    "DROP TRIGGER message_words_insert",
    "DROP TRIGGER message_words_delete",
    "DROP TRIGGER message_words_update",
    "DROP TRIGGER title_words_insert",
    "DROP TRIGGER title_words_delete",
    "DROP TRIGGER title_words_update",
    "DROP TABLE message_words",
    "DROP TABLE title_words",
    "DROP VIEW searchable",
)


def _indexed(row: str) -> str:
    return (
        f"message_facets({row}.conversation, {row}.role, {row}.model, {row}.created_ms)"
        f" || search_words({row}.text)"
    )


def _added(row: str) -> str:
    return f"INSERT INTO message_words(rowid, text) VALUES({row}.seq, {_indexed(row)});"


def _removed(row: str) -> str:
    return (
        "INSERT INTO message_words(message_words, rowid, text)"
        f" VALUES('delete', {row}.seq, {_indexed(row)});"
    )


_MODEL_NAMED = "INSERT OR IGNORE INTO models SELECT new.model WHERE new.model <> '';"

_WORDS = (
    f"""CREATE VIRTUAL TABLE message_words USING fts5(
        text, content='', tokenize='{TOKENIZER}')""",
    "INSERT INTO message_words(message_words, rank) VALUES('secure-delete', 1)",
    # Fewer and larger pieces while whole archives come in; half as much merging.
    "INSERT INTO message_words(message_words, rank) VALUES('hashsize', 4194304)",
    "INSERT INTO message_words(message_words, rank) VALUES('automerge', 8)",
    "CREATE TABLE models(name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    f"""CREATE TRIGGER message_words_delete AFTER DELETE ON messages
        WHEN old.role IN ('user', 'assistant') BEGIN
        {_removed("old")}
    END""",
    f"""CREATE TRIGGER message_words_update
        AFTER UPDATE OF conversation, role, model, created_ms, text ON messages
        WHEN old.role IN ('user', 'assistant') BEGIN
        {_MODEL_NAMED}
        {_removed("old")}
        {_added("new")}
    END""",
    f"""CREATE VIRTUAL TABLE title_words USING fts5(
        title, content='', prefix='1 2', tokenize='{TOKENIZER}')""",
    "INSERT INTO title_words(title_words, rank) VALUES('secure-delete', 1)",
    """CREATE TRIGGER title_words_delete AFTER DELETE ON conversations BEGIN
        INSERT INTO title_words(title_words, rowid, title)
            VALUES('delete', old.seq, search_words(old.title));
    END""",
    """CREATE TRIGGER title_words_update AFTER UPDATE OF title ON conversations BEGIN
        INSERT INTO title_words(title_words, rowid, title)
            VALUES('delete', old.seq, search_words(old.title));
        INSERT INTO title_words(rowid, title) VALUES(new.seq, search_words(new.title));
    END""",
    f"""INSERT INTO message_words(rowid, text)
        SELECT seq, {_indexed("messages")} FROM messages
        WHERE role IN ('user', 'assistant') ORDER BY seq""",  # noqa: S608
    "INSERT INTO title_words(rowid, title) SELECT seq, search_words(title) FROM conversations",
    "CREATE INDEX conversations_in_folder ON conversations(folder) WHERE folder IS NOT NULL",
    """INSERT INTO models SELECT DISTINCT model FROM messages
        WHERE role IN ('user', 'assistant') AND model <> ''""",
)
