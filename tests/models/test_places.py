"""One content is one entry in all its places; checking and removing tell and do what they say."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.models.gguf_maker import TEXT, named, shards

from snug.domain.errors import ModelFileError, NotFoundError, UserError
from snug.models.digest import ImportCancelledError
from snug.models.index import INDEX
from snug.models.library import Library


def again(folder: Path) -> Library:
    """The library of another start."""
    return Library(folder, lambda: None)


def flip(path: Path) -> None:
    """Change one bit, but neither size nor date: what a failing disk does."""
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


# Places.


def test_when_the_first_place_vanishes_the_other_is_used(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    copy = Path(shutil.copyfile(path, tmp_path / "copy.gguf"))
    library.import_file(path)
    assert library.import_file(copy).other_paths == (str(copy),)
    path.unlink()
    assert [model.path for model in library.models()] == [str(copy)]
    assert again(folder).resolve("Alpha F32").path == str(copy)


def test_a_first_place_that_comes_back_is_known(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    copy = Path(shutil.copyfile(path, tmp_path / "copy.gguf"))
    library.import_file(path)
    library.import_file(copy)
    away = path.rename(tmp_path / "away")
    library.resolve("Alpha F32")
    away.rename(path)
    copy.unlink()
    assert library.resolve("Alpha F32").path == str(path)


def test_a_place_whose_content_changed_gives_way_to_one_that_did_not(
    library: Library, tmp_path: Path
) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    copy = Path(shutil.copyfile(path, tmp_path / "copy.gguf"))
    library.import_file(path)
    library.import_file(copy)
    named("Other").write(path)
    assert library.resolve("Alpha F32").path == str(copy)


def test_a_model_that_is_gone_is_shown_as_missing(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    library.import_file(path)
    assert library.missing() == ()
    path.unlink()
    (gone,) = library.missing()
    assert gone.name == "Alpha F32"
    assert "no longer at" in gone.note
    assert "Put it back" in gone.note


def test_a_part_that_is_gone_is_named(library: Library, tmp_path: Path) -> None:
    paths = shards(tmp_path)
    library.import_file(paths[0])
    paths[1].unlink()
    (gone,) = library.missing()
    assert "1 of 3 files" in gone.note
    assert paths[1].name in gone.note


# Checking.


def test_an_unchanged_content_is_what_it_was(library: Library, tmp_path: Path) -> None:
    library.import_file(named("Alpha").write(tmp_path / "a.gguf"))
    told: list[tuple[int, int]] = []
    assert library.verify("Alpha F32", progress=lambda *at: told.append(at)) == ""
    assert told[-1][0] == told[-1][1] > 0


def test_a_flipped_bit_is_told(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    library.import_file(path)
    flip(path)
    assert "The disk may be failing" in library.verify("Alpha F32")


def test_another_file_in_its_place_is_told(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    library.import_file(path)
    named("Other").write(path)
    assert "is not the one that was added" in library.verify("Alpha F32")


def test_a_file_that_was_cut_is_told(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    library.import_file(path)
    path.write_bytes(path.read_bytes()[:-100])
    assert "cut short" in library.verify("Alpha F32")


def test_a_missing_file_is_told_when_it_is_checked(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    library.import_file(path)
    path.unlink()
    assert "no longer at" in library.verify("Alpha F32")


def test_checking_can_be_stopped(library: Library, tmp_path: Path) -> None:
    library.import_file(named("Alpha").write(tmp_path / "a.gguf"))
    with pytest.raises(ImportCancelledError):
        library.verify("Alpha F32", cancelled=lambda: True)


def test_checking_what_is_not_there_is_told(library: Library) -> None:
    with pytest.raises(NotFoundError):
        library.verify("Alpha")


# Removing.


def test_what_is_deleted_is_told(library: Library, folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    paths = shards(folder)
    size = sum(path.stat().st_size for path in paths)
    own = library.import_file(paths[0])
    other = library.import_file(named("Alpha").write(tmp_path / "a.gguf"))
    assert (library.owns(own), library.owns(other)) == (True, False)
    removed = library.take_out(own.name)
    assert (removed.deleted, removed.freed_bytes) == (3, size)
    assert library.take_out(other.name).deleted == 0


@pytest.mark.parametrize("left", [1, 2, 3])
def test_a_crash_while_deleting_leaves_no_half_model(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    folder.mkdir()
    paths = shards(folder)
    name = library.import_file(paths[0]).name
    deleted: list[Path] = []
    unlink = Path.unlink

    def killed(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".gguf":
            if len(deleted) == 3 - left:
                raise KeyboardInterrupt
            deleted.append(path)
        unlink(path, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            library.take_out(name)
    assert sum(path.exists() for path in paths) == left
    other = again(folder)
    assert (other.models(), other.missing()) == ((), ())
    assert not any(path.exists() for path in paths)


def test_a_file_put_there_after_a_crash_is_not_deleted(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir()
    path = named("Alpha").write(folder / "a.gguf")
    library.import_file(path)

    def killed(path: Path, missing_ok: bool = False) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            library.take_out("Alpha F32")
    named("Newer model").write(path)
    again(folder).models()
    assert path.exists()


def test_a_copy_elsewhere_stays_when_the_model_is_removed(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    folder.mkdir()
    own = named("Alpha").write(folder / "a.gguf")
    other = Path(shutil.copyfile(own, tmp_path / "other.gguf"))
    library.import_file(other)
    library.import_file(own)
    assert library.take_out("Alpha F32").deleted == 1
    assert (own.exists(), other.exists()) == (False, True)


def test_the_starter_cannot_be_removed(library: Library) -> None:
    with pytest.raises(UserError, match="part of Snug"):
        library.take_out("starter")


# What an older Snug kept.


def test_an_entry_of_an_older_snug_is_read_again_once(
    library: Library, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = named("Alpha").set("tokenizer.chat_template.tool_use", TEXT, "{{ tools }}")
    model = library.import_file(made.write(tmp_path / "a.gguf"))
    document = json.loads((folder / INDEX).read_text())
    (entry,) = document["entries"]
    for name in ("reading", "others"):
        del entry[name]
    for name in ("tool_template", "commit", "projector", "program", "other_paths"):
        del entry["model"][name]
    (folder / INDEX).write_text(json.dumps(document))
    older = again(folder)
    assert older.models() == (replace(model, tool_template=""),)
    assert older.resolve("Alpha F32") == model

    def read(path: Path) -> None:
        raise ModelFileError("read a second time")

    monkeypatch.setattr("snug.models.library.inspect", read)
    assert again(folder).resolve("Alpha F32") == model
