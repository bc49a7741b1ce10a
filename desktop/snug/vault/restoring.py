"""Putting another database in the place of the present one, which is kept.

What is to come in is made ready in the folder `restored`; from the mark in it on, the exchange is
carried through, by the next start where this process ends in the middle of it.
"""

from __future__ import annotations

import contextlib
import shutil
from datetime import UTC, datetime
from pathlib import Path

from snug.domain.conversation import now_ms
from snug.domain.errors import SnugError, VaultDamagedError, WrongKeyError
from snug.domain.keeping import Checked, Restored
from snug.domain.unlocking import NOTHING, Secret
from snug.vault import backups, keys
from snug.vault.backups import DATABASE, SLOTS
from snug.vault.checking import check_all
from snug.vault.connecting import connect
from snug.vault.data_key import DataKey
from snug.vault.faults import damaged, database_faults
from snug.vault.files import locked, make_private_folder, os_faults, sync_folder, write_private
from snug.vault.migrations import migrate, needs_migration
from snug.vault.oskeyring import SecretStore

_NEW = "restored"
_READY = "ready"
# In this order: a log of the old database must never meet the new one.
_MOVED = (f"{DATABASE}-wal", f"{DATABASE}-shm", SLOTS, DATABASE)


def restore(
    folder: Path,
    keys_folder: Path,
    backup: Path,
    secret: Secret = NOTHING,
    secret_store: SecretStore | None = None,
) -> Restored:
    """Put a backup in the place of the vault in `folder`, after looking at every row of it.

    No vault may be open in `folder`. What was there goes to a folder of its own beside it.

    Args:
        secret: opens the backup; NOTHING tries what this device keeps.

    Raises:
        UserError: the file is no backup, or is damaged; nothing was changed.
        VaultLockedError, WrongKeyError: it is not opened by this; nothing was changed.
        VaultDamagedError: it holds a database that is not sound; nothing was changed.
        NewerSchemaError: a newer Snug made it.
        DiskFullError, EnvironmentFault: the disk refused; the next start carries it through, or
            nothing was changed.
    """
    backups.read(backup)
    make_private_folder(folder)
    new = fresh_folder(folder)
    try:
        _unpack(backup, new, folder)
        key = keys.unlock(new, keys_folder, secret, secret_store)
        try:
            checked = _look(new / DATABASE, key)
        finally:
            key.close()
        return put_in_place(folder, checked)
    finally:
        if not (new / _READY).exists():
            shutil.rmtree(new, ignore_errors=True)


def check_backup(
    folder: Path,
    keys_folder: Path,
    backup: Path,
    secret: Secret = NOTHING,
    secret_store: SecretStore | None = None,
) -> Checked:
    """Look at every row of a backup without putting it anywhere. Raises: as `restore`."""
    backups.read(backup)
    make_private_folder(folder)
    looked_at = folder / ".looked-at"
    shutil.rmtree(looked_at, ignore_errors=True)
    make_private_folder(looked_at)
    try:
        _unpack(backup, looked_at, folder)
        key = keys.unlock(looked_at, keys_folder, secret, secret_store)
        try:
            return _look(looked_at / DATABASE, key, strict=False)
        finally:
            key.close()
    finally:
        shutil.rmtree(looked_at, ignore_errors=True)


def _unpack(backup: Path, into: Path, folder: Path) -> None:
    """Unpack a backup; where it is of the vault in `folder`, what opens that opens it too.

    The data key is the same, and what opened it when the backup was made may be gone: a passphrase
    that was changed, a key file that was erased.
    """
    backups.unpack(backup, into)
    with contextlib.suppress(SnugError):
        present, kept = keys.read_slots(folder), keys.read_slots(into)
        same_key = (present.vault_id, present.check) == (kept.vault_id, kept.check)
        if same_key and present.slots:
            write_private(into / SLOTS, (folder / SLOTS).read_bytes())


def _look(path: Path, key: DataKey, *, strict: bool = True) -> Checked:
    try:
        connection = connect(str(path), key, path=path)
    except WrongKeyError as error:
        raise damaged(path) from error  # the slots beside it have proved the key
    try:
        with database_faults(path):
            if needs_migration(connection, path):
                # A copy that nothing else is kept in: the backup itself stays as it is.
                migrate(connection, path, back_up=None)
        checked = check_all(connection, path)
    finally:
        connection.close()
    if strict and not checked.ok:
        raise VaultDamagedError(
            f"What the backup holds is damaged: {checked.problems[0]} Nothing was changed; take "
            "another backup."
        )
    return checked


def fresh_folder(folder: Path) -> Path:
    """Where the next database of the vault in `folder` is made ready; empty."""
    new = folder / _NEW
    finish(folder)
    shutil.rmtree(new, ignore_errors=True)
    make_private_folder(new)
    return new


def put_in_place(folder: Path, checked: Checked) -> Restored:
    """Exchange the vault for what is in its `fresh_folder`.

    Raises:
        DiskFullError, EnvironmentFault: the disk refused; the next start carries it through.
    """
    moment = datetime.fromtimestamp(now_ms() / 1000, UTC)
    aside = folder / f"set-aside-{moment:%Y%m%d-%H%M%S}-{now_ms() % 1000:03}"
    had_one = any((folder / name).exists() for name in _MOVED)
    write_private(folder / _NEW / _READY, aside.name.encode())
    finish(folder)
    return Restored(checked.conversations, checked.messages, aside if had_one else None)


def finish(folder: Path) -> None:
    """Carry an exchange through that was begun; does nothing where none was.

    Raises:
        DiskFullError, EnvironmentFault: the disk refused.
    """
    mark = folder / _NEW / _READY
    if not mark.exists():
        return
    with locked(folder), os_faults(folder):
        if not mark.exists():  # another process has done it meanwhile
            return
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
