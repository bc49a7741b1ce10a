"""Where the gateway writes down what it sends."""

from __future__ import annotations

import threading
from typing import Final, Protocol

from snug.domain.ledger import LedgerEntry

_KEPT: Final = 2000


class Ledger(Protocol):
    """Keeps the entries of requests. Any thread."""

    def record(self, entry: LedgerEntry) -> None:
        """Keep an entry, in the place of an earlier one with the same id."""

    def entries(self) -> tuple[LedgerEntry, ...]:
        """What is kept, oldest first."""


class MemoryLedger:
    """The newest entries of this process, for tests and for runs that keep nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, LedgerEntry] = {}

    def record(self, entry: LedgerEntry) -> None:
        """Keep an entry, in the place of an earlier one with the same id."""
        with self._lock:
            self._entries[entry.id] = entry
            while len(self._entries) > _KEPT:
                del self._entries[next(iter(self._entries))]

    def entries(self) -> tuple[LedgerEntry, ...]:
        """What is kept, oldest first."""
        with self._lock:
            return tuple(self._entries.values())
