"""Whether tokens decoded together give the very numbers that they give one by one.

Where they do not, guessing ahead may tip the balance between two tokens that are nearly equally
likely, and an answer that must be repeatable would depend on how fast the machine was. llama.cpp
takes other ways for one token than for several: on processors, flash attention over 512 KV entries
or more of type f16 adds up in another order, and so do the matrix products of some weights. What
holds for this model here is found out once, on tokens that are in the cache anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from snug.engine.decoder import MOST_AT_ONCE, Decoder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TRIED = 5  # tokens
_BORDER = 256  # cached tokens from which llama.cpp looks at 512 entries


class Exactness:
    """What was found for one context. Engine thread only."""

    def __init__(self, native_llama: Any, decoder: Decoder, vocabulary_size: int) -> None:
        self._llama = native_llama
        self._decoder = decoder
        self._size = vocabulary_size
        self._found: dict[bool, bool] = {}

    def holds(self) -> bool:
        """Whether guesses may be decoded here without changing anything. Raises: Aborted."""
        cached = self._decoder.cached
        beyond = cached + MOST_AT_ONCE > _BORDER
        if beyond and cached <= _BORDER:
            return False  # a step across the border; the next ones are beyond it
        if beyond not in self._found:
            if cached <= _TRIED:
                return False
            self._found[beyond] = self._try()
        return self._found[beyond]

    def _try(self) -> bool:
        """The last tokens once more, together and then one by one.

        Afterwards the cache is what it was, bit by bit: entries of a prompt that was read in large
        steps are not those of single tokens either.
        """
        decoder = self._decoder
        before = decoder.save()
        if before is None:
            return False
        start = decoder.cached - _TRIED
        tokens = decoder.known.tokens[start : decoder.cached]
        decoder.rewind(start)
        decoder.step_ahead(tokens[0], tokens[1:])
        together = self._logits(_TRIED - 1)
        decoder.rewind(start)
        for token in tokens:
            decoder.step(token)
        same = bool((together == self._logits(-1)).all())
        return decoder.restore(before) and same

    def _logits(self, place: int) -> NDArray[np.float32]:
        import numpy as np  # the bindings have loaded it already

        pointer = self._llama.llama_get_logits_ith(self._decoder.context, place)
        return np.ctypeslib.as_array(pointer, shape=(self._size,)).copy()
