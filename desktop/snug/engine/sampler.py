"""How a token is drawn: llama.cpp's chain of samplers, held to a grammar where there is one."""

from __future__ import annotations

import ctypes
import random
from typing import Any

from snug.domain.errors import UserError
from snug.domain.sampling import MAX_SEED, Sampling, token_id
from snug.engine.grammar import Grammar
from snug.engine.loaded import LoadedModel

COLDEST = 1e-3  # divided by less, the logits overflow, and what is drawn is nonsense
_NEVER = -100.0  # a bias so low rules the token out
_MIROSTAT_TOKENS = 100  # that version 1 looks at; llama.cpp's own choice


class Sampler:
    """A chain of llama.cpp's samplers for one answer, held to a grammar where there is one.

    Most tokens that are drawn freely also fit the grammar, so the grammar looks at that one token
    first and at the whole vocabulary only when it does not fit. A token is told to the chain once
    it is taken, so that a refused one counts in no penalty.

    Raises (constructor): UserError.
    """

    def __init__(
        self,
        native_llama: Any,
        loaded: LoadedModel,
        sampling: Sampling,
        schema: str = "",
        context: Any = None,
    ) -> None:
        self._llama = llama = native_llama
        self._context = loaded.context if context is None else context
        self._enders = loaded.enders
        self._chain: Any = None
        self._grammar: Grammar | None = None
        if schema and sampling.grammar:
            raise UserError("An answer follows a schema or a grammar, not both; leave one out.")
        try:
            if schema or sampling.grammar:
                self._grammar = Grammar(llama, loaded, schema, gbnf=sampling.grammar)
            self._chain = chain(llama, loaded, sampling)
        except BaseException:
            self.close()
            raise

    def draw(self, index: int = -1) -> int:
        """The next token from the logits of one position of the last batch.

        Args:
            index: the position's place in the batch; -1 is the last one.
        """
        if self._grammar is None:
            return int(self._llama.llama_sampler_sample(self._chain, self._context, index))
        logits = self._llama.llama_get_logits_ith(self._context, index)
        token = self._draw_from(self._grammar.all_tokens(logits))
        if not self._grammar.allows(token):
            token = self._allowed(self._grammar, logits)
        self._llama.llama_sampler_accept(self._chain, token)
        self._grammar.accept(token)
        return token

    def _allowed(self, grammar: Grammar, logits: Any) -> int:
        """A token that the grammar allows, though the chain may rule all of those out.

        A grammar that is told another one ends the process.
        """
        token = self._draw_from(grammar.candidates(logits))
        if grammar.allows(token):
            return token
        end = next(filter(grammar.allows, sorted(self._enders)), None)
        if end is None:
            raise UserError(
                "The biases rule out every word that may come next. Leave some of them out, or "
                "choose another schema or grammar."
            )
        return end  # the text is whole, and nothing else may follow it

    def close(self) -> None:
        """Free the chain and the grammar."""
        links, self._chain = self._chain, None
        if links:
            self._llama.llama_sampler_free(links)
        if self._grammar is not None:
            self._grammar.close()

    def _draw_from(self, data: Any) -> int:
        llama = self._llama
        pointer = data.ctypes.data_as(llama.llama_token_data_p)
        array = llama.llama_token_data_array(pointer, len(data), -1, False)
        llama.llama_sampler_apply(self._chain, array)
        return int(array.data[array.selected].id)


def chain(llama: Any, loaded: LoadedModel, sampling: Sampling) -> Any:
    """llama.cpp's samplers in the order of its own programs; whoever asks frees it.

    Source: the default order of llama.cpp's common/sampling.cpp.

    Raises:
        UserError: a bias names no token of this model.
    """
    biases = _biases(llama, loaded, sampling)  # may refuse: before anything is made
    links = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
    seed = random.randrange(MAX_SEED) if sampling.seed is None else sampling.seed  # noqa: S311
    if biases:
        size = llama.llama_vocab_n_tokens(loaded.vocabulary)
        data = (llama.llama_logit_bias * len(biases))(*biases.items())
        llama.llama_sampler_chain_add(
            links, llama.llama_sampler_init_logit_bias(size, len(biases), data)
        )
    made = _mirostat if sampling.mirostat and sampling.temperature >= COLDEST else _filters
    for sampler in made(llama, loaded, sampling, seed):
        llama.llama_sampler_chain_add(links, sampler)
    return links


def _filters(llama: Any, loaded: LoadedModel, sampling: Sampling, seed: int) -> list[Any]:
    """What takes tokens away or shifts them, and the draw."""
    links = _against_repetition(llama, loaded, sampling)
    if sampling.temperature < COLDEST:
        return [*links, llama.llama_sampler_init_greedy()]
    keep = sampling.min_keep
    if sampling.top_n_sigma > 0.0:
        links.append(llama.llama_sampler_init_top_n_sigma(sampling.top_n_sigma))
    if sampling.top_k > 0:
        links.append(llama.llama_sampler_init_top_k(sampling.top_k))
    if sampling.typical_p < 1.0:
        links.append(llama.llama_sampler_init_typical(sampling.typical_p, keep))
    if sampling.top_p < 1.0:
        links.append(llama.llama_sampler_init_top_p(sampling.top_p, keep))
    if sampling.min_p > 0.0:
        links.append(llama.llama_sampler_init_min_p(sampling.min_p, keep))
    if sampling.xtc_probability > 0.0:
        links.append(
            llama.llama_sampler_init_xtc(
                sampling.xtc_probability, sampling.xtc_threshold, keep, seed
            )
        )
    links.append(_temperature(llama, sampling))
    if sampling.adaptive_target is None:
        return [*links, llama.llama_sampler_init_dist(seed)]
    target, decay = sampling.adaptive_target, sampling.adaptive_decay
    return [*links, llama.llama_sampler_init_adaptive_p(target, decay, seed)]


def _against_repetition(llama: Any, loaded: LoadedModel, sampling: Sampling) -> list[Any]:
    links = []
    penalties = (sampling.repeat_penalty, sampling.frequency_penalty, sampling.presence_penalty)
    if penalties != (1.0, 0.0, 0.0) and sampling.repeat_last_n > 0:
        size = llama.llama_vocab_n_tokens(loaded.vocabulary)
        links.append(llama.llama_sampler_init_penalties(size, sampling.repeat_last_n, *penalties))
    if sampling.dry_multiplier > 0.0 and sampling.dry_last_n > 0:
        texts = [text.encode(errors="replace") for text in sampling.dry_breakers]
        links.append(
            llama.llama_sampler_init_dry(
                loaded.vocabulary,
                sampling.dry_multiplier,
                sampling.dry_base,
                sampling.dry_allowed_length,
                sampling.dry_last_n,
                (ctypes.c_char_p * len(texts))(*texts),
                len(texts),
            )
        )
    return links


def _temperature(llama: Any, sampling: Sampling) -> Any:
    """One temperature, or a range of them that never comes near 0."""
    middle, half = sampling.temperature, 0.0
    if sampling.dynatemp_range > 0.0:
        low = max(COLDEST, sampling.temperature - sampling.dynatemp_range)
        high = sampling.temperature + sampling.dynatemp_range
        middle, half = (low + high) / 2, (high - low) / 2
    return llama.llama_sampler_init_temp_ext(middle, half, sampling.dynatemp_exponent)


def _mirostat(llama: Any, loaded: LoadedModel, sampling: Sampling, seed: int) -> list[Any]:
    links = [llama.llama_sampler_init_temp(sampling.temperature)]
    tau, eta = sampling.mirostat_tau, sampling.mirostat_eta
    if sampling.mirostat == 2:
        return [*links, llama.llama_sampler_init_mirostat_v2(seed, tau, eta)]
    size = llama.llama_vocab_n_tokens(loaded.vocabulary)
    return [*links, llama.llama_sampler_init_mirostat(size, seed, tau, eta, _MIROSTAT_TOKENS)]


def _biases(llama: Any, loaded: LoadedModel, sampling: Sampling) -> dict[int, float]:
    """What is added to tokens' logits, by token: the person's, the model's own, the end's."""
    found: dict[int, float] = {}
    for name, bias in sampling.logit_bias:
        found[_token(llama, loaded, name)] = float("-inf") if bias <= _NEVER else float(bias)
    count = ctypes.c_int32(0)
    suppressed = llama.llama_vocab_get_suppress_tokens(loaded.vocabulary, ctypes.byref(count))
    never = [int(suppressed[place]) for place in range(count.value)]
    if sampling.ignore_eos:
        never += sorted(loaded.enders)
    return found | dict.fromkeys(never, float("-inf"))


def _token(llama: Any, loaded: LoadedModel, name: str) -> int:
    """The token that a bias names."""
    number = token_id(name)
    if number is not None:
        size = llama.llama_vocab_n_tokens(loaded.vocabulary)
        if number >= size:
            raise UserError(
                f"This model has no token {name}; its tokens are #0 to #{size - 1}. Correct the "
                "bias or leave it out."
            )
        return number
    tokens = loaded.tokenise(name, within=True)
    if len(tokens) != 1:
        parts = ", ".join(f"#{token}" for token in tokens[:8]) or "none"
        raise UserError(
            f'"{name[:40]}" is not one token of this model but {len(tokens)} ({parts}), so a bias '
            "cannot name it. Name a token by its number, or leave the bias out."
        )
    return tokens[0]
