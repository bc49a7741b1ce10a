"""What is done to a vault that is not open: looking at backups, restoring, salvaging."""

from __future__ import annotations

from pathlib import Path

from snug.domain.keeping import Backup, Checked, Restored
from snug.domain.unlocking import KeySlot, Secret
from snug.vault import backups, keys, vault_keys
from snug.vault.backups import DATABASE
from snug.vault.oskeyring import SecretStore


class VaultCare:
    """Of the vault in one folder. Blocks for as long as its size takes; any thread."""

    def __init__(
        self, folder: Path, keys_folder: Path, secret_store: SecretStore | None = None
    ) -> None:
        self._folder = folder
        self._keys_folder = keys_folder
        self._store = secret_store

    @property
    def folder(self) -> Path:
        """Where the vault lies."""
        return self._folder

    def slots(self) -> tuple[KeySlot, ...]:
        """Every way to open it. Raises: NotFoundError, VaultDamagedError, NewerSchemaError."""
        return vault_keys.described(self._folder, self._keys_folder)

    def silent(self) -> bool:
        """Whether it opens on this device without a question. Raises: as `slots`."""
        return vault_keys.opens_silently(self._folder, self._keys_folder)

    def size_bytes(self) -> int:
        """What the database takes on the disk."""
        return sum(path.stat().st_size for path in self._folder.glob(f"{DATABASE}*"))

    def backups(self) -> tuple[Backup, ...]:
        """Those that Snug made by itself, newest first."""
        return backups.found(self._folder)

    def check_backup(self, backup: Path, secret: Secret) -> Checked:
        """Look at every row of a backup. Raises: as `restoring.restore`."""
        from snug.vault import restoring  # late: start-up counts

        return restoring.check_backup(self._folder, self._keys_folder, backup, secret, self._store)

    def restore(self, backup: Path, secret: Secret) -> Restored:
        """Put a backup in the vault's place. Raises: as `restoring.restore`."""
        from snug.vault import restoring  # late, as above

        return restoring.restore(self._folder, self._keys_folder, backup, secret, self._store)

    def salvage(self, secret: Secret) -> Restored:
        """Put what can still be read in the place of a damaged database.

        Raises:
            VaultLockedError, WrongKeyError: it is not opened by this.
            VaultDamagedError: nothing can be read.
            DiskFullError, EnvironmentFault: the disk refused.
        """
        from snug.vault import salvage  # late, as above

        key = keys.unlock(self._folder, self._keys_folder, secret, self._store)
        try:
            return salvage.salvage(self._folder, key)
        finally:
            key.close()
