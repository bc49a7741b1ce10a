"""What a person may type to mean a model: a name, a path, a repository."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.models.gguf_maker import U32, named, sound

from snug.domain.errors import ModelFileError, NotFoundError
from snug.domain.model import ModelFile
from snug.models.library import Library


def test_a_name_is_found_in_any_case(library: Library, tmp_path: Path) -> None:
    model = library.import_file(named("Alpha").write(tmp_path / "a.gguf"))
    assert library.resolve("alpha f32") == model
    assert library.resolve("  Alpha F32 ") == model


def test_a_path_is_checked_but_not_imported(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    model = library.resolve(str(path))
    assert (model.name, model.path, model.sha256) == ("Alpha F32", str(path), "")
    assert library.models() == ()


def test_a_path_of_a_library_model_is_that_model(library: Library, tmp_path: Path) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    model = library.import_file(path)
    link = tmp_path / "link.gguf"
    link.symlink_to(path)
    assert library.resolve(str(path)) == model
    assert library.resolve(str(link)) == model


def test_a_relative_path_and_home_are_understood(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for reference in ("a.gguf", "./a.gguf", "~/a.gguf"):
        assert library.resolve(reference).path == str(path)


def test_a_file_without_the_usual_ending_is_taken_by_its_path(
    library: Library, tmp_path: Path
) -> None:
    path = named("Alpha").write(tmp_path / "sha256-0123")
    assert library.resolve(str(path)).path == str(path)


@pytest.mark.parametrize("name", ["nowhere.gguf", "/nowhere/x.gguf", "~nobody-here/x.gguf"])
def test_a_path_to_nothing_is_told(name: str, library: Library) -> None:
    with pytest.raises(ModelFileError, match="There is no file"):
        library.resolve(name)


def test_a_damaged_file_is_told_with_the_number_of_problems(
    library: Library, tmp_path: Path
) -> None:
    made = sound().set("llama.block_count", U32, 0).set("llama.context_length", U32, 0)
    path = made.write(tmp_path / "a.gguf")
    with pytest.raises(ModelFileError, match=r"block_count.*1 more"):
        library.resolve(str(path))


@pytest.fixture
def repository(library: Library, tmp_path: Path) -> dict[str, ModelFile]:
    """Three quantizations from one repository and a model from another one."""
    files = {
        "Q4_K_M": ("x-Q4_K_M.gguf", 15, "Owner/Repo"),
        "UD-Q6_K_XL": ("x-UD-Q6_K_XL.gguf", 18, "Owner/Repo"),
        "Q8_0": ("x.gguf", 7, "Owner/Repo"),
        "other": ("y-Q4_K_M.gguf", 15, "other/one"),
    }
    models = {}
    for label, (file_name, quantization, source) in files.items():
        made = named(label, quantization=quantization)
        path = made.write(tmp_path / file_name)
        models[label] = library.import_file(path, source=source)
    return models


@pytest.mark.parametrize(
    ("reference", "label"),
    [
        ("Owner/Repo:Q4_K_M", "Q4_K_M"),
        ("owner/repo:q4_k_m", "Q4_K_M"),
        ("owner/repo:Q8_0", "Q8_0"),
        ("owner/repo:UD-Q6_K_XL", "UD-Q6_K_XL"),
        ("owner/repo:Q6_K_XL", "UD-Q6_K_XL"),
        ("other/one:Q4_K_M", "other"),
        ("other/one", "other"),
    ],
)
def test_a_repository_and_a_quantization_mean_a_model(
    reference: str, label: str, library: Library, repository: dict[str, ModelFile]
) -> None:
    assert library.resolve(reference) == repository[label]


@pytest.mark.parametrize("reference", ["owner/repo:Q2_K", "owner/repo", "nobody/none:Q8_0"])
def test_an_unknown_or_ambiguous_repository_is_not_found(
    reference: str, library: Library, repository: dict[str, ModelFile]
) -> None:
    with pytest.raises(NotFoundError, match="There is no model"):
        library.resolve(reference)


def test_an_unknown_name_lists_the_five_nearest(library: Library, tmp_path: Path) -> None:
    for number in range(7):
        made = named(f"Model{number}").set("x.number", U32, number)
        library.import_file(made.write(tmp_path / f"{number}.gguf"))
    with pytest.raises(NotFoundError) as caught:
        library.resolve("model3")
    assert caught.value.message.count("Model") == 5
    assert '"Model3 F32"' in caught.value.message


@pytest.mark.parametrize("reference", ["", " ", "x", "a/b", "a:b", "\0", "x" * 5000, "\x1b[2J"])
def test_an_odd_reference_is_only_not_found(reference: str, library: Library) -> None:
    with pytest.raises(NotFoundError, match="empty") as caught:
        library.resolve(reference)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 200
