"""What opens a vault, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Secret:
    """What a person gives to open a vault; nothing at all means: as the key is kept here.

    Attributes:
        text: a passphrase or a recovery code.
        key_file: a portable key file.
    """

    text: str | None = field(default=None, repr=False)
    key_file: Path | None = None


NOTHING = Secret()


@dataclass(frozen=True, slots=True)
class KeySlot:
    """One way to open the vault.

    Attributes:
        kind: "passphrase", "keyring", "keyfile", "recovery" or "portable".
        created_ms: UTC milliseconds since the epoch.
        note: what it means for the person, in one sentence.
    """

    id: str
    kind: str
    created_ms: int
    note: str = ""
