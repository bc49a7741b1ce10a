"""Prefill and decode on one context, reusing every KV entry that still holds.

One sequence. What stands in the KV cache is always a beginning of `known.tokens`.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from typing import Any

from snug.domain.errors import EnvironmentFault
from snug.engine.fitting import BATCH_TOKENS
from snug.engine.loaded import LoadedModel
from snug.engine.prompt import KnownTokens

_ABORTED = 2  # llama_decode's result when the abort callback asked for it
_NO_SLOT = 1
# Steps are whole multiples of this: the kernels treat rows in groups, so that other borders would
# give slightly other sums, and the same seed another answer from one time to the next.
_STEP = 64
_CHUNK_S = 0.4  # how often prefill reports
_TAIL_SHARE = 1.25
_LARGEST_CHUNK = int(BATCH_TOKENS / _TAIL_SHARE) // _STEP * _STEP


class Aborted(Exception):
    """Decoding was stopped from outside; the KV cache is consistent again."""


class AbortSwitch:
    r"""Stops llama.cpp between two graph nodes without running Python there.

    llama.cpp asks a C function before each node. Python's own callback would take the GIL some
    thousand times per token, so the function is libc's `strlen` and its argument two bytes of
    ours: "" is 0 (go on), "\x01" is 1 (stop). May be thrown from any thread.
    """

    def __init__(self) -> None:
        self._flag = ctypes.create_string_buffer(2)
        self.function = ctypes.cast(ctypes.CDLL(None).strlen, ctypes.c_void_p)

    @property
    def data(self) -> ctypes.c_void_p:
        """The argument for the function."""
        return ctypes.cast(self._flag, ctypes.c_void_p)

    @property
    def thrown(self) -> bool:
        """Whether a stop was asked for."""
        return bool(self._flag[0] != b"\x00")

    def throw(self) -> None:
        """Ask for a stop."""
        self._flag[0] = b"\x01"

    def reset(self) -> None:
        """Take it back, before new work."""
        self._flag[0] = b"\x00"


class Decoder:
    """Turns tokens into the next token. Engine thread only."""

    def __init__(self, native_llama: Any, loaded: LoadedModel, switch: AbortSwitch) -> None:
        self._llama = native_llama
        self._loaded = loaded
        self._switch = switch
        self.known = KnownTokens()
        self._cached = 0  # tokens of `known` that have KV entries
        self._chunk = _STEP  # tokens of one prefill step; learned from the last ones
        self._single = (native_llama.llama_token * 1)()
        self._one = native_llama.llama_batch_get_one(self._single, 1)
        callback = ctypes.cast(switch.function, native_llama.ggml_abort_callback)
        native_llama.llama_set_abort_callback(loaded.context, callback, switch.data)

    def reuse(self, tokens: Sequence[int]) -> int:
        """Keep the KV entries that `tokens` share with what is cached; drop the rest.

        Returns:
            How many tokens need not be read again; at least one is left to read.
        """
        shared = 0
        limit = min(self._cached, len(tokens) - 1)
        known = self.known.tokens
        while shared < limit and known[shared] == tokens[shared]:
            shared += 1
        return self._rewind(shared)

    def prefill(self, tokens: Sequence[int], on_progress: Callable[[int, int], None]) -> None:
        """Read the tokens from the cached position on.

        Args:
            on_progress: called with (done, total) of the new tokens, about twice a second.

        Raises:
            Aborted, EnvironmentFault.
        """
        start = self._cached
        fresh = list(tokens[start:])
        self.known.cut(start)
        for token in fresh:
            self._note(token)
        buffer = (self._llama.llama_token * len(fresh))(*fresh)
        done = 0
        while done < len(fresh):
            count = len(fresh) - done
            if count > self._chunk * _TAIL_SHARE:  # no tiny step for the last few tokens
                count = self._chunk
            began = time.monotonic()
            part = ctypes.cast(
                ctypes.byref(buffer, done * ctypes.sizeof(self._llama.llama_token)),
                ctypes.POINTER(self._llama.llama_token),
            )
            self._decode(self._llama.llama_batch_get_one(part, count), count)
            done += count
            on_progress(done, len(fresh))
            speed = count / max(time.monotonic() - began, 1e-6)
            if count >= _STEP:
                steps = int(speed * _CHUNK_S) // _STEP * _STEP
                self._chunk = max(_STEP, min(_LARGEST_CHUNK, steps))

    def step(self, token: int) -> None:
        """Decode one token, so that the next can be drawn. Raises: Aborted, EnvironmentFault."""
        self._note(token)
        self._single[0] = token
        self._decode(self._one, 1)

    def note_end(self, token: int) -> None:
        """Remember the token that closed the turn; its KV entry comes with the next prompt."""
        self._note(token)

    @property
    def free(self) -> int:
        """Tokens that still fit the context."""
        return self._loaded.context_length - self._cached

    def _note(self, token: int) -> None:
        loaded = self._loaded
        self.known.append(token, loaded.piece(token), loaded.is_control(token))

    def _decode(self, batch: Any, count: int) -> None:
        if self._switch.thrown:
            self.known.cut(self._cached)
            raise Aborted
        result = self._llama.llama_decode(self._loaded.context, batch)
        if result == 0:
            self._cached += count
            return
        self._rewind(self._cached)
        if result == _ABORTED:
            raise Aborted
        if result == _NO_SLOT:
            raise EnvironmentFault("The context is full. Start a new chat or shorten this one.")
        raise EnvironmentFault(
            f"llama.cpp could not compute the next token (code {result}). Try again; if it happens "
            "again, choose a shorter context or another model."
        )

    def _rewind(self, length: int) -> int:
        """Make the KV cache end after `length` tokens. Returns: what could really be kept."""
        llama, memory = self._llama, self._loaded.memory
        if not llama.llama_memory_seq_rm(memory, 0, length, -1):
            llama.llama_memory_clear(memory, True)  # recurrent models cannot go back
            length = 0
        self._cached = length
        self.known.cut(length)
        return length
