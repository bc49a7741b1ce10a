"""The index survives damage, crashes and full disks; what can be known again is known again."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.models.gguf_maker import named, sound
from tests.models.test_library import names

from snug.domain.errors import DiskFullError, EnvironmentFault, NewerSchemaError
from snug.models.index import COPY, INDEX, LOCK
from snug.models.index_codec import decode, encode
from snug.models.library import Library
from snug.models.lock import locked


@pytest.fixture
def library(folder: Path, tmp_path: Path) -> Library:
    """Two models by reference and one in the folder itself."""
    made = Library(folder, lambda: None)
    made.import_file(named("Alpha").write(tmp_path / "a.gguf"))
    made.import_file(named("Beta").write(tmp_path / "b.gguf"))
    made.import_file(named("Own").write(folder / "own.gguf"))
    return made


ALL = ["Alpha F32", "Beta F32", "Own F32"]


def fresh(folder: Path) -> Library:
    return Library(folder, lambda: None)


def test_the_index_is_for_the_owner_only(library: Library, folder: Path) -> None:
    for name in (INDEX, COPY, LOCK):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_index_reads_back_as_it_was_written(library: Library, folder: Path) -> None:
    data = (folder / INDEX).read_bytes()
    decoded = decode(data)
    assert (decoded.version, decoded.lost) == (1, 0)
    assert encode(decoded.content) == data
    assert fresh(folder).models() == library.models()


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\0" * 500,
        b"{",
        b"[]",
        b"null",
        b'{"version": 1}',
        b'{"version": "x", "entries": []}',
        b'{"version": 1, "entries": {}}',
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"version": 1e999, "entries": []}',
    ],
)
def test_a_damaged_index_is_set_aside_and_nothing_is_lost(
    damage: bytes, library: Library, folder: Path
) -> None:
    (folder / INDEX).write_bytes(damage)
    assert names(fresh(folder)) == ALL
    assert names(library) == ALL
    assert (folder / "library.damaged-1.json").read_bytes() == damage
    decode((folder / INDEX).read_bytes())


def test_without_the_copy_the_folders_own_models_come_back(library: Library, folder: Path) -> None:
    own = library.models()[2]
    (folder / INDEX).write_bytes(b"{")
    (folder / COPY).write_bytes(b"{")
    again = fresh(folder)
    assert names(again) == ["Own F32"]
    assert again.resolve("Own F32") == own
    assert (folder / "library.damaged-1.json").exists()
    assert (folder / "library.copy.damaged-1.json").exists()


def test_damaged_files_in_the_folder_do_not_come_back(library: Library, folder: Path) -> None:
    sound().change(weights=0).write(folder / "cut.gguf")
    (folder / INDEX).write_bytes(b"{")
    (folder / COPY).unlink()
    assert names(fresh(folder)) == ["Own F32"]


def test_a_deleted_index_comes_back(library: Library, folder: Path) -> None:
    (folder / INDEX).unlink()
    assert names(fresh(folder)) == ALL


def test_every_damaged_index_is_kept(library: Library, folder: Path) -> None:
    for number in range(1, 4):
        (folder / INDEX).write_bytes(b"x" * number)
        fresh(folder).models()
        assert (folder / f"library.damaged-{number}.json").stat().st_size == number


def test_an_entry_that_makes_no_sense_comes_from_the_copy(library: Library, folder: Path) -> None:
    document = json.loads((folder / INDEX).read_bytes())
    document["entries"][1]["model"]["size_bytes"] = "large"
    (folder / INDEX).write_text(json.dumps(document))
    assert names(fresh(folder)) == ALL


def test_what_is_wrong_beside_what_makes_no_sense_comes_from_the_copy_too(
    library: Library, folder: Path
) -> None:
    document = json.loads((folder / INDEX).read_bytes())
    document["entries"][0]["files"][0]["path"] = "/elsewhere.gguf"
    document["entries"][1]["model"]["size_bytes"] = "large"
    (folder / INDEX).write_text(json.dumps(document))
    assert names(fresh(folder)) == ALL


def test_unknown_fields_are_skipped(library: Library, folder: Path) -> None:
    document = json.loads((folder / INDEX).read_bytes())
    document["extra"] = 1
    document["entries"][0]["model"]["colour"] = "blue"
    (folder / INDEX).write_text(json.dumps(document))
    assert names(fresh(folder)) == ALL
    assert not list(folder.glob("*damaged*"))


def test_a_newer_index_is_read_but_not_changed(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    document = json.loads((folder / INDEX).read_bytes())
    document["version"] = 2
    document["entries"].append({"of": "another form"})
    text = json.dumps(document)
    (folder / INDEX).write_text(text)
    newer = fresh(folder)
    assert names(newer) == ALL
    with pytest.raises(NewerSchemaError, match="Update Snug"):
        newer.import_file(named("Gamma").write(tmp_path / "c.gguf"))
    assert (folder / INDEX).read_text() == text


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_damage_to_the_index_leaves_a_working_library(
    data: st.DataObject, library: Library, folder: Path
) -> None:
    sound_copy = (folder / COPY).read_bytes()
    content = bytearray(sound_copy)
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / INDEX).write_bytes(bytes(content))
    again = fresh(folder)
    again.models()
    if list(folder.glob("*damaged*")):
        assert len(names(again)) >= len(ALL)
        decode((folder / INDEX).read_bytes())
    for path in folder.glob("*damaged*"):
        path.unlink()
    (folder / COPY).write_bytes(sound_copy)


def test_a_full_disk_leaves_the_old_index(
    library: Library, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (folder / INDEX).read_bytes()
    path = named("Gamma").write(tmp_path / "c.gguf")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFullError, match="no room"):
        library.import_file(path)
    monkeypatch.undo()
    assert (folder / INDEX).read_bytes() == before
    assert not list(folder.glob("*.tmp"))
    assert library.import_file(path).name == "Gamma F32"


def test_an_error_of_the_disk_is_told(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = named("Gamma").write(tmp_path / "c.gguf")

    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(EnvironmentFault, match="Input/output error"):
        library.import_file(path)


def _import_and_die(folder: str, path: str, calls: int) -> None:
    """Ends without any clean-up at the n-th fsync or replace."""
    left = calls
    for module, name in ((os, "fsync"), (Path, "replace")):
        real = getattr(module, name)

        def dying(*arguments: object, _real: object = real) -> object:
            nonlocal left
            left -= 1
            if left <= 0:
                os._exit(9)
            assert callable(_real)
            return _real(*arguments)

        setattr(module, name, dying)
    Library(Path(folder), lambda: None).import_file(Path(path))
    os._exit(0)


@pytest.mark.parametrize("calls", range(1, 8))
def test_a_crash_at_any_step_of_writing_loses_nothing(
    calls: int, library: Library, folder: Path, tmp_path: Path
) -> None:
    path = named("Gamma").write(tmp_path / "c.gguf")
    child = multiprocessing.get_context("spawn").Process(
        target=_import_and_die, args=(str(folder), str(path), calls)
    )
    child.start()
    child.join(60)
    assert child.exitcode in {0, 9}
    assert (child.exitcode == 0) == (calls > 6)
    assert set(ALL) <= set(names(fresh(folder))) <= {*ALL, "Gamma F32"}
    assert not list(folder.glob("*damaged*"))
    fresh(folder).import_file(path)
    assert "Gamma F32" in names(library)


def test_a_lock_that_is_never_freed_is_told(tmp_path: Path) -> None:
    with (
        locked(tmp_path / LOCK),
        pytest.raises(EnvironmentFault, match="Another Snug"),
        locked(tmp_path / LOCK, timeout_s=0.05),
    ):
        pass


def test_the_lock_is_handed_on(tmp_path: Path) -> None:
    entered = threading.Event()

    def work() -> None:
        with locked(tmp_path / LOCK):
            entered.set()

    with locked(tmp_path / LOCK):
        thread = threading.Thread(target=work)
        thread.start()
        assert not entered.is_set()
    thread.join(10)
    assert entered.is_set()
