from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from tests.vault.conftest import Home
from tests.vault.helpers import a_conversation, a_message

from snug.domain.conversation import Role
from snug.domain.errors import VaultDamagedError
from snug.domain.unlocking import NOTHING
from snug.vault.care import VaultCare
from snug.vault.database import FILE_NAME
from snug.vault.vault import Vault

PAGE = 4096
PAGES_OF_TABLES = "SELECT pageno FROM dbstat WHERE name <> 'sqlite_schema'"


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A vault of 30 conversations with 600 messages, closed."""
    folder = tmp_path_factory.mktemp("full")
    home = Home(folder / "vault", folder / "keys")
    vault = home.open()
    for number in range(30):
        chat = a_conversation(vault.conversations, f"Chat {number}")
        parent = None
        for place in range(20):
            role = Role.USER if place % 2 == 0 else Role.ASSISTANT
            words = f"message {number}-{place} " + "words of some length " * (place % 7)
            parent = a_message(vault.conversations, chat, words, parent, role)
        vault.organising.tag([chat], f"tag{number % 3}")
    vault.close()
    return home


def copy_of(full: Home, tmp_path: Path) -> Home:
    shutil.copytree(full.folder, tmp_path / "vault")
    return Home(tmp_path / "vault", full.keys)


def texts(vault: Vault) -> set[str]:
    return {
        message.text
        for summary in vault.conversations.summaries()
        for message in vault.conversations.conversation(summary.id).messages
    }


def damage(path: Path, pages: list[int]) -> None:
    with path.open("r+b") as file:
        for page in pages:
            file.seek(page * PAGE + 100)
            file.write(b"\xaa" * 64)


@pytest.mark.parametrize("seed", range(8))
def test_what_can_be_read_is_saved_and_nothing_else_is_made_up(
    full: Home, tmp_path: Path, seed: int
) -> None:
    home = copy_of(full, tmp_path)
    vault = home.open()
    all_of_them = texts(vault)
    with vault._database.reading() as connection:
        # Not the pages that say what tables there are: see the last test.
        pages = [page - 1 for (page,) in connection.execute(PAGES_OF_TABLES)]
    vault.close()
    path = home.folder / FILE_NAME
    damage(path, random.Random(seed).sample(pages, 3))
    damaged = path.read_bytes()
    done = VaultCare(home.folder, home.keys).salvage(NOTHING)
    assert done.aside is not None
    assert (done.aside / FILE_NAME).read_bytes() == damaged
    vault = home.open()
    assert vault.check().ok
    saved = texts(vault)
    assert saved <= all_of_them
    assert len(saved) >= len(all_of_them) * 0.8
    assert (len(saved) == len(all_of_them)) or done.lost
    some = sorted(saved)[0]
    assert vault.conversations.search(f'"{some[:11]}"')
    vault.close()


def test_a_sound_vault_comes_through_whole(full: Home, tmp_path: Path) -> None:
    home = copy_of(full, tmp_path)
    vault = home.open()
    before = texts(vault)
    summaries = vault.conversations.summaries()
    vault.close()
    done = VaultCare(home.folder, home.keys).salvage(NOTHING)
    assert done.lost == {}
    vault = home.open()
    assert texts(vault) == before
    assert vault.conversations.summaries() == summaries
    vault.close()


def test_without_the_first_page_nothing_can_be_saved(full: Home, tmp_path: Path) -> None:
    home = copy_of(full, tmp_path)
    path = home.folder / FILE_NAME
    damage(path, [0])
    before = path.read_bytes()
    with pytest.raises(VaultDamagedError, match="Restore a backup"):
        VaultCare(home.folder, home.keys).salvage(NOTHING)
    assert path.read_bytes() == before
    assert not (home.folder / "restored").exists()


def test_what_lies_behind_the_last_gap_is_saved_too(full: Home, tmp_path: Path) -> None:
    home = copy_of(full, tmp_path)
    vault = home.open()
    leaves = "SELECT pageno FROM dbstat WHERE name = 'messages' AND pagetype = 'leaf' ORDER BY path"
    with vault._database.reading() as connection:
        pages = [page for (page,) in connection.execute(leaves)]
    newest = "message 29-19 "
    vault.close()
    damage(home.folder / FILE_NAME, [pages[-2] - 1])
    VaultCare(home.folder, home.keys).salvage(NOTHING)
    vault = home.open()
    assert any(said.startswith(newest) for said in texts(vault))
    vault.close()
