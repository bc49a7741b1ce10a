from __future__ import annotations

import itertools
import shutil
import threading
import time
import zipfile
from functools import partial
from pathlib import Path

import pytest
from tests.vault.conftest import Home
from tests.vault.helpers import a_conversation, a_message

from snug.domain.errors import (
    DiskFullError,
    EnvironmentFault,
    SnugError,
    UserError,
    VaultDamagedError,
    VaultLockedError,
    WrongKeyError,
)
from snug.domain.unlocking import NOTHING, Secret
from snug.services.keeping import DAY_MS, Keeping
from snug.vault import backups, exchange, holding
from snug.vault.care import VaultCare
from snug.vault.database import FILE_NAME
from snug.vault.vault import Vault


def texts(vault: Vault) -> list[str]:
    return sorted(
        message.text
        for summary in vault.conversations.summaries()
        for message in vault.conversations.conversation(summary.id).messages
    )


def fill(vault: Vault, *words: str) -> str:
    chat = a_conversation(vault.conversations, "Fruit")
    for word in words:
        a_message(vault.conversations, chat, word)
    return chat


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder / "unpacked", ignore_errors=True)
    (folder / "unpacked").mkdir()
    return folder / "unpacked"


def care(home: Home) -> VaultCare:
    return VaultCare(home.folder, home.keys)


def test_a_backup_brings_back_what_was_there_and_keeps_what_is(home: Home) -> None:
    vault = home.open()
    fill(vault, "cranberry")
    made = vault.back_up()
    fill(vault, "medlar")
    vault.close()
    done = care(home).restore(made.path, NOTHING)
    assert (done.conversations, done.messages) == (1, 1)
    assert done.aside is not None
    vault = home.open()
    assert texts(vault) == ["cranberry"]
    assert [hit.snippet for hit in vault.conversations.search("medlar")] == []
    vault.close()
    # What was there before is whole, and opens with the same key.
    shutil.copytree(done.aside, aside := home.folder.parent / "aside")
    vault = Vault.open(aside, home.keys, keyring_allowed=False)
    assert texts(vault) == ["cranberry", "medlar"]
    vault.close()


def test_another_machine_opens_it_with_the_passphrase_or_the_code(home: Home) -> None:
    vault = home.open()
    fill(vault, "cranberry")
    vault.keys.add_passphrase("four words of mine")
    code = vault.keys.add_recovery_code()
    made = vault.back_up()
    vault.close()
    for place, secret in (("one", "four words of mine"), ("two", code)):
        there = Home(home.folder.parent / place, home.folder.parent / f"{place} keys")
        carried = home.folder.parent / f"carried to {place}.snugbackup"
        shutil.copy(made.path, carried)
        with pytest.raises(VaultLockedError):
            care(there).restore(carried, NOTHING)
        with pytest.raises(WrongKeyError):
            care(there).restore(carried, Secret("something else"))
        assert not (there.folder / FILE_NAME).exists()
        assert care(there).restore(carried, Secret(secret)).aside is None
        vault = Vault.open(there.folder, there.keys, Secret(secret))
        assert texts(vault) == ["cranberry"]
        vault.close()


def test_what_opens_the_chats_now_opens_their_older_backups(home: Home) -> None:
    vault = home.open()
    fill(vault, "cranberry")
    made = vault.back_up()
    vault.keys.change_passphrase("four words of mine")
    for slot in vault.keys.slots():
        if slot.kind != "passphrase":
            vault.keys.remove(slot.id)  # the key file, by which alone the backup was opened
    vault.close()
    now = Secret("four words of mine")
    assert care(home).check_backup(made.path, now).ok
    with pytest.raises(VaultLockedError):
        care(home).restore(made.path, NOTHING)
    assert care(home).restore(made.path, now).messages == 1
    vault = home.open("four words of mine")
    assert texts(vault) == ["cranberry"]
    vault.close()


def test_nothing_in_a_backup_can_be_read(home: Home) -> None:
    vault = home.open()
    fill(vault, "cranberry")
    made = vault.back_up()
    vault.close()
    assert b"cranberry" not in made.path.read_bytes()
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in made.path.parent.iterdir()} == {made.path.name}


def test_a_backup_made_while_others_write_is_one_state(home: Home) -> None:
    vault = home.open()
    chat = fill(vault, "cranberry")
    with vault._database.reading() as connection:
        connection.execute("SELECT count(*) FROM messages").fetchall()  # its snapshot is taken
        a_message(vault.conversations, chat, "medlar")
        made = backups.make(home.folder, connection, vault._database._connect_copy)
    vault.close()
    assert care(home).check_backup(made.path, NOTHING).messages == 1


def test_a_damaged_vault_makes_no_backup_and_keeps_the_earlier_ones(home: Home) -> None:
    vault = home.open()
    fill(vault, *("cranberry " * 400 for _ in range(40)))
    good = vault.back_up()
    vault.close()
    flip(home.folder / FILE_NAME, 20 * 4096 + 99)
    vault = home.open()
    with pytest.raises(VaultDamagedError):
        vault.back_up()
    assert not vault.check().ok
    assert [backup.path for backup in vault.backups()] == [good.path]
    vault.close()
    care(home).restore(good.path, NOTHING)
    vault = home.open()
    assert vault.check().ok
    assert len(texts(vault)) == 40
    vault.close()


def flip(path: Path, place: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 0x10]))


@pytest.mark.parametrize("place", range(0, 100, 7))
def test_a_damaged_backup_changes_nothing(home: Home, place: int) -> None:
    vault = home.open()
    fill(vault, "cranberry")
    made = vault.back_up()
    vault.close()
    flip(made.path, made.bytes * place // 100)
    before = (home.folder / FILE_NAME).read_bytes()
    with pytest.raises(SnugError, match=r"damaged|not a backup|not open"):
        care(home).restore(made.path, NOTHING)
    assert (home.folder / FILE_NAME).read_bytes() == before
    assert not (home.folder / "restored").exists()


@pytest.mark.parametrize("content", [b"", b"PK", b"\0" * 100, b"SQLite format 3\0"])
def test_another_file_is_no_backup(home: Home, tmp_path: Path, content: bytes) -> None:
    home.open().close()
    other = tmp_path / "other.snugbackup"
    other.write_bytes(content)
    with pytest.raises(UserError, match="not a backup"):
        care(home).restore(other, NOTHING)


def test_a_backup_with_a_damaged_header_is_told(home: Home, tmp_path: Path) -> None:
    vault = home.open()
    fill(vault, "cranberry")
    made = vault.back_up()
    vault.close()
    content = made.path.read_bytes()
    bent = tmp_path / "bent.snugbackup"
    with zipfile.ZipFile(made.path) as archive:
        pages = archive.getinfo(FILE_NAME)
    # All but the pages: what stands before them, and the directory at the end.
    before = range(pages.header_offset + 80)
    behind = range(pages.header_offset + pages.file_size, len(content))
    told = 0
    for place in (*before, *behind):
        changed = bytearray(content)
        changed[place] ^= 0xFF
        bent.write_bytes(changed)
        try:
            backups.read(bent)
            backups.unpack(bent, _fresh(tmp_path))
        except SnugError:
            told += 1
    assert told > 300


def test_a_zip_that_unfolds_into_more_than_it_is_is_no_backup(home: Home, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.snugbackup"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("manifest.json", "vault.json", "snug.db"):
            archive.writestr(name, bytes(10_000_000))
    with pytest.raises(UserError, match="not a backup"):
        care(home).restore(bomb, NOTHING)


@pytest.mark.parametrize("moves", range(8))
def test_an_exchange_that_was_interrupted_is_carried_through(
    home: Home, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    vault = home.open()
    fill(vault, "cranberry")
    made = vault.back_up()
    fill(vault, "medlar")
    vault.close()
    left = moves
    rename = Path.rename

    def failing(path: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", failing)
        try:
            care(home).restore(made.path, NOTHING)
        except KeyboardInterrupt:
            assert moves < 4
    vault = home.open()
    assert texts(vault) == ["cranberry"]
    vault.close()
    assert not (home.folder / exchange._NEW).exists()
    assert len(list(home.folder.glob("set-aside-*"))) == 1


def test_a_full_disk_is_told_before_anything_is_written(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = home.open()
    fill(vault, "cranberry")
    monkeypatch.setattr(backups, "free_bytes", lambda folder: 1000)
    with pytest.raises(DiskFullError, match="1,000 are left"):
        vault.back_up()
    assert vault.backups() == ()
    vault.close()


# -- how many there are -----------------------------------------------------------------------


def test_deleting_for_good_reaches_the_backups(home: Home) -> None:
    vault = home.open()
    chat = fill(vault, "cranberry")
    fill(vault, "medlar")
    first = vault.back_up()
    vault.conversations.delete(chat)
    second = vault.back_up()
    assert [backup.path for backup in vault.backups()] == [second.path]
    assert not first.path.exists()
    vault.close()


def test_deleting_the_very_last_chat_reaches_the_backups_too(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = home.open()
    keeping = Keeping(vault, vault.keys)
    chat = fill(vault, "cranberry")
    first = vault.back_up()
    vault.conversations.delete(chat)
    monkeypatch.setattr("snug.services.keeping.now_ms", lambda: first.created_ms + DAY_MS)
    assert keeping.back_up_if_due() is not None
    assert not first.path.exists()
    vault.close()


def test_what_a_killed_process_left_of_copies_goes_with_the_next_start(home: Home) -> None:
    home.open().close()
    (home.folder / backups.FOLDER).mkdir(exist_ok=True)
    left = [
        home.folder / backups.FOLDER / f"{backups._MAKING}abcd",
        home.folder / f"{backups.LOOKED_AT}abcd",
        home.folder / exchange._NEW,
    ]
    for folder in left:
        folder.mkdir()
        (folder / FILE_NAME).write_bytes(b"pages")
    with holding.workplace(home.folder, backups.LOOKED_AT) as at_work:
        home.open().close()
        assert not any(folder.exists() for folder in left)
        assert at_work.exists()
    assert not at_work.exists()


def test_nothing_is_restored_or_salvaged_while_the_vault_is_open(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "_ALONE_TIMEOUT_S", 0.05)
    vault = home.open()
    fill(vault, "cranberry")
    made = vault.back_up()
    for work in (
        lambda: care(home).restore(made.path, NOTHING),
        lambda: care(home).salvage(NOTHING),
    ):
        with pytest.raises(UserError, match="open in another Snug"):
            work()
    fill(vault, "medlar")
    assert texts(vault) == ["cranberry", "medlar"]
    vault.close()
    assert care(home).restore(made.path, NOTHING).messages == 1


def test_whoever_opens_a_vault_waits_for_what_is_being_restored(home: Home) -> None:
    vault = home.open()
    fill(vault, "cranberry")
    vault.close()
    opened: list[Vault] = []
    opener = threading.Thread(target=lambda: opened.append(home.open()))
    with exchange.made_ready(home.folder):
        opener.start()
        opener.join(0.2)
        assert opener.is_alive()
    opener.join(10)
    assert texts(opened[0]) == ["cranberry"]
    opened[0].close()


def test_a_backup_ends_where_the_vault_is_to_be_closed(home: Home) -> None:
    vault = home.open()
    fill(vault, *(f"cranberry {n} " * 100 for n in range(50)))
    asked = itertools.count()
    complete = vault.back_up(lambda: next(asked) < 0)
    vault.backups()[0].path.unlink()
    for after in range(next(asked)):
        answers = itertools.chain(itertools.repeat(False, after), itertools.repeat(True))
        with pytest.raises(EnvironmentFault):
            vault.back_up(partial(next, answers))
    assert vault.backups() == ()
    assert [path.name for path in complete.path.parent.iterdir()] == []
    with pytest.raises(EnvironmentFault):
        vault.check(lambda: True)
    vault.close()


def test_one_is_made_each_day_on_which_something_changed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = home.open()
    keeping = Keeping(vault, vault.keys)
    assert keeping.back_up_if_due() is None  # there is nothing yet
    fill(vault, "cranberry")
    time.sleep(0.005)  # what is written in the very millisecond of a backup counts as after it
    first = keeping.back_up_if_due()
    assert first is not None
    assert keeping.back_up_if_due() is None
    monkeypatch.setattr("snug.services.keeping.now_ms", lambda: first.created_ms + DAY_MS)
    assert keeping.back_up_if_due() is None  # a day later, but nothing changed
    a_message(vault.conversations, vault.conversations.summaries()[0].id, "medlar")
    assert keeping.back_up_if_due() is not None
    vault.close()


def test_a_copy_goes_where_it_is_wanted_but_over_nothing(home: Home, tmp_path: Path) -> None:
    vault = home.open()
    fill(vault, "cranberry")
    keeping = Keeping(vault, vault.keys)
    made = keeping.back_up_to(tmp_path / "mine.snugbackup")
    assert care(home).check_backup(made.path, NOTHING).ok
    with pytest.raises(UserError, match="already"):
        keeping.back_up_to(made.path)
    assert not keeping.opens_elsewhere()
    vault.keys.add_passphrase("four words of mine")
    assert keeping.opens_elsewhere()
    vault.close()
