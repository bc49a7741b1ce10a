"""Taking a branch out of a conversation, and putting it back.

Each function works inside a transaction that its caller holds.
"""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from snug.domain.conversation import Message, now_ms
from snug.vault import tables

_BELOW = """WITH RECURSIVE below(seq) AS (
    SELECT seq FROM messages WHERE id = ?1 AND conversation = ?2
    UNION SELECT m.seq FROM messages m JOIN below b ON m.parent = b.seq)
    SELECT seq FROM below"""


def remove_branch(
    connection: apsw.Connection, conversation_id: str, message_id: str, leaf_id: str | None
) -> None:
    """Remove a message and all that answers it, also from the index of words.

    Args:
        leaf_id: what is shown from now on.

    Raises:
        NotFoundError: the conversation, or one of the two messages, is not there.
    """
    conversation = tables.seq_of(connection, conversation_id)
    tables.set_leaf(connection, conversation_id, leaf_id)
    tables.message_seq(connection, conversation, message_id)
    for statement in (
        f"DELETE FROM journal WHERE message IN ({_BELOW})",  # noqa: S608
        f"DELETE FROM summaries WHERE message IN ({_BELOW})",  # noqa: S608
        f"DELETE FROM messages WHERE seq IN ({_BELOW})",  # noqa: S608
    ):
        connection.execute(statement, (message_id, conversation))
    # The state holds what was read and written, the branch among it.
    connection.execute("DELETE FROM kv_states WHERE conversation = ?", (conversation,))
    _count(connection, conversation)
    tables.note_deletions(connection)


def add_back(
    connection: apsw.Connection,
    conversation_id: str,
    messages: Sequence[Message],
    leaf_id: str | None,
) -> None:
    """Store messages again under their old ids, parents before children.

    Raises:
        NotFoundError: the conversation, a parent, or the leaf is not there.
    """
    conversation = tables.seq_of(connection, conversation_id)
    for message in messages:
        parent = message.parent_id
        above = None if parent is None else tables.message_seq(connection, conversation, parent)
        tables.insert_message(connection, message, conversation, above)
    tables.set_leaf(connection, conversation_id, leaf_id)
    _count(connection, conversation)


def _count(connection: apsw.Connection, conversation: int) -> None:
    connection.execute(
        """UPDATE conversations SET updated_ms = ?2, message_count =
            (SELECT count(*) FROM messages WHERE conversation = ?1) WHERE seq = ?1""",
        (conversation, now_ms()),
    )
