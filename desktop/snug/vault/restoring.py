"""Bringing a backup back, and looking at one without doing so."""

from __future__ import annotations

import contextlib
from pathlib import Path

from snug.domain.errors import SnugError, VaultDamagedError, WrongKeyError
from snug.domain.keeping import Checked, Restored
from snug.domain.unlocking import NOTHING, Secret
from snug.vault import backups, keys
from snug.vault.backups import DATABASE, LOOKED_AT, SLOTS
from snug.vault.checking import check_all
from snug.vault.connecting import connect
from snug.vault.data_key import DataKey
from snug.vault.exchange import made_ready, put_in_place
from snug.vault.faults import damaged, database_faults
from snug.vault.files import make_private_folder, write_private
from snug.vault.holding import workplace
from snug.vault.migrations import migrate, needs_migration
from snug.vault.oskeyring import SecretStore


def restore(
    folder: Path,
    keys_folder: Path,
    backup: Path,
    secret: Secret = NOTHING,
    secret_store: SecretStore | None = None,
) -> Restored:
    """Put a backup in the place of the vault in `folder`, after looking at every row of it.

    What was there goes to a folder of its own beside it.

    Args:
        secret: opens the backup; NOTHING tries what this device keeps.

    Raises:
        UserError: the file is no backup, or is damaged, or the vault in `folder` is open; nothing
            was changed.
        VaultLockedError, WrongKeyError: it is not opened by this; nothing was changed.
        VaultDamagedError: it holds a database that is not sound; nothing was changed.
        NewerSchemaError: a newer Snug made it.
        DiskFullError, EnvironmentFault: the disk refused; the next start carries it through, or
            nothing was changed.
    """
    backups.read(backup)
    make_private_folder(folder)
    with made_ready(folder) as new:
        checked = _unpacked_and_read(backup, new, folder, keys_folder, secret, secret_store)
        if not checked.ok:
            raise VaultDamagedError(
                f"What the backup holds is damaged: {checked.problems[0]} Nothing was changed; "
                "take another backup."
            )
        return put_in_place(folder, checked)


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
    with workplace(folder, LOOKED_AT) as place:
        return _unpacked_and_read(backup, place, folder, keys_folder, secret, secret_store)


def _unpacked_and_read(
    backup: Path,
    into: Path,
    folder: Path,
    keys_folder: Path,
    secret: Secret,
    secret_store: SecretStore | None,
) -> Checked:
    """Unpack a backup, open what it holds, and look at every row of it."""
    _unpack(backup, into, folder)
    key = keys.unlock(into, keys_folder, secret, secret_store)
    try:
        return _look(into / DATABASE, key)
    finally:
        key.close()


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


def _look(path: Path, key: DataKey) -> Checked:
    try:
        connection = connect(str(path), key, path=path)
    except WrongKeyError as error:
        raise damaged(path) from error  # the slots beside it have proved the key
    try:
        with database_faults(path):
            if needs_migration(connection, path):
                # A copy that nothing else is kept in: the backup itself stays as it is.
                migrate(connection, path, back_up=None)
        return check_all(connection, path)
    finally:
        connection.close()
