"""Whether everything in the database can be read, and fits together."""

from __future__ import annotations

from pathlib import Path

import apsw

from snug.domain.errors import SnugError
from snug.domain.keeping import Checked, Stopped, never
from snug.vault import tables
from snug.vault.faults import database_faults, stop_if
from snug.vault.query import fetch, number

_MOST = 100  # problems that are told
_STEPS = 100_000  # of SQLite's machine, between two questions whether to stop
_ORPHANS = (
    (
        "messages answer one that is not in their conversation",
        """SELECT count(*) FROM messages m WHERE m.parent IS NOT NULL AND NOT EXISTS(
            SELECT 1 FROM messages p WHERE p.seq = m.parent AND p.conversation = m.conversation)""",
    ),
    (
        "conversations end in a message that is not theirs",
        """SELECT count(*) FROM conversations c WHERE c.leaf IS NOT NULL AND NOT EXISTS(
            SELECT 1 FROM messages m WHERE m.seq = c.leaf AND m.conversation = c.seq)""",
    ),
    (
        "messages are missing in the index of words",
        """SELECT count(*) FROM messages m WHERE m.role IN ('user', 'assistant') AND NOT EXISTS(
            SELECT 1 FROM message_words_docsize d WHERE d.id = m.seq)""",
    ),
)


def check_all(connection: apsw.Connection, path: Path, stopped: Stopped = never) -> Checked:
    """Look at every page and every row. In a transaction of the caller's.

    Args:
        path: the file, for messages.
        stopped: asked now and then.

    Raises:
        EnvironmentFault: the disk, not the file, is at fault, or it was stopped.
    """
    connection.set_progress_handler(stopped, _STEPS)
    try:
        return _check_all(connection, path, stopped)
    finally:
        connection.set_progress_handler(None)


def _check_all(connection: apsw.Connection, path: Path, stopped: Stopped) -> Checked:
    problems = _pages(connection, path)
    stop_if(stopped)
    counts = [0, 0]
    if not problems:
        problems += _relations(connection, path)
        counts, unreadable = _conversations(connection, path, stopped)
        problems += unreadable
    return Checked(counts[0], counts[1], tuple(problems[:_MOST]))


def _pages(connection: apsw.Connection, path: Path) -> list[str]:
    try:
        with database_faults(path):  # the indexes of words are looked at with it
            rows = fetch(connection, f"PRAGMA integrity_check({_MOST})")
            return [str(row[0]) for row in rows if row[0] != "ok"]
    except SnugError as error:
        return [error.message]


def _relations(connection: apsw.Connection, path: Path) -> list[str]:
    problems = []
    with database_faults(path):
        for table, row, parent, _ in fetch(connection, "PRAGMA foreign_key_check"):
            problems.append(f"Row {row} of {table} belongs to one in {parent} that is not there.")
        for what, statement in _ORPHANS:
            if count := number(connection, statement):
                problems.append(f"{count:,} {what}.")
    return problems


def _conversations(
    connection: apsw.Connection, path: Path, stopped: Stopped
) -> tuple[list[int], list[str]]:
    problems: list[str] = []
    conversations = messages = 0
    with database_faults(path):
        for (one,) in connection.execute("SELECT id FROM conversations ORDER BY seq"):
            stop_if(stopped)
            try:
                messages += len(tables.conversation(connection, one).messages)
                conversations += 1
            except (SnugError, ValueError, KeyError, TypeError, AttributeError) as error:
                problems.append(f"Conversation {one} cannot be read ({type(error).__name__}).")
    return [conversations, messages], problems
