"""Taking several models at once: each has its result, progress goes on, and it can be stopped."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tests.models import programs
from tests.models.gguf_maker import named

from snug.models.adoption.places import Machine
from snug.models.library import Library
from snug.services.adoption import Adoption, Program, by_program


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    programs.lm_studio(made)
    programs.ollama(made / ".ollama" / "models")
    return made


@pytest.fixture
def adoption(tmp_path: Path, home: Path) -> Adoption:
    machine = Machine(home, {}, "linux", home / "system")
    return Adoption(Library(tmp_path / "models", lambda: None, lambda: machine))


def test_what_is_found_is_grouped_by_program(adoption: Adoption) -> None:
    groups = by_program(adoption.found())
    assert {program: len(found) for program, found in groups.items()} == {
        Program.LM_STUDIO: 4,
        Program.OLLAMA: 1,
    }
    assert by_program(adoption.found(programs=[Program.OLLAMA])).keys() == {Program.OLLAMA}


def test_each_model_has_its_result(adoption: Adoption) -> None:
    found = adoption.found()
    results = adoption.adopt(found)
    assert [result.path for result in results] == [one.path for one in found]
    assert sum(result.model is not None for result in results) == 3
    assert all(result.problem for result in results if result.model is None)
    assert all(one.already for one in adoption.found() if not one.problem)


def test_progress_goes_on_over_all_models(adoption: Adoption) -> None:
    told: list[tuple[int, int]] = []
    found = [one for one in adoption.found() if not one.problem]
    adoption.adopt(found, lambda *at: told.append(at))
    total = sum(one.size_bytes for one in found)
    assert told[-1] == (total, total)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_stopping_keeps_what_was_taken(adoption: Adoption) -> None:
    stop = threading.Event()
    found = [one for one in adoption.found() if not one.problem]

    def progress(done: int, total: int) -> None:
        if done > found[0].size_bytes:
            stop.set()

    results = adoption.adopt(found, progress, stop)
    assert results[0].model is not None
    assert len(results) < len(found)


def test_a_path_is_looked_at_first(adoption: Adoption, tmp_path: Path) -> None:
    path = named("Own").write(tmp_path / "own.gguf")
    empty = tmp_path / "empty"
    empty.mkdir()
    taken, nothing, gone = adoption.adopt([path, empty, tmp_path / "gone"])
    assert taken.model is not None
    assert taken.model.path == str(path)
    assert "no GGUF model" in nothing.problem
    assert "no file" in gone.problem


def test_removing_tells_what_stays(adoption: Adoption, home: Path) -> None:
    (result,) = adoption.adopt(adoption.found(programs=[Program.OLLAMA]))
    assert result.model is not None
    assert not adoption.deletes(result.model)
    assert adoption.remove(result.model).deleted == 0
    assert Path(result.model.path).exists()
