"""Repeatable answers are guessed ahead only where that changes no bit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.engine.asking import GREEDY, Asking

from snug.domain.model import KvType
from snug.domain.sampling import Sampling
from snug.engine.decoder import MOST_AT_ONCE

SHORT = "What is 2+2?"
LONG = "The quick brown fox jumps over the lazy dog near the river bank at noon. " * 24


def _holds(ask: Asking) -> bool:
    return ask.host.call(lambda _native: ask.session().chat.exactness.holds())


def test_a_cache_of_q8_passes_at_any_length(ask: Asking) -> None:
    exact = replace(ask, load=replace(ask.load, kv_type=KvType.Q8_0))
    for text in (SHORT, LONG):
        exact(text, replace(GREEDY, max_tokens=4))
        assert _holds(exact)


def test_a_step_across_the_border_is_not_taken(ask: Asking) -> None:
    ask("The quick brown fox jumps over the lazy dog. " * 21, replace(GREEDY, max_tokens=1))
    assert 256 - MOST_AT_ONCE < ask.session().chat.decoder.cached <= 256
    assert not _holds(ask)


@pytest.mark.parametrize("text", [SHORT, LONG])
def test_the_trial_leaves_the_cache_as_it_was(ask: Asking, text: str) -> None:
    ask("Something else.", replace(GREEDY, max_tokens=1))
    ask(text, replace(GREEDY, max_tokens=4))
    decoder = ask.session().chat.decoder
    before, cached = list(decoder.known.tokens[: decoder.cached]), decoder.cached
    state = ask.host.call(lambda _native: decoder.save())
    ask.session().chat.exactness._found.clear()
    _holds(ask)
    assert (decoder.known.tokens, decoder.cached) == (before, cached)
    again = ask.host.call(lambda _native: decoder.save())
    assert state is not None
    assert again is not None
    assert bytes(again.data) == bytes(state.data)


def test_chance_without_a_seed_needs_no_trial() -> None:
    assert not Sampling(temperature=0.7).repeatable
    assert Sampling(temperature=0.7, seed=1).repeatable
    assert Sampling(temperature=0.0).repeatable
