"""Where the vault's key comes from: vault.json, the slots in it, and the secrets that open them.

The data key is random and never changes; slots wrap it (see `slots`). `create_vault` is called
with the vault's file lock held; what changes a living vault is in `vault_keys`.
"""

from __future__ import annotations

import contextlib
import secrets as random
from dataclasses import dataclass, replace
from pathlib import Path

from snug.domain.errors import (
    EnvironmentFault,
    NewerSchemaError,
    NotFoundError,
    SnugError,
    UserError,
    VaultDamagedError,
    VaultLockedError,
    WrongKeyError,
)
from snug.domain.unlocking import NOTHING, Secret
from snug.vault import recovery, slots
from snug.vault.data_key import DataKey
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
_MAX_KEY_FILE_BYTES = 4096


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
        if SlotKind.KEYRING not in self.kinds:
            return (
                "Your chats are encrypted, and your passphrase opens them. Nobody can restore it: "
                "if it is forgotten, and there is no recovery code, the chats are lost."
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
    strong: bool = False,
) -> tuple[DataKey, KeyHome]:
    """Make a data key and keep it in one slot: passphrase, else OS keyring, else key file.

    Args:
        strong: make each guess of the passphrase four times as dear.
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
        slot = passphrase_slot(file, data_key, passphrase, strong)
    else:
        in_keyring = keyring_slot(file, data_key, store) if keyring_allowed else None
        slot = in_keyring or keyfile_slot(file, data_key, keys_folder)
    file = replace(file, slots=(slot,))
    try:
        write_private(folder / SLOT_FILE, slots.encode(file))
    except EnvironmentFault:
        with contextlib.suppress(EnvironmentFault):
            forget_secret(file.vault_id, slot.kind, keys_folder, store)
        raise
    return data_key, _home(file, keys_folder)


def unlock(
    folder: Path,
    keys_folder: Path,
    secret: Secret = NOTHING,
    secret_store: SecretStore | None = None,
) -> DataKey:
    """Open the vault's key with what is given, or, where that is nothing, as it is kept here.

    What is given is held to: when it is wrong, nothing else is tried. Under a millisecond with a
    key file or a recovery code, about 0.3 s with a passphrase.

    Raises:
        VaultLockedError: nothing at hand opens it; the text says what is needed.
        WrongKeyError: the passphrase, code or key file is not this vault's.
        UserError: a recovery code was mistyped; the text says where.
        VaultDamagedError, NewerSchemaError: vault.json cannot be used.
        EnvironmentFault: the key file cannot be read.
    """
    file = read_slots(folder)
    if secret.key_file is not None:
        return _open_with_file(file, secret.key_file)
    if secret.text is not None and (file.of_kind(SlotKind.PASSPHRASE) or _codes(file)):
        return _open_with_text(folder, file, secret.text)
    return _open_as_kept(file, keys_folder, secret_store)


def _codes(file: SlotFile) -> tuple[Slot, ...]:
    return file.of_kind(SlotKind.RECOVERY)


def _open_with_text(folder: Path, file: SlotFile, text: str) -> DataKey:
    has_passphrase = bool(file.of_kind(SlotKind.PASSPHRASE))
    if _codes(file) and (recovery.looks_like_code(text) or not has_passphrase):
        try:
            return _open(file, SlotKind.RECOVERY, recovery.code_secret(text), "recovery code")
        except (UserError, WrongKeyError):
            if not has_passphrase:
                raise
    secret = slots.passphrase_secret(text)
    key = _open(file, SlotKind.PASSPHRASE, secret, "passphrase")
    _make_dearer(folder, file, key, secret)
    return key


def _make_dearer(folder: Path, file: SlotFile, key: DataKey, secret: bytes) -> None:
    """Wrap anew what was wrapped when guesses were allowed to be cheaper than today."""
    wanted = slots.Argon2Cost()
    weak = [s for s in file.of_kind(SlotKind.PASSPHRASE) if s.cost and s.cost.weaker_than(wanted)]
    for slot in weak:
        with contextlib.suppress(WrongKeyError, SnugError), locked(folder):
            slots.unwrap(file.vault_id, slot, secret)
            better = slots.wrap(file.vault_id, slot.kind, secret, key.raw)
            now = read_slots(folder)
            kept = tuple(better if s.id == slot.id else s for s in now.slots)
            write_private(folder / SLOT_FILE, slots.encode(replace(now, slots=kept)))


def _open_with_file(file: SlotFile, path: Path) -> DataKey:
    with os_faults(path), path.open("rb") as opened:
        content = opened.read(_MAX_KEY_FILE_BYTES)
    try:
        *_, secret = (bytes.fromhex(line) for line in content.decode("ascii").split()[-1:])
    except ValueError:
        raise WrongKeyError(f"{path} is no key file of Snug.") from None
    for kind in (SlotKind.PORTABLE, SlotKind.KEYFILE):
        with contextlib.suppress(WrongKeyError):
            return _open(file, kind, secret, "")
    raise WrongKeyError(f"The key file {path} does not open this vault.")


def _open_as_kept(file: SlotFile, keys_folder: Path, secret_store: SecretStore | None) -> DataKey:
    reasons: list[str] = []
    if file.of_kind(SlotKind.KEYFILE):
        path = key_path(keys_folder, file.vault_id)
        secret = _read_key_file(path)
        if secret is not None:
            return _open(file, SlotKind.KEYFILE, secret, f"key file {path}")
        reasons.append(f"The key file {path} is not here.")
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
            raise NotFoundError(
                f"There is no vault in {folder} yet. The first chat makes one, or snug vault init."
            ) from fault
        raise
    except slots.NewerVersionError as error:
        raise NewerSchemaError(
            f"A newer Snug wrote {path} (version {error.version}; this one knows {slots.VERSION}). "
            "Use the newer one; nothing was changed."
        ) from error
    except ValueError as error:
        raise VaultDamagedError(
            f"{path}, which holds the locked key of your chats, is damaged. Snug has left it as "
            "it is; the chats themselves are untouched. Put a copy of it back, or a backup in the "
            "place of all (snug vault backups, snug vault restore)."
        ) from error


def passphrase_slot(
    file: SlotFile, data_key: DataKey, passphrase: str, strong: bool = False
) -> Slot:
    """A slot for a passphrase. Raises: UserError (it is empty)."""
    if not passphrase:
        raise UserError("The passphrase is empty. Choose one of several words.")
    secret = slots.passphrase_secret(passphrase)
    return slots.wrap(file.vault_id, SlotKind.PASSPHRASE, secret, data_key.raw, strong)


def keyfile_slot(file: SlotFile, data_key: DataKey, keys_folder: Path) -> Slot:
    """A slot for a key file in `keys_folder`, which is written."""
    secret = random.token_bytes(slots.KEY_BYTES)
    make_private_folder(keys_folder)
    write_private(key_path(keys_folder, file.vault_id), f"{secret.hex()}\n".encode())
    return slots.wrap(file.vault_id, SlotKind.KEYFILE, secret, data_key.raw)


def keyring_slot(file: SlotFile, data_key: DataKey, store: SecretStore) -> Slot | None:
    """A slot for the keyring; None where there is none that keeps what it is given."""
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
        content = file.read(_MAX_KEY_FILE_BYTES)
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


def forget_secret(vault_id: str, kind: SlotKind, keys_folder: Path, store: SecretStore) -> None:
    """Erase what a slot was opened with, where Snug itself keeps it."""
    if kind is SlotKind.KEYFILE:
        erase(key_path(keys_folder, vault_id))
    elif kind is SlotKind.KEYRING:
        store.delete(vault_id)


def key_path(keys_folder: Path, vault_id: str) -> Path:
    """Where the key file of a vault lies."""
    return keys_folder / f"{vault_id}.key"


def _home(file: SlotFile, keys_folder: Path) -> KeyHome:
    kinds = tuple(dict.fromkeys(slot.kind for slot in file.slots))
    has_file = SlotKind.KEYFILE in kinds
    return KeyHome(kinds, key_path(keys_folder, file.vault_id) if has_file else None)


def _locked_message(file: SlotFile, reasons: list[str]) -> str:
    ways = []
    if file.of_kind(SlotKind.PASSPHRASE) or _codes(file):
        asked = "passphrase" if file.of_kind(SlotKind.PASSPHRASE) else "recovery code"
        ways.append(
            f"Give the {asked}: write it into a file and name that file in "
            "SNUG_PASSPHRASE_FILE, or type it in the window."
        )
    if file.of_kind(SlotKind.PORTABLE):
        ways.append("The key file you carry opens it too: name it with --key-file.")
    if not ways and reasons:
        ways.append("Nothing else opens the chats: put it back.")
    if not (ways or reasons):
        ways.append("It has no key that this Snug knows; use a newer one.")
    return " ".join(["The chats are locked.", *reasons, *ways])
