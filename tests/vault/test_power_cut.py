"""The power fails at any moment: the vault opens, and what was acknowledged is there."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.vault.power_cut import PowerCutDisk
from tests.vault.power_work import State, Work, shown

from snug.domain.errors import EnvironmentFault
from snug.vault.conversations import Conversations
from snug.vault.data_key import DataKey
from snug.vault.database import Database
from snug.vault.organising import Organising
from snug.vault.writer import Writer

_CUTS = 3  # one after the other on the same vault, so that recoveries are cut short as well
_SOAK = pytest.param(range(100, 340), marks=[pytest.mark.soak, pytest.mark.timeout(1800)])


@pytest.fixture(scope="session")
def one_disk() -> PowerCutDisk:
    # Never unregistered: the encryption keeps pointing at what it lies upon.
    return PowerCutDisk("power-cut")


@pytest.fixture
def disk(one_disk: PowerCutDisk, monkeypatch: pytest.MonkeyPatch) -> PowerCutDisk:
    one_disk.watch(monkeypatch)
    # Trying again after a while is no use on a disk that is off, and closing waits for it.
    monkeypatch.setattr("snug.vault.conversations._CHECKPOINT_DELAY_S", 0.0)
    return one_disk


def _work_until_cut(folder: Path, key: DataKey, work: Work, disk: PowerCutDisk) -> None:
    """Work, closing and opening now and then, until the power is off."""
    while not disk.is_off:
        writer = Writer()
        database = None
        try:
            database = Database.open(folder, key, vfs="multipleciphers-power-cut")
            store = Conversations(database, writer)
            work.begin(database, store, Organising(database, writer))
            for _ in range(40):
                work.step()
        except EnvironmentFault:
            assert disk.is_off
        finally:
            assert writer.close()
            if database is not None:
                database.close()
        if not disk.is_off:
            work.all_is_safe()  # by closing


def _after(folder: Path, key: DataKey) -> State:
    """What a vault shows when it is opened on a sound disk."""
    database = Database.open(folder, key)
    writer = Writer()
    try:
        return shown(database, Conversations(database, writer))
    finally:
        assert writer.close()
        database.close()


def _cut_often(tmp_path: Path, disk: PowerCutDisk, seed: int, *, durable: bool) -> None:
    dice = random.Random(seed)
    key = DataKey.random()
    state = State()
    folder = tmp_path / f"{seed}"
    folder.mkdir()
    for cut in range(_CUTS):
        disk.power_on(folder, dice.randrange(1, dice.choice((30, 300, 1500))))
        work = Work(state, dice, f"w{seed}c{cut}", durable=durable)
        _work_until_cut(folder, key, work, disk)
        folder = tmp_path / f"{seed}-{cut}"
        folder.mkdir()
        disk.image(folder, dice)
        # Looking at it is done on a copy, so that the next cut meets the first recovery.
        copy = tmp_path / f"{seed}-{cut}-seen"
        copy.mkdir()
        for path in folder.iterdir():
            (copy / path.name).write_bytes(path.read_bytes())
        state = _after(copy, key)
        assert state in work.possible, (seed, cut)


def _cut_all(tmp_path: Path, disk: PowerCutDisk, seeds: range, *, durable: bool = True) -> None:
    for seed in seeds:
        _cut_often(tmp_path, disk, seed, durable=durable)


@pytest.mark.parametrize("seeds", [range(8), _SOAK])
def test_a_power_cut_loses_nothing_that_was_acknowledged(
    tmp_path: Path, disk: PowerCutDisk, seeds: range
) -> None:
    _cut_all(tmp_path, disk, seeds)


@pytest.mark.parametrize("seeds", [range(8), _SOAK])
def test_a_sync_that_failed_costs_nothing_that_is_acknowledged_later(
    tmp_path: Path, disk: PowerCutDisk, seeds: range
) -> None:
    for seed in seeds:
        dice = random.Random(seed)
        key = DataKey.random()
        folder = tmp_path / f"{seed}"
        folder.mkdir()
        work = Work(State(), dice, f"w{seed}")
        disk.power_on(folder, 10**6)
        writer = Writer()
        database = Database.open(folder, key, vfs="multipleciphers-power-cut")
        store = Conversations(database, writer)
        work.begin(database, store, Organising(database, writer))
        disk.fail_sync(dice.randrange(1, 25))
        for _ in range(dice.randrange(60)):
            try:
                work.step()
            except EnvironmentFault:
                work.go_on_from(shown(database, store, check=False, find=False))
        left = tmp_path / f"{seed}-left"
        left.mkdir()
        disk.image(left, dice)
        assert writer.close()
        database.close()
        assert _after(left, key) in work.possible, seed


def test_without_syncs_the_same_cuts_do_lose(tmp_path: Path, disk: PowerCutDisk) -> None:
    """The control: here Snug does not sync a person's words."""
    with pytest.raises(AssertionError, match="possible"):
        _cut_all(tmp_path, disk, range(20), durable=False)
