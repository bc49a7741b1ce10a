"""The key that encrypts everything, in memory of its own."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import secrets as random
import sys

from snug.domain.errors import EnvironmentFault

KEY_BYTES = 32
_LINUX_MADV_WIPEONFORK = 18  # Source: madvise(2); Python's mmap has no name for it


class DataKey:
    """The 32 bytes that encrypt the database; `close` overwrites them.

    They lie in a page that is, as far as the system allows, never swapped, never in a core dump and
    empty in a forked child.
    """

    def __init__(self, raw: bytes | bytearray | memoryview) -> None:
        if len(raw) != KEY_BYTES:
            raise ValueError("a data key has 32 bytes")
        self._page = _private_page()
        self._raw = memoryview(self._page)[:KEY_BYTES]
        self._raw[:] = raw
        self._closed = False

    @classmethod
    def random(cls) -> DataKey:
        """A new key."""
        return cls(random.token_bytes(KEY_BYTES))

    @property
    def raw(self) -> memoryview:
        """The key itself, not a copy.

        Raises:
            EnvironmentFault: it was closed.
        """
        if self._closed:
            raise EnvironmentFault("The vault is locked.")
        return self._raw

    def close(self) -> None:
        """Overwrite the key with zeros and give its page back. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._raw[:] = bytes(KEY_BYTES)
        self._raw.release()
        # Somebody may still hold a view; the page is empty, and goes with it.
        with contextlib.suppress(BufferError):
            self._page.close()


def wipe(text: str) -> None:
    """Overwrite a text that held a secret, where this Python allows it.

    Only for texts that were made for this one use: constants and interned texts are shared.
    """
    if sys.implementation.name != "cpython" or not text.isascii() or len(text) < 2:
        return
    # CPython keeps the characters of an ASCII text at the end of its object, before a zero byte.
    start = id(text) + sys.getsizeof(text) - len(text) - 1
    ctypes.memset(start, 0, len(text))


def _private_page() -> mmap.mmap:
    page = mmap.mmap(-1, mmap.PAGESIZE)
    if sys.platform == "linux":
        for advice in (mmap.MADV_DONTDUMP, _LINUX_MADV_WIPEONFORK):
            with contextlib.suppress(OSError):
                page.madvise(advice)
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        # Refused only where too much is locked already (RLIMIT_MEMLOCK); the key works without.
        ctypes.CDLL(None).mlock(ctypes.c_void_p(address), ctypes.c_size_t(mmap.PAGESIZE))
    return page
