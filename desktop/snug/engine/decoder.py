"""Prefill and decode on one context, reusing every KV entry that still holds.

One sequence. What stands in the KV cache is always a beginning of `known.tokens`.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator, Sequence
from typing import Any

from snug.domain.errors import EnvironmentFault
from snug.engine.fitting import BATCH_TOKENS
from snug.engine.known import KnownTokens
from snug.engine.kv_state import KvState
from snug.engine.loaded import LoadedModel
from snug.engine.memory import available_bytes
from snug.engine.token_batch import TokenBatch

ABORTED = 2  # llama_decode's result when the abort callback asked for it
_NO_SLOT = 1
# Steps are whole multiples of this: the kernels treat rows in groups, so that other borders would
# give slightly other sums, and the same seed another answer from one time to the next.
_STEP = 64
# How often prefill reports. Steps of 64 tokens take 3.5 % longer for the same prompt than one step
# of 256, those of 128 take 1.6 % longer.
_CHUNK_S = 0.8
_TAIL_SHARE = 1.25
MOST_AT_ONCE = 33  # a token and 32 guesses
_COPY_SHARE = 0.5  # of what is free, that a copy of the KV cache may take
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

    def as_callback(self, llama: Any) -> Any:
        """The function, as the bindings take it."""
        return ctypes.cast(self.function, llama.ggml_abort_callback)

    def throw(self) -> None:
        """Ask for a stop."""
        self._flag[0] = b"\x01"

    def reset(self) -> None:
        """Take it back, before new work."""
        self._flag[0] = b"\x00"


class Decoder:
    """Turns tokens into the next token. Engine thread only."""

    def __init__(
        self, native_llama: Any, loaded: LoadedModel, switch: AbortSwitch, context: Any = None
    ) -> None:
        self._llama = native_llama
        self._loaded = loaded
        self._switch = switch
        self.context = loaded.context if context is None else context
        self._memory = native_llama.llama_get_memory(self.context)
        self.known = KnownTokens()
        self._cached = 0  # tokens of `known` that have KV entries
        self._chunk = _STEP  # tokens of one prefill step; learned from the last ones
        self._single = (native_llama.llama_token * 1)()
        self._one = native_llama.llama_batch_get_one(self._single, 1)
        self._several = TokenBatch(native_llama, MOST_AT_ONCE)
        callback = switch.as_callback(native_llama)
        native_llama.llama_set_abort_callback(self.context, callback, switch.data)

    @property
    def cached(self) -> int:
        """How many of the known tokens have KV entries."""
        return self._cached

    @property
    def free(self) -> int:
        """Tokens that still fit the context."""
        return self._loaded.context_length - self._cached

    @property
    def can_go_back(self) -> bool:
        """Whether KV entries can be dropped from the end; recurrent models keep no such thing."""
        llama, model = self._llama, self._loaded.model
        return not (llama.llama_model_is_recurrent(model) or llama.llama_model_is_hybrid(model))

    def reuse(self, tokens: Sequence[int]) -> int:
        """Keep the KV entries that `tokens` share with what is cached; drop the rest.

        Returns:
            How many tokens need not be read again; at least one is left to read.
        """
        return self.rewind(min(self.known.shared(tokens), self._cached, len(tokens) - 1))

    def prefill(self, tokens: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Read the tokens from the cached position on, a step at a time.

        Yields:
            (done, total) of the new tokens, about once a second.

        Raises:
            Aborted, EnvironmentFault.
        """
        fresh = list(tokens[self._cached :])
        self.known.cut(self._cached)
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
            speed = count / max(time.monotonic() - began, 1e-6)
            if count >= _STEP:
                steps = int(speed * _CHUNK_S) // _STEP * _STEP
                self._chunk = max(_STEP, min(_LARGEST_CHUNK, steps))
            yield done, len(fresh)

    def step(self, token: int) -> None:
        """Decode one token, so that the next can be drawn. Raises: Aborted, EnvironmentFault."""
        self._note(token)
        self._single[0] = token
        self._decode(self._one, 1)

    def step_ahead(self, token: int, guesses: Sequence[int]) -> None:
        """Decode a token and guesses of what follows it, at most `MOST_AT_ONCE` together.

        Afterwards the logits of the token are at place 0 of the batch and those of the n-th guess
        at place n. Guesses that turn out wrong are taken back with `rewind`.

        Raises:
            Aborted, EnvironmentFault.
        """
        tokens = (token, *guesses)
        for each in tokens:
            self._note(each)
        self._several.clear()
        self._several.add(tokens, self._cached, every=True)
        self._decode(self._several.native, len(tokens))

    def heed_stop(self) -> None:
        """Go no further where a stop was asked for. Raises: Aborted."""
        if self._switch.thrown:
            raise Aborted

    def note_end(self, token: int) -> None:
        """Remember the token that closed the turn; its KV entry comes with the next prompt."""
        self._note(token)

    def rewind(self, length: int) -> int:
        """Make the KV cache end after `length` tokens. Returns: what could really be kept."""
        llama = self._llama
        if not llama.llama_memory_seq_rm(self._memory, 0, length, -1):
            llama.llama_memory_clear(self._memory, True)  # recurrent models cannot go back
            length = 0
        self._cached = length
        self.known.cut(length)
        return length

    def cut_out(self, start: int, count: int) -> bool:
        """Take `count` tokens out from `start` on; what follows moves up and keeps its KV entries.

        The entries that stay were computed while the others were still there, so that the model
        goes on with a memory of them.

        Returns:
            False, and nothing changed, where the model's cache cannot be moved.
        """
        llama, memory = self._llama, self._memory
        if not (self.can_go_back and llama.llama_memory_can_shift(memory)):
            return False
        if not llama.llama_memory_seq_rm(memory, 0, start, start + count):
            return False
        llama.llama_memory_seq_add(memory, 0, start + count, -1, -count)
        self._cached -= count
        self.known.take_out(start, count)
        return True

    def save(self) -> KvState | None:
        """A copy of the KV cache and its tokens; None where it is empty or memory is short."""
        if not self._cached:
            return None
        llama, tokens = self._llama, self.known.tokens[: self._cached]
        size = llama.llama_state_seq_get_size(self.context, 0)
        if size > _COPY_SHARE * available_bytes():  # the system would end the process, not refuse
            return None
        try:
            state = KvState.room_for(tokens, size)
        except MemoryError:  # nothing is lost but time: the prompt is read again
            return None
        written = llama.llama_state_seq_get_data(self.context, state.address(), size, 0)
        return state if written == size else None

    def restore(self, state: KvState) -> bool:
        """Put a saved KV cache in place of the present one.

        Returns:
            False, and an empty cache, where llama.cpp does not take it.
        """
        llama = self._llama
        llama.llama_memory_clear(self._memory, True)
        self._cached = 0
        self.known.cut(0)
        tokens = state.tokens
        size = llama.llama_vocab_n_tokens(self._loaded.vocabulary)
        if not 0 < len(tokens) <= self._loaded.context_length:
            return False
        if min(tokens) < 0 or max(tokens) >= size:  # llama.cpp ends the process at such a token
            return False
        taken = llama.llama_state_seq_set_data(self.context, state.address(), state.size, 0)
        if not taken or llama.llama_memory_seq_pos_max(self._memory, 0) != len(tokens) - 1:
            llama.llama_memory_clear(self._memory, True)
            return False
        for token in tokens:
            self._note(token)
        self._cached = len(tokens)
        return True

    def _note(self, token: int) -> None:
        loaded = self._loaded
        self.known.append(token, loaded.piece(token), loaded.is_control(token))

    def _decode(self, batch: Any, count: int) -> None:
        if self._switch.thrown:
            self.known.cut(self._cached)
            raise Aborted
        result = self._llama.llama_decode(self.context, batch)
        if result == 0:
            self._cached += count
            return
        self.rewind(self._cached)
        if result == ABORTED:
            raise Aborted
        raise decode_failure(result)


def decode_failure(result: int) -> EnvironmentFault:
    """What a result of `llama_decode` other than 0 means, in a sentence."""
    if result == _NO_SLOT:
        return EnvironmentFault("The context is full. Start a new chat or shorten this one.")
    return EnvironmentFault(
        f"llama.cpp could not compute the next token (code {result}). Try again; if it happens "
        "again, choose a shorter context or another model."
    )
