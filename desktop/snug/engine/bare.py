"""The yardstick: llama_decode and a greedy choice, nothing else. For the benchmark only."""

from __future__ import annotations

import ctypes
import time

from snug.domain.model import LoadOptions, ModelFile
from snug.engine.fitting import BATCH_TOKENS
from snug.engine.loaded import LoadedModel
from snug.engine.native import Native


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
        chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_greedy())
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
