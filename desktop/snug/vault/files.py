"""Private files on disk: folders 0700, files 0600, replaced whole or not at all, and one lock.

Everything of the vault that SQLite does not write itself goes through here.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from snug.domain.errors import DiskFullError, EnvironmentFault

LOCK_NAME = "vault.lock"
LOCK_TIMEOUT_S = 60.0  # a migration of a large vault holds the lock while it copies
_LOCK_POLL_S = 0.02
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


def free_bytes(folder: Path) -> int | None:
    """Bytes that may still be written on the disk that holds `folder`; None where unknown."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def disk_full(folder: Path) -> DiskFullError:
    """The error for a full disk, with its figure."""
    free = free_bytes(folder)
    left = "" if free is None else f" ({free:,} bytes are left)"
    return DiskFullError(
        f"The disk that holds {folder} is full{left}. Free some space there; "
        "what was already kept is safe."
    )


def os_fault(error: OSError, path: Path) -> EnvironmentFault:
    """What the operating system refused, as an error of ours."""
    if error.errno in _NO_SPACE:
        return disk_full(path.parent)
    reason = error.strerror or type(error).__name__
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return EnvironmentFault(
            f"Snug may not write {path}: {reason}. Make its folder writable for you, or choose "
            "another data folder with --data-dir."
        )
    return EnvironmentFault(f"{path} cannot be used: {reason}.")


@contextlib.contextmanager
def os_faults(path: Path) -> Iterator[None]:
    """Turn an `OSError` on `path` into a fault that can be shown.

    Raises:
        DiskFullError: no room left.
        EnvironmentFault: anything else the operating system refused.
    """
    try:
        yield
    except OSError as error:
        raise os_fault(error, path) from error


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner may enter (0700), or make an existing one so.

    Raises:
        EnvironmentFault: it cannot be made.
    """
    with os_faults(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    restrict(folder, 0o700)


def restrict(path: Path, mode: int) -> None:
    """Take rights away from others where there are any; a file system without modes is left be."""
    with contextlib.suppress(OSError):
        if path.stat().st_mode & 0o077:
            path.chmod(mode)


def create_private(path: Path) -> None:
    """Make an empty file of mode 0600 that was not there before.

    Raises:
        EnvironmentFault: it cannot be made.
    """
    with os_faults(path):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))


def write_private(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 so that a crash leaves the old or the new one, never between.

    Raises:
        DiskFullError, EnvironmentFault: it could not be written; the old file is as it was.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    with os_faults(path):
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries to the disk: a rename counts only after this."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def erase(path: Path) -> None:
    """Overwrite a small secret file and remove it; harmless when it is not there.

    A journalling or copy-on-write disk may keep the old blocks, which cannot be helped from here.

    Raises:
        EnvironmentFault: it cannot be removed.
    """
    with os_faults(path), contextlib.suppress(FileNotFoundError):
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        sync_folder(path.parent)


@contextlib.contextmanager
def locked(folder: Path, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
    """Hold the vault's lock among all processes. Not reentrant; freed by the kernel on a crash.

    Raises:
        EnvironmentFault: another process holds it longer than `timeout_s`, or the folder cannot
            be written.
    """
    descriptor = lock_file(folder / LOCK_NAME, fcntl.LOCK_EX, timeout_s)
    if descriptor is None:
        raise EnvironmentFault(
            f"Another Snug is still setting up or converting the chats in {folder}. "
            "Wait until it is done, or end it, and try again."
        )
    try:
        yield
    finally:
        os.close(descriptor)


def lock_file(path: Path, kind: int, timeout_s: float) -> int | None:
    """Take a lock on the file at `path`, which is made where there is none.

    Args:
        kind: fcntl.LOCK_SH, which many may have, or fcntl.LOCK_EX.

    Returns:
        The descriptor, whose closing ends the lock; None where others hold it for longer.

    Raises:
        EnvironmentFault: the file cannot be made or locked.
    """
    with os_faults(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + timeout_s
    try:
        with os_faults(path):
            while not _taken(descriptor, kind):
                if time.monotonic() > deadline:
                    os.close(descriptor)
                    return None
                # flock has no timeout of its own, and a lock for ever would hang the window.
                threading.Event().wait(_LOCK_POLL_S)
    except EnvironmentFault:
        os.close(descriptor)
        raise
    return descriptor


def _taken(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
