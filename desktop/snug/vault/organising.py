"""Folders, tags, pins, archive and trash, kept; and the tidying that retention rules ask for.

**The rule of the clock.** A conversation leaves its folder for the trash, or the trash for good,
only when it was due already at the look before this one, and that look lies at least a day back.
So a clock that leaps a year ahead removes nothing that would not have gone anyway: the first look
after the leap still judges by the time of the one before it, and when the clock is put right the
looks begin anew. What has really been due for long goes one look later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import apsw

from snug.domain.conversation import new_id, now_ms
from snug.domain.errors import NotFoundError, UserError
from snug.domain.organising import (
    DAY_MS,
    Folder,
    Tag,
    Tidied,
    checked_days,
    checked_name,
    keep_days_from,
)
from snug.vault import tables
from snug.vault.database import Database
from snug.vault.query import fetch, number
from snug.vault.rows import storable
from snug.vault.trees import tag_named
from snug.vault.writer import Writer

T = TypeVar("T")

KEEP_SETTING: Final = "trash.keep_days"
LOOKED_SETTING: Final = "tidy.looked_ms"
_FOLDERS = """SELECT f.id, f.name, f.retention_days,
    (SELECT count(*) FROM conversations c
        WHERE c.folder = f.seq AND c.trashed_ms IS NULL AND c.archived = 0)
    FROM folders f"""
_DUE_IN_FOLDERS = """FROM conversations c JOIN folders f ON f.seq = c.folder
    WHERE c.trashed_ms IS NULL AND c.pinned = 0
    AND max(c.updated_ms, c.kept_ms) <= ? - ? * coalesce(?, f.retention_days)"""


class Organising:
    """The `OrganisingStore` of a vault. Any thread; writes wait for the vault's writer.

    Raises (all methods): `VaultDamagedError`, `DiskFullError`, `EnvironmentFault`;
    `NotFoundError` where an id is unknown, `UserError` where a name will not do.
    """

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    # -- folders ------------------------------------------------------------------------------

    def folders(self) -> tuple[Folder, ...]:
        """All folders, by name."""
        with self._database.reading() as connection:
            found = [Folder(*row) for row in fetch(connection, _FOLDERS)]
        return tuple(sorted(found, key=lambda folder: folder.name.casefold()))

    def create_folder(self, name: str) -> Folder:
        """A new, empty folder."""
        plain = storable(checked_name(name, "folder"))
        folder = Folder(new_id(), plain)

        def create(connection: apsw.Connection) -> None:
            _check_free(connection, plain, "")
            connection.execute(
                "INSERT INTO folders(id, name, created_ms) VALUES(?, ?, ?)",
                (folder.id, plain, now_ms()),
            )

        self._write(create)
        return folder

    def rename_folder(self, folder_id: str, name: str) -> None:
        """Give it another name."""
        plain = storable(checked_name(name, "folder"))

        def rename(connection: apsw.Connection) -> None:
            seq = _folder_seq(connection, folder_id)
            _check_free(connection, plain, folder_id)
            connection.execute("UPDATE folders SET name = ? WHERE seq = ?", (plain, seq))

        self._write(rename)

    def delete_folder(self, folder_id: str) -> None:
        """Remove a folder; its conversations fall out of it and are kept."""

        def remove(connection: apsw.Connection) -> None:
            seq = _folder_seq(connection, folder_id)
            connection.execute("UPDATE conversations SET folder = NULL WHERE folder = ?", (seq,))
            connection.execute("DELETE FROM folders WHERE seq = ?", (seq,))

        self._write(remove)

    def set_retention(self, folder_id: str, days: int | None) -> None:
        """Let what was not touched for so many days go to the trash; None keeps everything."""
        checked = None if days is None else checked_days(days)
        self._write(
            lambda connection: connection.execute(
                "UPDATE folders SET retention_days = ? WHERE seq = ?",
                (checked, _folder_seq(connection, folder_id)),
            )
        )

    def count_due(self, folder_id: str, days: int) -> int:
        """How many conversations a rule of so many days would throw away as things stand."""
        with self._database.reading() as connection:
            return number(
                connection,
                f"SELECT count(*) {_DUE_IN_FOLDERS} AND f.id = ?",
                (now_ms(), DAY_MS, days, folder_id),
            )

    # -- conversations ------------------------------------------------------------------------

    def move(self, conversation_ids: Sequence[str], folder_id: str | None) -> None:
        """Put conversations into a folder, or outside all; its rule counts from now."""

        def move(connection: apsw.Connection) -> None:
            folder = None if folder_id is None else _folder_seq(connection, folder_id)
            for seq in _seqs(connection, conversation_ids):
                connection.execute(
                    "UPDATE conversations SET folder = ?, kept_ms = ? WHERE seq = ?",
                    (folder, now_ms(), seq),
                )

        self._write(move)

    def pin(self, conversation_ids: Sequence[str], pinned: bool) -> None:
        """Keep conversations at the top of lists, and from every rule; or no longer."""
        # The rule of its folder begins anew when a pin is taken away.
        self._set(conversation_ids, "pinned = ?, kept_ms = ?", int(pinned), now_ms())

    def archive(self, conversation_ids: Sequence[str], archived: bool) -> None:
        """Put conversations out of sight without losing them, or back."""
        self._set(conversation_ids, "archived = ?", int(archived))

    # -- tags ---------------------------------------------------------------------------------

    def tags(self) -> tuple[Tag, ...]:
        """All tags, by name."""
        with self._database.reading() as connection:
            found = fetch(
                connection,
                """SELECT t.name, (SELECT count(*) FROM conversation_tags l
                    JOIN conversations c ON c.seq = l.conversation
                    WHERE l.tag = t.seq AND c.trashed_ms IS NULL) FROM tags t""",
            )
        return tuple(sorted((Tag(*row) for row in found), key=lambda tag: tag.name.casefold()))

    def tag(self, conversation_ids: Sequence[str], name: str) -> None:
        """Give conversations a tag, which is made where there is none of that name."""
        plain = checked_name(name, "tag")

        def tag(connection: apsw.Connection) -> None:
            known = _known_tag(connection, plain)
            tag_seq = known if known is not None else tag_named(connection, plain)
            for seq in _seqs(connection, conversation_ids):
                connection.execute(
                    "INSERT OR IGNORE INTO conversation_tags VALUES(?, ?)", (seq, tag_seq)
                )

        self._write(tag)

    def untag(self, conversation_ids: Sequence[str], name: str) -> None:
        """Take a tag from conversations; a tag that nothing has any more is gone."""

        def untag(connection: apsw.Connection) -> None:
            tag_seq = _known_tag(connection, checked_name(name, "tag"))
            for seq in _seqs(connection, conversation_ids):
                connection.execute(
                    "DELETE FROM conversation_tags WHERE conversation = ? AND tag = ?",
                    (seq, -1 if tag_seq is None else tag_seq),
                )
            tables.forget_unused_tags(connection)

        self._write(untag)

    # -- trash --------------------------------------------------------------------------------

    def keep_days(self) -> int:
        """How many days the trash keeps; 0 for not at all."""
        with self._database.reading() as connection:
            return keep_days_from(tables.setting(connection, KEEP_SETTING) or "")

    def set_keep_days(self, days: int) -> None:
        """Let the trash keep for so many days; 0: what is thrown away is gone."""
        if days:
            checked_days(days)
        self._write(lambda connection: tables.set_setting(connection, KEEP_SETTING, str(days)))

    def trash(self, conversation_ids: Sequence[str]) -> None:
        """Throw conversations away; what lies in the trash already keeps its day."""
        now = now_ms()

        def trash(connection: apsw.Connection) -> None:
            for seq in _seqs(connection, conversation_ids):
                connection.execute(
                    "UPDATE conversations SET trashed_ms = ? WHERE seq = ? AND trashed_ms IS NULL",
                    (now, seq),
                )

        self._write(trash, durable=True)

    def restore(self, conversation_ids: Sequence[str]) -> None:
        """Take conversations out of the trash, to where they were; a folder's rule begins anew."""
        self._set(conversation_ids, "trashed_ms = NULL, kept_ms = ?", now_ms())

    def in_trash(self) -> tuple[str, ...]:
        """The ids of all that lies in the trash."""
        with self._database.reading() as connection:
            found = fetch(connection, "SELECT id FROM conversations WHERE trashed_ms IS NOT NULL")
        return tuple(str(row[0]) for row in found)

    def tidy(self, now: int) -> Tidied:
        """Throw away what the folders' rules ask for, and name what the trash need not keep.

        Costs one read on all but one call a day. What it names is for the caller to delete: that
        takes more than rows away.

        Args:
            now: UTC milliseconds of the clock, which may be wrong (see the module).
        """
        with self._database.reading() as connection:
            before = _looked_ms(connection)
        if before is not None and before <= now < before + DAY_MS:
            return Tidied()
        return self._write(lambda connection: _tidy(connection, now))

    # -- inside -------------------------------------------------------------------------------

    def _set(self, conversation_ids: Sequence[str], columns: str, *values: int) -> None:
        def change(connection: apsw.Connection) -> None:
            for seq in _seqs(connection, conversation_ids):
                connection.execute(
                    f"UPDATE conversations SET {columns} WHERE seq = ?",  # noqa: S608
                    (*values, seq),
                )

        self._write(change)

    def _write(self, change: Callable[[apsw.Connection], T], *, durable: bool = False) -> T:
        def job() -> T:
            with self._database.writing(durable=durable) as connection:
                return change(connection)

        return self._writer.run(job)


def _tidy(connection: apsw.Connection, now: int) -> Tidied:
    before = _looked_ms(connection)  # asked again: another process may have looked meanwhile
    if before is not None and before <= now < before + DAY_MS:
        return Tidied()
    tables.set_setting(connection, LOOKED_SETTING, str(now))
    if before is None or now < before:
        return Tidied()
    due = fetch(connection, f"SELECT c.seq, c.id {_DUE_IN_FOLDERS}", (before, DAY_MS, None))
    connection.executemany(
        "UPDATE conversations SET trashed_ms = ? WHERE seq = ?", [(now, seq) for seq, _ in due]
    )
    # Thrown away under a clock that was ahead: without this it would be kept until then.
    connection.execute("UPDATE conversations SET trashed_ms = ?1 WHERE trashed_ms > ?1", (now,))
    keep_days = keep_days_from(tables.setting(connection, KEEP_SETTING) or "")
    over = fetch(
        connection,
        "SELECT id FROM conversations WHERE trashed_ms <= ? ORDER BY seq",
        (before - keep_days * DAY_MS,),
    )
    return Tidied(tuple(str(row[1]) for row in due), tuple(str(row[0]) for row in over))


def _looked_ms(connection: apsw.Connection) -> int | None:
    kept = tables.setting(connection, LOOKED_SETTING) or ""
    return int(kept) if kept.isdecimal() else None


def _seqs(connection: apsw.Connection, conversation_ids: Sequence[str]) -> list[int]:
    return [tables.seq_of(connection, one) for one in conversation_ids]


def _folder_seq(connection: apsw.Connection, folder_id: str) -> int:
    found = fetch(connection, "SELECT seq FROM folders WHERE id = ?", (folder_id,))
    if not found:
        raise NotFoundError(f"There is no folder {folder_id}.")
    return int(found[0][0])


def _check_free(connection: apsw.Connection, name: str, folder_id: str) -> None:
    for other_id, other in fetch(connection, "SELECT id, name FROM folders"):
        if other_id != folder_id and other.casefold() == name.casefold():
            raise UserError(f"There is a folder “{other}” already.")


def _known_tag(connection: apsw.Connection, name: str) -> int | None:
    wanted = storable(name).casefold()
    for seq, known in fetch(connection, "SELECT seq, name FROM tags"):
        if known.casefold() == wanted:
            return int(seq)
    return None
