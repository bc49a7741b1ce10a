from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from tests.vault.helpers import bytes_of

from snug.domain.errors import NewerSchemaError
from snug.vault import backups, tables
from snug.vault.connecting import connect
from snug.vault.data_key import DataKey
from snug.vault.database import FILE_NAME, Database
from snug.vault.files import create_private, locked
from snug.vault.migrations import STEPS, migrate, needs_migration
from snug.vault.query import fetch, number


def add_labels(connection: apsw.Connection) -> None:
    connection.execute("CREATE TABLE labels(name TEXT)")
    connection.execute("INSERT INTO labels SELECT value FROM settings")


def fail_half_way(connection: apsw.Connection) -> None:
    connection.execute("CREATE TABLE half(name TEXT)")
    connection.execute("DELETE FROM settings")
    raise ZeroDivisionError


@pytest.fixture
def key() -> DataKey:
    return DataKey.random()


@pytest.fixture
def path(tmp_path: Path, key: DataKey) -> Path:
    """A vault of today with one value in it."""
    database = Database.open(tmp_path, key)
    with database.writing() as connection:
        connection.execute("INSERT INTO settings VALUES('word', 'cranberry')")
    database.close()
    return tmp_path / FILE_NAME


def backing_up(connection: apsw.Connection, path: Path, key: DataKey) -> Callable[[], object]:
    """As `Database.open` does it; the keys stand in for what a vault has beside its database."""
    (path.parent / backups.SLOTS).write_text("{}")
    return lambda: backups.make(path.parent, connection, opener(key))


def opener(key: DataKey) -> Callable[[Path], apsw.Connection]:
    return lambda path: connect(str(path), key, path=path)


def version(connection: apsw.Connection) -> int:
    return number(connection, "PRAGMA user_version")


def test_a_new_vault_is_at_the_last_step_without_a_backup(path: Path, key: DataKey) -> None:
    connection = opener(key)(path)
    assert version(connection) == len(STEPS)
    assert not needs_migration(connection, path)
    assert not backups.found(path.parent)
    connection.close()


def test_a_step_keeps_what_was_there(path: Path, key: DataKey) -> None:
    connection = opener(key)(path)
    migrate(connection, path, backing_up(connection, path, key), (*STEPS, add_labels))
    assert version(connection) == len(STEPS) + 1
    assert fetch(connection, "SELECT name FROM labels") == [("cranberry",)]
    connection.close()


def test_before_a_step_an_encrypted_copy_is_made(path: Path, key: DataKey, tmp_path: Path) -> None:
    connection = opener(key)(path)
    migrate(connection, path, backing_up(connection, path, key), (*STEPS, add_labels))
    connection.close()
    (backup,) = backups.found(path.parent)
    assert backup.path.stat().st_mode & 0o777 == 0o600
    assert backup.format == len(STEPS)
    assert b"cranberry" not in backup.path.read_bytes()
    new = tmp_path / "new"
    new.mkdir()
    backups.unpack(backup.path, new)
    copy = opener(key)(new / FILE_NAME)
    assert version(copy) == len(STEPS)
    assert fetch(copy, "SELECT value FROM settings") == [("cranberry",)]
    copy.close()


def test_a_step_that_fails_leaves_everything_as_it_was(path: Path, key: DataKey) -> None:
    connection = opener(key)(path)
    with pytest.raises(ZeroDivisionError):
        migrate(connection, path, backing_up(connection, path, key), (*STEPS, fail_half_way))
    assert version(connection) == len(STEPS)
    assert fetch(connection, "SELECT value FROM settings") == [("cranberry",)]
    assert not fetch(connection, "SELECT 1 FROM sqlite_master WHERE name = 'half'")
    connection.close()


def test_the_steps_before_one_that_fails_do_not_count_either(path: Path, key: DataKey) -> None:
    connection = opener(key)(path)
    with pytest.raises(ZeroDivisionError):
        migrate(
            connection, path, backing_up(connection, path, key), (*STEPS, add_labels, fail_half_way)
        )
    assert version(connection) == len(STEPS)
    connection.close()


def test_without_a_copy_no_step_is_taken(path: Path, key: DataKey) -> None:
    def no_room() -> None:
        raise apsw.FullError("full")

    connection = opener(key)(path)
    with pytest.raises(apsw.FullError):
        migrate(connection, path, no_room, (*STEPS, add_labels))
    assert version(connection) == len(STEPS)
    connection.close()


def test_a_newer_schema_is_refused_and_left_alone(path: Path, key: DataKey) -> None:
    connection = opener(key)(path)
    migrate(connection, path, backing_up(connection, path, key), (*STEPS, add_labels))
    connection.close()
    before = dict(bytes_of(path.parent))
    with pytest.raises(NewerSchemaError, match=f"format {len(STEPS) + 1}"):
        Database.open(path.parent, key)
    assert dict(bytes_of(path.parent)) == before


def test_two_that_migrate_at_once_take_each_step_once(path: Path, key: DataKey) -> None:
    taken: list[int] = []
    both_ready = threading.Barrier(2)

    def step(connection: apsw.Connection) -> None:
        taken.append(1)
        add_labels(connection)

    def start() -> None:
        connection = opener(key)(path)
        both_ready.wait()
        with locked(path.parent):
            migrate(connection, path, backing_up(connection, path, key), (*STEPS, step))
        assert version(connection) == len(STEPS) + 1
        connection.close()

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1
    assert len(backups.found(path.parent)) == 1


def test_a_vault_of_the_first_format_keeps_its_messages(tmp_path: Path, key: DataKey) -> None:
    path = tmp_path / FILE_NAME
    create_private(path)
    connection = opener(key)(path)
    migrate(connection, path, back_up=None, steps=STEPS[:1])
    connection.execute(
        "INSERT INTO conversations(id, title, created_ms, updated_ms) VALUES('c', 'Old', 1, 1)"
    )
    connection.execute(
        """INSERT INTO messages(id, conversation, role, status, model, created_ms, text, error)
        VALUES('m', 1, 'user', 'complete', '', 1, 'cranberry', '')"""
    )
    connection.close()
    (tmp_path / backups.SLOTS).write_text("{}")
    database = Database.open(tmp_path, key)
    with database.reading() as connection:
        conversation = tables.conversation(connection, "c")
    database.close()
    assert [(m.text, m.pinned) for m in conversation.messages] == [("cranberry", False)]
    assert conversation.summaries == ()
    assert len(backups.found(tmp_path)) == 1


def test_the_end_at_any_statement_leaves_the_old_or_the_new(tmp_path: Path, key: DataKey) -> None:
    """For every statement of every step: a process that ends right before it."""
    old = tmp_path / "old.db"
    create_private(old)
    connection = opener(key)(old)
    migrate(connection, old, back_up=None, steps=STEPS[:1])
    connection.execute("INSERT INTO settings VALUES('word', 'cranberry')")
    connection.close()
    versions, number_of_statements = set[int](), 0
    for number_of_statements in range(1, 1000):
        path = tmp_path / f"{number_of_statements}.db"
        shutil.copy(old, path)
        ended_early = migrate_and_end(path, bytes(key.raw), number_of_statements)
        again = opener(key)(path)
        versions.add(version(again))
        assert fetch(again, "SELECT value FROM settings") == [("cranberry",)]
        has_tags = bool(fetch(again, "SELECT 1 FROM sqlite_master WHERE name = 'tags'"))
        assert has_tags == (version(again) == len(STEPS))
        again.close()
        if not ended_early:
            break
    assert versions == {1, len(STEPS)}
    assert number_of_statements > 40


def migrate_and_end(path: Path, raw_key: bytes, statement: int) -> bool:
    """Migrate in a process that ends before a statement; False where there were not so many."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    left = statement

    def count(cursor: apsw.Cursor, sql: str, bindings: object) -> bool:
        nonlocal left
        left -= 1
        if not left:
            os._exit(9)
        return True

    # A key in memory of its own does not come along into a forked process.
    connection = opener(DataKey(raw_key))(path)
    connection.exec_trace = count
    migrate(connection, path, back_up=lambda: None)
    os._exit(0)
