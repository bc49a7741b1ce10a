"""The statements behind the store. Each function works inside a transaction that its caller holds.

Ids are the domain's; inside the database rows refer to one another by `seq`, which is short and
gives the order in which things were stored, whatever the clock said.
"""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from snug.domain.conversation import (
    Conversation,
    ConversationSettings,
    EarlierSummary,
    Message,
    Part,
    PartKind,
    Role,
    join_parts,
    now_ms,
    title_from,
)
from snug.domain.errors import NotFoundError
from snug.vault import rows
from snug.vault.query import fetch
from snug.vault.rows import storable
from snug.vault.search_terms import forget_unused_models
from snug.vault.search_words import add_title, add_words

DELETED_MS = "deleted_ms"  # the setting that says when a conversation was last deleted for good
_SELECT_SUMMARIES = """SELECT m.id, s.text, s.model, s.created_ms
    FROM summaries s JOIN messages m ON m.seq = s.message
    WHERE s.conversation = ? ORDER BY s.seq"""


def conversation(connection: apsw.Connection, conversation_id: str) -> Conversation:
    """The whole tree, the journal merged in.

    Raises:
        NotFoundError: there is no such conversation.
    """
    found = fetch(
        connection,
        """SELECT seq, title, created_ms, updated_ms, leaf, settings, draft
        FROM conversations WHERE id = ?""",
        (conversation_id,),
    )
    if not found:
        raise _no_conversation(conversation_id)
    seq, title, created_ms, updated_ms, leaf, settings, draft = found[0]
    messages, ids = _messages(connection, conversation_id, seq)
    summed_up = fetch(connection, _SELECT_SUMMARIES, (seq,))
    return Conversation(
        id=conversation_id,
        title=title,
        created_ms=created_ms,
        updated_ms=updated_ms,
        messages=messages,
        leaf_id=None if leaf is None else ids[leaf],
        settings=rows.settings_from(settings),
        draft=draft,
        summaries=tuple(EarlierSummary(*row) for row in summed_up),
    )


def create(connection: apsw.Connection, new: Conversation) -> None:
    """Store a new conversation without its messages; 0 as a time means now."""
    now = now_ms()
    connection.execute(
        """INSERT INTO conversations(id, title, created_ms, updated_ms, settings, draft)
        VALUES(?, ?, ?, ?, ?, ?)""",
        (
            new.id,
            storable(new.title),
            new.created_ms or now,
            new.updated_ms or now,
            rows.settings_text(new.settings),
            storable(new.draft),
        ),
    )
    add_title(connection, connection.last_insert_rowid(), storable(new.title))


def add_message(connection: apsw.Connection, message: Message) -> None:
    """Append a message, make it the leaf, and let the person's first one name the conversation.

    Raises:
        NotFoundError: its conversation, or its parent in that conversation, is not there.
    """
    conversation_seq = seq_of(connection, message.conversation_id)
    parent = message.parent_id
    parent_seq = None if parent is None else message_seq(connection, conversation_seq, parent)
    seq = insert_message(connection, message, conversation_seq, parent_seq)
    connection.execute(
        """UPDATE conversations
        SET leaf = ?, message_count = message_count + 1, updated_ms = ? WHERE seq = ?""",
        (seq, now_ms(), conversation_seq),
    )
    if message.role is Role.USER:
        connection.execute(
            "UPDATE conversations SET title = ? WHERE seq = ? AND title = ''",
            (title_from(storable(message.text)), conversation_seq),
        )


def append_journal(connection: apsw.Connection, message_id: str, parts: Sequence[Part]) -> None:
    """Add text to the end of an unfinished answer.

    Raises:
        NotFoundError: there is no such message.
    """
    found = fetch(connection, "SELECT seq FROM messages WHERE id = ?", (message_id,))
    if not found:
        raise _no_message(message_id)
    (message,) = found[0]
    for part in join_parts(parts):
        connection.execute(
            """INSERT INTO journal(message, seq, kind, text)
            SELECT ?1, coalesce(max(seq), 0) + 1, ?2, ?3 FROM journal WHERE message = ?1""",
            (message, part.kind.value, storable(part.text)),
        )


def finish_message(connection: apsw.Connection, message: Message) -> None:
    """Put the finished message in the place of the unfinished one and its journal.

    Raises:
        NotFoundError: there is no such message.
    """
    text, layout = rows.text_and_layout(message.parts)
    found = fetch(
        connection,
        """UPDATE messages SET status = ?, model = ?, text = ?, layout = ?, usage = ?,
            timings = ?, error = ?
        WHERE id = ? RETURNING seq, conversation""",
        (
            message.status.value,
            storable(message.model),
            text,
            layout,
            rows.record_text(message.usage),
            rows.record_text(message.timings),
            storable(message.error),
            message.id,
        ),
    )
    if not found:
        raise _no_message(message.id)
    seq, conversation_seq = found[0]
    connection.execute("DELETE FROM journal WHERE message = ?", (seq,))
    connection.execute(
        "UPDATE conversations SET updated_ms = ? WHERE seq = ?", (now_ms(), conversation_seq)
    )


def set_leaf(connection: apsw.Connection, conversation_id: str, leaf_id: str | None) -> None:
    """Make another branch the active one.

    Raises:
        NotFoundError: the conversation, or the message in it, is not there.
    """
    seq = seq_of(connection, conversation_id)
    leaf = None if leaf_id is None else message_seq(connection, seq, leaf_id)
    connection.execute("UPDATE conversations SET leaf = ? WHERE seq = ?", (leaf, seq))


def set_pinned(
    connection: apsw.Connection, conversation_id: str, message_id: str, pinned: bool
) -> None:
    """Pin a message, or let it go.

    Raises:
        NotFoundError: the conversation, or the message in it, is not there.
    """
    conversation = seq_of(connection, conversation_id)
    seq = message_seq(connection, conversation, message_id)
    connection.execute("UPDATE messages SET pinned = ? WHERE seq = ?", (pinned, seq))


def add_summary(connection: apsw.Connection, conversation_id: str, summary: EarlierSummary) -> None:
    """Keep a summary, in place of an earlier one up to the same message.

    Raises:
        NotFoundError: the conversation, or the message in it, is not there.
    """
    conversation = seq_of(connection, conversation_id)
    message = message_seq(connection, conversation, summary.message_id)
    connection.execute("DELETE FROM summaries WHERE message = ?", (message,))
    connection.execute(
        "INSERT INTO summaries(conversation, message, text, model, created_ms) "
        "VALUES(?, ?, ?, ?, ?)",
        (
            conversation,
            message,
            storable(summary.text),
            storable(summary.model),
            summary.created_ms or now_ms(),
        ),
    )


def set_title(connection: apsw.Connection, conversation_id: str, title: str) -> None:
    """Rename. Raises NotFoundError."""
    seq = seq_of(connection, conversation_id)
    connection.execute("UPDATE conversations SET title = ? WHERE seq = ?", (storable(title), seq))


def set_settings(
    connection: apsw.Connection, conversation_id: str, settings: ConversationSettings
) -> None:
    """Keep what was chosen for a conversation. Raises NotFoundError."""
    seq = seq_of(connection, conversation_id)
    connection.execute(
        "UPDATE conversations SET settings = ? WHERE seq = ?", (rows.settings_text(settings), seq)
    )


def set_draft(connection: apsw.Connection, conversation_id: str, draft: str) -> None:
    """Keep what stands in the composer. Raises NotFoundError."""
    seq = seq_of(connection, conversation_id)
    connection.execute("UPDATE conversations SET draft = ? WHERE seq = ?", (storable(draft), seq))


def delete(connection: apsw.Connection, conversation_id: str) -> None:
    """Remove a conversation with all that belongs to it; the file of its KV state is left over.

    Raises:
        NotFoundError: there is no such conversation.
    """
    seq = seq_of(connection, conversation_id)
    connection.execute(
        "DELETE FROM journal WHERE message IN (SELECT seq FROM messages WHERE conversation = ?)",
        (seq,),
    )
    for statement in (
        "DELETE FROM kv_states WHERE conversation = ?",
        "DELETE FROM summaries WHERE conversation = ?",
        "DELETE FROM conversation_tags WHERE conversation = ?",
        "DELETE FROM messages WHERE conversation = ?",
    ):
        connection.execute(statement, (seq,))
    connection.execute("DELETE FROM conversations WHERE seq = ?", (seq,))


def note_deletions(connection: apsw.Connection) -> None:
    """After conversations were removed: backups that hold them go, and names nothing has any more.

    Once for many of them: it asks for every tag and every model.
    """
    set_setting(connection, DELETED_MS, str(now_ms()))
    forget_unused_tags(connection)
    forget_unused_models(connection)


def forget_unused_tags(connection: apsw.Connection) -> None:
    """A tag that nothing has any more goes: its name is the person's too."""
    connection.execute(
        """DELETE FROM tags WHERE NOT EXISTS
        (SELECT 1 FROM conversation_tags WHERE tag = tags.seq)"""
    )


def setting(connection: apsw.Connection, name: str) -> str | None:
    """A value of the application's own; None where unset."""
    found = fetch(connection, "SELECT value FROM settings WHERE name = ?", (name,))
    return str(found[0][0]) if found else None


def set_setting(connection: apsw.Connection, name: str, value: str) -> None:
    """Keep a value of the application's own."""
    connection.execute(
        "INSERT INTO settings VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value",
        (name, storable(value)),
    )


def insert_message(
    connection: apsw.Connection, message: Message, conversation_seq: int, parent_seq: int | None
) -> int:
    """Store a message as it is, and its words; its number inside the database."""
    text, layout = rows.text_and_layout(message.parts)
    model, created_ms = storable(message.model), message.created_ms or now_ms()
    # Without RETURNING or a trigger: either makes SQLite open a savepoint for this one statement,
    # at which FTS5 writes out its buffer; an import would take twice as long.
    connection.execute(
        """INSERT INTO messages(conversation, parent, id, role, status, model, created_ms,
            text, layout, usage, timings, error, pinned)
        VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            conversation_seq,
            parent_seq,
            message.id,
            message.role.value,
            message.status.value,
            model,
            created_ms,
            text,
            layout,
            rows.record_text(message.usage),
            rows.record_text(message.timings),
            storable(message.error),
            message.pinned,
        ),
    )
    seq = connection.last_insert_rowid()
    add_words(connection, seq, conversation_seq, message.role, model, created_ms, text)
    return seq


def _messages(
    connection: apsw.Connection, conversation_id: str, conversation_seq: int
) -> tuple[tuple[Message, ...], dict[int, str]]:
    journal = _journal(connection, conversation_seq)
    ids: dict[int, str] = {}
    messages: list[Message] = []
    for row in fetch(connection, rows.SELECT_MESSAGES, (conversation_seq,)):
        seq, message_id, parent = row[:3]
        ids[seq] = message_id
        parent_id = None if parent is None else ids[parent]
        messages.append(rows.message_from(row, conversation_id, parent_id, journal.get(seq, ())))
    return tuple(messages), ids


def _journal(connection: apsw.Connection, conversation_seq: int) -> dict[int, list[Part]]:
    found = fetch(
        connection,
        """SELECT j.message, j.kind, j.text FROM messages m JOIN journal j ON j.message = m.seq
        WHERE m.conversation = ? ORDER BY j.message, j.seq""",
        (conversation_seq,),
    )
    journal: dict[int, list[Part]] = {}
    for message, kind, text in found:
        journal.setdefault(message, []).append(Part(PartKind(kind), text))
    return journal


def seq_of(connection: apsw.Connection, conversation_id: str) -> int:
    """The number of a conversation inside the database. Raises NotFoundError."""
    found = fetch(connection, "SELECT seq FROM conversations WHERE id = ?", (conversation_id,))
    if not found:
        raise _no_conversation(conversation_id)
    return int(found[0][0])


def message_seq(connection: apsw.Connection, conversation_seq: int, message_id: str) -> int:
    """The number of a message inside the database. Raises NotFoundError."""
    found = fetch(
        connection,
        "SELECT seq FROM messages WHERE id = ? AND conversation = ?",
        (message_id, conversation_seq),
    )
    if not found:
        raise _no_message(message_id)
    return int(found[0][0])


def _no_conversation(conversation_id: str) -> NotFoundError:
    return NotFoundError(f"There is no conversation {conversation_id}.")


def _no_message(message_id: str) -> NotFoundError:
    return NotFoundError(f"There is no message {message_id} in this conversation.")
