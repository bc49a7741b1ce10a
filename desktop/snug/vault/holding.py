"""Who is at work in a vault's folder: many may have it open, one alone may exchange what is in it.

All of it is told by locks of the operating system, which end with the process that holds them, so
that nothing a killed one left behind is taken for work in progress.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from snug.domain.errors import EnvironmentFault, UserError
from snug.vault.files import lock_file, make_private_folder, os_faults

OPEN_NAME = "vault.open"
_ALONE_TIMEOUT_S = 2.0  # a command that only looks has ended by then
_HOLD_TIMEOUT_S = 60.0  # a restored backup is read whole before it counts


class Held:
    """Says that a vault is open, until `close` or the end of this process."""

    def __init__(self, folder: Path) -> None:
        """Wait for whoever exchanges the vault in `folder`, then keep them away.

        Raises:
            EnvironmentFault: it takes more than a minute, or the folder cannot be written.
        """
        descriptor = lock_file(folder / OPEN_NAME, fcntl.LOCK_SH, _HOLD_TIMEOUT_S)
        if descriptor is None:
            raise EnvironmentFault(
                f"Another Snug is restoring the chats in {folder}. Wait until it is done, or end "
                "it, and try again."
            )
        self._descriptor: int | None = descriptor

    def close(self) -> None:
        """The vault is not open any more. Idempotent."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody has the vault in `folder` open, nor opens it meanwhile.

    Raises:
        UserError: it is open; nothing was done.
        EnvironmentFault: the folder cannot be written.
    """
    descriptor = lock_file(folder / OPEN_NAME, fcntl.LOCK_EX, _ALONE_TIMEOUT_S)
    if descriptor is None:
        raise UserError(
            f"The chats in {folder} are open in another Snug: a window, or a command such as "
            "`snug chat`. End it and try again. Nothing was changed."
        )
    try:
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def workplace(folder: Path, prefix: str) -> Iterator[Path]:
    """An empty private folder in `folder` for copies of chats; it goes at the end.

    Raises:
        DiskFullError, EnvironmentFault: it cannot be made.
    """
    while True:
        place = folder / f"{prefix}{secrets.token_hex(4)}"
        make_private_folder(place)
        with os_faults(place), contextlib.suppress(FileNotFoundError):
            descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if place.exists():
                break
            os.close(descriptor)  # `sweep` came between; once more
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(descriptor)


def sweep(folder: Path, prefix: str) -> None:
    """Remove every `workplace` whose process has ended."""
    for place in folder.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):  # somebody is at work in it, or has just removed it
            descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(place, ignore_errors=True)
            finally:
                os.close(descriptor)
