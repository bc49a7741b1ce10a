"""`snug models adopt`, `verify` and `remove`, as a person runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.models import programs
from tests.models.gguf_maker import named

from snug.app import main


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "OLLAMA_MODELS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(made))
    monkeypatch.setenv("SNUG_DATA_DIR", str(tmp_path / "data"))
    return made


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["models", *arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_what_there_is_is_shown_by_program(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    programs.lm_studio(home)
    programs.ollama(home / ".ollama" / "models")
    code, out, err = run(capsys, "adopt", "--list")
    assert code == 0
    assert out.index("LM Studio:") < out.index("Tiny Q4_K_M") < out.index("Ollama:")
    assert "web page" in err
    assert run(capsys, "adopt", "--list", "ollama", "--json")[1].count('"path"') == 1


def test_models_are_taken_and_listed_where_they_lie(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blob = programs.ollama(home / ".ollama" / "models")
    programs.lm_studio(home)
    code, out, _ = run(capsys, "adopt", "Ollama")
    assert code == 0
    assert f"Added tiny 3b Q4_0. It stays where it is: {blob}" in out
    (first, *_) = (m for m in json.loads(run(capsys, "list", "--json")[1]) if m["program"])
    assert (first["path"], first["program"], first["licence"]) == (
        str(blob),
        "Ollama",
        "apache-2.0",
    )
    assert run(capsys, "adopt", "lm-studio")[0] == 0  # what is left out is told, no failure
    (one,) = json.loads(run(capsys, "adopt", "ollama", "--json")[1])
    assert (one["already"], one["model"]) == (True, None)


def test_a_path_that_holds_nothing_of_use_fails(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "page.gguf").write_bytes(b"<html>")
    code, _, err = run(capsys, "adopt", str(tmp_path / "page.gguf"))
    assert code == 1
    assert "web page" in err
    code, _, err = run(capsys, "adopt", "no-such-program")
    assert code == 1
    assert "neither a program that Snug knows" in err


def test_a_check_tells_sound_and_damaged_models_apart(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    run(capsys, "import", str(path))
    assert run(capsys, "verify", "Alpha F32")[:2] == (
        0,
        "Alpha F32 is what it was when it was added.\n",
    )
    named("Other").write(path)
    code, out, _ = run(capsys, "verify", "alpha f32", "--json")
    (found,) = json.loads(out)
    assert (code, found["ok"]) == (1, False)
    assert "not the one that was added" in found["problem"]


def test_a_missing_model_is_told_and_can_be_removed(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    run(capsys, "import", str(path))
    path.unlink()
    assert "no longer at" in run(capsys, "list")[2]
    listed = json.loads(run(capsys, "list", "--json")[1])
    assert [m["name"] for m in listed if m["missing"]] == ["Alpha F32"]
    code, out, _ = run(capsys, "remove", "Alpha F32")
    assert (code, out) == (0, "Removed Alpha F32 from the list. Its file was gone already.\n")


def test_removing_tells_whether_the_file_went(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = named("Alpha").write(tmp_path / "a.gguf")
    run(capsys, "import", str(path))
    assert f"Its file stays at {path}: it is yours." in run(capsys, "remove", "Alpha F32")[1]
    own = named("Beta").write(tmp_path / "data" / "models" / "b.gguf")
    run(capsys, "import", str(own))
    assert "Removed Beta F32 and deleted its file" in run(capsys, "remove", "Beta F32")[1]
    assert not own.exists()


def test_a_folder_without_models_is_named(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    code, out, err = run(capsys, "adopt", str(empty))
    assert (code, out) == (1, "")
    assert f"There is no model in {empty}." in err
