"""Backups that make themselves, and looking whether everything is still sound."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from snug.domain.conversation import now_ms
from snug.domain.errors import EnvironmentFault, UserError
from snug.domain.keeping import Backup, Checked, Restored, Stopped, never
from snug.domain.unlocking import KeySlot, Secret

DAY_MS = 86_400_000
_PIECE = 1024 * 1024
_ELSEWHERE = ("passphrase", "recovery", "portable")  # slots that open a backup on any machine


class OpenVault(Protocol):
    """The open vault; see `vault/vault.py` for what each raises."""

    def back_up(self, stopped: Stopped = ...) -> Backup:
        """Make a backup and remove those that are too many."""

    def backups(self) -> tuple[Backup, ...]:
        """Those that are there, newest first."""

    def changed_ms(self) -> int:
        """When something was written last; 0 where nothing is kept yet."""

    def check(self, stopped: Stopped = ...) -> Checked:
        """Look at every page and row."""


class Care(Protocol):
    """What is done to a vault that is not open; see `vault/care.py` for what each raises."""

    @property
    def folder(self) -> Path:
        """Where the vault lies."""

    def slots(self) -> tuple[KeySlot, ...]:
        """Every way to open it."""

    def silent(self) -> bool:
        """Whether it opens on this device without a question."""

    def size_bytes(self) -> int:
        """What the database takes on the disk."""

    def backups(self) -> tuple[Backup, ...]:
        """Those that Snug made by itself, newest first."""

    def check_backup(self, backup: Path, secret: Secret) -> Checked:
        """Look at every row of a backup."""

    def restore(self, backup: Path, secret: Secret) -> Restored:
        """Put a backup in the vault's place."""

    def salvage(self, secret: Secret) -> Restored:
        """Put what can still be read in the place of a damaged database."""


class Slots(Protocol):
    """What opens the vault."""

    def slots(self) -> tuple[KeySlot, ...]:
        """Every way to open it."""


class Keeping:
    """Of one open vault. All methods block for as long as the vault is large; any thread.

    What takes long asks `stopped` now and then, and ends with an `EnvironmentFault` where it is
    True: a vault that is locked or closed must not wait for a backup.
    """

    def __init__(self, vault: OpenVault, keys: Slots) -> None:
        self._vault = vault
        self._keys = keys

    def backups(self) -> tuple[Backup, ...]:
        """Those that are there, newest first."""
        return self._vault.backups()

    def back_up(self, stopped: Stopped = never) -> Backup:
        """Make one now. Raises: VaultDamagedError, DiskFullError, EnvironmentFault."""
        return self._vault.back_up(stopped)

    def back_up_if_due(self, stopped: Stopped = never) -> Backup | None:
        """Make one where the newest is a day old and something has changed since.

        Raises:
            VaultDamagedError: the vault is not sound: tell the person.
            DiskFullError, EnvironmentFault: the disk refused.
        """
        newest = next(iter(self._vault.backups()), None)
        changed = self._vault.changed_ms()
        if newest is not None and newest.created_ms > now_ms():
            newest = None  # the clock was ahead; it must not stop the backups
        age = DAY_MS if newest is None else now_ms() - newest.created_ms
        if not changed or age < DAY_MS or (newest is not None and changed < newest.created_ms):
            return None
        return self._vault.back_up(stopped)

    def back_up_to(self, path: Path, stopped: Stopped = never) -> Backup:
        """Make one and put a copy of it at `path`, a file that is not there yet.

        Raises:
            UserError: there is such a file already.
            VaultDamagedError, DiskFullError, EnvironmentFault: nothing was kept.
        """
        if path.exists():
            raise _taken(path)
        made = self._vault.back_up(stopped)
        try:
            file = path.open("xb")
        except FileExistsError as error:
            raise _taken(path) from error
        except OSError as error:
            raise _refused(path, made, error) from error
        try:
            with file, made.path.open("rb") as source:
                path.chmod(0o600)
                while piece := source.read(_PIECE):
                    file.write(piece)
                    if stopped():
                        raise EnvironmentFault(f"The backup is kept as {made.path}.")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            path.unlink(missing_ok=True)
            raise _refused(path, made, error) from error
        except EnvironmentFault:
            path.unlink(missing_ok=True)
            raise
        return Backup(path, made.created_ms, made.bytes, made.format)

    def opens_elsewhere(self) -> bool:
        """Whether something opens a backup on another machine too."""
        return any(slot.kind in _ELSEWHERE for slot in self._keys.slots())

    def check(self, stopped: Stopped = never) -> Checked:
        """Look at every page and row. Raises: EnvironmentFault (the disk is at fault)."""
        return self._vault.check(stopped)


def _taken(path: Path) -> UserError:
    return UserError(f"There is a file {path} already. Choose another name.")


def _refused(path: Path, made: Backup, error: OSError) -> EnvironmentFault:
    return EnvironmentFault(
        f"The backup could not be written to {path}: {error.strerror or error}. It is kept as "
        f"{made.path}."
    )
