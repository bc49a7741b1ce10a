"""Sizes from a file's first bytes, held against llama.cpp's own projection of the whole file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.random_models import SHAPES, small, write_random_model
from tests.models.gguf_maker import TEXT, U32, GgufMaker, named
from tests.models.odd_models import write_convolved, write_interleaved, write_latent
from tests.starter import starter_model

from snug.domain.errors import ModelFileError
from snug.domain.footprint import TABLES_BYTES, compute_bytes, guessed_shape, kv_bytes
from snug.domain.model import LoadOptions, ModelFile
from snug.engine.host import EngineHost
from snug.models.prefix import shape_of_file, shape_of_prefix

Maker = Callable[[Path], Path]
MAKERS: dict[str, Maker] = {
    name: lambda path, name=name: write_random_model(small(name), path)  # type: ignore[misc]
    for name in SHAPES
} | {"deepseek2": write_latent, "lfm2": write_convolved, "jamba": write_interleaved}


@pytest.fixture(scope="module")
def host() -> Iterator[EngineHost]:
    made = EngineHost()
    yield made
    made.close()


def check(host: EngineHost, model: ModelFile, context: int) -> None:
    with Path(model.path).open("rb") as file:
        shape = shape_of_prefix(file.read(64 * 1024))
    assert shape is not None
    found = host.fit(model, LoadOptions(context_length=context)).projection
    kept = kv_bytes(shape.layers, context)
    assert kept == pytest.approx(found.kv_cache, rel=0.01)
    assert model.size_bytes + kept == pytest.approx(found.weights + found.kv_cache, rel=0.05)
    # The allowance covers the buffers and never takes more than 16 MiB beyond twice of them.
    allowed = compute_bytes(shape, context)
    assert 0.95 * found.compute <= allowed + TABLES_BYTES
    assert allowed <= 2 * found.compute + 16 * 2**20


@pytest.mark.parametrize("name", MAKERS)
def test_sizes_agree_with_llama_cpps_projection(
    host: EngineHost, tmp_path: Path, name: str
) -> None:
    path = MAKERS[name](tmp_path / "m.gguf")
    model = ModelFile(name, str(path), path.stat().st_size, "x" * 64, "", "", 8192)
    for context in (2048, 8192):
        check(host, model, context)


def test_the_starter_agrees_too(host: EngineHost) -> None:
    model = starter_model()
    for context in (2048, model.context_length):
        check(host, model, context)
    shape = shape_of_file(Path(model.path))
    assert shape is not None
    assert (shape.architecture, shape.active_share) == (model.architecture, 1.0)
    assert shape.context_length == model.context_length


def test_a_mixture_reads_only_the_experts_that_a_token_takes(tmp_path: Path) -> None:
    path = write_random_model(small("mixtral"), tmp_path / "m.gguf")
    shape = shape_of_file(path)
    assert shape is not None
    made = small("mixtral")
    experts = made.layers * made.experts * 3 * made.embedding * made.feed_forward
    rest = path.stat().st_size * 32 / 34 - experts
    read = experts * 2 / made.experts + rest
    assert shape.active_share == pytest.approx(read / (experts + rest), abs=0.02)


def test_a_guess_without_a_header_is_of_the_right_order() -> None:
    # Published: bytes of an f16 KV cache per token.
    for parameters, per_token in ((8_030_000_000, 131072), (1_540_000_000, 28672)):
        guess = kv_bytes(guessed_shape(parameters).layers, 8192) / 8192
        assert per_token <= guess <= 4 * per_token


def test_more_bytes_are_asked_for_until_the_sizes_are_there() -> None:
    whole = named("Tiny").build()
    ask = [shape_of_prefix(whole[:count]) for count in (4, 24, 200)]
    assert ask == [None, None, None]
    assert shape_of_prefix(whole) is not None


@pytest.mark.parametrize("data", [b"PK\x03\x04" + bytes(60), b"<html>", b"GGUF" + bytes(60)])
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(ModelFileError):
        shape_of_prefix(data)


def test_absurd_sizes_count_as_not_told() -> None:
    maker = GgufMaker().set("general.architecture", TEXT, "llama")
    maker.set("llama.block_count", U32, 2**31).set("llama.embedding_length", U32, 64)
    assert shape_of_prefix(maker.header()) is None
    maker.set("llama.block_count", U32, 4).set("llama.attention.head_count", U32, 2**32 - 1)
    maker.set("llama.expert_count", U32, 2**32 - 1)
    shape = shape_of_prefix(maker.header())
    assert shape is not None
    assert kv_bytes(shape.layers, 131072) == 0
    assert shape.active_share == 1.0


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 600), st.integers(0, 255))
def test_a_changed_byte_raises_nothing_but_the_rooms_error(at: int, value: int) -> None:
    data = bytearray(named("Tiny").build())
    data[at % len(data)] = value
    try:
        shape_of_prefix(bytes(data))
    except ModelFileError:
        return
