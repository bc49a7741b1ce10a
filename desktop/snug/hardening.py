"""What keeps a process's secrets from those who look at it from outside. Light: runs first of all.

After the chats were locked their words are not in the memory that was given back either, as far as
the GNU library and CPython can be made to overwrite it: see `overwrite_freed` and `forget_freed`.

What is left: the shell that was given a token in its environment still has it, and while Snug runs
its own memory holds what it works with. Whoever is root, or may trace any process, can read both.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys
from pathlib import Path

_PR_SET_DUMPABLE = 4
_M_PERTURB = -6  # Source: malloc.h of the GNU library
_FREED = 0x5A
# Source: Objects/obmalloc.c of CPython 3.11: 16 to 512 bytes in steps of 16, from 1 MiB arenas.
_SIZES = range(48, 513, 16)
_ARENA_BYTES = 1 << 20
_BYTES_HEADER = 33
_CACHED_SIZES = range(24, 1033, 16)  # Source: malloc.c of the GNU library, tcache
_CACHED_EACH = 7
_BATCH = 1_000
_MOST_BATCHES = 400  # of one size; so large an amount free at once was never seen


def harden() -> None:
    """Files for the owner alone; no core dump may hold a conversation or the key. Idempotent."""
    os.umask(0o077)
    # llama.cpp would start a debugger on itself as it aborts, and print what stands on the stack.
    os.environ.setdefault("GGML_NO_BACKTRACE", "1")
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no `resource`
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def take_from_environment(name: str) -> str:
    """Take a secret out of the environment, so that nothing which is started inherits it.

    On Linux it is also overwritten where the kernel put it: `/proc/PID/environ` shows that place
    for as long as the process lives, whatever is unset. Call it before there are threads or forks.
    """
    if sys.platform == "linux" and name in os.environ:
        with contextlib.suppress(OSError, AttributeError, ValueError):
            get = ctypes.CDLL(None).getenv
            get.argtypes, get.restype = (ctypes.c_char_p,), ctypes.c_void_p
            place = get(os.fsencode(name))
            if place:
                ctypes.memset(place, 0, len(ctypes.string_at(place)))
    return os.environ.pop(name, "")


def overwrite_freed() -> None:
    """From now on what is given back to the C library is overwritten at once.

    Costs less than can be measured beside the work of a model. Only the GNU library can.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(_M_PERTURB, _FREED)


def forget_freed() -> None:
    """Overwrite what Python itself has set free, and hand empty pages back. About 0.1 s, 60 MiB.

    Python keeps its small objects in arenas of its own and reuses them without a wipe. New objects
    of every size are made until they no longer fit into what was free.
    """
    gc.collect()
    if sys.platform != "linux" or sys.implementation.name != "cpython":
        return
    held: list[list[bytes]] = []
    for size in _SIZES:
        before = _mapped_bytes()
        for _ in range(_MOST_BATCHES):
            held.append([bytes(size - _BYTES_HEADER) for _ in range(_BATCH)])
            if _mapped_bytes() - before > _ARENA_BYTES:
                break
    del held
    with contextlib.suppress(OSError, AttributeError):
        _wipe_thread_cache(ctypes.CDLL(None))


def _wipe_thread_cache(library: ctypes.CDLL) -> None:
    """What lies in this thread's cache is not overwritten as it is freed, so take it out once."""
    library.malloc.restype = ctypes.c_void_p
    library.malloc.argtypes = (ctypes.c_size_t,)
    library.free.argtypes = (ctypes.c_void_p,)
    for size in _CACHED_SIZES:
        taken = [library.malloc(size) for _ in range(_CACHED_EACH)]
        for place in taken:
            ctypes.memset(place, 0, size)
            library.free(place)
    library.malloc_trim(0)


def _mapped_bytes() -> int:
    """Source: proc(5)."""
    return int(Path("/proc/self/statm").read_bytes().split()[0]) * os.sysconf("SC_PAGE_SIZE")
