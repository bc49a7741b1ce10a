"""Whole conversations at once, as imports bring them: what is there already stays as it is.

Each function works inside a transaction that its caller holds.
"""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from snug.domain.conversation import Message, new_id, now_ms
from snug.domain.importing import ImportCount, ImportedConversation
from snug.vault import tables
from snug.vault.query import fetch, number
from snug.vault.rows import storable


def add_trees(connection: apsw.Connection, trees: Sequence[ImportedConversation]) -> ImportCount:
    """Store conversations that are not there, and missing messages of those that are.

    A message whose parent is neither stored nor among those before it becomes a first message.
    """
    conversations = messages = skipped = 0
    for tree in trees:
        new, added, known = _add(connection, tree)
        conversations += new
        messages += added
        skipped += known
    return ImportCount(conversations, messages, skipped)


def _add(connection: apsw.Connection, tree: ImportedConversation) -> tuple[int, int, int]:
    coming = tree.conversation
    found = fetch(connection, "SELECT seq FROM conversations WHERE id = ?", (coming.id,))
    new = not found
    if new:
        tables.create(connection, coming)
    seq = tables.seq_of(connection, coming.id)
    stored = dict(fetch(connection, "SELECT id, seq FROM messages WHERE conversation = ?", (seq,)))
    fresh = [message for message in coming.messages if message.id not in stored]
    for message in fresh:
        stored[message.id] = _insert(connection, message, seq, stored)
    if new:
        _set_order(connection, tree, seq)
    if fresh:
        _set_end(connection, tree, seq, stored, new)
    for summary in coming.summaries if new else ():
        if summary.message_id in stored:
            tables.add_summary(connection, coming.id, summary)
    return int(new), len(fresh), len(coming.messages) - len(fresh)


def _insert(connection: apsw.Connection, message: Message, seq: int, stored: dict[str, int]) -> int:
    parent = None if message.parent_id is None else stored.get(message.parent_id)
    return tables.insert_message(connection, message, seq, parent)


def _set_end(
    connection: apsw.Connection,
    tree: ImportedConversation,
    seq: int,
    stored: dict[str, int],
    new: bool,
) -> None:
    """Count the messages; a new conversation also gets the leaf and the time it came with."""
    coming = tree.conversation
    connection.execute(
        """UPDATE conversations SET message_count =
            (SELECT count(*) FROM messages WHERE conversation = ?1) WHERE seq = ?1""",
        (seq,),
    )
    leaf = stored.get(coming.leaf_id or coming.messages[-1].id)
    connection.execute(
        "UPDATE conversations SET leaf = ?, updated_ms = ? WHERE seq = ? AND (? OR leaf IS NULL)",
        (leaf, coming.updated_ms or now_ms(), seq, new),
    )


def _set_order(connection: apsw.Connection, tree: ImportedConversation, seq: int) -> None:
    folder = folder_named(connection, tree.folder) if tree.folder.strip() else None
    connection.execute(
        "UPDATE conversations SET folder = ?, pinned = ?, archived = ? WHERE seq = ?",
        (folder, tree.pinned, tree.archived, seq),
    )
    for name in tree.tags:
        connection.execute(
            "INSERT OR IGNORE INTO conversation_tags VALUES(?, ?)",
            (seq, tag_named(connection, name)),
        )


def folder_named(connection: apsw.Connection, name: str) -> int:
    """The number of the folder with this name, which is made where there is none."""
    connection.execute(
        "INSERT OR IGNORE INTO folders(id, name, created_ms) VALUES(?, ?, ?)",
        (new_id(), storable(name.strip()), now_ms()),
    )
    return number(connection, "SELECT seq FROM folders WHERE name = ?", (storable(name.strip()),))


def tag_named(connection: apsw.Connection, name: str) -> int:
    """The number of the tag with this name, which is made where there is none."""
    connection.execute("INSERT OR IGNORE INTO tags(name) VALUES(?)", (storable(name.strip()),))
    return number(connection, "SELECT seq FROM tags WHERE name = ?", (storable(name.strip()),))
