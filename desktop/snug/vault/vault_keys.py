"""The ways to open a living vault: told, added, changed and removed. The data is never rewritten.

Each method takes the vault's file lock, so that windows and terminals do not undo each other.
"""

from __future__ import annotations

import hmac
import secrets as random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from snug.domain.errors import EnvironmentFault, NotFoundError, UserError, WrongKeyError
from snug.domain.unlocking import KeySlot
from snug.vault import keys, recovery, slots
from snug.vault.data_key import DataKey
from snug.vault.files import create_private, locked, os_faults, write_private
from snug.vault.oskeyring import OsKeyring, SecretStore
from snug.vault.slots import Slot, SlotFile, SlotKind

SILENT = (SlotKind.KEYFILE, SlotKind.KEYRING)

_NOTES = {
    SlotKind.PASSPHRASE: "Whoever knows it opens the chats. Forgotten means lost.",
    SlotKind.KEYRING: "The keyring of your desktop account opens the chats without a question.",
    SlotKind.RECOVERY: "The code on paper opens the chats if all else is gone.",
    SlotKind.PORTABLE: "The key file that you carry opens the chats.",
}


class VaultKeys:
    """The slots of an open vault. Any thread; a passphrase takes 0.3 s, the rest milliseconds.

    Raises (all methods that change): `DiskFullError`, `EnvironmentFault` (vault.json could not be
    written and is as it was), `VaultDamagedError`, `NewerSchemaError`; `WrongKeyError` where the
    data key is another vault's.
    """

    def __init__(
        self,
        folder: Path,
        keys_folder: Path,
        data_key: DataKey,
        secret_store: SecretStore | None = None,
    ) -> None:
        self._folder = folder
        self._keys_folder = keys_folder
        self._data_key = data_key
        self._store = secret_store or OsKeyring()

    def slots(self) -> tuple[KeySlot, ...]:
        """Every way that this version knows, in the order in which they were added."""
        return described(self._folder, self._keys_folder)

    def silent(self) -> bool:
        """Whether the vault opens on this device without a question."""
        return opens_silently(self._folder, self._keys_folder)

    def add_passphrase(self, passphrase: str, strong: bool = False) -> str:
        """Let a passphrase open the vault too; returns the slot's id. Raises: UserError (empty)."""
        return self._add(
            lambda file: keys.passphrase_slot(file, self._data_key, passphrase, strong)
        )

    def change_passphrase(self, passphrase: str, strong: bool = False) -> str:
        """Let this passphrase open the vault and no earlier one, in a single step."""
        return self._add(
            lambda file: keys.passphrase_slot(file, self._data_key, passphrase, strong),
            instead_of=SlotKind.PASSPHRASE,
        )

    def add_recovery_code(self) -> str:
        """Make a recovery code; one that was made before no longer opens the vault.

        Returns:
            The code. It is kept nowhere: show it once.
        """
        code = recovery.new_code()
        secret = recovery.code_secret(code)
        self._add(lambda file: self._wrapped(file, SlotKind.RECOVERY, secret), SlotKind.RECOVERY)
        return code

    def add_key_file(self, path: Path) -> str:
        """Write a key file to carry, for example on a stick; returns the slot's id.

        Raises:
            UserError: there is a file of that name.
            DiskFullError, EnvironmentFault: it could not be written; nothing was changed.
        """
        if path.exists() or path.is_symlink():
            raise UserError(f"There is a file {path} already. Choose another name.")
        secret = random.token_bytes(slots.KEY_BYTES)
        create_private(path)
        try:
            write_private(path, f"snug key file\n{secret.hex()}\n".encode())
            return self._add(lambda file: self._wrapped(file, SlotKind.PORTABLE, secret))
        except EnvironmentFault:
            with os_faults(path):
                path.unlink(missing_ok=True)
            raise

    def write_note(self, path: Path, text: str) -> None:
        """Write a text of the person's, such as the recovery code, for this account alone.

        Raises:
            UserError: there is a file of that name.
            DiskFullError, EnvironmentFault: it could not be written.
        """
        if path.exists() or path.is_symlink():
            raise UserError(f"There is a file {path} already. Choose another name.")
        write_private(path, text.encode())

    def add_keyring(self) -> str:
        """Let the keyring of the desktop account open the vault; returns the slot's id.

        Raises:
            EnvironmentFault: there is no keyring here, or it does not keep what it is given.
        """

        def made(file: SlotFile) -> Slot:
            slot = keys.keyring_slot(file, self._data_key, self._store)
            if slot is None:
                raise EnvironmentFault(
                    "There is no keyring of the desktop here that keeps a key. "
                    "A passphrase works everywhere."
                )
            return slot

        return self._add(made, instead_of=SlotKind.KEYRING)

    def add_silent_file(self) -> str:
        """Let this device open the vault without a question, by a key file outside the data."""
        return self._add(
            lambda file: keys.keyfile_slot(file, self._data_key, self._keys_folder),
            instead_of=SlotKind.KEYFILE,
        )

    def remove(self, slot_id: str) -> None:
        """Close one way to open the vault, and erase the secret that Snug keeps for it.

        Raises:
            NotFoundError: there is no such slot.
            UserError: it is the last one.
            EnvironmentFault: the secret could not be erased.
        """
        with locked(self._folder):
            file = keys.read_slots(self._folder)
            gone = next((slot for slot in file.slots if slot.id == slot_id), None)
            if gone is None:
                raise NotFoundError(f"There is no key {slot_id}.")
            kept = tuple(slot for slot in file.slots if slot.id != slot_id)
            if not kept:
                raise UserError("This is the last key of the vault: without it the chats are lost.")
            self._write(replace(file, slots=kept))
            if all(slot.kind is not gone.kind for slot in kept):
                keys.forget_secret(file.vault_id, gone.kind, self._keys_folder, self._store)

    def _add(self, make: Callable[[SlotFile], Slot], instead_of: SlotKind | None = None) -> str:
        with locked(self._folder):
            file = keys.read_slots(self._folder)
            if not hmac.compare_digest(
                file.check, slots.key_check(self._data_key.raw, file.vault_id)
            ):
                raise WrongKeyError("This key belongs to another vault.")
            slot = make(file)
            kept = tuple(s for s in file.slots if s.kind is not instead_of)
            self._write(replace(file, slots=(*kept, slot)))
        return slot.id

    def _wrapped(self, file: SlotFile, kind: SlotKind, secret: bytes) -> Slot:
        return slots.wrap(file.vault_id, kind, secret, self._data_key.raw)

    def _write(self, file: SlotFile) -> None:
        write_private(self._folder / keys.SLOT_FILE, slots.encode(file))


def described(folder: Path, keys_folder: Path) -> tuple[KeySlot, ...]:
    """Every way to open a vault; needs no key.

    Raises:
        NotFoundError: there is no vault.
        VaultDamagedError, NewerSchemaError: vault.json cannot be used.
    """
    file = keys.read_slots(folder)
    return tuple(
        KeySlot(slot.id, slot.kind.value, slot.created_ms, _note(file, slot, keys_folder))
        for slot in file.slots
    )


def opens_silently(folder: Path, keys_folder: Path) -> bool:
    """Whether a vault opens on this device without a question. Raises: as `described`."""
    file = keys.read_slots(folder)
    has_file = keys.key_path(keys_folder, file.vault_id).exists()
    return bool(file.of_kind(SlotKind.KEYRING)) or (
        has_file and bool(file.of_kind(SlotKind.KEYFILE))
    )


def _note(file: SlotFile, slot: Slot, keys_folder: Path) -> str:
    if slot.kind is not SlotKind.KEYFILE:
        return _NOTES[slot.kind]
    path = keys.key_path(keys_folder, file.vault_id)
    if not path.exists():
        return f"A key file that is not on this device: it would be {path}."
    return f"The file {path} opens the chats without a question, for your account alone."
