"""What the application remembers of the person's choices, inside the vault."""

from __future__ import annotations

import contextlib
import json
from typing import Any, Protocol

from snug.domain.errors import SnugError
from snug.services.protocols import ConversationStore


class Kept(Protocol):
    """Where named texts are kept: `Preferences`, or what stands for it."""

    def get(self, name: str, default: str = "") -> str:
        """A value."""

    def set(self, name: str, value: str) -> None:
        """Keep a value."""


def kept_list(kept: str) -> list[Any]:
    """The entries of a JSON list that is kept as one text; none where it is no such list."""
    try:
        entries = json.loads(kept or "[]")
    except (ValueError, RecursionError):
        return []
    return entries if isinstance(entries, list) else []


class Preferences:
    """Named texts, such as the window's geometry or the colour scheme. Reads are immediate."""

    def __init__(self, store: ConversationStore) -> None:
        self._store = store

    def get(self, name: str, default: str = "") -> str:
        """The kept value, else `default`."""
        value = self._store.setting(name)
        return default if value is None else value

    def set(self, name: str, value: str) -> None:
        """Keep a value."""
        self._store.set_setting(name, value)

    def keep(self, name: str, value: str) -> None:
        """Keep a value soon, without waiting; what cannot be kept is not worth a word."""

        def job() -> None:
            with contextlib.suppress(SnugError):
                self._store.set_setting(name, value)

        self._store.writer.submit(job)
