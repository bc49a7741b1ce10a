"""What left this machine and what came in: one entry for each request, also for a refused one."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Iterable
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


@dataclass(frozen=True, slots=True)
class HostTotal:
    """All that went to one host and came from it."""

    host: str
    requests: int
    bytes_sent: int
    bytes_received: int


def totals(entries: Iterable[LedgerEntry]) -> tuple[HostTotal, ...]:
    """One sum for each host, most received first; requests that were refused reached none."""
    found: dict[str, HostTotal] = {}
    for one in entries:
        if one.outcome is Outcome.REFUSED:
            continue
        before = found.get(one.host, HostTotal(one.host, 0, 0, 0))
        found[one.host] = HostTotal(
            one.host,
            before.requests + 1,
            before.bytes_sent + one.bytes_sent,
            before.bytes_received + one.bytes_received,
        )
    return tuple(sorted(found.values(), key=lambda t: (-t.bytes_received, t.host)))


def day_of(entry: LedgerEntry) -> datetime.date:
    """The day of a request by this machine's clock and time zone."""
    utc = datetime.datetime.fromtimestamp(entry.time_ms / 1000, tz=datetime.UTC)
    return utc.astimezone().date()


def to_csv(entries: Iterable[LedgerEntry]) -> str:
    """The ledger as a table that spreadsheets read: UTF-8, CRLF, times in UTC."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        ("time", "host", "reason", "bytes_sent", "bytes_received", "outcome", "status", "problem")
    )
    for one in entries:
        utc = datetime.datetime.fromtimestamp(one.time_ms / 1000, tz=datetime.UTC)
        words = (_inert(one.host), _inert(one.reason))
        writer.writerow(
            (
                utc.isoformat(timespec="seconds"),
                *words,
                one.bytes_sent,
                one.bytes_received,
                one.outcome.value,
                one.status or "",
                _inert(one.problem),
            )
        )
    return text.getvalue()


def _inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
