"""A lock between processes: a window and a terminal may change the library at the same time."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from snug.domain.errors import EnvironmentFault

_STEP_S: Final = 0.01

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def locked(path: Path, timeout_s: float = 10.0) -> Iterator[None]:
    """Hold the lock file `path`; the system frees it even when this process is killed.

    Also excludes the other threads of this process.

    Raises:
        EnvironmentFault: another process held it all that time.
        OSError: the lock file cannot be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        _wait(descriptor, timeout_s)
        yield
    finally:
        os.close(descriptor)


def _wait(descriptor: int, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return _try_lock(descriptor)
        except OSError as error:
            if time.monotonic() >= deadline:
                raise EnvironmentFault(
                    f"Another Snug has kept the model library busy for {timeout_s:.0f} s. "
                    "Close it, then try again."
                ) from error
        # There is no call that waits for such a lock with a time limit.
        time.sleep(_STEP_S)
