"""Key slots: the data key, wrapped once for each way to open the vault, as values.

A slot holds the data key encrypted with ChaCha20-Poly1305 under a wrapping key, which is Argon2id
of a passphrase or HKDF-SHA256 of a random secret that is kept elsewhere. Adding or removing a way
to open the vault rewrites a slot, never the data. Slots of kinds that this version does not know
are carried along untouched.
"""

from __future__ import annotations

import hmac
import json
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from snug.domain.conversation import now_ms
from snug.domain.errors import WrongKeyError

FORMAT = "snug-vault"
VERSION = 1
KEY_BYTES = 32
SALT_BYTES = 16
NONCE_BYTES = 12
TAG_BYTES = 16
STRONG_COST = (262_144, 3, 4)  # KiB, passes, lanes: about 1.7 s

Raw: TypeAlias = bytes | bytearray | memoryview


class SlotKind(StrEnum):
    """What opens a slot."""

    PASSPHRASE = "passphrase"  # noqa: S105 - a kind, no secret
    KEYRING = "keyring"
    KEYFILE = "keyfile"  # lies on this device and is found without a question
    RECOVERY = "recovery"  # a code on paper
    PORTABLE = "portable"  # a key file that the person carries


@dataclass(frozen=True, slots=True)
class Argon2Cost:
    """How dear one guess of a passphrase is.

    Source: RFC 9106 section 4, second recommended option (64 MiB, 3 passes, 4 lanes).
    """

    memory_kib: int = 65_536
    passes: int = 3
    lanes: int = 4

    def __post_init__(self) -> None:
        # A hostile vault.json must not take all memory or run for hours.
        in_range = (
            8 * self.lanes <= self.memory_kib <= 1_048_576
            and 1 <= self.passes <= 64
            and 1 <= self.lanes <= 64
        )
        if not in_range:
            raise ValueError("Argon2 parameters out of range")

    def weaker_than(self, other: Argon2Cost) -> bool:
        """Whether a guess costs less memory or less work."""
        return self.memory_kib < other.memory_kib or (
            self.memory_kib * self.passes < other.memory_kib * other.passes
        )


@dataclass(frozen=True, slots=True)
class Slot:
    """One wrapped copy of the data key. `cost` belongs to passphrase slots alone."""

    id: str
    kind: SlotKind
    created_ms: int
    salt: bytes
    nonce: bytes
    wrapped: bytes
    cost: Argon2Cost | None = None


@dataclass(frozen=True, slots=True)
class SlotFile:
    """The content of vault.json.

    Attributes:
        check: shows whether a data key is this vault's, without opening the database.
        foreign: slots of kinds this version does not know, each as its JSON text.
    """

    vault_id: str
    check: bytes
    slots: tuple[Slot, ...]
    foreign: tuple[str, ...] = ()

    def of_kind(self, kind: SlotKind) -> tuple[Slot, ...]:
        """The slots that such a secret may open."""
        return tuple(slot for slot in self.slots if slot.kind is kind)


def key_check(data_key: Raw, vault_id: str) -> bytes:
    """32 bytes that only this key gives for this vault; they tell nothing about the key."""
    return hmac.digest(bytes(data_key), f"{FORMAT} check {vault_id}".encode(), "sha256")


def wrap(vault_id: str, kind: SlotKind, secret: bytes, data_key: Raw, strong: bool = False) -> Slot:
    """A new slot that `secret` opens.

    Args:
        secret: UTF-8 of a passphrase (see `passphrase_secret`), or at least 128 random bits.
        strong: a guess of the passphrase takes four times the memory and the time.
    """
    slot_id = secrets.token_hex(8)
    salt = secrets.token_bytes(SALT_BYTES)
    nonce = secrets.token_bytes(NONCE_BYTES)
    cost = None
    if kind is SlotKind.PASSPHRASE:
        cost = Argon2Cost(*STRONG_COST) if strong else Argon2Cost()
    cipher = ChaCha20Poly1305(_wrapping_key(secret, salt, cost))
    wrapped = cipher.encrypt(nonce, bytes(data_key), _bound_to(vault_id, slot_id))
    return Slot(slot_id, kind, now_ms(), salt, nonce, wrapped, cost)


def unwrap(vault_id: str, slot: Slot, secret: bytes) -> bytes:
    """The data key, `bytes[32]`. A passphrase takes about 0.3 s and 64 MiB.

    Raises:
        WrongKeyError: the secret is another slot's, or the slot was changed.
    """
    cipher = ChaCha20Poly1305(_wrapping_key(secret, slot.salt, slot.cost))
    try:
        return cipher.decrypt(slot.nonce, slot.wrapped, _bound_to(vault_id, slot.id))
    except InvalidTag:
        raise WrongKeyError("This key does not open the vault.") from None


def passphrase_secret(passphrase: str) -> bytes:
    """The bytes of a passphrase: the same however a keyboard composes its accents."""
    return unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")


def encode(file: SlotFile) -> bytes:
    """vault.json as it is written."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "vault_id": file.vault_id,
        "cipher": "sqlite3mc chacha20 raw",
        "check": file.check.hex(),
        "slots": [
            *(_encode_slot(slot) for slot in file.slots),
            *(json.loads(text) for text in file.foreign),
        ],
    }
    return (json.dumps(document, indent=2) + "\n").encode()


def decode(content: bytes) -> SlotFile:
    """The slots in the bytes of vault.json.

    Raises:
        NewerVersionError: a newer Snug wrote it.
        ValueError: it is damaged.
    """
    try:
        document = json.loads(content)
        if document["format"] != FORMAT or not isinstance(document["version"], int):
            raise ValueError("not a vault.json")
        if document["version"] > VERSION:
            raise NewerVersionError(document["version"])
        known, foreign = [], []
        for entry in document["slots"]:
            if entry["type"] in set(SlotKind):
                known.append(_decode_slot(entry))
            else:
                foreign.append(json.dumps(entry))
        return SlotFile(
            vault_id=_identifier(document["vault_id"], 32),
            check=_sized(document["check"], 32),
            slots=tuple(known),
            foreign=tuple(foreign),
        )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("a field is missing or of the wrong type") from error


class NewerVersionError(Exception):
    """vault.json has a format version that this Snug does not know."""

    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version


def _wrapping_key(secret: bytes, salt: bytes, cost: Argon2Cost | None) -> bytes:
    if cost is None:
        info = b"snug slot wrapping key"
        return HKDF(hashes.SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(secret)
    # Late: 10 ms that a vault without a passphrase need not pay at each start.
    from argon2.low_level import Type, hash_secret_raw

    return hash_secret_raw(
        secret, salt, cost.passes, cost.memory_kib, cost.lanes, KEY_BYTES, Type.ID
    )


def _bound_to(vault_id: str, slot_id: str) -> bytes:
    return f"{vault_id}{slot_id}".encode()


def _encode_slot(slot: Slot) -> dict[str, object]:
    entry: dict[str, object] = {
        "id": slot.id,
        "type": slot.kind.value,
        "created_ms": slot.created_ms,
        "salt": slot.salt.hex(),
        "nonce": slot.nonce.hex(),
        "wrapped": slot.wrapped.hex(),
    }
    if slot.cost is not None:
        entry["kdf"] = {
            "name": "argon2id",
            "memory_kib": slot.cost.memory_kib,
            "passes": slot.cost.passes,
            "lanes": slot.cost.lanes,
        }
    return entry


def _decode_slot(entry: Mapping[str, object]) -> Slot:
    kind = SlotKind(str(entry["type"]))
    created_ms = entry["created_ms"]
    if not isinstance(created_ms, int):
        raise ValueError("created_ms is no number")
    return Slot(
        id=_identifier(entry["id"], 16),
        kind=kind,
        created_ms=created_ms,
        salt=_sized(entry["salt"], SALT_BYTES),
        nonce=_sized(entry["nonce"], NONCE_BYTES),
        wrapped=_sized(entry["wrapped"], KEY_BYTES + TAG_BYTES),
        cost=_decode_cost(entry["kdf"]) if kind is SlotKind.PASSPHRASE else None,
    )


def _decode_cost(kdf: object) -> Argon2Cost:
    if not isinstance(kdf, dict) or kdf["name"] != "argon2id":
        raise ValueError("unknown key derivation")
    numbers = [kdf["memory_kib"], kdf["passes"], kdf["lanes"]]
    if not all(type(number) is int for number in numbers):
        raise ValueError("key derivation parameters are no numbers")
    return Argon2Cost(*numbers)


def _identifier(value: object, length: int) -> str:
    # Hexadecimal only: it becomes a file name.
    if not isinstance(value, str) or len(value) != length or bytes.fromhex(value).hex() != value:
        raise ValueError("a wrong identifier")
    return value


def _sized(value: object, length: int) -> bytes:
    if not isinstance(value, str) or len(content := bytes.fromhex(value)) != length:
        raise ValueError("a field of the wrong length")
    return content
