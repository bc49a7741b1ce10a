"""What was projected against what a load really takes, and the options of a load."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.engine.random_models import SHAPES, write_random_model

from snug.domain.errors import OutOfMemoryError, UserError
from snug.domain.fit import Fit, Setting
from snug.domain.model import Experience, KvType, LoadOptions, ModelFile, Toggle
from snug.engine.fitting import find_fit, refusal
from snug.engine.host import EngineHost
from snug.engine.parameters import expert_pattern

_ROOT = Path(__file__).resolve().parents[2]


def weighed(folder: Path, name: str, context: int, kv_type: KvType, extra: bool) -> dict[str, Any]:
    """Write, load and fill a random model in a child."""
    path = write_random_model(SHAPES[name], folder / f"{name}.gguf")
    arguments = [str(path), str(context), kv_type.value, "1" if extra else "0"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.weighing", *arguments],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    path.unlink()
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check(found: dict[str, Any]) -> None:
    assert found["taken"] > 100 * 2**20  # or the process's own noise would be measured
    assert found["projected"] == pytest.approx(found["taken"], rel=0.05)
    assert found["estimated"] == pytest.approx(found["projected"], rel=0.06)
    assert 0.9 < found["factor"] < 1.1


@pytest.mark.parametrize("name", ["llama-q4_0", "mamba"])
def test_a_projection_is_within_five_percent(tmp_path: Path, name: str) -> None:
    check(weighed(tmp_path, name, 1024, KvType.F16, extra=True))


@pytest.mark.soak
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("kv_type", [KvType.F16, KvType.Q8_0])
def test_every_architecture_is_projected_within_five_percent(
    tmp_path: Path, name: str, kv_type: KvType
) -> None:
    check(weighed(tmp_path, name, 2048, kv_type, extra=True))


def fit(host: EngineHost, file: ModelFile, **options: Any) -> Fit:
    return host.fit(file, LoadOptions(**{"context_length": 2048, **options}))


def test_a_smaller_kv_type_shrinks_the_cache_as_it_should(
    host: EngineHost, starter: ModelFile
) -> None:
    plain = fit(host, starter).projection.kv_cache
    assert fit(host, starter, kv_type=KvType.Q8_0).projection.kv_cache == plain * 34 // 64
    assert fit(host, starter, kv_type=KvType.Q4_0).projection.kv_cache == plain * 18 // 64


def test_a_quantized_cache_without_flash_attention_is_refused(
    host: EngineHost, starter: ModelFile
) -> None:
    with pytest.raises(UserError, match="needs flash attention"):
        fit(host, starter, kv_type=KvType.Q8_0, flash_attention=Toggle.OFF)


def test_without_flash_attention_computing_takes_more(host: EngineHost, starter: ModelFile) -> None:
    without = fit(host, starter, flash_attention=Toggle.OFF).projection
    assert without.compute > fit(host, starter).projection.compute


def test_a_load_that_took_more_corrects_the_next_projection(
    host: EngineHost, starter: ModelFile
) -> None:
    plain = fit(host, starter).projection
    later = fit(host, starter, experience=Experience(memory_factor=1.2)).projection
    assert later.total == pytest.approx(1.2 * plain.total, rel=0.001)


def test_experts_of_the_first_layers_are_named() -> None:
    assert expert_pattern(2) == rb"^blk\.(0|1)\.ffn_(up|down|gate|gate_up)_(ch|)exps"


def test_a_mixture_loads_with_experts_in_main_memory(host: EngineHost, tmp_path: Path) -> None:
    shape = replace(SHAPES["mixtral"], layers=2, embedding=256, feed_forward=256, heads=4)
    path = write_random_model(shape, tmp_path / "mixture.gguf")
    file = ModelFile("mixture", str(path), path.stat().st_size, "", "", "", 8192)
    found = fit(host, file, experts_on_cpu=2)
    assert found.fits
    assert found.projection.experts_on_cpu == 2


def test_a_refusal_names_the_numbers_and_what_would_do(
    host: EngineHost, starter: ModelFile
) -> None:
    options = LoadOptions(context_length=2**24)
    found = host.fit(starter, options)
    assert not found.fits
    error = refusal(starter, found, options)
    assert isinstance(error, OutOfMemoryError)
    assert " GB are free. It fits with a context of " in error.message


def test_a_fit_is_found_with_the_native_library_alone(host: EngineHost, starter: ModelFile) -> None:
    found = host.call(lambda native: find_fit(native, starter, LoadOptions(), {"CPU": 2**40}))
    assert found.projection.context_length == starter.context_length
    assert found.projection.exact
    assert Setting(8192).kv_type is found.projection.kv_type
