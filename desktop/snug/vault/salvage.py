"""Getting out of a damaged database what can still be read.

Rows are copied table by table into a new database with the same key, by ascending number. Where a
page cannot be read, the next row that can is looked for behind it. Messages whose conversation is
lost come into one that is made for them. The damaged file stays.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import apsw

from snug.domain.conversation import Role, now_ms
from snug.domain.errors import EnvironmentFault, VaultDamagedError, WrongKeyError
from snug.domain.keeping import Checked, Restored
from snug.vault.backups import DATABASE, SLOTS
from snug.vault.checking import check_all
from snug.vault.connecting import connect
from snug.vault.data_key import DataKey
from snug.vault.database import Database
from snug.vault.exchange import made_ready, put_in_place
from snug.vault.faults import database_faults
from snug.vault.files import write_private
from snug.vault.query import Value, fetch
from snug.vault.search_words import add_title, add_words

# In the order of their references, with the order of rows that have no number of their own. Looks
# at the Hub and KV states are made anew.
_TABLES = {
    "folders": "",
    "tags": "",
    "conversations": "",
    "messages": "",
    "summaries": "",
    "conversation_tags": "conversation, tag",
    "settings": "name",
    "journal": "message, seq",
}
_LEAPS = 40  # doublings, after a row that cannot be read: farther than any number reaches
_RECOVERED = "Recovered messages"


def salvage(folder: Path, key: DataKey) -> Restored:
    """Put what can be read of the vault in `folder` in its place, and the damaged file aside.

    Raises:
        UserError: the vault is open.
        VaultDamagedError: nothing can be read, not even what tables there are; nothing was changed.
        DiskFullError, EnvironmentFault: the disk refused; nothing was changed.
    """
    with made_ready(folder) as new:
        lost, checked = _saved(folder / DATABASE, new, key)
        if not checked.ok:
            raise VaultDamagedError(
                f"What could be read of {folder / DATABASE} does not fit together: "
                f"{checked.problems[0]} Nothing was changed; restore a backup instead: snug vault "
                "restore"
            )
        write_private(new / SLOTS, (folder / SLOTS).read_bytes())
        return replace(put_in_place(folder, checked), lost=lost)


def _saved(damaged: Path, new: Path, key: DataKey) -> tuple[dict[str, int], Checked]:
    """Copy what can be read into a new database in the folder `new`, and look at it."""
    with contextlib.closing(_open(damaged, key)) as source:
        database = Database.open(new, key)
        try:
            with database.writing(durable=True) as target:
                lost = _copy(source, target)
            with database.reading() as connection:
                checked = check_all(connection, database.path)
            # Closing would do this too, but says nothing when the disk refuses.
            if not database.shrink():
                raise EnvironmentFault(f"The new database in {new} is in use. Try again.")
        finally:
            database.close()
    return lost, checked


def _open(path: Path, key: DataKey) -> apsw.Connection:
    try:
        connection = connect(str(path), key, path=path)
    except (WrongKeyError, VaultDamagedError) as error:
        raise VaultDamagedError(
            f"In {path} not even the list of what it holds can be read, so that nothing can be "
            "saved from it. It is kept as it is. Restore a backup: snug vault backups lists them."
        ) from error
    with database_faults(path):
        connection.execute("PRAGMA query_only=1")
        connection.execute("PRAGMA cell_size_check=ON")
    return connection


def _copy(source: apsw.Connection, target: apsw.Connection) -> dict[str, int]:
    target.execute("PRAGMA defer_foreign_keys=ON")
    lost: dict[str, int] = {}
    for name, order in _TABLES.items():
        try:
            table = _Table.of(source, target, name)
        except apsw.Error:
            lost[name] = 1
            continue
        if table.columns and order:
            lost[name] = _copy_unnumbered(source, target, table, order)
        elif table.columns:
            lost[name] = _copy_numbered(source, target, table)
    _make_fit(target)
    _fill_index(target)
    return {table: count for table, count in lost.items() if count}


@dataclass(frozen=True, slots=True)
class _Table:
    """How the rows of a table go over: of the columns of today, those that the old one has too."""

    name: str
    columns: str
    insert: str

    @classmethod
    def of(cls, source: apsw.Connection, target: apsw.Connection, name: str) -> _Table:
        """Raises: apsw.Error where what is damaged cannot be asked."""
        there = {row[1] for row in fetch(source, f"PRAGMA table_info({name})")}
        today = [row[1] for row in fetch(target, f"PRAGMA table_info({name})")]
        kept = [column for column in today if column in there]
        columns, marks = ", ".join(kept), ", ".join("?" * len(kept))
        insert = f"INSERT OR IGNORE INTO {name}({columns}) VALUES({marks})"
        return cls(name, columns, insert)

    def add(self, target: apsw.Connection, row: tuple[Value, ...]) -> None:
        """Put a row into the new one, unless something in it does not fit there."""
        with contextlib.suppress(apsw.ConstraintError):
            target.execute(self.insert, row)


def _copy_numbered(source: apsw.Connection, target: apsw.Connection, table: _Table) -> int:
    lost = 0
    for row in _readable(source, f"SELECT seq, {table.columns} FROM {table.name}"):  # noqa: S608
        if row is None:
            lost += 1
        else:
            table.add(target, row[1:])
    return lost


def _copy_unnumbered(
    source: apsw.Connection, target: apsw.Connection, table: _Table, order: str
) -> int:
    """From the front and from the back, as far as each can be read."""
    backwards = ", ".join(f"{name} DESC" for name in order.split(", "))
    for direction in (order, backwards):
        try:
            statement = f"SELECT {table.columns} FROM {table.name} ORDER BY {direction}"  # noqa: S608
            for row in source.execute(statement):
                table.add(target, row)
        except apsw.Error:
            continue
        return int(direction != order)
    return 1


def _readable(source: apsw.Connection, select: str) -> Iterator[tuple[Value, ...] | None]:
    """Rows by ascending number; None for each gap that was leapt over."""
    start, last = 0, 0
    while True:
        try:
            for row in source.execute(f"{select} WHERE seq >= ? ORDER BY seq", (start,)):
                last = int(row[0])
                yield row
            return
        except apsw.Error:
            yield None
        following = _behind(source, select, last)
        if following is None:
            return
        start = following


def _behind(source: apsw.Connection, select: str, last: int) -> int | None:
    """The number of a row that can be read behind one that cannot; None where there is none."""
    below, high, above = last + 1, last + 1, None
    for doubling in range(_LEAPS):
        high = last + 1 + 2**doubling
        found = _first_from(source, select, high)
        if found is not None:
            above = found if isinstance(found, int) else None
            break
        below = high
    # Between what cannot be read and what can, or the end: come as near as there are rows.
    while high - below > 1:
        middle = (below + high) // 2
        found = _first_from(source, select, middle)
        if found is None:
            below = middle
        else:
            high = middle
            above = found if isinstance(found, int) else above
    return above


def _first_from(source: apsw.Connection, select: str, number_: int) -> int | str | None:
    """The first number from one on; "end" where there is none, None where it cannot be read."""
    try:
        found = fetch(source, f"{select} WHERE seq >= ? ORDER BY seq LIMIT 1", (number_,))
    except apsw.Error:
        return None
    return int(found[0][0]) if found else "end"


def _make_fit(target: apsw.Connection) -> None:
    """Mend what refers to rows that were lost."""
    orphans = fetch(
        target,
        """SELECT DISTINCT conversation FROM messages
        WHERE conversation NOT IN (SELECT seq FROM conversations)""",
    )
    for (seq,) in orphans:
        target.execute(
            """INSERT INTO conversations(seq, id, title, created_ms, updated_ms)
            VALUES(?, ?, ?, ?, ?)""",
            (seq, f"{now_ms():012x}{seq:014x}", _RECOVERED, now_ms(), now_ms()),
        )
    for statement in (
        """UPDATE messages SET parent = NULL WHERE parent IS NOT NULL AND NOT EXISTS(
            SELECT 1 FROM messages p
            WHERE p.seq = messages.parent AND p.conversation = messages.conversation)""",
        """UPDATE conversations SET leaf =
            (SELECT max(seq) FROM messages WHERE conversation = conversations.seq)
        WHERE leaf IS NULL OR NOT EXISTS(SELECT 1 FROM messages m
            WHERE m.seq = conversations.leaf AND m.conversation = conversations.seq)""",
        """UPDATE conversations SET message_count =
            (SELECT count(*) FROM messages WHERE conversation = conversations.seq)""",
        """UPDATE conversations SET folder = NULL
        WHERE folder NOT IN (SELECT seq FROM folders)""",
        """DELETE FROM conversation_tags WHERE tag NOT IN (SELECT seq FROM tags)
            OR conversation NOT IN (SELECT seq FROM conversations)""",
        "DELETE FROM journal WHERE message NOT IN (SELECT seq FROM messages)",
        """DELETE FROM summaries WHERE message NOT IN (SELECT seq FROM messages)
            OR conversation NOT IN (SELECT seq FROM conversations)""",
    ):
        target.execute(statement)


def _fill_index(target: apsw.Connection) -> None:
    for seq, title in fetch(target, "SELECT seq, title FROM conversations"):
        add_title(target, seq, title)
    messages = "SELECT seq, conversation, role, model, created_ms, text FROM messages WHERE seq > ?"
    last, more = 0, True
    while more:
        portion = fetch(target, f"{messages} ORDER BY seq LIMIT 1000", (last,))
        for seq, conversation, role, model, created_ms, text in portion:
            with contextlib.suppress(ValueError):
                add_words(target, seq, conversation, Role(role), model, created_ms, text)
            last = seq
        more = bool(portion)
