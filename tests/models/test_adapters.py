"""Which adapter files are let through to llama.cpp."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from tests.engine.tiny_models import make_bert, make_lora
from tests.starter import starter_model

from snug.domain.errors import ModelFileError, UserError
from snug.models.adapters import open_adapter
from snug.models.inspection import inspect
from snug.models.roles import FileRole

WIDTH = 576


def test_a_fitting_adapter_comes_back_with_its_digest(tmp_path: Path) -> None:
    path = make_lora(tmp_path / "a.gguf", WIDTH)
    adapter = open_adapter(path, Path(starter_model().path), 0.5)
    assert adapter.path == str(path)
    assert len(adapter.sha256) == 64
    assert adapter.scale == 0.5


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"architecture": "qwen2"}, 'kind "qwen2", and this one is "llama"'),
        ({"width": 64}, "do not fit this model"),
        ({"outputs": 64}, "do not fit this model"),
        ({"tensor": "blk.99.attn_q.weight"}, "does not have"),
        ({"tensor": "blk.0.attn_norm.weight"}, "do not fit"),
        ({"kind": "control"}, "LoRA only"),
        ({"alpha": 4}, "alpha is no number"),
        ({"alpha": float("nan")}, "alpha is no number"),
        ({"halves": ("a",)}, "no counterpart"),
        ({"halves": ("b",)}, "no LoRA weights"),
    ],
)
def test_an_adapter_for_something_else_is_one_sentence(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    path = make_lora(tmp_path / "a.gguf", **{"width": WIDTH, **changes})
    with pytest.raises(ModelFileError, match=reason):
        open_adapter(path, Path(starter_model().path))


def test_a_damaged_adapter_is_refused_wherever_it_is_cut_or_changed(tmp_path: Path) -> None:
    """Rows 1 to 7 of the threats, for this role: the same bounded reader stands before it."""
    whole = make_lora(tmp_path / "a.gguf", WIDTH).read_bytes()
    model = Path(starter_model().path)
    path = tmp_path / "b.gguf"
    for cut in range(0, len(whole), len(whole) // 25):
        path.write_bytes(whole[:cut])
        began = time.perf_counter()
        with pytest.raises(ModelFileError):
            open_adapter(path, model)
        assert time.perf_counter() - began < 2.0
    for place in (0, 4, 8, 15, 16, 23):  # magic, version, both counts
        path.write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])
        with pytest.raises(ModelFileError):
            open_adapter(path, model)


@pytest.mark.parametrize(("architecture", "part"), [("clip", "mmproj"), ("eagle3", "model")])
def test_files_of_other_parts_pass_the_same_bounded_reader(
    tmp_path: Path, architecture: str, part: str
) -> None:
    """A projector and a draft model: cut or with impossible counts, each is told in a sentence."""
    path = tmp_path / "part.gguf"
    make_lora(path, WIDTH, architecture=architecture, part=part)
    whole = path.read_bytes()
    found = inspect(path)
    assert found.role is (FileRole.PROJECTOR if part == "mmproj" else FileRole.DRAFT)
    for cut in range(0, len(whole), len(whole) // 20):
        path.write_bytes(whole[:cut])
        began = time.perf_counter()
        assert inspect(path).damage
        assert time.perf_counter() - began < 1.0
    for place in (0, 4, 8, 15, 16, 23):
        path.write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])
        assert inspect(path).damage


def test_what_is_no_adapter_is_refused(tmp_path: Path) -> None:
    model = Path(starter_model().path)
    for path in (model, make_bert(tmp_path / "bert.gguf")):
        with pytest.raises(ModelFileError, match="no adapter"):
            open_adapter(path, model)
    for path in (tmp_path / "gone.gguf", tmp_path):
        with pytest.raises(ModelFileError):
            open_adapter(path, model)


@pytest.mark.parametrize("scale", [float("nan"), float("inf"), 10.5, -11.0])
def test_a_weight_out_of_range_is_refused(tmp_path: Path, scale: float) -> None:
    path = make_lora(tmp_path / "a.gguf", WIDTH)
    with pytest.raises(UserError, match="between -10 and 10"):
        open_adapter(path, Path(starter_model().path), scale)
