"""Log-probabilities of a drawn token and of the likeliest ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from snug.domain.events import TokenLogprob
from snug.domain.prompt import MAX_TOP_LOGPROBS


def token_logprobs(
    logits: Any, size: int, token: int, count: int, spell: Callable[[int], bytes]
) -> TokenLogprob:
    """How likely the model itself held a token, before any sampler.

    Call it before the chain is applied to these logits, or with what
    `llama_get_logits_ith` gives: samplers work on copies.

    Args:
        logits: pointer to `float32[size]`.
        size: tokens of the vocabulary.
        token: the one that was drawn.
        count: how many of the likeliest are told, at most 20; equal ones in rising order.
        spell: a token's bytes.
    """
    import numpy as np  # the bindings have loaded it already

    values = np.ctypeslib.as_array(logits, shape=(size,)).astype(np.float64)
    peak = values.max()
    values -= peak + np.log(np.exp(values - peak).sum())
    count = max(0, min(count, MAX_TOP_LOGPROBS, size))
    top: list[tuple[bytes, float]] = []
    if count:
        # All that are as likely as the last one that is told, so that ties break the same way.
        border = np.partition(values, size - count)[size - count]
        likely = np.flatnonzero(values >= border)
        order = likely[np.argsort(-values[likely], kind="stable")][:count]
        top = [(spell(int(each)), float(values[each])) for each in order]
    return TokenLogprob(spell(token), float(values[token]), tuple(top))
