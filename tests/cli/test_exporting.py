from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path

import pytest
from tests.cli.program import Snug

from snug.domain.conversation import Conversation, Message, Part, PartKind, Role
from snug.domain.importing import ImportedConversation
from snug.vault.exporting.archive import seal
from snug.vault.exporting.snug_json import document


@pytest.fixture(scope="module")
def snug(tmp_path_factory: pytest.TempPathFactory) -> Snug:
    """A vault with two conversations, which came out of an archive."""
    snug = Snug(tmp_path_factory.mktemp("exporting"))
    (snug.folder / "pass").write_text("seven wolves\n")
    (snug.folder / "in.age").write_bytes(
        seal(b"".join(document([a_tree("one"), a_tree("two")])), "seven wolves")
    )
    done = snug.document(
        "vault", "unarchive", str(snug.folder / "in.age"), "--passphrase-file", word(snug)
    )
    assert (done["conversations"], done["messages"], done["problems"]) == (2, 4, [])
    return snug


def word(snug: Snug) -> str:
    return str(snug.folder / "pass")


def a_tree(name: str) -> ImportedConversation:
    said = tuple(
        Message(f"{name}-{n}", name, f"{name}-{n - 1}" if n else None, role, (part,), created_ms=9)
        for n, (role, part) in enumerate(
            [
                (Role.USER, Part(PartKind.TEXT, "Where do wolves live?")),
                (Role.ASSISTANT, Part(PartKind.TEXT, "In the **Alps**. 狼 ذئب")),
            ]
        )
    )
    return ImportedConversation(
        Conversation(name, "Wolves", 5, 6, said, said[-1].id), "Animals", ("wild",)
    )


def test_json_comes_out_as_it_went_in_private_and_never_over_another_file(snug: Snug) -> None:
    file = snug.folder / "out.json"
    more = ("conversations", "export", "--all", "--format", "json", "--output", str(file))
    report = snug.document(*more)
    assert (report["conversations"], report["messages"], report["encrypted"]) == (2, 4, False)
    entries = json.loads(file.read_text("utf-8"))["conversations"]
    wanted = json.loads(b"".join(document([a_tree("one"), a_tree("two")])))["conversations"]
    assert sorted(entries, key=lambda e: str(e["id"])) == wanted
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = snug.run(*more)
    assert again.returncode == 1
    assert "already" in again.stderr
    assert not list(snug.folder.glob(".snug-*"))


def test_one_conversation_goes_to_standard_output_with_a_warning_beside_it(snug: Snug) -> None:
    done = snug.run("conversations", "export", "one", "--format", "markdown", "--output", "-")
    assert done.stdout.startswith("# Wolves\n")
    assert "not encrypted" in done.stderr


def test_several_go_into_a_zip_with_a_name_each(snug: Snug, tmp_path: Path) -> None:
    more = ("conversations", "export", "--tag", "wild", "--format", "html", "--output")
    assert snug.run(*more, str(tmp_path / "a.html")).returncode == 1
    snug.document(*more, str(tmp_path / "a.zip"))
    with zipfile.ZipFile(tmp_path / "a.zip") as pack:
        assert sorted(pack.namelist()) == ["Wolves (2).html", "Wolves.html"]


def test_a_pdf_is_made_without_a_display(snug: Snug, tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    snug.document("conversations", "export", "one", "--format", "pdf", "--output", str(file))
    assert file.read_bytes().startswith(b"%PDF-")


def test_an_archive_reads_back_and_adds_nothing_twice(snug: Snug, tmp_path: Path) -> None:
    file = tmp_path / "all.age"
    report = snug.document("vault", "archive", str(file), "--passphrase-file", word(snug))
    assert (report["conversations"], report["encrypted"]) == (2, True)
    assert b"wolves" not in file.read_bytes()
    back = snug.document("vault", "unarchive", str(file), "--passphrase-file", word(snug))
    assert (back["conversations"], back["messages"], back["skipped"]) == (0, 0, 4)


def test_the_schema_is_told(snug: Snug) -> None:
    done = snug.run("conversations", "schema")
    assert json.loads(done.stdout)["properties"]["version"] == {"const": 1}
