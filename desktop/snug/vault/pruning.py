"""Which backups stay: the newest, one for each week before, none that holds what was deleted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from snug.domain.conversation import now_ms
from snug.domain.keeping import Backup
from snug.vault import backups
from snug.vault.files import os_faults

_MOST = 7
_NEWEST = 3
_TIMES_THE_DATABASE = 4  # what all of them may take, in sizes of the newest, and at least …
_LEAST_BYTES = 64 * 1024 * 1024  # … this


def prune(folder: Path, made: Backup, deleted_ms: int) -> tuple[Path, ...]:
    """Remove the backups that are too many, and those that still hold what was deleted.

    The three newest stay, and one for each week before; never more than seven, and never more than
    four times the size of the newest (64 MiB where that is more). A backup that is older than the
    last deletion goes, and one that is dated in the future counts as old: a clock was wrong.

    Args:
        made: the one that was made just now; it stays.
        deleted_ms: when a conversation was last deleted for good; 0 for never.

    Returns:
        What was removed.

    Raises:
        EnvironmentFault: one cannot be removed.
    """
    others = [one for one in backups.found(folder) if one.path != made.path]
    keep = [made, *_kept(others, made.bytes, now_ms(), deleted_ms)]
    gone = [one.path for one in others if one not in keep]
    for path in gone:
        with os_faults(path):
            path.unlink(missing_ok=True)
    return tuple(gone)


def _kept(others: list[Backup], made_bytes: int, now: int, deleted_ms: int) -> Iterator[Backup]:
    past = [one for one in others if one.created_ms <= now]
    future = [one for one in others if one.created_ms > now]
    room = max(_LEAST_BYTES, _TIMES_THE_DATABASE * made_bytes) - made_bytes
    weeks: set[tuple[int, int]] = set()
    count = 1
    for one in (*past, *future):
        week = (0, 0) if one in future else _week(one)
        wanted = not _stale(one, now, deleted_ms) and (count < _NEWEST or week not in weeks)
        weeks.add(week)
        if wanted and count < _MOST and one.bytes <= room:
            yield one
            count += 1
            room -= one.bytes


def _stale(one: Backup, now: int, deleted_ms: int) -> bool:
    """Whether it may hold what was deleted; clocks that went back or were ahead are heeded."""
    if one.created_ms > now >= deleted_ms:
        return deleted_ms > 0  # the clock was ahead: nobody knows when it was made
    if one.created_ms <= now < deleted_ms:
        return False  # the clock has gone back since the deletion
    return one.created_ms <= deleted_ms


def _week(backup: Backup) -> tuple[int, int]:
    return datetime.fromtimestamp(backup.created_ms / 1000, UTC).isocalendar()[:2]
