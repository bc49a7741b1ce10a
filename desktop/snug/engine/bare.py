"""The yardstick: llama_decode and a greedy choice, nothing else. For the benchmark only."""

from __future__ import annotations

import ctypes
import statistics
import time
from collections.abc import Sequence
from typing import Any

from snug.domain.errors import OutOfMemoryError
from snug.domain.model import LoadOptions, ModelFile
from snug.engine.fitting import BATCH_TOKENS
from snug.engine.loaded import LoadedModel
from snug.engine.native import Native
from snug.engine.token_batch import TokenBatch


class BareLoop:
    """A model and context of its own, driven as directly as the library allows."""

    def __init__(self, native: Native, file: ModelFile, options: LoadOptions) -> None:
        self._llama = native.llama
        self._loaded = LoadedModel(native, file, options, lambda _fraction: True)

    def run(self, prompt: list[int], count: int) -> tuple[float, float]:
        """Read a prompt, then decode greedily, whatever comes.

        Args:
            count: tokens to draw.

        Returns:
            Seconds to the first drawn token, and seconds from the first to the last.
        """
        llama, loaded = self._llama, self._loaded
        llama.llama_memory_clear(loaded.memory, True)
        chain = greedy(llama)
        tokens = (llama.llama_token * len(prompt))(*prompt)
        single = (llama.llama_token * 1)()
        began = time.perf_counter()
        for start in range(0, len(prompt), BATCH_TOKENS):
            part = ctypes.cast(
                ctypes.byref(tokens, start * ctypes.sizeof(llama.llama_token)),
                ctypes.POINTER(llama.llama_token),
            )
            size = min(BATCH_TOKENS, len(prompt) - start)
            llama.llama_decode(loaded.context, llama.llama_batch_get_one(part, size))
        single[0] = llama.llama_sampler_sample(chain, loaded.context, -1)
        first = time.perf_counter()
        for _ in range(count - 1):
            llama.llama_decode(loaded.context, llama.llama_batch_get_one(single, 1))
            single[0] = llama.llama_sampler_sample(chain, loaded.context, -1)
        last = time.perf_counter()
        llama.llama_sampler_free(chain)
        return first - began, last - first

    def close(self) -> None:
        """Free model and context."""
        self._loaded.close()

    def tokenise(self, text: str) -> list[int]:
        """Tokens of a rendered prompt."""
        return self._loaded.tokenise(text)

    def batch(self, length: int, count: int) -> BareBatch:
        """Several sequences of this model side by side; close it before this loop."""
        return BareBatch(self._llama, self._loaded, length, count)

    def step_costs(
        self, prompt: list[int], widths: Sequence[int], rounds: int
    ) -> tuple[dict[int, float], float]:
        """What a step over so many tokens costs right after a prompt.

        Returns:
            Median seconds of `llama_decode` by width, and of one greedy draw.
        """
        llama, loaded = self._llama, self._loaded
        self.run(prompt, 1)
        chain = greedy(llama)
        batch = TokenBatch(llama, max(widths))
        taken: dict[int, list[float]] = {width: [] for width in widths}
        draws: list[float] = []
        for _ in range(rounds):
            for width in widths:
                llama.llama_memory_seq_rm(loaded.memory, 0, len(prompt), -1)
                batch.clear()
                batch.add(prompt[:width], len(prompt), every=True)
                began = time.perf_counter()
                llama.llama_decode(loaded.context, batch.native)
                llama.llama_synchronize(loaded.context)
                decoded = time.perf_counter()
                llama.llama_sampler_sample(chain, loaded.context, 0)
                taken[width].append(decoded - began)
                draws.append(time.perf_counter() - decoded)
        llama.llama_sampler_free(chain)
        costs = {width: statistics.median(seconds) for width, seconds in taken.items()}
        return costs, statistics.median(draws)


class BareBatch:
    """One context with several sequences; each step decodes one token of every sequence."""

    def __init__(self, llama: Any, loaded: LoadedModel, length: int, count: int) -> None:
        self._llama = llama
        self._count = count
        self._context = loaded.new_context(length * count, count)
        if not self._context:
            raise OutOfMemoryError(f"There is not enough memory for {count} answers at a time.")
        self._memory = llama.llama_get_memory(self._context)
        self._batch = llama.llama_batch_init(BATCH_TOKENS, 0, 1)

    def run(self, prompt: list[int], steps: int) -> float:
        """Read one prompt for all, then decode greedily, whatever comes.

        Returns:
            Seconds of `steps` steps, from the first token of each sequence to its last.
        """
        llama, count, batch = self._llama, self._count, self._batch
        chains = [greedy(llama) for _ in range(count)]
        llama.llama_memory_clear(self._memory, True)
        for place, token in enumerate(prompt[:-1]):
            self._set(place, token, place, 0)
        batch.n_tokens = len(prompt) - 1
        llama.llama_decode(self._context, batch)
        for sequence in range(1, count):
            llama.llama_memory_seq_cp(self._memory, 0, sequence, -1, -1)
        for sequence in range(count):
            self._set(sequence, prompt[-1], len(prompt) - 1, sequence, wanted=True)
        batch.n_tokens = count
        began = 0.0
        for step in range(steps + 1):
            llama.llama_decode(self._context, batch)
            for sequence in range(count):
                token = llama.llama_sampler_sample(chains[sequence], self._context, sequence)
                batch.token[sequence] = token
                batch.pos[sequence] += 1
            began = began if step else time.perf_counter()
        seconds = time.perf_counter() - began
        for chain in chains:
            llama.llama_sampler_free(chain)
        return seconds

    def close(self) -> None:
        """Free the context."""
        self._llama.llama_batch_free(self._batch)
        self._llama.llama_free(self._context)

    def _set(
        self, place: int, token: int, position: int, sequence: int, *, wanted: bool = False
    ) -> None:
        batch = self._batch
        batch.token[place] = token
        batch.pos[place] = position
        batch.n_seq_id[place] = 1
        batch.seq_id[place][0] = sequence
        batch.logits[place] = wanted


def greedy(llama: Any) -> Any:
    """A chain that takes the likeliest token; whoever asks frees it."""
    chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
    llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_greedy())
    return chain
