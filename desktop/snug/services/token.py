"""The person's own token for the Hub: in the keyring of the operating system, else in the vault.

It is read from HF_TOKEN where that is set, and never written to the environment, to a command
line, to a log or to a file in the clear.
"""

from __future__ import annotations

import contextlib
import re
import threading
from enum import StrEnum
from typing import Final, Protocol

from snug.domain.errors import EnvironmentFault, UserError
from snug.services.ledger import Settings

_PLACE: Final = "network.token_place"
_IN_VAULT: Final = "network.token"
_NAME: Final = "hub-token"
_FORM: Final = re.compile(r"[!-~]{1,500}")


class TokenPlace(StrEnum):
    """Where a token is."""

    NONE = ""
    ENVIRONMENT = "environment"  # HF_TOKEN; Snug keeps nothing of it
    KEYRING = "keyring"
    VAULT = "vault"  # encrypted in the database, where there is no keyring


class Secrets(Protocol):
    """The keyring. Methods raise an EnvironmentFault where there is none or it is locked."""

    def get(self, name: str) -> str | None:
        """A secret; None where there is none of that name."""

    def set(self, name: str, secret: str) -> None:
        """Keep a secret."""

    def delete(self, name: str) -> None:
        """Forget a secret."""


class TokenKeeper:
    """Reads, keeps and forgets the token. Any thread; may wait 3 s for the keyring, once."""

    def __init__(self, store: Settings, secrets: Secrets, from_environment: str = "") -> None:
        self._store = store
        self._secrets = secrets
        self._from_environment = from_environment.strip()
        self._lock = threading.Lock()
        self._known: str | None = None  # in memory, so that the keyring is asked once

    @property
    def place(self) -> TokenPlace:
        """Where the token is; asks no keyring."""
        if self._from_environment:
            return TokenPlace.ENVIRONMENT
        kept = self._store.setting(_PLACE) or ""
        return TokenPlace(kept) if kept in ("keyring", "vault") else TokenPlace.NONE

    def token(self) -> str:
        """The token; "" for none, and where the keyring does not give it."""
        if self._from_environment:
            return self._from_environment
        with self._lock:
            if self._known is None:
                self._known = self._read()
            return self._known

    def set(self, token: str) -> TokenPlace:
        """Keep a token in the place of an earlier one. Returns: where.

        Raises:
            UserError: it cannot be a token.
            EnvironmentFault: the vault cannot be written.
        """
        token = token.strip()
        if not _FORM.fullmatch(token):
            raise UserError(
                "A token of the Hub is one word of letters and digits, such as hf_… Copy it again "
                "from huggingface.co/settings/tokens."
            )
        with self._lock:
            place = TokenPlace.KEYRING
            try:
                self._secrets.set(_NAME, token)
            except EnvironmentFault:
                place = TokenPlace.VAULT
            self._store.set_setting(_IN_VAULT, token if place is TokenPlace.VAULT else "")
            self._store.set_setting(_PLACE, place.value)
            self._known = token
        return place

    def forget(self) -> None:
        """Erase the token that Snug keeps; HF_TOKEN is not Snug's to erase.

        Raises:
            EnvironmentFault: the vault cannot be written, or the keyring refuses.
        """
        with self._lock:
            was_in_keyring = self._store.setting(_PLACE) == TokenPlace.KEYRING.value
            self._store.set_setting(_IN_VAULT, "")
            if was_in_keyring:
                self._secrets.delete(_NAME)
            self._store.set_setting(_PLACE, "")
            self._known = ""

    def _read(self) -> str:
        place = self._store.setting(_PLACE)
        if place == TokenPlace.VAULT.value:
            return self._store.setting(_IN_VAULT) or ""
        if place == TokenPlace.KEYRING.value:
            with contextlib.suppress(EnvironmentFault):
                return self._secrets.get(_NAME) or ""
        return ""
