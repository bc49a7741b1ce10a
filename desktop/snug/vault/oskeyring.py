"""The keyring of the person's desktop session, as a place for one secret.

Reached over D-Bus, it may be absent, locked, or never answer: every call has a time limit. Only
keyrings of the operating system count; the library's plain-text, null and failing ones are not a
place for a key.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from snug.domain.errors import EnvironmentFault

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "snug"
LIMIT_S = 3.0

# What may keep a key, by the module of its class: anything else could be a plain file.
TRUSTED_MODULES = frozenset(
    {
        "keyring.backends.SecretService",
        "keyring.backends.libsecret",
        "keyring.backends.kwallet",
        "keyring.backends.macOS",
        "keyring.backends.Windows",
    }
)


class KeyringUnavailableError(EnvironmentFault):
    """There is no keyring here, it is locked, or it did not answer in time."""


class SecretStore(Protocol):
    """Keeps small texts by name, outside the data folder.

    Raises (all methods): `KeyringUnavailableError`.
    """

    def get(self, name: str) -> str | None:
        """The text; None where there is none of that name."""

    def set(self, name: str, secret: str) -> None:
        """Keep a text."""

    def delete(self, name: str) -> None:
        """Forget a text; harmless where there is none."""


class OsKeyring:
    """The `SecretStore` of the operating system. Methods wait up to `limit_s`; any thread."""

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self._silent = False

    def get(self, name: str) -> str | None:
        """The text; None where there is none of that name."""
        found: list[str | None] = []
        self._in_time(lambda backend: found.append(backend.get_password(SERVICE, name)))
        return found[0]

    def set(self, name: str, secret: str) -> None:
        """Keep a text."""
        self._in_time(lambda backend: backend.set_password(SERVICE, name, secret))

    def delete(self, name: str) -> None:
        """Forget a text; harmless where there is none."""

        def forget(backend: KeyringBackend) -> None:
            if backend.get_password(SERVICE, name) is not None:
                backend.delete_password(SERVICE, name)

        self._in_time(forget)

    def _in_time(self, call: Callable[[KeyringBackend], object]) -> None:
        # A thread, because a D-Bus call without an answer cannot be interrupted; a daemon, so that
        # one which hangs does not keep the process.
        if self._silent:
            raise KeyringUnavailableError("The keyring does not answer.")
        errors: list[Exception] = []

        def work() -> None:
            try:
                call(_trusted_backend())
            except Exception as error:  # noqa: BLE001 - the thread's edge: any kind is raised
                errors.append(error)

        thread = threading.Thread(target=work, name="snug-keyring", daemon=True)
        thread.start()
        thread.join(self._limit_s)
        if thread.is_alive():
            self._silent = True
            raise KeyringUnavailableError("The keyring does not answer.")
        if errors:
            if isinstance(errors[0], KeyringUnavailableError):
                raise errors[0]
            raise KeyringUnavailableError("The keyring refused.") from errors[0]


def _trusted_backend() -> KeyringBackend:
    # Late: the library takes 0.1 s to import and asks D-Bus what there is.
    import keyring

    chosen = keyring.get_keyring()
    for backend in (chosen, *getattr(chosen, "backends", ())):
        if type(backend).__module__ in TRUSTED_MODULES:
            found: KeyringBackend = backend
            return found
    raise KeyringUnavailableError("There is no keyring of the operating system here.")
