"""Whole conversations at once, as imports bring them: what is there already stays as it is.

Each function works inside a transaction that its caller holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import apsw

from snug.domain.conversation import Message, Status, new_id, now_ms
from snug.domain.importing import ImportCount, ImportedConversation, derived_id
from snug.vault import tables
from snug.vault.query import fetch, number
from snug.vault.rows import storable

_ABOVE = """WITH RECURSIVE above(seq) AS (
    SELECT ?1 UNION SELECT m.parent FROM messages m JOIN above a ON m.seq = a.seq
        WHERE m.parent IS NOT NULL)
    SELECT seq FROM above"""
_STORED = """SELECT id, seq, text, status = 'complete' FROM messages WHERE conversation = ?"""


def add_trees(connection: apsw.Connection, trees: Sequence[ImportedConversation]) -> ImportCount:
    """Store conversations that are not there, and missing messages of those that are.

    A message that says something else than the one with its id becomes another version of it.
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
    rows = () if new else fetch(connection, _STORED, (seq,))
    stored = {row[0]: row[1] for row in rows}
    said = {row[0]: row[2] for row in rows if row[3]}
    added = 0
    for message in coming.messages:
        if not _is_another(message, said):
            if message.id not in stored:
                added += _insert(connection, message, seq, stored)
            continue
        version = replace(message, id=_other_id(message, message.text))
        if version.id not in stored:
            added += _insert(connection, version, seq, stored)
    if new:
        _set_order(connection, tree, seq)
    if added:
        _set_end(connection, tree, seq, stored, new)
    for summary in coming.summaries if new else ():
        if summary.message_id in stored:
            tables.add_summary(connection, coming.id, summary)
    return int(new), added, len(coming.messages) - added


def _is_another(message: Message, said: dict[str, str]) -> bool:
    """Whether what is stored under its id says something else, both being finished."""
    there = said.get(message.id)
    if there is None or message.status is not Status.COMPLETE:
        return False
    return there != storable(message.text)


def _insert(
    connection: apsw.Connection, message: Message, seq: int, stored: dict[str, int]
) -> bool:
    """Store a message; whether it was not there yet.

    In a file that two programs had their hands in, another conversation may have its id already.
    """
    parent = None if message.parent_id is None else stored.get(message.parent_id)
    try:
        stored[message.id] = tables.insert_message(connection, message, seq, parent)
    except apsw.ConstraintError:
        own = replace(message, id=_other_id(message, message.conversation_id))
        new = own.id not in stored
        if new:
            stored[own.id] = tables.insert_message(connection, own, seq, parent)
        stored[message.id] = stored[own.id]
        return new
    return True


def _other_id(message: Message, reason: str) -> str:
    return derived_id(message.created_ms, message.id, reason)


def _set_end(
    connection: apsw.Connection,
    tree: ImportedConversation,
    seq: int,
    stored: dict[str, int],
    new: bool,
) -> None:
    """Count the messages; a new conversation also gets the leaf and the time it came with.

    So does one that has only grown behind what it shows; whoever has branched off stays there.
    """
    coming = tree.conversation
    connection.execute(
        """UPDATE conversations SET message_count =
            (SELECT count(*) FROM messages WHERE conversation = ?1) WHERE seq = ?1""",
        (seq,),
    )
    leaf = stored.get(coming.leaf_id or coming.messages[-1].id)
    connection.execute(
        f"""UPDATE conversations SET leaf = ?1, updated_ms = ?2
        WHERE seq = ?3 AND (?4 OR leaf IS NULL OR leaf IN ({_ABOVE}))""",  # noqa: S608
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
