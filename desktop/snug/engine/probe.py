"""Child process: load one GPU plug-in and list its devices. A crash here costs nothing.

Exit code 0 when it works; anything else (or a signal) when it does not.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path


def main(plugin: str) -> int:
    """Load the plug-in beside its libggml and touch every device once."""
    folder = Path(plugin).parent
    versioned = folder / "libggml.so.0"
    ggml = ctypes.CDLL(str(versioned if versioned.exists() else folder / "libggml.so"))
    ggml.ggml_backend_load.argtypes = [ctypes.c_char_p]
    ggml.ggml_backend_load.restype = ctypes.c_void_p
    ggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    ggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    ggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    ggml.ggml_backend_dev_init.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    ggml.ggml_backend_dev_init.restype = ctypes.c_void_p
    if not ggml.ggml_backend_load(plugin.encode()):
        return 3
    for index in range(ggml.ggml_backend_dev_count()):
        if not ggml.ggml_backend_dev_init(ggml.ggml_backend_dev_get(index), None):
            return 4
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
