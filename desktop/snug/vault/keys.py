"""Where the vault's key comes from: vault.json, the slots in it, and the secrets that open them.

The data key is random and never changes; slots wrap it (see `slots`). Functions that change
vault.json and are called on a living vault take its file lock; `create_vault` is called with the
lock held.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets as random
from dataclasses import dataclass, replace
from pathlib import Path

from snug.domain.errors import (
    EnvironmentFault,
    NewerSchemaError,
    NotFoundError,
    UserError,
    VaultDamagedError,
    VaultLockedError,
    WrongKeyError,
)
from snug.vault import slots
from snug.vault.files import (
    erase,
    locked,
    make_private_folder,
    os_faults,
    restrict,
    write_private,
)
from snug.vault.oskeyring import KeyringUnavailableError, OsKeyring, SecretStore
from snug.vault.slots import Slot, SlotFile, SlotKind

SLOT_FILE = "vault.json"
_MAX_SLOT_FILE_BYTES = 1024 * 1024


class DataKey:
    """The 32 bytes that encrypt the database; `close` overwrites them."""

    def __init__(self, raw: bytes | bytearray) -> None:
        if len(raw) != slots.KEY_BYTES:
            raise ValueError("a data key has 32 bytes")
        self._raw = bytearray(raw)
        self._closed = False

    @classmethod
    def random(cls) -> DataKey:
        """A new key."""
        return cls(random.token_bytes(slots.KEY_BYTES))

    @property
    def raw(self) -> bytearray:
        """The key itself, not a copy.

        Raises:
            EnvironmentFault: it was closed.
        """
        if self._closed:
            raise EnvironmentFault("The vault is locked.")
        return self._raw

    def close(self) -> None:
        """Overwrite the key with zeros. Idempotent."""
        self._raw[:] = bytes(len(self._raw))
        self._closed = True


@dataclass(frozen=True, slots=True)
class KeyHome:
    """Where the key of a vault is, so that the person can be told.

    Attributes:
        kinds: what opens it, the first being what is asked first.
        key_file: where a key file is expected; None where no slot needs one.
    """

    kinds: tuple[SlotKind, ...]
    key_file: Path | None = None

    @property
    def notice(self) -> str:
        """What the person must know about the key, in two or three sentences."""
        if SlotKind.KEYFILE in self.kinds:
            return (
                f"Your chats are encrypted. Their key is in the file {self.key_file}, which only "
                "your account can read: whoever has that file and the data folder can read the "
                "chats, and without it they are lost. Set a passphrase to do without it."
            )
        if SlotKind.PASSPHRASE in self.kinds:
            return (
                "Your chats are encrypted, and your passphrase opens them. Nobody can restore it: "
                "if it is forgotten, the chats are lost."
            )
        return (
            "Your chats are encrypted. Their key is in the keyring of your desktop account; if "
            "that keyring is lost, so are the chats."
        )


def create_vault(
    folder: Path,
    keys_folder: Path,
    passphrase: str | None,
    keyring_allowed: bool,
    secret_store: SecretStore | None = None,
) -> tuple[DataKey, KeyHome]:
    """Make a data key and keep it in one slot: passphrase, else OS keyring, else key file.

    Args:
        secret_store: stands in for the operating system's keyring.

    Raises:
        UserError: the passphrase is empty.
        DiskFullError, EnvironmentFault: nothing could be written; nothing is left behind.
    """
    if (folder / SLOT_FILE).exists():
        raise UserError(f"There is a vault in {folder} already.")
    vault_id = random.token_hex(16)
    data_key = DataKey.random()
    file = SlotFile(vault_id, slots.key_check(data_key.raw, vault_id), ())
    store = secret_store or OsKeyring()
    if passphrase is not None:
        slot = _passphrase_slot(file, data_key, passphrase)
    else:
        in_keyring = _keyring_slot(file, data_key, store) if keyring_allowed else None
        slot = in_keyring or _keyfile_slot(file, data_key, keys_folder)
    file = replace(file, slots=(slot,))
    try:
        write_private(folder / SLOT_FILE, slots.encode(file))
    except EnvironmentFault:
        with contextlib.suppress(EnvironmentFault):
            _forget_secret(file, slot, keys_folder, store)
        raise
    return data_key, _home(file, keys_folder)


def unlock(
    folder: Path,
    keys_folder: Path,
    passphrase: str | None,
    secret_store: SecretStore | None = None,
) -> DataKey:
    """Open the vault's key with what there is: the passphrase, the key file, the keyring.

    A passphrase that is given is held to: when it is wrong, nothing else is tried. Under a
    millisecond with a key file, about 0.3 s with a passphrase.

    Raises:
        VaultLockedError: nothing at hand opens it; the text says what is needed.
        WrongKeyError: the passphrase or the key file is not this vault's.
        VaultDamagedError, NewerSchemaError: vault.json cannot be used.
    """
    file = read_slots(folder)
    if passphrase is not None and file.of_kind(SlotKind.PASSPHRASE):
        return _open(file, SlotKind.PASSPHRASE, slots.passphrase_secret(passphrase), "passphrase")
    reasons: list[str] = []
    if file.of_kind(SlotKind.KEYFILE):
        path = _key_path(keys_folder, file.vault_id)
        secret = _read_key_file(path)
        if secret is not None:
            return _open(file, SlotKind.KEYFILE, secret, f"key file {path}")
        reasons.append(f"The key file {path} is missing: put it back.")
    if file.of_kind(SlotKind.KEYRING):
        try:
            secret = _from_keyring(file.vault_id, secret_store or OsKeyring())
            return _open(file, SlotKind.KEYRING, secret, "keyring's key")
        except KeyringUnavailableError as error:
            reasons.append(f"{error.message} The key is in your desktop's keyring: unlock it.")
    raise VaultLockedError(_locked_message(file, reasons))


def key_home(folder: Path, keys_folder: Path) -> KeyHome:
    """Where the key of an existing vault is.

    Raises:
        VaultDamagedError, NewerSchemaError: vault.json cannot be used.
    """
    return _home(read_slots(folder), keys_folder)


def read_slots(folder: Path) -> SlotFile:
    """The slots of a vault.

    Raises:
        NotFoundError: there is no vault.
        VaultDamagedError: vault.json is damaged; it is kept as it is.
        NewerSchemaError: a newer Snug wrote it.
    """
    path = folder / SLOT_FILE
    try:
        with os_faults(path), path.open("rb") as file:
            content = file.read(_MAX_SLOT_FILE_BYTES)
        return slots.decode(content)
    except EnvironmentFault as fault:
        if isinstance(fault.__cause__, FileNotFoundError):
            raise NotFoundError(f"There is no vault in {folder}.") from fault
        raise
    except slots.NewerVersionError as error:
        raise NewerSchemaError(
            f"A newer Snug wrote {path} (version {error.version}; this one knows {slots.VERSION}). "
            "Use the newer one; nothing was changed."
        ) from error
    except ValueError as error:
        raise VaultDamagedError(
            f"{path}, which holds the locked key of your chats, is damaged. Snug has left it as "
            "it is: put a copy of it back from a backup. The chats themselves are untouched."
        ) from error


def add_passphrase(folder: Path, data_key: DataKey, passphrase: str) -> str:
    """Let a passphrase open the vault, beside what opens it already. Waits about 0.3 s.

    Returns:
        The id of the new slot.

    Raises:
        UserError: the passphrase is empty.
        WrongKeyError: `data_key` is another vault's.
        DiskFullError, EnvironmentFault: vault.json could not be written; it is as it was.
    """
    with locked(folder):
        file = _checked(folder, data_key)
        slot = _passphrase_slot(file, data_key, passphrase)
        write_private(folder / SLOT_FILE, slots.encode(replace(file, slots=(*file.slots, slot))))
    return slot.id


def change_passphrase(folder: Path, data_key: DataKey, passphrase: str) -> str:
    """Let this passphrase open the vault and no other one, in a single step; 0.3 s.

    Returns:
        The id of the new slot.

    Raises:
        as `add_passphrase`.
    """
    with locked(folder):
        file = _checked(folder, data_key)
        slot = _passphrase_slot(file, data_key, passphrase)
        kept = tuple(s for s in file.slots if s.kind is not SlotKind.PASSPHRASE)
        write_private(folder / SLOT_FILE, slots.encode(replace(file, slots=(*kept, slot))))
    return slot.id


def remove_slot(
    folder: Path, keys_folder: Path, slot_id: str, secret_store: SecretStore | None = None
) -> None:
    """Close one way to open the vault, and erase the secret that it used.

    Raises:
        NotFoundError: there is no such slot.
        UserError: it is the last one.
        EnvironmentFault: vault.json could not be written, or the secret not be erased.
    """
    with locked(folder):
        file = read_slots(folder)
        gone = next((slot for slot in file.slots if slot.id == slot_id), None)
        if gone is None:
            raise NotFoundError(f"There is no key slot {slot_id}.")
        kept = tuple(slot for slot in file.slots if slot.id != slot_id)
        if not kept:
            raise UserError("This is the last key of the vault: without it the chats are lost.")
        write_private(folder / SLOT_FILE, slots.encode(replace(file, slots=kept)))
        if all(slot.kind is not gone.kind for slot in kept):
            _forget_secret(file, gone, keys_folder, secret_store or OsKeyring())


def _checked(folder: Path, data_key: DataKey) -> SlotFile:
    file = read_slots(folder)
    if not hmac.compare_digest(file.check, slots.key_check(data_key.raw, file.vault_id)):
        raise WrongKeyError("This key belongs to another vault.")
    return file


def _passphrase_slot(file: SlotFile, data_key: DataKey, passphrase: str) -> Slot:
    if not passphrase:
        raise UserError("The passphrase is empty. Choose one of several words.")
    secret = slots.passphrase_secret(passphrase)
    return slots.wrap(file.vault_id, SlotKind.PASSPHRASE, secret, data_key.raw)


def _keyfile_slot(file: SlotFile, data_key: DataKey, keys_folder: Path) -> Slot:
    secret = random.token_bytes(slots.KEY_BYTES)
    make_private_folder(keys_folder)
    write_private(_key_path(keys_folder, file.vault_id), f"{secret.hex()}\n".encode())
    return slots.wrap(file.vault_id, SlotKind.KEYFILE, secret, data_key.raw)


def _keyring_slot(file: SlotFile, data_key: DataKey, store: SecretStore) -> Slot | None:
    """None where there is no keyring that keeps what it is given."""
    secret = random.token_bytes(slots.KEY_BYTES)
    try:
        store.set(file.vault_id, secret.hex())
        if store.get(file.vault_id) != secret.hex():
            return None
    except KeyringUnavailableError:
        return None
    return slots.wrap(file.vault_id, SlotKind.KEYRING, secret, data_key.raw)


def _open(file: SlotFile, kind: SlotKind, secret: bytes, what: str) -> DataKey:
    for slot in file.of_kind(kind):
        with contextlib.suppress(WrongKeyError):
            return DataKey(slots.unwrap(file.vault_id, slot, secret))
    raise WrongKeyError(f"The {what} does not open this vault.")


def _read_key_file(path: Path) -> bytes | None:
    if not path.exists():
        return None
    restrict(path, 0o600)
    with os_faults(path), path.open("rb") as file:
        content = file.read(4096)
    try:
        return bytes.fromhex(content.decode("ascii"))
    except ValueError:
        return b""


def _from_keyring(vault_id: str, store: SecretStore) -> bytes:
    found = store.get(vault_id)
    if found is None:
        raise KeyringUnavailableError("This desktop's keyring does not hold the key.")
    try:
        return bytes.fromhex(found)
    except ValueError:
        return b""


def _forget_secret(file: SlotFile, slot: Slot, keys_folder: Path, store: SecretStore) -> None:
    if slot.kind is SlotKind.KEYFILE:
        erase(_key_path(keys_folder, file.vault_id))
    elif slot.kind is SlotKind.KEYRING:
        store.delete(file.vault_id)


def _key_path(keys_folder: Path, vault_id: str) -> Path:
    return keys_folder / f"{vault_id}.key"


def _home(file: SlotFile, keys_folder: Path) -> KeyHome:
    kinds = tuple(dict.fromkeys(slot.kind for slot in file.slots))
    has_file = SlotKind.KEYFILE in kinds
    return KeyHome(kinds, _key_path(keys_folder, file.vault_id) if has_file else None)


def _locked_message(file: SlotFile, reasons: list[str]) -> str:
    if file.of_kind(SlotKind.PASSPHRASE):
        reasons = [
            *reasons,
            "Give the passphrase: write it into a file and name that file in "
            "SNUG_PASSPHRASE_FILE, or type it in the window.",
        ]
    if not reasons:
        reasons = ["It has no key that this Snug knows; use a newer one."]
    return " ".join(["The chats are locked.", *reasons])
