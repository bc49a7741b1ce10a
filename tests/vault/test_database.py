from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from snug.domain.errors import EnvironmentFault, VaultDamagedError, WrongKeyError
from snug.vault.data_key import DataKey
from snug.vault.database import FILE_NAME, Database
from snug.vault.faults import damaged
from snug.vault.query import fetch, number


@pytest.fixture
def key() -> DataKey:
    return DataKey.random()


@pytest.fixture
def database(tmp_path: Path, key: DataKey) -> Iterator[Database]:
    database = Database.open(tmp_path, key)
    yield database
    database.close()


def remember(database: Database, name: str, value: str = "") -> None:
    with database.writing() as connection:
        connection.execute("INSERT INTO settings VALUES(?, ?)", (name, value))


def names(database: Database) -> list[str]:
    with database.reading() as connection:
        return [row[0] for row in fetch(connection, "SELECT name FROM settings ORDER BY name")]


def test_what_was_written_is_there_after_opening_again(tmp_path: Path, key: DataKey) -> None:
    first = Database.open(tmp_path, key)
    remember(first, "kept")
    first.close()
    second = Database.open(tmp_path, key)
    assert names(second) == ["kept"]
    second.close()


def test_a_wrong_key_is_told_and_changes_nothing(tmp_path: Path, key: DataKey) -> None:
    Database.open(tmp_path, key).close()
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(WrongKeyError):
        Database.open(tmp_path, DataKey.random())
    assert (tmp_path / FILE_NAME).read_bytes() == before
    Database.open(tmp_path, key).close()


def test_the_pages_are_encrypted_with_chacha20_and_nothing_else(database: Database) -> None:
    with database.reading() as connection:
        assert fetch(connection, "PRAGMA cipher") == [("chacha20",)]
    content = database.path.read_bytes()
    assert not content.startswith(b"SQLite format 3")
    assert b"CREATE TABLE" not in content


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("temp_store", 2),
        ("mmap_size", 0),
        ("secure_delete", 1),
        ("foreign_keys", 1),
        ("auto_vacuum", 2),
        ("busy_timeout", 10_000),
    ],
)
def test_every_connection_has_the_safe_settings(
    database: Database, pragma: str, value: object
) -> None:
    with database.reading() as reader, database.writing() as writer:
        assert fetch(reader, f"PRAGMA {pragma}") == [(value,)]
        assert fetch(writer, f"PRAGMA {pragma}") == [(value,)]


def test_only_a_durable_write_waits_for_the_platter(database: Database) -> None:
    with database.writing(durable=True) as connection:
        assert number(connection, "PRAGMA synchronous") == 2
    with database.writing() as connection:
        assert number(connection, "PRAGMA synchronous") == 1


def test_every_file_is_private(database: Database) -> None:
    remember(database, "in the log")
    files = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in database.path.parent.iterdir()
    }
    expected = {"snug.db", "snug.db-wal", "snug.db-shm"}
    assert expected <= files.keys()
    assert set(files.values()) == {0o600}


def test_a_file_that_others_can_read_is_made_private(tmp_path: Path, key: DataKey) -> None:
    Database.open(tmp_path, key).close()
    (tmp_path / FILE_NAME).chmod(0o644)
    Database.open(tmp_path, key).close()
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_an_error_inside_a_transaction_undoes_all_of_it(database: Database) -> None:
    def half() -> None:
        with database.writing() as connection:
            connection.execute("INSERT INTO settings VALUES('half', '')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert names(database) == []
    remember(database, "next")
    assert names(database) == ["next"]


def test_a_reader_sees_one_state_while_others_write(database: Database) -> None:
    with database.reading() as connection:
        assert number(connection, "SELECT count(*) FROM settings") == 0
        remember(database, "meanwhile")
        assert number(connection, "SELECT count(*) FROM settings") == 0
    assert names(database) == ["meanwhile"]


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(EnvironmentFault), database.reading() as connection:
        connection.execute("INSERT INTO settings VALUES('no', '')")


def test_readers_are_used_again_also_after_an_error(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(database)
    with pytest.raises(KeyError), database.reading():
        raise KeyError
    monkeypatch.setattr("snug.vault.database.connect", lambda *a, **k: pytest.fail("a new one"))
    assert names(database) == []


def test_many_threads_read_while_one_writes(database: Database) -> None:
    stop = threading.Event()
    counts: list[list[int]] = [[] for _ in range(3)]

    def read(seen: list[int]) -> None:
        while not stop.is_set():
            seen.append(len(names(database)))

    threads = [threading.Thread(target=read, args=(seen,)) for seen in counts]
    for thread in threads:
        thread.start()
    for step in range(100):
        remember(database, f"{step:03}")
    stop.set()
    for thread in threads:
        thread.join()
    for seen in counts:
        assert seen
        assert seen == sorted(seen)


def test_a_database_in_memory_is_shared_by_its_threads_and_touches_no_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = Database.in_memory()
    other = Database.in_memory()
    remember(database, "here")
    seen: list[list[str]] = []
    thread = threading.Thread(target=lambda: seen.append(names(database)))
    thread.start()
    thread.join()
    assert seen == [["here"]]
    assert names(other) == []
    assert not list(tmp_path.iterdir())
    database.close()
    other.close()


def test_a_closed_database_says_so_and_closes_again(tmp_path: Path, key: DataKey) -> None:
    database = Database.open(tmp_path, key)
    database.close()
    database.close()
    with pytest.raises(EnvironmentFault, match="closed"):
        names(database)
    with pytest.raises(EnvironmentFault, match="closed"):
        remember(database, "late")


def test_an_empty_file_is_damage_and_is_not_filled(tmp_path: Path, key: DataKey) -> None:
    Database.open(tmp_path, key).close()
    (tmp_path / FILE_NAME).write_bytes(b"")
    with pytest.raises(VaultDamagedError, match=FILE_NAME):
        Database.open(tmp_path, key)
    assert (tmp_path / FILE_NAME).stat().st_size == 0


def test_a_file_that_went_missing_beside_its_log_is_not_replaced(
    tmp_path: Path, key: DataKey
) -> None:
    (tmp_path / f"{FILE_NAME}-wal").write_bytes(b"what is left")
    with pytest.raises(VaultDamagedError):
        Database.open(tmp_path, key)
    assert not (tmp_path / FILE_NAME).exists()


def test_what_a_crash_left_of_a_creation_is_cleared_away(tmp_path: Path, key: DataKey) -> None:
    (tmp_path / f"{FILE_NAME}.new").write_bytes(b"half")
    (tmp_path / f"{FILE_NAME}.new-wal").write_bytes(b"half")
    database = Database.open(tmp_path, key)
    assert names(database) == []
    database.close()
    assert not list(tmp_path.glob("*.new*"))


@pytest.mark.parametrize("page", [0, 1, 3, 7])
def test_a_flipped_bit_is_damage_never_wrong_text(tmp_path: Path, key: DataKey, page: int) -> None:
    database = Database.open(tmp_path, key)
    for step in range(50):
        remember(database, f"name {step}", "value " * 50)
    database.close()
    path = tmp_path / FILE_NAME
    content = bytearray(path.read_bytes())
    content[page * 4096 + 1000] ^= 4
    path.write_bytes(content)
    with pytest.raises((VaultDamagedError, WrongKeyError)) as caught:
        _read_all(tmp_path, key)
    assert str(path) in caught.value.message
    assert path.read_bytes() == content


def _read_all(folder: Path, key: DataKey) -> None:
    database = Database.open(folder, key)
    try:
        with database.reading() as connection:
            for (table,) in fetch(
                connection, "SELECT name FROM sqlite_master WHERE type = 'table'"
            ):
                fetch(connection, f"SELECT * FROM {table} NOT INDEXED")
            # A page that only says where others lie is told in rows, not raised.
            if fetch(connection, "PRAGMA integrity_check") != [("ok",)]:
                raise damaged(database.path)
    finally:
        database.close()


def test_a_version_changes_when_another_connection_writes_and_not_else(
    tmp_path: Path, key: DataKey, database: Database
) -> None:
    other = Database.open(tmp_path, key)
    before = database.version()
    remember(database, "own")
    assert database.version() == before
    remember(other, "another's")
    assert database.version() != before
    other.close()


def test_shrinking_empties_the_log(database: Database) -> None:
    remember(database, "something")
    log = database.path.with_name(f"{FILE_NAME}-wal")
    assert log.stat().st_size > 0
    assert database.shrink()
    assert log.stat().st_size == 0


def test_shrinking_gives_way_to_a_reader(database: Database) -> None:
    remember(database, "old")
    with database.reading() as connection:
        fetch(connection, "SELECT * FROM settings")
        remember(database, "new")
        assert not database.shrink()
    assert database.shrink()


def test_the_statement_with_the_key_is_not_kept(database: Database, key: DataKey) -> None:
    with database.reading() as connection:
        cached = str(connection.cache_stats(include_entries=True))
    assert "PRAGMA journal_mode" in cached
    assert key.raw.hex() not in cached


def test_a_defect_of_ours_is_not_called_a_fault(database: Database) -> None:
    with pytest.raises(apsw.SQLError), database.reading() as connection:
        fetch(connection, "SELECT * FROM no_such_table")
