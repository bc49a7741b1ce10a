"""How the schema came about, step by step. A step that was released is never changed.

`PRAGMA user_version` counts the steps a file has taken. All that are missing run in one transaction
together with their number, so that a file is at one version or the other whatever ends the process;
before that, an existing file is backed up.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import apsw

from snug.domain.errors import NewerSchemaError
from snug.vault.catalogue_schema import kept_from_the_hub
from snug.vault.query import number
from snug.vault.search_schema import words_of_everything

APPLICATION_ID = 0x536E7567  # "Snug", for tools that look at a decrypted file

Step = Callable[[apsw.Connection], None]


def first_schema(connection: apsw.Connection) -> None:
    """1: conversations as trees of messages, the journal of unfinished answers, search, settings.

    `messages.text` is the visible text alone, once; `layout` says where other parts stand (see
    `rows`). The indexes of words refer to it and hold no copy.
    """
    for statement in _FIRST_SCHEMA:
        connection.execute(statement)


_FIRST_SCHEMA = (
    """CREATE TABLE conversations(
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        updated_ms INTEGER NOT NULL,
        leaf INTEGER,
        message_count INTEGER NOT NULL DEFAULT 0,
        settings TEXT,
        draft TEXT NOT NULL DEFAULT ''
    ) STRICT""",
    "CREATE INDEX conversations_by_update ON conversations(updated_ms DESC, seq DESC)",
    """CREATE TABLE messages(
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        conversation INTEGER NOT NULL REFERENCES conversations(seq),
        parent INTEGER,
        role TEXT NOT NULL,
        status TEXT NOT NULL,
        model TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        text TEXT NOT NULL,
        layout TEXT,
        usage TEXT,
        timings TEXT,
        error TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX messages_by_conversation ON messages(conversation)",
    """CREATE TABLE journal(
        message INTEGER NOT NULL REFERENCES messages(seq),
        seq INTEGER NOT NULL,
        kind TEXT NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY(message, seq)
    ) STRICT, WITHOUT ROWID""",
    "CREATE TABLE settings(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE VIEW searchable AS
        SELECT seq, text FROM messages WHERE role IN ('user', 'assistant')""",
    """CREATE VIRTUAL TABLE message_words USING fts5(
        text, content='searchable', content_rowid='seq',
        tokenize='unicode61 remove_diacritics 2')""",
    "INSERT INTO message_words(message_words, rank) VALUES('secure-delete', 1)",
    """CREATE TRIGGER message_words_insert AFTER INSERT ON messages
        WHEN new.role IN ('user', 'assistant') BEGIN
        INSERT INTO message_words(rowid, text) VALUES(new.seq, new.text);
    END""",
    """CREATE TRIGGER message_words_delete AFTER DELETE ON messages
        WHEN old.role IN ('user', 'assistant') BEGIN
        INSERT INTO message_words(message_words, rowid, text)
            VALUES('delete', old.seq, old.text);
    END""",
    """CREATE TRIGGER message_words_update AFTER UPDATE OF text ON messages
        WHEN old.role IN ('user', 'assistant') BEGIN
        INSERT INTO message_words(message_words, rowid, text)
            VALUES('delete', old.seq, old.text);
        INSERT INTO message_words(rowid, text) VALUES(new.seq, new.text);
    END""",
    """CREATE VIRTUAL TABLE title_words USING fts5(
        title, content='conversations', content_rowid='seq',
        tokenize='unicode61 remove_diacritics 2')""",
    "INSERT INTO title_words(title_words, rank) VALUES('secure-delete', 1)",
    """CREATE TRIGGER title_words_insert AFTER INSERT ON conversations BEGIN
        INSERT INTO title_words(rowid, title) VALUES(new.seq, new.title);
    END""",
    """CREATE TRIGGER title_words_delete AFTER DELETE ON conversations BEGIN
        INSERT INTO title_words(title_words, rowid, title)
            VALUES('delete', old.seq, old.title);
    END""",
    """CREATE TRIGGER title_words_update AFTER UPDATE OF title ON conversations BEGIN
        INSERT INTO title_words(title_words, rowid, title)
            VALUES('delete', old.seq, old.title);
        INSERT INTO title_words(rowid, title) VALUES(new.seq, new.title);
    END""",
)


def long_conversations(connection: apsw.Connection) -> None:
    """2: pinned messages, summaries of what no longer fits a context, and the kept KV states.

    `kv_states.secret` is half of the key of the file (see `kv_states`); `used` counts upwards.
    """
    for statement in _LONG_CONVERSATIONS:
        connection.execute(statement)


_LONG_CONVERSATIONS = (
    "ALTER TABLE messages ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0",
    """CREATE TABLE summaries(
        seq INTEGER PRIMARY KEY,
        conversation INTEGER NOT NULL REFERENCES conversations(seq),
        message INTEGER NOT NULL UNIQUE REFERENCES messages(seq),
        text TEXT NOT NULL,
        model TEXT NOT NULL,
        created_ms INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX summaries_by_conversation ON summaries(conversation)",
    """CREATE TABLE kv_states(
        conversation INTEGER PRIMARY KEY REFERENCES conversations(seq),
        fingerprint TEXT NOT NULL,
        file TEXT NOT NULL UNIQUE,
        secret BLOB NOT NULL,
        bytes INTEGER NOT NULL,
        used INTEGER NOT NULL
    ) STRICT""",
)


def order_among_conversations(connection: apsw.Connection) -> None:
    """4: folders with a rule of how long to keep, tags, pins, archive, and the trash.

    `conversations.trashed_ms` is when one was thrown away; NULL for those that are not. `kept_ms`
    is from when the rule of its folder counts, where that is later than its last change.
    """
    for statement in _ORDER:
        connection.execute(statement)


_ORDER = (
    """CREATE TABLE folders(
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL UNIQUE COLLATE NOCASE,
        retention_days INTEGER,
        created_ms INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE tags(
        seq INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE COLLATE NOCASE
    ) STRICT""",
    """CREATE TABLE conversation_tags(
        conversation INTEGER NOT NULL REFERENCES conversations(seq),
        tag INTEGER NOT NULL REFERENCES tags(seq),
        PRIMARY KEY(conversation, tag)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX conversation_tags_by_tag ON conversation_tags(tag)",
    "ALTER TABLE conversations ADD COLUMN folder INTEGER REFERENCES folders(seq)",
    "ALTER TABLE conversations ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE conversations ADD COLUMN archived INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE conversations ADD COLUMN trashed_ms INTEGER",
    "ALTER TABLE conversations ADD COLUMN kept_ms INTEGER NOT NULL DEFAULT 0",
    # One index for each list, in its order: `listing` walks them.
    """CREATE INDEX conversations_listed ON conversations(pinned DESC, updated_ms DESC, seq DESC)
        WHERE trashed_ms IS NULL AND archived = 0""",
    """CREATE INDEX conversations_by_folder
        ON conversations(folder, pinned DESC, updated_ms DESC, seq DESC)
        WHERE trashed_ms IS NULL AND archived = 0""",
    """CREATE INDEX conversations_archived ON conversations(updated_ms DESC, seq DESC)
        WHERE trashed_ms IS NULL AND archived = 1""",
    """CREATE INDEX conversations_in_trash ON conversations(trashed_ms DESC, seq DESC)
        WHERE trashed_ms IS NOT NULL""",
)

STEPS: tuple[Step, ...] = (
    first_schema,
    long_conversations,
    kept_from_the_hub,
    order_among_conversations,
    words_of_everything,
)


def needs_migration(connection: apsw.Connection, path: Path, steps: Sequence[Step] = STEPS) -> bool:
    """Whether steps are missing.

    Raises:
        NewerSchemaError: the file has taken steps that this version does not know.
    """
    found = _version(connection)
    if found > len(steps):
        raise NewerSchemaError(
            f"A newer Snug wrote {path} (format {found}; this one knows {len(steps)}). "
            "Use the newer one; nothing was changed."
        )
    return found < len(steps)


def migrate(
    connection: apsw.Connection,
    path: Path,
    back_up: Callable[[], object] | None,
    steps: Sequence[Step] = STEPS,
) -> None:
    """Take the missing steps, all or none of them. Call it with the vault's file lock held.

    Args:
        path: the database file.
        back_up: copies it to a safe place; None for a database that is new.

    Raises:
        NewerSchemaError: a newer Snug wrote the file.
        DiskFullError, EnvironmentFault: the copy could not be made; nothing was changed.
        apsw.Error: a step failed; the file is as it was.
    """
    if not needs_migration(connection, path, steps):
        return
    if _version(connection) == 0:
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    elif back_up is not None:
        back_up()
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        # From where the file is now: another process may have got here first.
        for step in steps[_version(connection) :]:
            step(connection)
        connection.execute(f"PRAGMA user_version={len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(apsw.Error):
            if not connection.getautocommit():
                connection.execute("ROLLBACK")
        raise


def _version(connection: apsw.Connection) -> int:
    return number(connection, "PRAGMA user_version")
