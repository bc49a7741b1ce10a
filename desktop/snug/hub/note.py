"""How one request gets into the ledger: before its first byte, now and then, and at its end."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Final

from snug.domain.conversation import new_id, now_ms
from snug.domain.ledger import LedgerEntry, Outcome
from snug.hub.errors import OfflineError, RefusedError, StoppedError
from snug.hub.ledger import Ledger
from snug.hub.wire import Wire

_RECORD_EVERY_S: Final = 15.0


class Note:
    """The ledger's entry of one request, from before its first byte."""

    def __init__(self, ledger: Ledger, reason: str, host: str) -> None:
        self.wire: Wire | None = None
        self._ledger = ledger
        self._entry = LedgerEntry(new_id(), now_ms(), host, reason)
        self._began = self._recorded = time.monotonic()
        self._over = False

    def begin(self) -> None:
        """A connection is about to be opened."""
        self._record()

    def progress(self) -> None:
        """Write down now and then how much came, for the case of a kill."""
        if time.monotonic() - self._recorded > _RECORD_EVERY_S:
            self._record()

    def done(self, status: int) -> None:
        """The answer was read, or as much of it as was wanted."""
        if not self._over:
            self._over = True
            self._record(outcome=Outcome.DONE, status=status)

    def failed(self, error: Exception, problem: str = "") -> None:
        """It came to nothing."""
        if self._over:
            return
        self._over = True
        outcome = Outcome.FAILED
        if isinstance(error, OfflineError | RefusedError) and self.wire is None:
            outcome = Outcome.REFUSED
        elif isinstance(error, StoppedError | OfflineError):
            outcome = Outcome.STOPPED
        self._record(outcome=outcome, problem=problem or str(error))

    def _record(self, **changes: Any) -> None:
        self._recorded = time.monotonic()
        wire = self.wire
        self._entry = replace(
            self._entry,
            bytes_sent=wire.sent if wire else 0,
            bytes_received=wire.received if wire else 0,
            duration_ms=int((self._recorded - self._began) * 1000),
            **changes,
        )
        self._ledger.record(self._entry)
