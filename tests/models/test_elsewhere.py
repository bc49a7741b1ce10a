"""Where models lie outside Snug's folder is written down nowhere but in the vault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.models.gguf_maker import named
from tests.models.test_library import names

from snug.models.elsewhere import KEPT_AS
from snug.models.library import Library


class Kept:
    """A keeper that remembers; it can fail as a full disk does."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.broken = False

    def setting(self, name: str) -> str | None:
        return self.texts.get(name)

    def set_setting(self, name: str, value: str) -> None:
        if self.broken:
            raise OSError(28, "No space left on device")
        self.texts[name] = value


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture(autouse=True)
def _made(folder: Path) -> None:
    folder.mkdir(mode=0o700)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    made = tmp_path / "Client-Meyer"
    made.mkdir()
    return made


def library(folder: Path, kept: Kept | None) -> Library:
    return Library(folder, lambda: None, keeper=kept)


def plain_text(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.iterdir() if path.suffix == ".json")


def test_a_model_elsewhere_is_found_again_and_stands_in_no_plain_file(
    folder: Path, outside: Path, kept: Kept
) -> None:
    model = library(folder, kept).import_file(named("Alpha").write(outside / "secret.gguf"))
    again = library(folder, kept)
    assert again.models() == (model,)
    assert again.resolve("Alpha F32") == model
    assert "Meyer" not in plain_text(folder)
    assert "Alpha" not in plain_text(folder)
    assert "Meyer" in kept.texts[KEPT_AS]


def test_without_a_keeper_all_stands_in_the_index(folder: Path, outside: Path) -> None:
    library(folder, None).import_file(named("Alpha").write(outside / "secret.gguf"))
    assert "Meyer" in plain_text(folder)


def test_a_model_in_the_folder_stands_in_the_index(folder: Path, kept: Kept) -> None:
    library(folder, kept).import_file(named("Own").write(folder / "own.gguf"))
    assert "own.gguf" in plain_text(folder)
    assert names(library(folder, None)) == ["Own F32"]


@pytest.mark.parametrize("own_first", [True, False])
def test_of_a_model_in_both_places_the_index_knows_its_own_alone(
    folder: Path, outside: Path, kept: Kept, own_first: bool
) -> None:
    own, other = folder / "own.gguf", outside / "secret.gguf"
    for path in (own, other) if own_first else (other, own):
        library(folder, kept).import_file(named("Alpha").write(path))
    (model,) = library(folder, kept).models()
    assert {model.path, *model.other_paths} == {str(own), str(other)}
    assert "Meyer" not in plain_text(folder)
    (shared,) = library(folder, Kept()).models()  # another profile with the same models folder
    assert shared.path == str(own)


def test_the_name_of_a_file_elsewhere_does_not_come_into_the_index_with_the_same_content(
    folder: Path, outside: Path, kept: Kept
) -> None:
    content = named("").write(outside / "Meyer-divorce.gguf").read_bytes()
    first = library(folder, kept).import_file(outside / "Meyer-divorce.gguf")
    assert "Meyer" in first.name
    (folder / "hub.gguf").write_bytes(content)
    library(folder, kept).import_file(folder / "hub.gguf", source="owner/name")
    assert names(library(folder, kept)) == [first.name]
    assert "Meyer" not in plain_text(folder)


def test_removing_takes_it_out_of_both(folder: Path, outside: Path, kept: Kept) -> None:
    for path in (folder / "own.gguf", outside / "secret.gguf"):
        library(folder, kept).import_file(named("Alpha").write(path))
    library(folder, kept).remove("Alpha F32")
    assert not library(folder, kept).models()
    assert json.loads((folder / "library.json").read_text())["entries"] == []
    assert "Meyer" not in kept.texts[KEPT_AS]
    assert (outside / "secret.gguf").exists()


def test_what_an_earlier_snug_wrote_down_is_moved_and_its_damaged_copies_go(
    folder: Path, outside: Path, kept: Kept
) -> None:
    model = library(folder, None).import_file(named("Alpha").write(outside / "secret.gguf"))
    (folder / "library.damaged-1.json").write_text(str(outside))
    assert library(folder, kept).models() == (model,)
    assert "Meyer" not in plain_text(folder)
    assert library(folder, kept).models() == (model,)


def test_a_damaged_index_loses_nothing_of_what_is_kept_elsewhere(
    folder: Path, outside: Path, kept: Kept
) -> None:
    made = library(folder, kept)
    made.import_file(named("Own").write(folder / "own.gguf"))
    made.import_file(named("Alpha").write(outside / "secret.gguf"))
    for name in ("library.json", "library.copy.json"):
        (folder / name).write_bytes(b"{")
    assert names(library(folder, kept)) == ["Alpha F32", "Own F32"]
    assert "Meyer" not in plain_text(folder)


def test_a_keeper_that_fails_leaves_the_index_as_it_was(
    folder: Path, outside: Path, kept: Kept
) -> None:
    made = library(folder, kept)
    own = made.import_file(named("Own").write(folder / "own.gguf"))
    before = (folder / "library.json").read_bytes()
    kept.broken = True
    path = named("Alpha").write(outside / "secret.gguf")
    with pytest.raises(Exception, match="room"):
        made.import_file(path)
    assert (folder / "library.json").read_bytes() == before
    assert library(folder, kept).models() == (own,)


def test_what_another_process_kept_is_seen(folder: Path, outside: Path, kept: Kept) -> None:
    first, second = library(folder, kept), library(folder, kept)
    assert first.models() == second.models() == ()
    second.import_file(named("Alpha").write(outside / "secret.gguf"))
    assert names(first) == ["Alpha F32"]
