"""Order in the terminal: what scripts read, over a real vault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from snug.app import main
from snug.domain.conversation import Conversation, Message, Part, PartKind, Role
from snug.domain.unlocking import Secret
from snug.paths import find_paths
from snug.vault.vault import Vault


class Terminal:
    """Runs commands in this process, on one data folder."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._capsys = capsys

    def run(self, *arguments: str) -> tuple[int, str, str]:
        code = main([*arguments, "--data-dir", str(self._folder), "--offline"])
        shown = self._capsys.readouterr()
        return code, shown.out, shown.err

    def document(self, *arguments: str) -> Any:
        code, out, err = self.run(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    def ids(self, *options: str) -> list[str]:
        return [c["id"] for c in self.document("conversations", "list", *options)]


@pytest.fixture
def terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    paths = find_paths(tmp_path / "data")
    vault = Vault.open(paths.vault, paths.keys, Secret(), keyring_allowed=False)
    for name in ("a", "b"):
        vault.conversations.create(Conversation(name, f"Title {name}", 0, 0))
        parts = (Part(PartKind.TEXT, f"quixotic {name}"),)
        message = Message(f"m{name}", name, None, Role.USER, parts)
        vault.conversations.add_message(message, durable=True)
    vault.close()
    return Terminal(tmp_path / "data", capsys)


def test_folders_and_tags_narrow_the_list(terminal: Terminal) -> None:
    made = terminal.document("folders", "create", "Work")
    assert made["name"] == "Work"
    assert terminal.document("conversations", "move", "a", "work")["folder"] == "Work"
    terminal.document("conversations", "tag", "b", "tax")
    assert terminal.ids("--folder", "Work") == ["a"]
    assert terminal.ids("--tag", "tax") == ["b"]
    listed = {c["id"]: c for c in terminal.document("conversations", "list")}
    assert (listed["a"]["folder"], listed["b"]["tags"]) == ("Work", ["tax"])
    kept = terminal.document("folders", "keep", "Work", "7")
    assert (kept["retention_days"], kept["due_now"]) == (7, 0)
    assert terminal.document("folders", "delete", "Work")["conversations"] == 1
    assert set(terminal.ids()) == {"a", "b"}


def test_delete_goes_to_the_trash_and_says_for_how_long(terminal: Terminal) -> None:
    done = terminal.document("conversations", "delete", "a")
    assert done == {"deleted": "a", "for_good": False, "kept_days": 30}
    assert terminal.ids() == ["b"]
    assert terminal.ids("--trash") == ["a"]
    hits = terminal.document("conversations", "search", "quixotic")
    assert {hit["conversation_id"] for hit in hits} == {"b"}
    terminal.document("conversations", "restore", "a")
    assert set(terminal.ids()) == {"a", "b"}


def test_for_good_and_an_emptied_trash_leave_nothing(terminal: Terminal) -> None:
    assert terminal.document("conversations", "delete", "a", "--for-good")["for_good"]
    assert terminal.ids("--trash") == []
    terminal.document("conversations", "trash", "b")
    assert terminal.document("conversations", "empty-trash") == {"deleted": 1}
    assert terminal.ids("--trash") == terminal.ids() == []


def test_a_trash_that_keeps_nothing_deletes_at_once(terminal: Terminal) -> None:
    assert terminal.document("conversations", "keep-trash", "0") == {"kept_days": 0}
    assert terminal.document("conversations", "trash", "a")["trashed"] is False
    assert terminal.ids("--trash") == []


def test_the_archive_is_a_place_of_its_own(terminal: Terminal) -> None:
    terminal.document("conversations", "archive", "a")
    assert terminal.ids("--archived") == ["a"]
    terminal.document("conversations", "unarchive", "a")
    assert terminal.ids("--archived") == []


def test_what_is_not_there_is_told_in_a_line(terminal: Terminal) -> None:
    for arguments in (
        ("conversations", "move", "a", "nowhere"),
        ("conversations", "trash", "nope"),
        ("folders", "keep", "nowhere", "3"),
    ):
        code, _, err = terminal.run(*arguments)
        assert code == 1
        assert len(err.strip().splitlines()) == 1


def test_tags_are_listed_and_stand_beside_titles_like_the_archive(terminal: Terminal) -> None:
    terminal.document("conversations", "tag", "a", "work")
    terminal.document("conversations", "archive", "a")
    assert terminal.document("conversations", "tags") == [{"name": "work", "conversations": 1}]
    _, out, _ = terminal.run("conversations", "list")
    assert "Title a  #work  (archived)" in out


def test_what_was_not_there_to_be_taken_away_is_told(terminal: Terminal) -> None:
    assert terminal.run("conversations", "untag", "a", "work")[0] == 1
    assert terminal.run("conversations", "restore", "a")[0] == 1


def test_several_words_of_a_search_need_no_quotes(terminal: Terminal) -> None:
    found = terminal.document("conversations", "search", "quixotic", "from:me")
    assert {hit["conversation_id"] for hit in found} == {"a", "b"}
