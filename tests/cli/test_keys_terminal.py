from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.program import Snug


@pytest.fixture
def snug(tmp_path: Path) -> Snug:
    return Snug(tmp_path)


@pytest.fixture
def word(tmp_path: Path) -> Path:
    path = tmp_path / "word"
    path.write_text("correct horse battery\n")
    return path


def test_a_vault_made_with_a_passphrase_and_a_code_opens_with_either_and_with_nothing_else(
    snug: Snug, word: Path, tmp_path: Path
) -> None:
    made = snug.document("vault", "init", "--passphrase-file", str(word), "--recovery")
    assert {key["kind"] for key in made["keys"]} == {"passphrase", "recovery"}
    code = tmp_path / "code"
    code.write_text(made["recovery_code"].lower())
    for way in (word, code):
        assert snug.document("conversations", "list", SNUG_PASSPHRASE_FILE=str(way)) == []
    locked = snug.run("conversations", "list")
    assert locked.returncode == 1
    assert "SNUG_PASSPHRASE_FILE" in locked.stderr
    again = snug.run("vault", "init", "--passphrase-file", str(word))
    assert again.returncode == 1
    assert "already" in again.stderr


def test_a_passphrase_that_is_the_only_way_says_first_what_forgetting_means(
    snug: Snug, word: Path
) -> None:
    assert snug.document("vault", "status")["opens_silently"]
    done = snug.run("vault", "passphrase", "--new-file", str(word), "--only")
    assert done.returncode == 0
    assert "Forgotten means lost" in done.stderr
    assert "snug keys add recovery" in done.stderr
    assert snug.run("conversations", "list").returncode == 1
    status = snug.document("vault", "status")  # what opens it is told without a key
    assert not status["opens_silently"]
    assert [key["kind"] for key in status["keys"]] == ["passphrase"]


def test_a_key_file_to_carry_opens_until_it_is_removed(snug: Snug, tmp_path: Path) -> None:
    stick = tmp_path / "stick.key"
    listed = snug.document("keys", "add", "file", str(stick))
    (slot,) = (key["id"] for key in listed if key["kind"] == "portable")
    (silent,) = (key["id"] for key in listed if key["kind"] == "keyfile")
    snug.document("keys", "remove", silent)
    assert snug.run("conversations", "list").returncode == 1
    assert snug.run("conversations", "list", "--key-file", str(stick)).returncode == 0
    last = snug.run("keys", "remove", slot, "--key-file", str(stick))
    assert last.returncode == 1
    assert "last key" in last.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"short", "at least 8"),
        (b"\xff\xfe", "no text in UTF-8"),
        (b"four words\nof mine\n", "several lines"),
        (b"x" * 5000, "4,096"),
    ],
)
def test_a_passphrase_file_that_cannot_be_used_is_told_and_changes_nothing(
    snug: Snug, tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "awkward"
    path.write_bytes(content)
    done = snug.run("vault", "passphrase", "--new-file", str(path))
    assert done.returncode == 1
    assert words in done.stderr
    assert [key["kind"] for key in snug.document("keys", "list")] == ["keyfile"]


def test_locking_says_where_no_window_is_open(snug: Snug) -> None:
    assert snug.document("vault", "lock") == {"locked": False}


def test_a_second_recovery_code_is_made_only_where_that_is_meant(snug: Snug) -> None:
    first = snug.document("keys", "add", "recovery")["recovery_code"]
    again = snug.run("keys", "add", "recovery")
    assert again.returncode == 1
    assert "--replace" in again.stderr
    assert snug.document("keys", "add", "recovery", "--replace")["recovery_code"] != first


def test_a_passphrase_beside_the_key_of_this_device_says_that_it_still_opens(
    snug: Snug, word: Path
) -> None:
    done = snug.run("vault", "passphrase", "--new-file", str(word))
    assert "--only" in done.stderr


def test_where_the_key_file_is_gone_nothing_is_said_to_open_silently(snug: Snug) -> None:
    snug.document("vault", "init")
    (key,) = snug.folder.rglob("*.key")
    key.rename(key.with_suffix(".away"))
    status = snug.document("vault", "status")
    assert not status["opens_silently"]
    assert "not on this device" in status["keys"][0]["note"]


def test_whoever_mistypes_the_data_folder_is_told_that_a_new_vault_was_made(snug: Snug) -> None:
    done = snug.run("conversations", "list")
    assert f"A new vault was made in {snug.folder / 'data' / 'vault'}." in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("vault", "backup", ""),
        ("conversations", "import", ""),
        ("keys", "add", "file"),
        ("conversations", "move", "some"),
        ("conversations", "export", "--format", "json", "--output", "-"),
        ("vault", "archive", "some.age"),
    ],
)
def test_what_is_called_wrongly_ends_with_2(snug: Snug, arguments: tuple[str, ...]) -> None:
    done = snug.run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
