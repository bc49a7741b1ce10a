"""How a token is drawn: llama.cpp's chain of samplers, held to a grammar where there is one."""

from __future__ import annotations

import random
from typing import Any

from snug.domain.sampling import MAX_SEED, Sampling
from snug.engine.grammar import Grammar
from snug.engine.loaded import LoadedModel

_COLDEST = 1e-3  # divided by less, the logits overflow, and what is drawn is nonsense


class Sampler:
    """A chain of llama.cpp's samplers for one answer, held to a grammar where there is one.

    Most tokens that are drawn freely also fit the grammar, so the grammar looks at that one token
    first and at the whole vocabulary only when it does not fit.
    """

    def __init__(
        self,
        native_llama: Any,
        loaded: LoadedModel,
        sampling: Sampling,
        schema: str = "",
        context: Any = None,
    ) -> None:
        self._llama = native_llama
        self._context = loaded.context if context is None else context
        llama = native_llama
        self._grammar = Grammar(llama, loaded, schema) if schema else None
        self._chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        for sampler in _links(llama, sampling, llama.llama_vocab_n_tokens(loaded.vocabulary)):
            llama.llama_sampler_chain_add(self._chain, sampler)

    def draw(self, index: int = -1) -> int:
        """The next token from the logits of one position of the last batch.

        Args:
            index: the position's place in the batch; -1 is the last one.
        """
        token = int(self._llama.llama_sampler_sample(self._chain, self._context, index))
        if self._grammar is None:
            return token
        if not self._grammar.allows(token):
            token = self._draw_allowed(self._grammar, index)
        self._grammar.accept(token)
        return token

    def close(self) -> None:
        """Free the chain and the grammar."""
        chain, self._chain = self._chain, None
        if chain:
            self._llama.llama_sampler_free(chain)
        if self._grammar is not None:
            self._grammar.close()

    def _draw_allowed(self, grammar: Grammar, index: int) -> int:
        llama = self._llama
        logits = llama.llama_get_logits_ith(self._context, index)
        data = grammar.candidates(logits)
        pointer = data.ctypes.data_as(llama.llama_token_data_p)
        array = llama.llama_token_data_array(pointer, len(data), -1, False)
        llama.llama_sampler_apply(self._chain, array)
        token = int(array.data[array.selected].id)
        llama.llama_sampler_accept(self._chain, token)
        return token


def _links(llama: Any, sampling: Sampling, vocabulary_size: int) -> list[Any]:
    """llama.cpp's usual order: penalties, top-k, top-p, min-p, temperature, draw."""
    links = []
    if sampling.repeat_penalty != 1.0 and sampling.repeat_last_n > 0:
        links.append(
            llama.llama_sampler_init_penalties(
                vocabulary_size, sampling.repeat_last_n, sampling.repeat_penalty, 0.0, 0.0
            )
        )
    if sampling.temperature < _COLDEST:
        return [*links, llama.llama_sampler_init_greedy()]
    if sampling.top_k > 0:
        links.append(llama.llama_sampler_init_top_k(sampling.top_k))
    if sampling.top_p < 1.0:
        links.append(llama.llama_sampler_init_top_p(sampling.top_p, 1))
    if sampling.min_p > 0.0:
        links.append(llama.llama_sampler_init_min_p(sampling.min_p, 1))
    links.append(llama.llama_sampler_init_temp(sampling.temperature))
    seed = random.randrange(MAX_SEED) if sampling.seed is None else sampling.seed  # noqa: S311
    links.append(llama.llama_sampler_init_dist(seed))
    return links
