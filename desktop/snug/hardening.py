"""What keeps a process's secrets from those who look at it from outside. Light: runs first of all.

What is left: the shell that was given a token in its environment still has it, and while Snug runs
its own memory holds what it works with. Whoever is root, or may trace any process, can read both.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys

_PR_SET_DUMPABLE = 4


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
