"""A batch of tokens of several sequences, as llama.cpp reads it; made once, filled at each step."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class TokenBatch:
    """Room for `size` tokens. Engine thread only.

    Attributes:
        native: the structure that `llama_decode` takes; lives as long as this object.
    """

    def __init__(self, llama: Any, size: int, sequences: int = 1) -> None:
        import numpy as np  # the bindings have loaded it already; a list of models needs neither

        self._tokens: NDArray[np.int32] = np.zeros(size, np.int32)
        self._positions: NDArray[np.int32] = np.zeros(size, np.int32)
        self._counts: NDArray[np.int32] = np.ones(size, np.int32)
        self._wanted: NDArray[np.int8] = np.zeros(size, np.int8)
        # One constant list per sequence, and for each token the address of its sequence's list.
        self._ids: NDArray[np.int32] = np.arange(sequences, dtype=np.int32)
        first = self._ids.ctypes.data
        self._lists: NDArray[np.uint64] = np.full(size, first, np.uint64)
        self._addresses = first + np.arange(sequences, dtype=np.uint64) * self._ids.itemsize
        self.native = llama.llama_batch()
        self.native.n_tokens = 0
        for field, array, kind in (
            ("token", self._tokens, llama.llama_token),
            ("pos", self._positions, llama.llama_pos),
            ("n_seq_id", self._counts, ctypes.c_int32),
            ("seq_id", self._lists, ctypes.POINTER(llama.llama_seq_id)),
            ("logits", self._wanted, ctypes.c_int8),
        ):
            setattr(self.native, field, ctypes.cast(array.ctypes.data, ctypes.POINTER(kind)))

    def clear(self) -> None:
        """Begin a new step."""
        self.native.n_tokens = 0

    @property
    def count(self) -> int:
        """Tokens in it."""
        return int(self.native.n_tokens)

    def add(
        self, tokens: Sequence[int], position: int, sequence: int = 0, *, every: bool = False
    ) -> int:
        """Append tokens of one sequence, the first of them at `position`.

        Args:
            every: logits are wanted after each token, not only after the last.

        Returns:
            The place in the batch of the last one, by which its logits are asked for.
        """
        start = self.count
        end = start + len(tokens)
        self._tokens[start:end] = tokens
        self._positions[start:end] = range(position, position + len(tokens))
        self._lists[start:end] = self._addresses[sequence]
        self._wanted[start:end] = every
        self._wanted[end - 1] = True
        self.native.n_tokens = end
        return end - 1

    def unwant_last(self) -> None:
        """No logits after the last token added: more of its sequence comes with another step."""
        self._wanted[self.count - 1] = False
