"""A connection to an encrypted database file: its key, its settings, and what it promises."""

from __future__ import annotations

from pathlib import Path

import apsw

from snug.domain.errors import EnvironmentFault, WrongKeyError
from snug.vault.cipher import CIPHER, apply_key
from snug.vault.data_key import DataKey
from snug.vault.faults import BUSY_TIMEOUT_MS, key_faults
from snug.vault.files import os_faults
from snug.vault.query import fetch, number
from snug.vault.search_words import register

_FIRST_BYTES = 64 * 1024


def connect(
    name: str, key: DataKey | None, *, path: Path, vfs: str | None = None
) -> apsw.Connection:
    """A connection that is set up and has read its first page. Does not make a file.

    SQLite's cipher tells a read that failed as a page of another key: only what fails twice, on a
    disk that does read, is believed.

    Args:
        name: path or URI for SQLite.
        path: the file, for messages.

    Raises:
        WrongKeyError: the file cannot be read with this key.
        VaultDamagedError, EnvironmentFault: it cannot be read.
    """
    try:
        return _connect(name, key, path, vfs)
    except WrongKeyError:
        with os_faults(path), path.open("rb") as file:
            file.read(_FIRST_BYTES)
        return _connect(name, key, path, vfs)


def _connect(name: str, key: DataKey | None, path: Path, vfs: str | None) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READWRITE | (0 if key else apsw.SQLITE_OPEN_CREATE)
    with key_faults(path):
        connection = apsw.Connection(name, flags | apsw.SQLITE_OPEN_URI, vfs)
        try:
            connection.set_busy_timeout(BUSY_TIMEOUT_MS)
            if key is not None:
                apply_key(connection, key)
            number(connection, "SELECT count(*) FROM sqlite_master")
            _set_up(connection, on_disk=key is not None)
            register(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def _set_up(connection: apsw.Connection, on_disk: bool) -> None:
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    for pragma in (
        "temp_store=MEMORY",
        "mmap_size=0",
        "secure_delete=ON",
        "foreign_keys=ON",
        "trusted_schema=OFF",
        "cell_size_check=ON",
        "journal_size_limit=16777216",
        "cache_size=-16384",
    ):
        connection.execute(f"PRAGMA {pragma}")
    if number(connection, "PRAGMA page_count") == 0:
        # Only before the first page: lets a deletion give its pages back to the disk.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    if not on_disk:
        return
    mode = fetch(connection, "PRAGMA journal_mode=WAL")[0][0]
    cipher = fetch(connection, "PRAGMA cipher")[0][0]
    if mode != "wal" or cipher != CIPHER:
        raise EnvironmentFault(
            f"This build of SQLite cannot keep the chats encrypted (log {mode}, cipher {cipher}). "
            "Reinstall Snug."
        )
