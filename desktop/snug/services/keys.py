"""The ways to open the vault, as a person handles them."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from snug.domain.errors import EnvironmentFault, UserError
from snug.domain.passphrase import MIN_LENGTH
from snug.domain.unlocking import KeySlot

FORGOTTEN = (
    "Forgotten means lost: nobody, not even the makers of Snug, can open the chats without the "
    "passphrase or a recovery code."
)


class Ways(Protocol):
    """The key slots of an open vault; see `vault/vault_keys.py` for what each raises."""

    def slots(self) -> tuple[KeySlot, ...]:
        """Every way to open it."""

    def silent(self) -> bool:
        """Whether it opens on this device without a question."""

    def add_passphrase(self, passphrase: str, strong: bool = False) -> str:
        """Let a passphrase open it too."""

    def change_passphrase(self, passphrase: str, strong: bool = False) -> str:
        """Let this passphrase open it and no earlier one."""

    def add_recovery_code(self) -> str:
        """Make a recovery code in place of an earlier one."""

    def add_key_file(self, path: Path) -> str:
        """Write a key file to carry."""

    def write_note(self, path: Path, text: str) -> None:
        """Write a text for this account alone."""

    def add_keyring(self) -> str:
        """Let the desktop's keyring open it."""

    def add_silent_file(self) -> str:
        """Let this device open it without a question."""

    def remove(self, slot_id: str) -> None:
        """Close one way."""


class KeyService:
    """What the window and the terminal do with keys. Passphrases take 0.3 s: not in the window.

    Raises (all methods): `SnugError`s whose text is for the person; nothing was changed then.
    """

    def __init__(self, ways: Ways) -> None:
        self._ways = ways

    def slots(self) -> tuple[KeySlot, ...]:
        """Every way to open the vault, in the order in which they were added."""
        return self._ways.slots()

    def silent(self) -> bool:
        """Whether the vault opens on this device without a question."""
        return self._ways.silent()

    def has(self, kind: str) -> bool:
        """Whether there is a way of this kind; see `KeySlot.kind`."""
        return any(slot.kind == kind for slot in self.slots())

    def set_passphrase(self, passphrase: str, strong: bool = False) -> str:
        """Let this passphrase open the vault, and no earlier passphrase. Other ways stay.

        Raises:
            UserError: it is shorter than 8 characters.
        """
        check_length(passphrase)
        return self._ways.change_passphrase(passphrase, strong)

    def ask_always(self) -> None:
        """Remove what opens the vault on this device without a question.

        Raises:
            UserError: nothing else opens it.
        """
        if not any(slot.kind in ("passphrase", "recovery", "portable") for slot in self.slots()):
            raise UserError("Set a passphrase first: without one nothing else opens the chats.")
        for slot in self.slots():
            if slot.kind in ("keyfile", "keyring"):
                self._ways.remove(slot.id)

    def open_silently(self) -> str:
        """Let this device open the vault without a question: by keyring, else by a key file."""
        try:
            return self._ways.add_keyring()
        except EnvironmentFault:
            return self._ways.add_silent_file()

    def recovery_code(self) -> str:
        """A new recovery code, to be shown once; an earlier one no longer opens the vault."""
        return self._ways.add_recovery_code()

    def write_key_file(self, path: Path) -> str:
        """Write a key file to carry. Raises: UserError (there is such a file)."""
        return self._ways.add_key_file(path)

    def save_code(self, path: Path, code: str) -> None:
        """Write the recovery code into a file. Raises: UserError (there is such a file)."""
        self._ways.write_note(path, f"{code}\n")

    def slot_of(self, kind: str) -> KeySlot | None:
        """The way of this kind that was added last; None where there is none."""
        return next((slot for slot in reversed(self.slots()) if slot.kind == kind), None)

    def add_keyring(self) -> str:
        """Let the desktop's keyring open the vault. Raises: EnvironmentFault (there is none)."""
        return self._ways.add_keyring()

    def remove(self, slot_id: str) -> None:
        """Close one way. Raises: NotFoundError, UserError (it is the last one)."""
        self._ways.remove(slot_id)


def check_length(passphrase: str) -> None:
    """Raises: UserError (it is shorter than 8 characters)."""
    if len(passphrase) < MIN_LENGTH:
        raise UserError(
            f"The passphrase has {len(passphrase)} characters; take at least {MIN_LENGTH}. "
            "Four or five words that nobody would guess are best."
        )
