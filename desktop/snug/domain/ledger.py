"""What left this machine and what came in: one entry for each request, also for a refused one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a request ended; OPEN until then, and for ever where Snug was killed meanwhile."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    REFUSED = "refused"  # by Snug, before anything was sent


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One request to one host.

    Attributes:
        id: sorts by time; a later record with the same id replaces an earlier one.
        time_ms: when it began, UTC milliseconds since the epoch.
        host: name and, where it is not the usual one, port.
        reason: what it was for, in words.
        bytes_sent: request line, headers and body, before encryption.
        bytes_received: the same of the answer.
        status: of the answer, as HTTP counts; 0 for none.
        problem: why it was refused or failed; "" otherwise.
    """

    id: str
    time_ms: int
    host: str
    reason: str
    bytes_sent: int = 0
    bytes_received: int = 0
    outcome: Outcome = Outcome.OPEN
    status: int = 0
    duration_ms: int = 0
    problem: str = ""
