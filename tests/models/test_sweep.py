"""Threat 3: each metadata field set to every odd value; what is let through, llama.cpp survives."""

from __future__ import annotations

import importlib.util
import math
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.models.gguf_maker import (
    ARRAY,
    BOOL,
    F32,
    F64,
    I32,
    TEXT,
    U8,
    U32,
    U64,
    GgufMaker,
    encoded,
    sound,
    tokens,
)
from tests.models.mutations import write_all

from snug.models.inspection import inspect

VALUES: tuple[tuple[int, object], ...] = (
    *((U32, number) for number in (0, 1, 2, 3, 7, 255, 2**16, 2**24, 2**31 - 1, 2**31, 2**32 - 1)),
    *((F32, number) for number in (0.0, -1.0, 1e-30, 1e30, math.nan, math.inf, -math.inf)),
    (U8, 1),
    (I32, -1),
    (U64, 2**64 - 1),
    (F64, 1.0),
    (BOOL, 1),
    (TEXT, ""),
    (TEXT, "x" * 1000),
    (TEXT, b"\xff\xfe"),
)
# Numbers that llama.cpp reads besides those that a sound file has to have.
EXTRA = (
    "llama.attention.key_length",
    "llama.attention.value_length",
    "llama.attention.causal",
    "llama.attention.sliding_window",
    "llama.attention.max_alibi_bias",
    "llama.attention.clamp_kqv",
    "llama.attention.scale",
    "llama.expert_count",
    "llama.expert_used_count",
    "llama.expert_group_count",
    "llama.expert_group_used_count",
    "llama.expert_feed_forward_length",
    "llama.nextn_predict_layers",
    "llama.pooling_type",
    "llama.rope.scaling.type",
    "llama.rope.scaling.factor",
    "llama.rope.scaling.original_context_length",
    "llama.rope.scaling.attn_factor",
    "llama.logit_scale",
    "llama.final_logit_softcapping",
    "llama.embedding_length_out",
    "tokenizer.ggml.add_bos_token",
    "tokenizer.ggml.add_eos_token",
    "tokenizer.ggml.add_space_prefix",
    "tokenizer.ggml.padding_token_id",
    "tokenizer.ggml.unknown_token_id",
    "tokenizer.ggml.pre",
    "tokenizer.ggml.token_type_count",
    "general.alignment",
    "general.quantization_version",
    "split.count",
    "split.no",
    "general.tensor_extra.name",
)


def _mutations() -> Iterator[tuple[str, GgufMaker]]:
    keys = [key.decode() for key in sound().metadata]
    for key in (*keys, *EXTRA):
        for number, (kind, content) in enumerate(VALUES):
            yield f"{key} {number}", sound().set(key, kind, content)
        for element in (U32, F32, TEXT):
            raw = struct.pack("<IQ", element, 1)
            raw += encoded(element, "x" if element == TEXT else 1)
            yield f"{key} array {element}", sound().set_raw(key, ARRAY, raw)
    for key in keys:
        yield f"{key} missing", sound().drop(key)
    for number in range(len(sound().tensors)):
        for field, content in (
            ("type", 1),
            ("type", 12),
            ("shape", [1]),
            ("shape", [32, 1]),
            ("shape", [1] * 4),
            ("name", "blk.0.other"),
            ("name", "blk.511.attn_q.weight"),
            ("name", "x"),
        ):
            made = sound()
            setattr(made.tensors[number], field, content)
            yield f"tensor {number} {field} {content}", made


def _write_all(folder: Path) -> tuple[list[Path], int]:
    """All mutations that are let through, and the number of those that are not."""
    passed: list[Path] = []
    refused = 0
    for number, (_, made) in enumerate(_mutations()):
        path = made.write(folder / f"{number}.gguf")
        if inspect(path).problems:
            refused += 1
            path.unlink()
        else:
            passed.append(path)
    return passed, refused


def test_a_sweep_of_single_fields_raises_nothing(tmp_path: Path) -> None:
    passed, refused = _write_all(tmp_path)
    assert len(passed) + refused >= 1000
    assert refused >= 300


def _run(paths: list[Path]) -> tuple[list[str], list[Path]]:
    """Load files in children: what came of each, and those that a child died of."""
    results: list[str] = []
    killers: list[Path] = []
    rest = list(paths)
    while rest:
        child = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("llama_child.py"))],
            input="".join(f"{path}\n" for path in rest),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=100,
            # A backtrace takes a debugger and seconds.
            env={**os.environ, "GGML_NO_BACKTRACE": "1"},
            check=False,
        )
        lines = child.stdout.splitlines()
        results += lines[1::2]
        if len(lines) == 2 * len(rest):
            break
        assert child.returncode < 0, "the child ended without a crash and without an answer"
        done = len(lines) // 2
        killers.append(rest[done])
        rest = rest[done + 1 :]
    return results, killers


needs_llama = pytest.mark.skipif(
    importlib.util.find_spec("llama_cpp") is None, reason="llama-cpp-python is not installed"
)


@needs_llama
def test_the_sound_model_runs_in_llama_cpp(tmp_path: Path) -> None:
    assert _run([sound().write(tmp_path / "model.gguf")]) == (["loaded"], [])


@needs_llama
def test_llama_cpp_dies_of_what_the_checks_refuse(tmp_path: Path) -> None:
    """A positive control: without the checks these do end the process."""
    hidden = GgufMaker(tensors=sound().tensors)
    hidden.set_raw(b"llama.block_count\0", U32, struct.pack("<I", 0))
    hidden.metadata |= sound().metadata
    words = tokens()
    words[-1] = words[-2]
    deadly = (
        sound().set("llama.block_count", U32, 0),
        sound().set("llama.attention.layer_norm_rms_epsilon", F32, math.nan),
        sound().set("llama.expert_count", U32, 8),
        sound().set("llama.rope.scaling.type", TEXT, "warp"),
        sound().set_array("tokenizer.ggml.tokens", TEXT, words),
        hidden,
    )
    paths = [made.write(tmp_path / f"{number}.gguf") for number, made in enumerate(deadly)]
    assert all(inspect(path).problems for path in paths)
    assert _run(paths)[1] == paths


@needs_llama
def test_nothing_that_is_let_through_ends_llama_cpp(tmp_path: Path) -> None:
    passed, _ = _write_all(tmp_path)
    results, killers = _run(passed)
    names = [name for name, _ in _mutations()]
    assert [names[int(path.stem)] for path in killers] == []
    assert len(results) == len(passed)


@needs_llama
def test_of_1500_models_with_some_faults_none_that_is_let_through_ends_llama_cpp(
    tmp_path: Path,
) -> None:
    passed = [path for path in write_all(tmp_path, range(1500)) if not inspect(path).problems]
    results, killers = _run(passed)
    assert [path.stem for path in killers] == []
    assert results.count("loaded") >= 200


@pytest.mark.soak
@pytest.mark.timeout(900)
@needs_llama
def test_of_40000_models_with_some_faults_none_that_is_let_through_ends_llama_cpp(
    tmp_path: Path,
) -> None:
    killers: list[str] = []
    for first in range(10_000, 50_000, 2000):
        paths = write_all(tmp_path, range(first, first + 2000))
        killers += [path.stem for path in _run([p for p in paths if not inspect(p).problems])[1]]
        for path in paths:
            path.unlink()
    assert killers == []
