"""Threat 2: no bytes whatever make the reader raise anything but its own error."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.models.gguf_maker import F32, U32, sound

from snug.models.damage import GgufError
from snug.models.files import GgufFile
from snug.models.inspection import inspect
from snug.models.summary import summarize

SOUND = sound().build()
HEADER = len(sound().header())

_settings = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def _try(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    found = inspect(path)
    assert all(problem.text for problem in found.problems)
    if found.header is not None:
        model = summarize(found)
        assert model.name.isprintable()
        assert len(model.name) <= 100


@_settings
@given(st.binary(max_size=4096))
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(data)
    with pytest.raises(GgufError):
        GgufFile(path)


@_settings
@given(st.binary(max_size=4096))
def test_any_bytes_after_a_right_beginning(tmp_path: Path, data: bytes) -> None:
    _try(tmp_path / "model.gguf", SOUND[:24] + data)


@_settings
@given(st.lists(st.tuples(st.integers(0, HEADER), st.binary(min_size=1, max_size=9)), max_size=6))
def test_a_sound_file_with_bytes_replaced(tmp_path: Path, changes: list[tuple[int, bytes]]) -> None:
    data = bytearray(SOUND)
    for at, new in changes:
        data[at : at + len(new)] = new
    _try(tmp_path / "model.gguf", bytes(data))


@_settings
@given(st.integers(0, HEADER), st.integers(0, 64), st.binary(max_size=64))
def test_a_sound_file_with_bytes_cut_out_and_put_in(
    tmp_path: Path, at: int, cut: int, new: bytes
) -> None:
    _try(tmp_path / "model.gguf", SOUND[:at] + new + SOUND[at + cut :])


@pytest.mark.parametrize("seed", range(4))
def test_300_mutations_of_a_fixed_seed(seed: int, tmp_path: Path) -> None:
    generator = random.Random(seed)
    for _ in range(75):
        data = bytearray(SOUND)
        for _ in range(generator.randint(1, 4)):
            at = generator.randrange(HEADER)
            data[at] = generator.choice(
                [0, 1, 0x7F, 0x80, 0xFF, data[at] ^ 1 << generator.randrange(8)]
            )
        _try(tmp_path / "model.gguf", bytes(data))


@_settings
@given(
    st.sampled_from(["block_count", "embedding_length", "attention.head_count", "expert_count"]),
    st.integers(0, 2**32 - 1),
    st.floats(width=32),
)
def test_any_number_in_any_place(tmp_path: Path, key: str, number: int, real: float) -> None:
    made = sound().set(f"llama.{key}", U32, number)
    made.set("llama.attention.layer_norm_rms_epsilon", F32, real)
    _try(tmp_path / "model.gguf", made.build())
