"""A copy of a sequence's KV cache with its tokens, as one stretch of bytes.

Laid out as: magic, number of tokens, the tokens, llama.cpp's own state. One stretch, so that a
state of a gigabyte is never copied on its way to the keeper and back.
"""

from __future__ import annotations

import ctypes
import struct
from array import array
from collections.abc import Sequence
from typing import Any

_HEAD = struct.Struct("<8sQ")
_MAGIC = b"SnugKV01"


class KvState:
    """The state and what it is a state of."""

    def __init__(self, data: bytearray | bytes, tokens: array[int], start: int) -> None:
        """Use `room_for` or `parse`."""
        self.data = data
        self.tokens = tokens
        self._start = start

    @classmethod
    def room_for(cls, tokens: Sequence[int], size_bytes: int) -> KvState:
        """A state to be filled: write `size_bytes` at `address()`."""
        kept = array("i", tokens)
        start = _HEAD.size + len(kept) * kept.itemsize
        data = bytearray(start + size_bytes)
        data[: _HEAD.size] = _HEAD.pack(_MAGIC, len(kept))
        data[_HEAD.size : start] = kept.tobytes()
        return cls(data, kept, start)

    @classmethod
    def parse(cls, data: bytes | bytearray) -> KvState | None:
        """What `room_for` laid out, read back; None where it is something else."""
        if len(data) < _HEAD.size:
            return None
        magic, count = _HEAD.unpack_from(data)
        tokens = array("i")
        start = _HEAD.size + count * tokens.itemsize
        if magic != _MAGIC or start >= len(data):
            return None
        tokens.frombytes(memoryview(data)[_HEAD.size : start])
        return cls(data, tokens, start)

    @property
    def size(self) -> int:
        """Bytes of llama.cpp's own state."""
        return len(self.data) - self._start

    def address(self) -> Any:
        """A `uint8_t *` to llama.cpp's own state; lives as long as this object."""
        kind = ctypes.c_uint8 * self.size
        if isinstance(self.data, bytearray):
            return kind.from_buffer(self.data, self._start)
        base = ctypes.cast(ctypes.c_char_p(self.data), ctypes.c_void_p).value or 0
        return kind.from_address(base + self._start)
