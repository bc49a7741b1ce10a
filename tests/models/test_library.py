"""The library: models are taken in where they lie, found again, and never confused."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.models.gguf_maker import U32, named, shards, sound

from snug.domain.errors import EnvironmentFault, ModelFileError, NotFoundError, UserError
from snug.models.digest import ImportCancelledError
from snug.models.library import CHANGED_NOTE, Library
from snug.services.protocols import ModelLibrary


def names(library: ModelLibrary) -> list[str]:
    return [model.name for model in library.models()]


def test_it_is_the_library_that_services_expect(library: Library) -> None:
    expected: ModelLibrary = library
    assert expected.models() == ()


def test_an_imported_model_is_listed_where_it_lies(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    model = library.import_file(path)
    assert model.name == "Alpha F32"
    assert model.path == str(path)
    assert model.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert model.source == "import"
    assert library.models() == (model,)
    assert path.exists()


def test_another_library_on_the_same_folder_knows_it(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    model = library.import_file(path)
    assert Library(folder, lambda: None).models() == (model,)


def test_a_relative_path_is_kept_absolute(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    named("Alpha").write(tmp_path / "a.gguf")
    monkeypatch.chdir(tmp_path / "sub")
    assert library.import_file(Path("../a.gguf")).path == str(tmp_path / "a.gguf")


def test_the_same_content_is_the_same_entry(library: Library, tmp_path: Path) -> None:
    first = library.import_file(named("Alpha").write(tmp_path / "a.gguf"))
    again = library.import_file(named("Alpha").write(tmp_path / "copy.gguf"))
    assert again == first
    assert len(library.models()) == 1


def test_importing_twice_reads_the_content_once(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    library.import_file(path)
    calls: list[int] = []
    library.import_file(path, progress=lambda done, total: calls.append(done))
    assert calls == []


def test_a_moved_file_is_found_again_by_importing_it(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    first = library.import_file(path)
    moved = path.rename(tmp_path / "b.gguf")
    assert library.models() == ()
    again = library.import_file(moved)
    assert (again.name, again.path) == (first.name, str(moved))
    assert names(library) == ["Alpha F32"]


def test_models_of_the_same_name_get_numbers(library: Library, tmp_path: Path) -> None:
    for number in range(3):
        made = named("Alpha").set("x.number", U32, number)
        library.import_file(made.write(tmp_path / f"{number}.gguf"))
    assert names(library) == ["Alpha F32", "Alpha F32 (2)", "Alpha F32 (3)"]


def test_no_model_can_call_itself_the_starter(library: Library, tmp_path: Path) -> None:
    made = named("Starter").drop("general.file_type")
    path = made.write(tmp_path / "a.gguf")
    assert library.import_file(path).name != "starter"


def test_a_damaged_file_is_not_imported(library: Library, tmp_path: Path) -> None:
    path = sound().change(weights=0).write(tmp_path / "a.gguf")
    with pytest.raises(ModelFileError, match="cut short"):
        library.import_file(path)
    assert library.models() == ()


def test_the_progress_of_an_import_is_told(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(named("Alpha").build() + bytes(3_000_000))
    told: list[tuple[int, int]] = []
    library.import_file(path, progress=lambda done, total: told.append((done, total)))
    size = path.stat().st_size
    assert told[-1] == (size, size)
    assert len(told) >= 3
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_cancelled_import_changes_nothing(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    with pytest.raises(ImportCancelledError):
        library.import_file(path, cancelled=lambda: True)
    assert library.models() == ()


def test_a_file_that_changes_while_it_is_imported_is_refused(
    library: Library, tmp_path: Path
) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")

    def grow(done: int, total: int) -> None:
        with path.open("ab") as file:
            file.write(b"x")

    with pytest.raises(ModelFileError, match="changed while it was read"):
        library.import_file(path, progress=grow)
    assert library.models() == ()


def test_a_known_digest_and_source_are_taken(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    model = library.import_file(path, source="owner/repo", sha256="ab" * 32)
    assert (model.source, model.sha256) == ("owner/repo", "ab" * 32)


def test_a_download_tells_where_an_imported_file_is_from(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    library.import_file(path)
    assert library.import_file(path, source="owner/repo").source == "owner/repo"
    assert library.import_file(path).source == "owner/repo"


def test_a_split_model_is_one_entry(library: Library, tmp_path: Path) -> None:
    paths = shards(tmp_path)
    model = library.import_file(paths[0])
    whole = hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
    assert model.sha256 == whole
    paths[2].unlink()
    assert library.models() == ()


def test_a_path_that_is_no_text_survives(library: Library, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.gguf"))
    model = library.import_file(named("Alpha").write(path))
    assert model.path == str(path)
    assert library.models() == (model,)


# Files that move and change.


def test_a_missing_file_is_told_with_its_place(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    library.import_file(path)
    path.unlink()
    with pytest.raises(ModelFileError, match=r"no longer at .*a\.gguf"):
        library.resolve("Alpha F32")


def test_a_changed_file_is_listed_as_changed(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    library.import_file(path)
    named("Alphabet").write(path)
    (model,) = library.models()
    assert (model.sha256, model.note) == ("", CHANGED_NOTE)
    assert model.size_bytes == path.stat().st_size


def test_a_changed_file_is_checked_again_and_says_so(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    library.import_file(path)
    named("Alphabet", quantization=1).write(path)
    model = library.resolve("Alpha F32")
    assert model.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert model.quantization == "F16"
    assert "replaced" in model.note
    assert library.models() == (model,)


def test_a_file_that_was_only_touched_is_the_same(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    model = library.import_file(path)
    os.utime(path, ns=(1, 1))
    assert library.resolve(model.name) == model
    assert library.models() == (model,)


def test_a_file_that_was_damaged_since_is_told(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    model = library.import_file(path)
    os.truncate(path, 20_000)
    with pytest.raises(ModelFileError, match=r"has changed since .* cut short"):
        library.resolve(model.name)


def test_another_model_in_the_same_place_takes_its_entry(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    library.import_file(path)
    library.import_file(named("Beta").write(path))
    assert names(library) == ["Beta F32"]


# Removing.


def test_removing_forgets_but_keeps_a_file_of_somebody_elses(
    library: Library, tmp_path: Path
) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    model = library.import_file(path)
    assert library.remove("ALPHA f32") == model
    assert library.models() == ()
    assert path.exists()


def test_removing_deletes_a_file_in_the_models_folder(library: Library, folder: Path) -> None:
    (folder / "sub").mkdir(parents=True)
    path = named("Alpha").write(folder / "sub" / "a.gguf")
    library.import_file(path)
    library.remove("Alpha F32")
    assert not path.exists()


def test_removing_a_split_model_deletes_all_of_it(library: Library, folder: Path) -> None:
    folder.mkdir()
    paths = shards(folder)
    library.remove(library.import_file(paths[0]).name)
    assert not any(path.exists() for path in paths)


def test_a_linked_folder_does_not_lead_a_deletion_out(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    folder.mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (folder / "link").symlink_to(outside)
    path = named("Alpha").write(outside / "a.gguf")
    library.remove(library.import_file(folder / "link" / "a.gguf").name)
    assert path.exists()


def test_a_link_in_the_models_folder_goes_but_not_its_target(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    folder.mkdir()
    path = named("Alpha").write(tmp_path / "a.gguf")
    (folder / "a.gguf").symlink_to(path)
    library.remove(library.import_file(folder / "a.gguf").name)
    assert path.exists()
    assert not (folder / "a.gguf").is_symlink()


def test_a_model_whose_file_is_gone_can_be_forgotten(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    library.import_file(path)
    path.unlink()
    library.remove("Alpha F32")
    named("Alpha").write(path)
    assert library.models() == ()


def test_removing_what_is_not_there_is_told(library: Library) -> None:
    with pytest.raises(NotFoundError):
        library.remove("Alpha")


def test_only_a_name_is_removed_never_a_path(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    library.import_file(path)
    with pytest.raises(NotFoundError):
        library.remove(str(path))


# Several at once.


def test_imports_on_many_threads_are_all_kept(library: Library, tmp_path: Path) -> None:
    paths = [named(f"Model{n}").write(tmp_path / f"{n}.gguf") for n in range(12)]
    with ThreadPoolExecutor(max_workers=12) as pool:
        imported = list(pool.map(library.import_file, paths))
    assert len({model.name for model in imported}) == 12
    assert len(library.models()) == 12


_IMPORT = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from snug.models.library import Library
library = Library(Path(sys.argv[1]), lambda: None)
for path in sys.argv[2:]:
    library.import_file(Path(path))
"""


def test_imports_in_several_processes_are_all_kept(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    groups = [
        [str(named(f"Model {g} {n}").write(tmp_path / f"{g}-{n}.gguf")) for n in range(5)]
        for g in range(4)
    ]
    shared = str(named("Shared").write(tmp_path / "shared.gguf"))
    source_root = Path(sys.modules["snug"].__path__[0]).parent
    children = [
        subprocess.Popen(
            [sys.executable, "-c", _IMPORT, str(folder), *group, shared],
            env={**os.environ, "PYTHONPATH": str(source_root)},
        )
        for group in groups
    ]
    assert [child.wait(60) for child in children] == [0] * 4
    assert len(names(library)) == 4 * 5 + 1
    json.loads((folder / "library.json").read_bytes())
    assert not list(folder.glob("*.tmp"))


def test_a_change_of_another_process_is_seen(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    assert names(library) == []
    other = Library(folder, lambda: None)
    other.import_file(named("Alpha").write(tmp_path / "a.gguf"))
    assert names(library) == ["Alpha F32"]
    other.remove("Alpha F32")
    assert names(library) == []


def test_a_folder_that_cannot_be_made_is_the_machines_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    library = Library(tmp_path / "file" / "models", lambda: None)
    path = named("Alpha").write(tmp_path / "a.gguf")
    with pytest.raises(EnvironmentFault, match="index"):
        library.import_file(path)


def test_the_errors_are_of_the_one_tree() -> None:
    assert issubclass(ImportCancelledError, UserError)


def test_a_projector_goes_with_the_last_model_that_shares_it(
    library: Library, folder: Path
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    projector = folder / "p.gguf"
    projector.write_bytes(b"GGUF")
    for name in ("Alpha", "Beta"):
        path = named(name).write(folder / f"{name}.gguf")
        model = library.import_file(
            path, source="m/r", commit="c" * 40, licence="mit", projector=str(projector)
        )
        assert (model.projector, model.commit) == (str(projector), "c" * 40)
        assert model.licence == "apache-2.0", "of two that allow the same, the file names its own"
    assert library.holds(projector)
    library.remove("Alpha F32")
    assert projector.exists()
    library.remove("Beta F32")
    assert not projector.exists()
    assert not library.holds(projector)


def test_of_the_files_and_the_repositorys_licence_the_stricter_counts(
    library: Library, tmp_path: Path
) -> None:
    free = library.import_file(named("Alpha").write(tmp_path / "a.gguf"), licence="llama3.2")
    assert free.licence == "llama3.2", "its header says apache-2.0"
