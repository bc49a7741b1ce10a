"""KV states in the vault's keeping: encrypted files beside the database, found through its rows.

A state is a cache, tens of megabytes to a gigabyte: losing one costs a prompt that is read again,
so nothing here is synced and nothing is reported as a failure. What it holds is the conversation,
so it is kept as secret as the database. The key of a file is derived from the vault's key and from
random bytes in the file's row; deleting the row (`secure_delete`) makes the file unreadable, which
overwriting it would not on an SSD.

The row is what counts. A file is written first, under a new random name, and its row then takes the
place of the conversation's earlier one: a crash leaves the earlier state. A file without a row is
swept away, unless somebody holds its lock, which is a process that is writing it.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import apsw
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from snug.domain.errors import SnugError
from snug.vault import tables
from snug.vault.data_key import DataKey
from snug.vault.database import Database
from snug.vault.files import free_bytes, make_private_folder
from snug.vault.kv_file import read_state, write_state
from snug.vault.query import fetch, number
from snug.vault.writer import Writer

FOLDER = "states"
LIMIT_SETTING = "engine.kv_states_bytes"
LIMIT_BYTES = 2 << 30
_DISK_SHARE = 4  # all states together take at most a quarter of what the disk could give them
_SECRET_BYTES = 32
_LABEL = b"snug kv state 1"
_NAME = re.compile(r"[0-9a-f]{32}\.kv")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A row: where a state lies and what opens it."""

    file: str
    secret: bytes
    size_bytes: int


class NoStates:
    """The keeper of a temporary vault: it keeps nothing."""

    def save(
        self, conversation: str, fingerprint: str, data: bytes | bytearray | memoryview
    ) -> None:
        """Does nothing."""

    def load(self, conversation: str, fingerprint: str) -> bytearray | None:
        """None."""
        return None

    def drop(self, conversation: str) -> None:
        """Does nothing."""


class KvStates:
    """The `StateKeeper` of a vault on disk. Any thread; no method raises what a disk may do."""

    def __init__(self, database: Database, writer: Writer, key: DataKey) -> None:
        self._database = database
        self._writer = writer
        self._key = key
        self._folder = database.path.parent / FOLDER
        if self._folder.exists():
            with contextlib.suppress(SnugError):
                writer.submit(self.sweep)

    def save(
        self, conversation: str, fingerprint: str, data: bytes | bytearray | memoryview
    ) -> None:
        """Keep a state in place of the conversation's earlier one, within the limit.

        Encrypts and writes on the calling thread. A state that is larger than the limit, or of a
        conversation that is not stored, is not kept, and then the earlier one stays.
        """
        view = memoryview(data).cast("B")
        with self._quietly("kept"):
            limit = self._limit()
            if 0 < len(view) <= limit:
                self._save(conversation, fingerprint, view, limit)

    def load(self, conversation: str, fingerprint: str) -> bytearray | None:
        """The state of a conversation in a buffer of its own; None where there is none that serves.

        A file that is missing, damaged or another's is removed.
        """
        with self._quietly("read"):
            with self._database.reading() as connection:
                kept = _find(connection, conversation, fingerprint)
                off = _chosen_limit(connection) == 0
            if kept is None or off:
                return None
            key = self._file_key(kept.secret, conversation, fingerprint)
            data: bytearray | None = None
            with contextlib.suppress(OSError):
                data = read_state(self._folder / kept.file, key, kept.size_bytes)
            if data is not None:
                self._writer.submit(lambda: self._touch(kept.file))
                return data
            _log.warning("a KV state of %d bytes could not be read", kept.size_bytes)
            self._writer.submit(lambda: self._forget_file(kept.file))
        return None

    def drop(self, conversation: str) -> None:
        """Forget the state of a conversation; its key is gone from the disk when this returns."""
        with self._quietly("dropped"):
            self._writer.run(lambda: self._drop(conversation))

    def sweep(self) -> None:
        """Remove the files that no row speaks of, and all where keeping is off. Writer's thread."""
        with self._quietly("swept"):
            if not self._folder.exists():
                return
            with self._database.reading() as connection:
                off = _chosen_limit(connection) == 0
            if off:
                with self._database.writing() as connection:
                    connection.execute("DELETE FROM kv_states")
            for path in self._folder.iterdir():
                if _NAME.fullmatch(path.name):
                    self._remove_unowned(path)

    # -- saving -------------------------------------------------------------------------------

    def _limit(self) -> int:
        """Bytes that all states may take now."""
        with self._database.reading() as connection:
            chosen = _chosen_limit(connection)
            held = number(connection, "SELECT coalesce(sum(bytes), 0) FROM kv_states")
        free = free_bytes(self._database.path.parent)
        return chosen if free is None else min(chosen, (free + held) // _DISK_SHARE)

    def _save(self, conversation: str, fingerprint: str, data: memoryview, limit: int) -> None:
        make_private_folder(self._folder)
        kept = _Kept(f"{secrets.token_hex(16)}.kv", secrets.token_bytes(_SECRET_BYTES), len(data))
        path = self._folder / kept.file
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # until the row is there: see `_remove_unowned`
            try:
                write_state(file, self._file_key(kept.secret, conversation, fingerprint), data)
                file.flush()
                gone = self._writer.run(lambda: self._enter(conversation, fingerprint, kept, limit))
            except BaseException:
                path.unlink(missing_ok=True)
                raise
        for name in gone:
            (self._folder / name).unlink(missing_ok=True)

    def _enter(
        self, conversation: str, fingerprint: str, kept: _Kept, limit: int
    ) -> tuple[str, ...]:
        """Put the row in; returns the files that this made needless."""
        with self._database.writing() as connection:
            seq = tables.seq_of(connection, conversation)
            gone = _names(
                connection, "DELETE FROM kv_states WHERE conversation = ? RETURNING file", seq
            )
            connection.execute(
                """INSERT INTO kv_states(conversation, fingerprint, file, secret, bytes, used)
                SELECT ?, ?, ?, ?, ?, coalesce(max(used), 0) + 1 FROM kv_states""",
                (seq, fingerprint, kept.file, kept.secret, kept.size_bytes),
            )
            while number(connection, "SELECT sum(bytes) FROM kv_states") > limit:
                gone += _names(
                    connection,
                    """DELETE FROM kv_states WHERE used = (SELECT min(used) FROM kv_states)
                    RETURNING file""",
                )
        return gone

    # -- writer's thread ----------------------------------------------------------------------

    def _touch(self, file: str) -> None:
        with self._quietly("marked"), self._database.writing() as connection:
            connection.execute(
                """UPDATE kv_states SET used = (SELECT max(used) FROM kv_states) + 1
                WHERE file = ?""",
                (file,),
            )

    def _forget_file(self, file: str) -> None:
        with self._quietly("removed"):
            with self._database.writing() as connection:
                connection.execute("DELETE FROM kv_states WHERE file = ?", (file,))
            (self._folder / file).unlink(missing_ok=True)

    def _drop(self, conversation: str) -> None:
        with self._database.writing(durable=True) as connection:
            gone = _names(
                connection,
                """DELETE FROM kv_states WHERE conversation =
                    (SELECT seq FROM conversations WHERE id = ?) RETURNING file""",
                conversation,
            )
        for name in gone:
            (self._folder / name).unlink(missing_ok=True)
        if gone:
            self._database.shrink()

    def _remove_unowned(self, path: Path) -> None:
        """Remove a file that has no row and that nobody is writing."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Asked only now: its writer may have entered the row before it let go of the lock.
            with self._database.reading() as connection:
                owned = number(
                    connection, "SELECT count(*) FROM kv_states WHERE file = ?", (path.name,)
                )
            if not owned:
                path.unlink(missing_ok=True)
        except BlockingIOError:
            return
        finally:
            os.close(descriptor)

    # -- shared -------------------------------------------------------------------------------

    def _file_key(self, secret: bytes, conversation: str, fingerprint: str) -> bytes:
        """The key of one file; with another conversation or fingerprint it is another key."""
        info = b"\0".join((_LABEL, conversation.encode(), fingerprint.encode()))
        return HKDF(hashes.SHA256(), 32, salt=secret, info=info).derive(bytes(self._key.raw))

    @contextlib.contextmanager
    def _quietly(self, what: str) -> Iterator[None]:
        """What disk, memory or a closed vault refuse ends the work and nothing else."""
        try:
            yield
        except (OSError, MemoryError, SnugError) as error:
            _log.warning("a KV state could not be %s (%s)", what, type(error).__name__)


def _find(connection: apsw.Connection, conversation: str, fingerprint: str) -> _Kept | None:
    found = fetch(
        connection,
        """SELECT k.file, k.secret, k.bytes FROM kv_states k
        JOIN conversations c ON c.seq = k.conversation WHERE c.id = ? AND k.fingerprint = ?""",
        (conversation, fingerprint),
    )
    return _Kept(*found[0]) if found else None


def _chosen_limit(connection: apsw.Connection) -> int:
    value = tables.setting(connection, LIMIT_SETTING)
    return int(value) if value is not None and value.isdecimal() else LIMIT_BYTES


def _names(connection: apsw.Connection, statement: str, *values: int | str) -> tuple[str, ...]:
    return tuple(str(row[0]) for row in fetch(connection, statement, values))
