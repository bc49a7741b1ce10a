"""A bit of a vault's files flips: it is told, or what is read is what was written."""

from __future__ import annotations

import contextlib
import random
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.vault.conftest import Home
from tests.vault.power_work import State, Work, shown

from snug.domain.errors import SnugError
from snug.vault import keys
from snug.vault.conversations import Conversations
from snug.vault.data_key import DataKey
from snug.vault.database import FILE_NAME, Database
from snug.vault.organising import Organising
from snug.vault.writer import Writer

_LOG = f"{FILE_NAME}-wal"


@dataclass(frozen=True, slots=True)
class Full:
    """A vault with a log that is not empty, as a killed process leaves it; what it showed."""

    home: Home
    before: State
    history: list[State]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Full:
    folder = tmp_path_factory.mktemp("full")
    home = Home(folder / "vault", folder / "keys")
    home.open().close()
    with contextlib.closing(keys.unlock(home.folder, home.keys)) as key:
        before, history = _worked(home.folder, key, folder / "left")
    shutil.copy(home.folder / keys.SLOT_FILE, folder / "left")
    return Full(Home(folder / "left", home.keys), before, history)


def _worked(folder: Path, key: DataKey, left: Path) -> tuple[State, list[State]]:
    database = Database.open(folder, key)
    writer = Writer()
    store = Conversations(database, writer)
    work = Work(State(), random.Random(5), "flip")
    work.begin(database, store, Organising(database, writer))
    while len(work.history) < 120 or (folder / _LOG).stat().st_size < 100_000:
        work.step()
    left.mkdir()
    for name in (FILE_NAME, _LOG):
        shutil.copy(folder / name, left)
    assert writer.close()
    database.close()
    return work.state, work.history


def _read(home: Home) -> State:
    """All that is read without being told that something is damaged."""
    with contextlib.closing(keys.unlock(home.folder, home.keys)) as key:
        database = Database.open(home.folder, key)
        writer = Writer()
        try:
            return shown(database, Conversations(database, writer), check=False)
        finally:
            assert writer.close()
            database.close()


def _flip_and_read(full: Full, tmp_path: Path, count: int) -> Counter[str]:
    """Flip one bit at a time and read everything: how often it was told, and how often harmless."""
    dice = random.Random(count)
    outcomes: Counter[str] = Counter()
    for number in range(count):
        home = Home(tmp_path / f"{number}", full.home.keys)
        shutil.copytree(full.home.folder, home.folder)
        path = home.folder / dice.choice((FILE_NAME, FILE_NAME, _LOG, keys.SLOT_FILE))
        content = bytearray(path.read_bytes())
        place = dice.randrange(len(content))
        content[place] ^= 1 << dice.randrange(8)
        path.write_bytes(content)
        try:
            state = _read(home)
        except SnugError:
            outcome = "told"
            # What is damaged stays for the salvage, byte for byte.
            assert path.name == _LOG or path.read_bytes()[place] == content[place]
        else:
            outcome = "harmless" if state == full.before else "shorter"
            # A damaged log ends where the damage is: an earlier state, as after a power cut.
            assert outcome == "harmless" or (path.name == _LOG and state in full.history)
        outcomes[f"{path.name} {outcome}"] += 1
        shutil.rmtree(home.folder)
    return outcomes


def test_no_flipped_bit_makes_a_text_another(full: Full, tmp_path: Path) -> None:
    _flip_and_read(full, tmp_path, 12)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_400_flipped_bits_make_no_text_another(full: Full, tmp_path: Path) -> None:
    outcomes = _flip_and_read(full, tmp_path, 400)
    print(outcomes)
    assert outcomes[f"{FILE_NAME} told"] > 50  # the others lie where the log has newer pages
