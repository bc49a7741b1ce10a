from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.program import Snug

from snug.vault.vault import Vault


@pytest.fixture
def snug(tmp_path: Path) -> Snug:
    return Snug(tmp_path / "home")


def with_a_chat(snug: Snug) -> None:
    done = snug.run("chat", "starter", "--prompt", "cranberry", "--max-tokens", "1")
    assert done.returncode == 0, done.stderr


def test_a_backup_is_made_looked_at_and_brought_back(snug: Snug, tmp_path: Path) -> None:
    with_a_chat(snug)
    copy = tmp_path / "mine.snugbackup"
    made = snug.document("vault", "backup", str(copy))
    assert made["path"] == str(copy)
    assert not made["opens_elsewhere"]
    assert len(snug.document("vault", "backups")) == 1
    for arguments in (("vault", "verify"), ("vault", "verify", str(copy))):
        checked = snug.document(*arguments)
        assert (checked["ok"], checked["conversations"], checked["messages"]) == (True, 1, 2)
    (chat,) = snug.document("conversations", "list")
    snug.document("conversations", "delete", chat["id"], "--for-good")
    assert snug.document("conversations", "list") == []
    done = snug.document("vault", "restore", str(copy))
    assert (done["conversations"], done["messages"]) == (1, 2)
    assert Path(done["set_aside"]).is_dir()
    assert [one["id"] for one in snug.document("conversations", "list")] == [chat["id"]]


def test_damage_is_told_and_what_can_be_read_is_saved(snug: Snug, tmp_path: Path) -> None:
    with_a_chat(snug)
    (database,) = tmp_path.rglob("snug.db")
    vault = Vault.open(database.parent, snug.folder / "config" / "snug" / "keys")
    with vault._database.reading() as connection:
        ((page,),) = connection.execute(
            "SELECT pageno FROM dbstat WHERE name = 'message_words_data' LIMIT 1"
        ).fetchall()
    vault.close()
    content = bytearray(database.read_bytes())
    content[page * 4096 - 99] ^= 1
    database.write_bytes(content)
    told = snug.run("vault", "verify")
    assert told.returncode == 1
    assert "Traceback" not in told.stderr
    saved = snug.document("vault", "salvage")
    assert Path(saved["set_aside"]).is_dir()
    assert snug.document("vault", "verify")["ok"]


@pytest.mark.parametrize("command", ["restore", "verify"])
def test_what_is_no_backup_is_told_in_a_line(snug: Snug, tmp_path: Path, command: str) -> None:
    other = tmp_path / "other"
    other.write_text("no backup")
    for path in (other, tmp_path / "missing"):
        done = snug.run("vault", command, str(path))
        assert done.returncode == 1
        assert len(done.stderr.strip().splitlines()) == 1
