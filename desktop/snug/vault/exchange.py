"""Putting another database in the place of the present one, which is kept.

What is to come in is made ready in the folder `restored`; from the mark in it on, the exchange is
carried through, by the next start where this process ends in the middle of it.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from snug.domain.conversation import now_ms
from snug.domain.keeping import Checked, Restored
from snug.vault.backups import DATABASE, SLOTS
from snug.vault.files import make_private_folder, os_faults, sync_folder, write_private
from snug.vault.holding import Held, alone

_NEW = "restored"
_READY = "ready"
# In this order: a log of the old database must never meet the new one.
_MOVED = (f"{DATABASE}-wal", f"{DATABASE}-shm", SLOTS, DATABASE)


def hold(folder: Path) -> Held:
    """Say that the vault in `folder` is being opened; what was begun to be exchanged comes first.

    Raises:
        DiskFullError, EnvironmentFault: the disk refused, or another process takes too long.
    """
    while True:
        held = Held(folder)
        if not (folder / _NEW).exists():
            return held
        if not (folder / _NEW / _READY).exists():
            # Whoever made it ready has ended: nobody exchanges anything while this is held.
            shutil.rmtree(folder / _NEW, ignore_errors=True)
            return held
        held.close()
        with alone(folder):
            _finish(folder)


@contextlib.contextmanager
def made_ready(folder: Path) -> Iterator[Path]:
    """Where the next database of the vault in `folder` is made ready: empty at first.

    Nobody else may open the vault meanwhile. The place goes at the end, unless `put_in_place` was
    begun.

    Raises:
        UserError: the vault is open.
        DiskFullError, EnvironmentFault: the disk refused.
    """
    new = folder / _NEW
    with alone(folder):
        _finish(folder)
        shutil.rmtree(new, ignore_errors=True)
        make_private_folder(new)
        try:
            yield new
        finally:
            if not (new / _READY).exists():
                shutil.rmtree(new, ignore_errors=True)


def put_in_place(folder: Path, checked: Checked) -> Restored:
    """Exchange the vault for what was `made_ready`, inside it.

    Raises:
        DiskFullError, EnvironmentFault: the disk refused; the next start carries it through.
    """
    moment = datetime.fromtimestamp(now_ms() / 1000, UTC)
    aside = folder / f"set-aside-{moment:%Y%m%d-%H%M%S}-{now_ms() % 1000:03}"
    had_one = any((folder / name).exists() for name in _MOVED)
    write_private(folder / _NEW / _READY, aside.name.encode())
    _finish(folder)
    return Restored(checked.conversations, checked.messages, aside if had_one else None)


def _finish(folder: Path) -> None:
    """Carry an exchange through that was begun; does nothing where none was."""
    mark = folder / _NEW / _READY
    if not mark.exists():
        return
    with os_faults(folder):
        aside = folder / mark.read_text(encoding="ascii")
        make_private_folder(aside)
        for name in _MOVED:
            coming = folder / _NEW / (DATABASE if name.startswith(DATABASE) else name)
            if coming.exists() and (folder / name).exists():
                (folder / name).rename(aside / name)
        sync_folder(aside)
        for name in (SLOTS, DATABASE):
            if (folder / _NEW / name).exists():
                (folder / _NEW / name).rename(folder / name)
        sync_folder(folder)
        mark.unlink()
        shutil.rmtree(folder / _NEW, ignore_errors=True)
        with contextlib.suppress(OSError):
            aside.rmdir()  # where there was nothing before
