"""What the library tells of a model comes from the file, and only where the file says it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.models.gguf_maker import F32, I32, TEXT, U32, GgufMaker, shards, sound

from snug.domain.model import ModelFile
from snug.domain.sampling import Sampling
from snug.models.inspection import inspect
from snug.models.summary import summarize


def _summary(made: GgufMaker, folder: Path, name: str = "model.gguf") -> ModelFile:
    found = inspect(made.write(folder / name))
    assert found.problems == ()
    return summarize(found)


def test_the_facts_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    model = _summary(sound(), tmp_path)
    assert model == ModelFile(
        name="Tiny Test F32",
        path=str(path),
        size_bytes=path.stat().st_size,
        sha256="",
        architecture="llama",
        quantization="F32",
        context_length=128,
        licence="apache-2.0",
        parameter_count=2 * 32 * 262 + 3 * 32 + 2 * 32 * 32 + 2 * 32 * 16 + 3 * 32 * 64,
        layers=1,
        chat_template="{{ messages[0]['content'] }}",
    )


@pytest.mark.parametrize(
    ("metadata", "file_name", "name"),
    [
        ({"general.name": "Qwen3 8B"}, "x.gguf", "Qwen3 8B F32"),
        ({"general.name": "Qwen3", "general.size_label": "8B"}, "x.gguf", "Qwen3-8B F32"),
        ({"general.name": "Qwen3 8b", "general.size_label": "8B"}, "x.gguf", "Qwen3 8b F32"),
        (
            {
                "general.basename": "Phi",
                "general.size_label": "4B",
                "general.finetune": "Instruct",
                "general.version": "v2",
            },
            "x.gguf",
            "Phi-4B-Instruct-v2 F32",
        ),
        ({"general.name": ""}, "Mistral-7B-Q4_K_M.gguf", "Mistral-7B F32"),
        ({"general.name": "\u202e\u200b"}, "Mistral-7B.gguf", "Mistral-7B F32"),
        ({"general.name": "0123456789abcdef" * 2}, "Falcon.gguf", "Falcon F32"),
        ({"general.name": "n" * 300}, "x.gguf", "n" * 80 + " F32"),
    ],
)
def test_the_name_comes_from_the_metadata_else_the_file(
    metadata: dict[str, str], file_name: str, name: str, tmp_path: Path
) -> None:
    made = sound()
    for key, content in metadata.items():
        made.set(key, TEXT, content)
    assert _summary(made, tmp_path, file_name).name == name


@pytest.mark.parametrize(
    ("file_type", "file_name", "label"),
    [
        (15, "x.gguf", "Q4_K_M"),
        (15, "x-Q5_K_M.gguf", "Q4_K_M"),
        (15, "x-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        (1024 + 15, "x-Q5_K_M.gguf", "Q5_K_M"),
        (9999, "x-Q6_K.gguf", "Q6_K"),
        (9999, "x.gguf", "F32"),
        (None, "x.gguf", "F32"),
    ],
)
def test_the_quantization_comes_from_the_file_type_else_the_name_else_the_tensors(
    file_type: int | None, file_name: str, label: str, tmp_path: Path
) -> None:
    made = sound().drop("general.file_type")
    if file_type is not None:
        made.set("general.file_type", U32, file_type)
    assert _summary(made, tmp_path, file_name).quantization == label


@pytest.mark.parametrize(
    ("identifier", "name", "licence"),
    [
        ("mit", None, "mit"),
        ("other", "Qwen Research", "Qwen Research"),
        ("other", None, ""),
        (None, None, ""),
        ("x" * 500, None, "x" * 80),
        ("mit\x1b[2J", None, "mit[2J"),
    ],
)
def test_the_licence_is_the_one_in_the_file(
    identifier: str | None, name: str | None, licence: str, tmp_path: Path
) -> None:
    made = sound().drop("general.license")
    if identifier is not None:
        made.set("general.license", TEXT, identifier)
    if name is not None:
        made.set("general.license.name", TEXT, name)
    assert _summary(made, tmp_path).licence == licence


def test_without_sampling_keys_nothing_is_recommended(tmp_path: Path) -> None:
    assert _summary(sound(), tmp_path).sampling is None


def test_the_makers_sampling_values_are_taken(tmp_path: Path) -> None:
    made = sound().set("general.sampling.temp", F32, 0.6).set("general.sampling.top_k", I32, 20)
    made.set("general.sampling.top_p", F32, 0.95).set("general.sampling.min_p", F32, 0.0)
    made.set("general.sampling.penalty_repeat", F32, 1.05)
    made.set("general.sampling.penalty_last_n", I32, 128)
    assert _summary(made, tmp_path).sampling == Sampling(
        temperature=0.6, top_k=20, top_p=0.95, min_p=0.0, repeat_penalty=1.05, repeat_last_n=128
    )


def test_values_that_are_not_stated_are_the_usual_ones(tmp_path: Path) -> None:
    made = sound().set("general.sampling.temp", F32, 1.0)
    assert _summary(made, tmp_path).sampling == Sampling(temperature=1.0)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1.0, 2.5])
def test_sampling_values_out_of_range_are_left_out(number: float, tmp_path: Path) -> None:
    made = sound().set("general.sampling.temp", F32, number)
    assert _summary(made, tmp_path).sampling is None


def test_a_top_k_below_0_keeps_all(tmp_path: Path) -> None:
    made = sound().set("general.sampling.top_k", I32, -1)
    assert _summary(made, tmp_path).sampling == Sampling(top_k=0)


def test_a_split_model_is_told_as_a_whole(tmp_path: Path) -> None:
    paths = shards(tmp_path)
    model = summarize(inspect(paths[0]))
    assert model.path == str(paths[0])
    assert model.size_bytes == sum(path.stat().st_size for path in paths)
    whole = _summary(sound(), tmp_path)
    assert model.parameter_count == whole.parameter_count
