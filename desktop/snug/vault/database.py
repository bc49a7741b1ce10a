"""The encrypted database file: connections, transactions, and what the disk is asked to promise.

SQLite with ChaCha20-Poly1305 pages and a write-ahead log. Any number of processes may have the file
open. In each, one connection writes, on the writer's thread alone, and a pool of connections reads
on whatever thread asks. A database in memory (`Database.in_memory`) runs the same code.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

import apsw

from snug.domain.errors import EnvironmentFault, WrongKeyError
from snug.domain.keeping import Backup, Stopped, never
from snug.vault import backups
from snug.vault.connecting import connect
from snug.vault.data_key import DataKey
from snug.vault.faults import BUSY_TIMEOUT_MS, CLOSED, damaged, database_faults
from snug.vault.files import create_private, locked, os_faults, restrict, sync_folder
from snug.vault.migrations import migrate, needs_migration
from snug.vault.query import fetch, number

FILE_NAME = "snug.db"
_CHECKPOINT_TIMEOUT_MS = 500
_IDLE_READERS = 4
_PIECE_BYTES = 1 << 20


class Database:
    """An open database. Made by `open` or `in_memory`; closed with `close`."""

    def __init__(self, path: Path, uri: str, key: DataKey | None, vfs: str | None) -> None:
        """Use `Database.open` or `Database.in_memory`."""
        self.path = path
        self._uri = uri
        self._key = key
        self._vfs = vfs
        self._guard = threading.Lock()
        self._idle: list[apsw.Connection] = []
        self._closed = False
        self._synchronous = ""
        self._log_in_doubt = False
        self._writer = connect(uri, key, path=path, vfs=vfs)

    @classmethod
    def open(cls, folder: Path, key: DataKey, vfs: str | None = None) -> Database:
        """Open `<folder>/snug.db`, making or migrating it where needed. Any thread.

        Args:
            key: stays the caller's, who closes it after the database.
            vfs: name of a registered SQLite VFS, for tests of a failing disk.

        Raises:
            WrongKeyError: the file cannot be read with this key.
            VaultDamagedError: it cannot be read at all; it is kept.
            NewerSchemaError: a newer Snug wrote it.
            DiskFullError, EnvironmentFault: the disk refused.
        """
        path = folder / FILE_NAME
        if not path.exists():
            with locked(folder):
                if not path.exists():
                    _create(path, key, vfs)
        with os_faults(path):
            if path.stat().st_size == 0:
                raise damaged(path)
        restrict(path, 0o600)
        database = cls(path, str(path), key, vfs)
        try:
            with database_faults(path):
                if needs_migration(database._writer, path):
                    with locked(folder):
                        migrate(database._writer, path, database.back_up_before)
        except BaseException:
            database.close()
            raise
        return database

    @classmethod
    def in_memory(cls) -> Database:
        """A database that never touches the disk and ends with `close`; not encrypted."""
        uri = f"file:/snug-{secrets.token_hex(8)}?vfs=memdb"
        database = cls(Path("/memory"), uri, None, None)
        with database_faults(database.path):
            migrate(database._writer, database.path, back_up=None)
        return database

    @property
    def on_disk(self) -> bool:
        """Whether this is a file."""
        return self._key is not None

    @contextlib.contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """A connection inside a read transaction: one consistent state. Any thread.

        Raises:
            VaultDamagedError, EnvironmentFault: it could not be read.
        """
        connection = self._reader()
        try:
            with database_faults(self.path):
                connection.execute("BEGIN")
                yield connection
        finally:
            self._give_back(connection)

    @contextlib.contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[apsw.Connection]:
        """The writing connection inside a transaction, which an error rolls back. Writer's thread.

        Args:
            durable: True syncs before it returns: neither kill -9 nor a power cut undoes it. False
                survives kill -9, and a power cut from the next `sync` on.

        Raises:
            DiskFullError, VaultDamagedError, EnvironmentFault: nothing was written.
        """
        if self._closed:
            raise EnvironmentFault(CLOSED)
        with database_faults(self.path):
            self._set_synchronous("FULL" if durable else "NORMAL")
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                if self._log_in_doubt:
                    self._write_log_again()
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException as error:
                self._doubt_log(error)
                # A full disk may have rolled back already, and the cause matters more than this.
                with contextlib.suppress(apsw.Error):
                    if not self._writer.getautocommit():
                        self._writer.execute("ROLLBACK")
                raise

    def sync(self) -> None:
        """Bring every committed transaction to the platter. Waits for the disk. Writer's thread.

        Raises:
            DiskFullError, EnvironmentFault: the disk refused.
        """
        if self._log_in_doubt:
            with self.writing(durable=True):
                return
        # SQLite keeps its locks on the other two files, so closing this one cannot lose any; it
        # has synced the folder when it began the log.
        with os_faults(self._log), contextlib.suppress(FileNotFoundError):
            descriptor = os.open(self._log, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            except OSError as error:
                self._doubt_log(error)
                raise
            finally:
                os.close(descriptor)

    def shrink(self) -> bool:
        """Leave nothing deleted anywhere: free pages go back to the disk, the log is emptied.

        Writer's thread; waits up to 0.5 s for those who read the log.

        Returns:
            False where somebody was still reading it.

        Raises:
            DiskFullError, VaultDamagedError, EnvironmentFault: the disk refused.
        """
        with database_faults(self.path):
            self._writer.set_busy_timeout(_CHECKPOINT_TIMEOUT_MS)
            try:
                fetch(self._writer, "PRAGMA incremental_vacuum")
                busy = number(self._writer, "PRAGMA wal_checkpoint(TRUNCATE)")
            except apsw.Error as error:
                self._doubt_log(error)
                raise
            finally:
                self._writer.set_busy_timeout(BUSY_TIMEOUT_MS)
        return not busy

    def back_up(self, stopped: Stopped = never) -> Backup:
        """Copy the whole database to the backups of its folder, and check the copy. Any thread.

        Args:
            stopped: asked now and then.

        Raises:
            VaultDamagedError: the database is not sound; earlier backups stay.
            DiskFullError, EnvironmentFault: the disk refused.
        """
        with self.reading() as connection:
            return backups.make(self.path.parent, connection, self._connect_copy, stopped)

    def back_up_before(self) -> None:
        """The same on the writing connection, before anything else is done with it."""
        backups.make(self.path.parent, self._writer, self._connect_copy)

    def _connect_copy(self, path: Path) -> apsw.Connection:
        return connect(str(path), self._key, path=path)

    def version(self) -> int:
        """A number that changes when another process has written. Writer's thread."""
        with database_faults(self.path):
            return number(self._writer, "PRAGMA data_version")

    def close(self) -> None:
        """Close every connection that nobody is using; the others close after use. Idempotent.

        The writer's thread must have ended.
        """
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in (*idle, self._writer):
            with contextlib.suppress(apsw.Error):
                connection.close()

    @property
    def _log(self) -> Path:
        return self.path.with_name(f"{FILE_NAME}-wal")

    def _doubt_log(self, error: BaseException) -> None:
        if self.on_disk and isinstance(error, (OSError, apsw.IOError, apsw.FullError)):
            self._log_in_doubt = True

    def _write_log_again(self) -> None:
        """Write what the log holds over itself, and sync it. Inside a writing transaction.

        Linux forgets, after a sync that failed, what had still to be written: later syncs succeed
        without it, and what comes after a gap in the log is lost with the power.

        Source: https://wiki.postgresql.org/wiki/Fsync_Errors
        """
        with (
            os_faults(self._log),
            contextlib.suppress(FileNotFoundError),
            self._log.open("r+b") as log,
        ):
            while piece := log.read(_PIECE_BYTES):
                log.seek(-len(piece), os.SEEK_CUR)
                log.write(piece)
            log.flush()
            os.fsync(log.fileno())
        self._log_in_doubt = False

    def _set_synchronous(self, level: str) -> None:
        if level != self._synchronous:
            self._writer.execute(f"PRAGMA synchronous={level}")
            self._synchronous = level

    def _reader(self) -> apsw.Connection:
        with self._guard:
            if self._closed:
                raise EnvironmentFault(CLOSED)
            if self._idle:
                return self._idle.pop()
        try:
            connection = connect(self._uri, self._key, path=self.path, vfs=self._vfs)
        except WrongKeyError as error:
            # The key was right when the vault was opened.
            raise damaged(self.path) from error
        with database_faults(self.path):
            connection.execute("PRAGMA query_only=1")
        return connection

    def _give_back(self, connection: apsw.Connection) -> None:
        with contextlib.suppress(apsw.Error):
            connection.execute("ROLLBACK")  # nothing was written; ends the snapshot
            with self._guard:
                if not self._closed and len(self._idle) < _IDLE_READERS:
                    self._idle.append(connection)
                    return
        with contextlib.suppress(apsw.Error):
            connection.close()


def _create(path: Path, key: DataKey, vfs: str | None) -> None:
    """Make a database under another name and rename it: there is never half a one. Under the lock.

    Raises:
        VaultDamagedError: there was one before, which is gone.
    """
    if path.with_name(f"{FILE_NAME}-wal").exists() or backups.found(path.parent):
        raise damaged(path)
    fresh = path.with_name(f"{FILE_NAME}.new")
    for leftover in path.parent.glob(f"{FILE_NAME}.new*"):
        with os_faults(leftover):
            leftover.unlink()
    create_private(fresh)
    connection = connect(str(fresh), key, path=fresh, vfs=vfs)
    try:
        with database_faults(path):
            migrate(connection, path, back_up=None)
            # Closing does this too, but says nothing when the disk refuses: the renamed file
            # would be empty.
            number(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        with contextlib.suppress(apsw.Error):
            connection.close()
    with os_faults(path):
        fresh.replace(path)
        sync_folder(path.parent)
