"""What SQLite refuses, told as the errors a person can read.

Only what the machine may be to blame for is translated. A wrong statement or a broken constraint
is a defect of ours and passes through as it is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import apsw

from snug.domain.errors import (
    EnvironmentFault,
    OutOfMemoryError,
    SnugError,
    VaultDamagedError,
    WrongKeyError,
)
from snug.domain.keeping import Stopped
from snug.vault.files import disk_full, free_bytes

BUSY_TIMEOUT_MS = 10_000
CLOSED = "The chats are closed already."

# SQLite reports some full disks as a failed sync or mapping; with less than this left, it is one.
_ALMOST_FULL_BYTES = 256 * 1024

_DAMAGED = (apsw.NotADBError, apsw.CorruptError)
_BUSY = (apsw.BusyError, apsw.LockedError)
_REFUSED = (apsw.CantOpenError, apsw.PermissionsError, apsw.ReadOnlyError, apsw.AuthError)
_CLOSED = (apsw.ConnectionClosedError, apsw.CursorClosedError, apsw.InterruptError)


def stop_if(stopped: Stopped) -> None:
    """End long work whose vault is being closed. Raises: EnvironmentFault."""
    if stopped():
        raise EnvironmentFault(CLOSED)


@contextlib.contextmanager
def database_faults(path: Path) -> Iterator[None]:
    """Turn SQLite's errors on the database at `path` into ours.

    Raises:
        DiskFullError: no room left, with the bytes that are.
        VaultDamagedError: the file cannot be read; it is kept as it is.
        EnvironmentFault: any other refusal of disk, memory or another process.
    """
    try:
        yield
    except apsw.Error as error:
        fault = _fault(error, path)
        if fault is None:
            raise
        raise fault from error


@contextlib.contextmanager
def key_faults(path: Path) -> Iterator[None]:
    """As `database_faults`, for the first read of a file: what is unreadable has another key.

    Raises:
        WrongKeyError: the key does not open the file.
    """
    try:
        with database_faults(path):
            yield
    except VaultDamagedError as error:
        if isinstance(error.__cause__, apsw.NotADBError):
            raise WrongKeyError(f"This key does not open {path}.") from error
        raise


def damaged(path: Path) -> VaultDamagedError:
    """The error for a database that cannot be read."""
    return VaultDamagedError(
        f"{path} is damaged and cannot be read, or it belongs to another vault. Snug has left it "
        "as it is. Put a backup in its place (snug vault backups, snug vault restore), or save "
        "what can still be read (snug vault salvage); the damaged file is kept by both."
    )


def _fault(error: apsw.Error, path: Path) -> SnugError | None:
    folder = path.parent
    if isinstance(error, apsw.FullError):
        return disk_full(folder)
    if isinstance(error, apsw.IOError):
        return _io_fault(error, folder)
    if _is_of_index(error):
        return EnvironmentFault(
            f"The index of words in {path} could not be read. Nothing was changed. Try again. If "
            f"it stays so, the disk that holds {folder} may be failing: check it, and make a copy "
            "of that folder, then look with snug vault verify."
        )
    if isinstance(error, _DAMAGED):
        return damaged(path)
    if isinstance(error, _BUSY):
        return EnvironmentFault(
            f"Another Snug has been writing to the chats in {folder} for more than "
            f"{BUSY_TIMEOUT_MS // 1000} s. Wait until it is done, or end it, and try again."
        )
    if isinstance(error, _REFUSED):
        return EnvironmentFault(
            f"Snug may not write {path}. Make its folder writable for you, or choose another data "
            "folder with --data-dir."
        )
    if isinstance(error, apsw.NoMemError):
        return OutOfMemoryError("There is not enough memory left to read or keep the chats.")
    if isinstance(error, _CLOSED):
        return EnvironmentFault(CLOSED)
    return None


def _is_of_index(error: apsw.Error) -> bool:
    """FTS5 tells a read that failed as damage of its own; each page is looked at on its own too."""
    return isinstance(error, apsw.CorruptError) and _code(error) == apsw.SQLITE_CORRUPT_VTAB


def _code(error: apsw.Error) -> int | None:
    """SQLite's extended result code; the stubs lack it."""
    code = getattr(error, "extendedresult", None)
    return code if isinstance(code, int) else None


def _io_fault(error: apsw.IOError, folder: Path) -> EnvironmentFault:
    free = free_bytes(folder)
    if free is not None and free < _ALMOST_FULL_BYTES:
        return disk_full(folder)
    return EnvironmentFault(
        f"The disk that holds {folder} failed (SQLite error {_code(error)}). What was "
        "already kept is safe if the disk is; check it, and make a copy of that folder."
    )
