"""Whichever call to the disk fails: it is told, nothing is lost, and the next write works."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from tests.vault.helpers import a_conversation, a_message, bytes_of, forms
from tests.vault.nth_fault import Call, NthFaultDisk
from tests.vault.power_work import State, Work, shown

from snug.domain.errors import DiskFullError, EnvironmentFault, VaultDamagedError
from snug.vault.conversations import Conversations
from snug.vault.data_key import DataKey
from snug.vault.database import FILE_NAME, Database
from snug.vault.organising import Organising
from snug.vault.writer import Writer

_VFS = "multipleciphers-nth-fault"
_FAULTS = [
    (Call.WRITE, apsw.IOError),
    (Call.WRITE, apsw.FullError),
    (Call.SYNC, apsw.IOError),
    (Call.SYNC, apsw.FullError),
    (Call.READ, apsw.IOError),
    (Call.OPEN, apsw.CantOpenError),
    (Call.OPEN, apsw.IOError),
]
_SOAK = pytest.param(range(1, 201, 7), marks=[pytest.mark.soak, pytest.mark.timeout(1800)])
_NEXT_STEPS = ("Free some space", "check it, and make a copy", "Make its folder writable")


@pytest.fixture(scope="session")
def one_disk() -> NthFaultDisk:
    # Never unregistered: the encryption keeps pointing at what it lies upon.
    return NthFaultDisk("nth-fault")


@pytest.fixture
def disk(one_disk: NthFaultDisk, monkeypatch: pytest.MonkeyPatch) -> Iterator[NthFaultDisk]:
    one_disk.opened.clear()
    monkeypatch.setattr("snug.vault.conversations._CHECKPOINT_DELAY_S", 0.0)
    yield one_disk
    one_disk.mend()


def _check_told(fault: EnvironmentFault, error: type[apsw.Error], folder: Path) -> None:
    assert str(folder) in fault.message
    assert any(step in fault.message for step in _NEXT_STEPS), fault.message
    assert isinstance(fault, DiskFullError) is (error is apsw.FullError), fault.message
    assert not isinstance(fault, VaultDamagedError), fault.message


class _Sitting:
    """A vault that is opened, worked on and closed, on a disk of which some calls fail."""

    def __init__(self, folder: Path, key: DataKey, work: Work, disk: NthFaultDisk) -> None:
        self._folder, self._key, self._work, self._disk = folder, key, work, disk
        self.told: list[EnvironmentFault] = []

    @property
    def state(self) -> State:
        return self._work.state

    def work(self, steps: int) -> None:
        writer = Writer()
        database = None
        try:
            database = self._opened()
            store = Conversations(database, writer)
            self._work.begin(database, store, Organising(database, writer))
            for _ in range(steps):
                try:
                    self._work.step()
                except EnvironmentFault as fault:
                    self.told.append(fault)
                    self._disk.mend()
                    self._work.go_on_from(shown(database, store, find=False))
        finally:
            assert writer.close()
            if database is not None:
                database.close()

    def _opened(self) -> Database:
        try:
            return Database.open(self._folder, self._key, vfs=_VFS)
        except EnvironmentFault as fault:
            self.told.append(fault)
            self._disk.mend()
            return Database.open(self._folder, self._key, vfs=_VFS)


@pytest.mark.parametrize("numbers", [(1, 6, 19), _SOAK])
@pytest.mark.parametrize(("call", "error"), _FAULTS)
def test_the_nth_call_that_fails_costs_nothing_that_was_there(
    tmp_path: Path, disk: NthFaultDisk, call: Call, error: type[apsw.Error], numbers: range
) -> None:
    key = DataKey.random()
    first = tmp_path / "first"
    first.mkdir()
    state = _filled(first, key)
    told = 0
    for number in numbers:
        folder = tmp_path / f"{number}"
        shutil.copytree(first, folder)
        sitting = _Sitting(folder, key, Work(state, random.Random(number), "planted"), disk)
        # Once, or for as long as it takes until the person is told.
        disk.fail(call, number, 1 if number % 2 else 1000, error)
        for _ in range(number):
            if not disk.failed:
                sitting.work(6)
        for fault in sitting.told:
            _check_told(fault, error, folder)
        told += len(sitting.told)
        disk.mend()
        sitting.work(6)
        assert _seen(folder, key) == sitting.state
        assert {path.parent for path in disk.opened} <= {first, folder}
        disk.opened.clear()
        _scan(folder)
        shutil.rmtree(folder)
    assert told >= len(numbers) // 2  # a sync that fails while it closes is made good later


def _filled(folder: Path, key: DataKey) -> State:
    database = Database.open(folder, key)
    writer = Writer()
    store = Conversations(database, writer)
    for number in range(3):
        chat = a_conversation(store, "a title")
        a_message(store, chat, f"first{number}z " + "words " * 1000)
    state = shown(database, store)
    assert writer.close()
    database.close()
    return state


def _seen(folder: Path, key: DataKey) -> State:
    database = Database.open(folder, key)
    writer = Writer()
    try:
        return shown(database, Conversations(database, writer))
    finally:
        assert writer.close()
        database.close()


def _scan(folder: Path) -> None:
    """No file holds the words in the clear, and there is none that does not belong there."""
    for path, content in bytes_of(folder):
        assert path.name in (FILE_NAME, "vault.lock"), path
        assert not any(form in content for form in forms("planted")), path
