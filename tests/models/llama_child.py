"""Loads each model that is named on a line of standard input into llama.cpp, says what came of it.

Run as a program of its own, because a file that slips through ends the process. For each path it
prints the path before, and "loaded" or "refused" after.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

import llama_cpp


def main() -> None:
    folder = Path(llama_cpp.__file__).parent / "lib"
    ggml = ctypes.CDLL(str(folder / "libggml.so.0"))
    load_all = getattr(ggml, "ggml_backend_load_all_from_path", None)
    if load_all is not None:
        load_all.argtypes = [ctypes.c_char_p]
        load_all(str(folder).encode())
    llama_cpp.llama_backend_init()
    # An abort prints a backtrace to standard output: what is said here goes another way.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        path = line.rstrip("\n")
        print(path, file=answers, flush=True)
        print("loaded" if _runs(path) else "refused", file=answers, flush=True)


def _runs(path: str) -> bool:
    options = llama_cpp.llama_model_default_params()
    options.n_gpu_layers = 0
    # facts.md: AMX kernels crash on some virtual machines.
    options.use_extra_bufts = False
    model = llama_cpp.llama_model_load_from_file(path.encode(), options)
    if not model:
        return False
    context_options = llama_cpp.llama_context_default_params()
    context_options.n_ctx = 64
    context = llama_cpp.llama_init_from_model(model, context_options)
    done = False
    if context:
        text = b"Hello"
        tokens = (ctypes.c_int32 * 64)()
        count = llama_cpp.llama_tokenize(
            llama_cpp.llama_model_get_vocab(model), text, len(text), tokens, 64, True, True
        )
        batch = llama_cpp.llama_batch_get_one(tokens, max(count, 1))
        done = count > 0 and llama_cpp.llama_decode(context, batch) == 0
        llama_cpp.llama_free(context)
    llama_cpp.llama_model_free(model)
    return done


if __name__ == "__main__":
    main()
