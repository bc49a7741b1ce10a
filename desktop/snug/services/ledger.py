"""The network ledger inside the vault: the newest requests, in pages, so that each costs little.

One process at a time writes a page, but two may write in turn: a page is read anew each time.
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from typing import Any, Final, Protocol

from snug.domain.ledger import LedgerEntry, Outcome

PAGES: Final = 32
PAGE_ENTRIES: Final = 64
_HEAD: Final = "ledger.head"
_PAGE: Final = "ledger.page."


class Settings(Protocol):
    """The vault's named values."""

    def setting(self, name: str) -> str | None:
        """A value; None where unset."""

    def set_setting(self, name: str, value: str) -> None:
        """Keep a value."""


class VaultLedger:
    """Keeps the last 2,000 requests or so. Any thread; `record` waits for the vault's writer."""

    def __init__(self, store: Settings) -> None:
        self._store = store
        self._lock = threading.Lock()

    def record(self, entry: LedgerEntry) -> None:
        """Keep an entry, in the place of an earlier one with the same id.

        Raises:
            EnvironmentFault: the vault cannot be written; so nothing goes out unrecorded.
        """
        with self._lock:
            head = self._head()
            for number in (head, (head - 1) % PAGES):
                page = self._page(number)
                if any(known.id == entry.id for known in page):
                    self._keep(number, [entry if k.id == entry.id else k for k in page])
                    return
            page = self._page(head)
            if len(page) >= PAGE_ENTRIES:
                head = (head + 1) % PAGES
                page = []
                self._store.set_setting(_HEAD, str(head))
            self._keep(head, [*page, entry])

    def entries(self) -> tuple[LedgerEntry, ...]:
        """What is kept, oldest first."""
        with self._lock:
            head = self._head()
            pages = [self._page((head + 1 + offset) % PAGES) for offset in range(PAGES)]
        return tuple(entry for page in pages for entry in page)

    def _head(self) -> int:
        kept = self._store.setting(_HEAD) or "0"
        return int(kept) % PAGES if kept.isdigit() else 0

    def _page(self, number: int) -> list[LedgerEntry]:
        try:
            rows = json.loads(self._store.setting(f"{_PAGE}{number}") or "[]")
            return [_entry(row) for row in rows]
        except (ValueError, TypeError, KeyError, AttributeError):
            return []

    def _keep(self, number: int, entries: list[LedgerEntry]) -> None:
        rows = [asdict(entry) for entry in entries]
        self._store.set_setting(f"{_PAGE}{number}", json.dumps(rows, ensure_ascii=False))


def _entry(row: dict[str, Any]) -> LedgerEntry:
    return LedgerEntry(**{**row, "outcome": Outcome(row["outcome"])})
