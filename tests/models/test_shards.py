"""Models in several files: the first one is chosen, and all of them are there and belong."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.models.gguf_maker import I32, U16, U32, GgufMaker, shards, sound

from snug.models.damage import Damage
from snug.models.inspection import inspect


def _kinds(path: Path) -> list[Damage]:
    return [problem.damage for problem in inspect(path).problems]


@pytest.mark.parametrize("count", [2, 3, 12])
def test_a_whole_model_is_sound(count: int, tmp_path: Path) -> None:
    assert _kinds(shards(tmp_path, count)[0]) == []


def test_a_model_in_one_part_needs_no_special_name(tmp_path: Path) -> None:
    made = sound().set("split.count", U16, 1).set("split.no", U16, 0)
    assert _kinds(made.write(tmp_path / "any.gguf")) == []


def test_a_later_part_names_the_first_one(tmp_path: Path) -> None:
    path = shards(tmp_path)[1]
    assert _kinds(path) == [Damage.NOT_FIRST_SHARD]
    assert "tiny-00001-of-00003.gguf" in inspect(path).problems[0].text


def test_missing_parts_are_counted_and_named(tmp_path: Path) -> None:
    paths = shards(tmp_path, 4)
    paths[1].unlink()
    paths[3].unlink()
    found = inspect(paths[0]).problems
    assert [problem.damage for problem in found] == [Damage.SHARD_MISSING]
    assert "2 of them" in found[0].text
    assert "tiny-00002-of-00004.gguf" in found[0].text


def test_a_renamed_first_part_is_told(tmp_path: Path) -> None:
    path = shards(tmp_path)[0]
    assert _kinds(path.rename(tmp_path / "model.gguf")) == [Damage.SHARD_NAME]


def test_a_part_that_is_cut_short_is_named(tmp_path: Path) -> None:
    paths = shards(tmp_path)
    paths[2].write_bytes(paths[2].read_bytes()[:-4000])
    found = inspect(paths[0]).problems
    assert [problem.damage for problem in found] == [Damage.DATA_CUT]
    assert found[0].text.startswith("Part 3 of 3: ")


def test_a_part_that_is_no_gguf_is_named(tmp_path: Path) -> None:
    paths = shards(tmp_path)
    paths[1].write_bytes(b"<html>")
    found = inspect(paths[0]).problems
    assert [problem.damage for problem in found] == [Damage.NOT_GGUF]
    assert found[0].text.startswith("Part 2 of 3: ")


def test_swapped_parts_are_told(tmp_path: Path) -> None:
    paths = shards(tmp_path)
    second, third = paths[1].read_bytes(), paths[2].read_bytes()
    paths[1].write_bytes(third)
    paths[2].write_bytes(second)
    assert _kinds(paths[0]) == [Damage.SHARD_MISMATCH] * 2


def test_a_number_of_another_type_would_end_llama_cpp_and_is_refused(tmp_path: Path) -> None:
    paths = shards(tmp_path, 2)
    made = GgufMaker(tensors=sound().tensors[1::2])
    made.set("split.no", U32, 1).set("split.count", U16, 2).set("split.tensors.count", I32, 12)
    made.write(paths[1])
    assert _kinds(paths[0]) == [Damage.SHARD_MISMATCH]


def test_tensors_that_stand_in_two_parts_are_told(tmp_path: Path) -> None:
    paths = shards(tmp_path, 2)
    made = GgufMaker(tensors=sound().tensors[0::2])
    made.set("split.no", U16, 1).set("split.count", U16, 2).set("split.tensors.count", I32, 12)
    made.write(paths[1])
    assert _kinds(paths[0]) == [Damage.TENSOR_TWICE]


def test_parts_of_different_models_are_told(tmp_path: Path) -> None:
    paths = shards(tmp_path, 2)
    made = GgufMaker(tensors=sound().tensors[1:4])
    made.set("split.no", U16, 1).set("split.count", U16, 2).set("split.tensors.count", I32, 12)
    made.write(paths[1])
    assert _kinds(paths[0]) == [Damage.SHARD_MISMATCH]
