"""A small model that guesses what the large one will say."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from snug.domain.errors import UserError
from snug.domain.model import LoadOptions, ModelFile
from snug.engine.decoder import AbortSwitch, Decoder
from snug.engine.drawing import Chooser
from snug.engine.loaded import LoadedModel
from snug.engine.native import Native
from snug.engine.parameters import draft_options

_MOST = 16  # guesses at a time
_SURE = 0.4  # share of the likeliest token below which the guessing ends
_PROBE_EVERY = 64  # steps without a guess, after which a few are tried again
_PROBE = 2


class DraftModel:
    """The small model, loaded beside the one that answers. Engine thread only.

    Raises (constructor): as `LoadedModel`; UserError where the vocabularies differ.
    """

    def __init__(
        self,
        native: Native,
        file: ModelFile,
        target: LoadedModel,
        options: LoadOptions,
        switch: AbortSwitch,
    ) -> None:
        length = min(target.context_length, file.context_length or target.context_length)
        own = draft_options(options, length)
        self._loaded = LoadedModel(native, file, own, lambda _fraction: not switch.thrown)
        try:
            if not _same_vocabulary(native.llama, self._loaded, target):
                raise UserError(
                    f"{file.name} cannot guess for {target.file.name}: their vocabularies differ. "
                    "Choose a smaller model of the same family, or none."
                )
            self._decoder = Decoder(native.llama, self._loaded, switch)
        except BaseException:
            self._loaded.close()
            raise
        self._llama: Any = native.llama
        self._size = native.llama.llama_vocab_n_tokens(self._loaded.vocabulary)
        self.guess_s = 0.0  # seconds of one guess, lately

    def guesser(self, tokens: Sequence[int]) -> DraftGuesser:
        """Guesses for an answer to this prompt."""
        return DraftGuesser(self, tokens)

    def guess(self, tokens: Sequence[int], count: int) -> list[int]:
        """At most `count` tokens that the small model would go on with. Raises: Aborted."""
        decoder = self._decoder
        if len(tokens) + count >= self._loaded.context_length:
            return []
        decoder.reuse(tokens)
        for _ in decoder.prefill(tokens):
            pass
        guesses: list[int] = []
        while True:
            token, share = self._likeliest()
            if guesses and share < _SURE:
                break
            guesses.append(token)
            if len(guesses) == count:
                break
            decoder.step(token)
        return guesses

    def took(self, count: int, seconds: float) -> None:
        """So many guesses took so long."""
        each = seconds / count
        self.guess_s = 0.8 * self.guess_s + 0.2 * each if self.guess_s else each

    @property
    def held(self) -> dict[str, int]:
        """As `LoadedModel.held`."""
        return self._loaded.held

    def close(self) -> None:
        """Free it."""
        self._loaded.close()

    def _likeliest(self) -> tuple[int, float]:
        """The likeliest next token and its share of the probability."""
        import numpy as np  # the bindings have loaded it already

        pointer = self._llama.llama_get_logits_ith(self._loaded.context, -1)
        logits = np.ctypeslib.as_array(pointer, shape=(self._size,))
        token = int(logits.argmax())
        return token, 1.0 / float(np.exp(logits - logits[token]).sum())


class DraftGuesser:
    """The small model's guesses for one answer."""

    def __init__(self, model: DraftModel, tokens: Sequence[int]) -> None:
        self._model = model
        self._tokens = list(tokens)
        self._waited = 0
        self._begun = False  # the small model has read the prompt

    def append(self, token: int) -> None:
        """As `Guesser`."""
        self._tokens.append(token)

    def propose(self, choose: Chooser) -> tuple[list[int], int | None]:
        """As `Guesser`."""
        count = choose(_MOST, self._model.guess_s)
        if count == 0:
            self._waited += 1
            if self._waited < _PROBE_EVERY:
                return [], None
            count = _PROBE
        self._waited = 0
        began = time.perf_counter()
        guesses = self._model.guess(self._tokens, count)
        if guesses and self._begun:  # reading the prompt is no part of what a guess costs
            self._model.took(len(guesses), time.perf_counter() - began)
        self._begun = True
        return guesses, None


def _same_vocabulary(llama: Any, one: LoadedModel, other: LoadedModel) -> bool:
    count = llama.llama_vocab_n_tokens(one.vocabulary)
    if count != llama.llama_vocab_n_tokens(other.vocabulary):
        return False
    return all(
        llama.llama_vocab_get_text(one.vocabulary, t)
        == llama.llama_vocab_get_text(other.vocabulary, t)
        for t in range(count)
    )
