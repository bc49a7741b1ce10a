"""The list of conversations: which ones, in what order, a page at a time.

Every list walks an index in its own order, so that the first page costs the same among a hundred
conversations and among a hundred thousand (see `migrations`).
"""

from __future__ import annotations

import apsw

from snug.domain.conversation import ConversationSummary
from snug.domain.organising import ListFilter, Shelf
from snug.vault import rows
from snug.vault.query import Value, fetch
from snug.vault.rows import storable

_RARE = 2_000  # conversations of a tag that are sorted; more are met soon enough on the way
_SHELVES = {
    Shelf.ALL: "c.trashed_ms IS NULL",
    Shelf.CHATS: "c.trashed_ms IS NULL AND c.archived = 0",
    Shelf.ARCHIVE: "c.trashed_ms IS NULL AND c.archived = 1",
    Shelf.TRASH: "c.trashed_ms IS NOT NULL",
}


def summaries(
    connection: apsw.Connection, limit: int, offset: int, where: ListFilter
) -> tuple[ConversationSummary, ...]:
    """A page of the list that a filter describes. In a transaction of the caller's."""
    conditions, values = [_SHELVES[where.shelf]], list[Value]()
    if where.folder_id is not None:
        if where.folder_id:
            conditions.append("c.folder = (SELECT seq FROM folders WHERE id = ?)")
            values.append(where.folder_id)
        else:
            conditions.append("c.folder IS NULL")
    if where.pinned is not None:
        conditions.append(f"c.pinned = {int(where.pinned)}")
    order = "c.updated_ms DESC, c.seq DESC"
    if where.pinned_first:
        order = f"c.pinned DESC, {order}"
    if where.shelf is Shelf.TRASH:
        order = "c.trashed_ms DESC, c.seq DESC"
    source = "conversations c"
    if where.tag:
        tag = _tag(connection, where.tag)
        if _is_rare(connection, tag):
            # CROSS JOIN keeps this order: from the tag to its few conversations.
            source = "conversation_tags l CROSS JOIN conversations c ON c.seq = l.conversation"
            conditions.append("l.tag = ?")
        else:
            conditions.append(
                "EXISTS (SELECT 1 FROM conversation_tags WHERE conversation = c.seq AND tag = ?)"
            )
        values.append(tag)
    found = fetch(
        connection,
        f"""SELECT c.id, c.title, c.updated_ms, c.message_count,
            (SELECT id FROM folders WHERE seq = c.folder), c.pinned, c.archived, c.trashed_ms,
            (SELECT json_group_array(t.name ORDER BY t.name)
                FROM conversation_tags l JOIN tags t ON t.seq = l.tag
                WHERE l.conversation = c.seq)
        FROM {source} WHERE {" AND ".join(conditions)}
        ORDER BY {order} LIMIT ? OFFSET ?""",  # noqa: S608
        (*values, limit, offset),
    )
    return tuple(rows.summary_from(row) for row in found)


def _tag(connection: apsw.Connection, name: str) -> int:
    found = fetch(connection, "SELECT seq FROM tags WHERE name = ?", (storable(name.strip()),))
    return int(found[0][0]) if found else -1


def _is_rare(connection: apsw.Connection, tag: int) -> bool:
    found = fetch(
        connection,
        "SELECT 1 FROM conversation_tags WHERE tag = ? LIMIT 1 OFFSET ?",
        (tag, _RARE),
    )
    return not found
