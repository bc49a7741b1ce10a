from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from tests.vault.conftest import Home
from tests.vault.test_power_cut import Work

from snug.domain.errors import SnugError
from snug.vault import keys
from snug.vault.database import FILE_NAME

# A vault, what is in it, and what was in it at any time.
Full = tuple[Home, dict[str, str], dict[str, str]]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Full:
    """A vault of 600 messages with a log that is not empty, as a killed process leaves it."""
    folder = tmp_path_factory.mktemp("full")
    home = Home(folder / "vault", folder / "keys")
    vault = home.open()
    chance = random.Random(5)
    work = Work(vault.conversations, chance)
    for _ in range(600):
        work.go_on()
    left = Home(folder / "left", folder / "keys")
    left.folder.mkdir()
    for name in (FILE_NAME, f"{FILE_NAME}-wal", keys.SLOT_FILE):
        shutil.copy(home.folder / name, left.folder)
    vault.close()
    return left, read_all(copied(left, folder / "read")), work.ever


def copied(home: Home, folder: Path) -> Home:
    shutil.copytree(home.folder, folder)
    return Home(folder, home.keys)


def read_all(home: Home) -> dict[str, str]:
    """Every message that is read without being told that something is damaged."""
    vault = home.open()
    try:
        there = {}
        for summary in vault.conversations.summaries(10_000):
            for message in vault.conversations.conversation(summary.id).messages:
                there[message.id] = message.text
        return there
    finally:
        vault.close()


def flip_and_read(full: Full, tmp_path: Path, count: int) -> dict[str, int]:
    """Flip one bit at a time and read everything: how often it was told, and how often harmless."""
    home, before, ever = full
    outcomes = {"told": 0, "harmless": 0, "shorter": 0}
    chance = random.Random(count)
    files = [path for path in sorted(home.folder.iterdir()) if path.stat().st_size]
    for number in range(count):
        damaged = copied(home, tmp_path / str(number))
        path = damaged.folder / chance.choice(files).name
        content = bytearray(path.read_bytes())
        place, bit = chance.randrange(len(content)), 1 << chance.randrange(8)
        content[place] ^= bit
        path.write_bytes(content)
        try:
            there = read_all(damaged)
        except SnugError:
            outcomes["told"] += 1
            assert path.exists()
        else:
            # A damaged log ends where the damage is: an earlier state, as after a power cut.
            assert there == before or path.name.endswith("-wal"), path.name
            assert all(ever[one].startswith(said) for one, said in there.items())
            outcomes["harmless" if there == before else "shorter"] += 1
        shutil.rmtree(damaged.folder)
    return outcomes


def test_no_flipped_bit_makes_a_text_another(full: Full, tmp_path: Path) -> None:
    flip_and_read(full, tmp_path, 12)


@pytest.mark.soak
def test_400_flipped_bits_make_no_text_another(full: Full, tmp_path: Path) -> None:
    outcomes = flip_and_read(full, tmp_path, 400)
    print(outcomes)
    assert outcomes["told"] > 100
