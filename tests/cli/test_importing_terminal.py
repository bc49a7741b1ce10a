from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.program import Snug
from tests.vault.importing.test_chatgpt import CHATGPT
from tests.vault.importing.test_formats import CLAUDE, OPEN_WEBUI


@pytest.fixture
def snug(tmp_path: Path) -> Snug:
    return Snug(tmp_path / "home")


def test_chats_of_others_come_in_once_with_a_report(snug: Snug, tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([CHATGPT, CLAUDE, OPEN_WEBUI, {"mapping": 5}])[:-1])
    report = snug.document("conversations", "import", str(path))
    assert report["format"] == "ChatGPT, Claude, Open WebUI"
    assert (report["conversations"], report["skipped"]) == (3, 0)
    assert len(report["problems"]) == 1
    again = snug.document("conversations", "import", str(path))
    assert (again["conversations"], again["skipped"]) == (0, report["messages"])
    (hit,) = snug.document("conversations", "search", "tag:Claude vague")
    assert hit["title"] == "Contract"


def test_what_holds_no_chats_is_told_in_a_line(snug: Snug, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text('{"a": 1}')
    for path in (other, tmp_path / "missing.json", tmp_path):
        done = snug.run("conversations", "import", str(path))
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert str(path) in done.stderr
