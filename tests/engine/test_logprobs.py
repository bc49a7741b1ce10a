"""Log-probabilities against a naive computation."""

from __future__ import annotations

import ctypes
import math
import random

import pytest

from snug.engine.logprobs import token_logprobs


def spell(token: int) -> bytes:
    return b"t%d" % token


@pytest.mark.parametrize("count", [0, 1, 5, 20, 50])
def test_they_are_the_logs_of_the_model_s_own_probabilities(count: int) -> None:
    source = random.Random(4)
    values = [source.gauss(0, 8) for _ in range(3000)]
    values[7] = values[11] = max(values) + 1  # two are likeliest
    values[20] = -math.inf
    logits = (ctypes.c_float * len(values))(*values)
    pointer = ctypes.cast(logits, ctypes.POINTER(ctypes.c_float))
    told = token_logprobs(pointer, len(values), 100, count, spell)

    exact = [float(value) for value in logits]
    total = math.log(math.fsum(math.exp(value - max(exact)) for value in exact)) + max(exact)
    order = sorted(range(len(exact)), key=lambda token: (-exact[token], token))
    assert told.spelling == b"t100"
    assert told.logprob == pytest.approx(exact[100] - total, abs=1e-9)
    assert [s for s, _ in told.top] == [spell(t) for t in order[: min(count, 20)]]
    for (_, got), token in zip(told.top, order, strict=False):
        assert got == pytest.approx(exact[token] - total, abs=1e-9)


def test_logits_are_left_as_they_were() -> None:
    logits = (ctypes.c_float * 3)(1.0, 2.0, 3.0)
    pointer = ctypes.cast(logits, ctypes.POINTER(ctypes.c_float))
    told = token_logprobs(pointer, 3, 0, 9, spell)
    assert list(logits) == [1.0, 2.0, 3.0]
    assert math.fsum(math.exp(value) for _, value in told.top) == pytest.approx(1.0)
