"""How long our bounded reader takes for a header, and how long the gguf package's takes."""

from __future__ import annotations

import importlib
import importlib.util
import statistics
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from snug.bench.gguf_bytes import I32, TEXT, U32, array, entry, text
from snug.models.files import GgufFile

TOKENS: Final = 150_000
_ROUNDS: Final = 3
_OURS_A_ROUND: Final = 5


def run_header(folder: Path) -> dict[str, object]:
    """Milliseconds for the header of a vocabulary of 150,000 tokens, and ours ÷ the package's.

    The ratio is left out where the gguf package, which only tests need, is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "header.gguf"
    path.write_bytes(_header())
    theirs: list[float] = []
    ours: list[float] = []
    reader = _package()
    for _ in range(_ROUNDS):
        ours += [_seconds(lambda: GgufFile(path).close()) for _ in range(_OURS_A_ROUND)]
        if reader is not None:
            theirs.append(_seconds(lambda: reader(path)))
    figures: dict[str, object] = {"header_ms": round(1000 * statistics.median(ours), 1)}
    if theirs:
        figures["header_ratio"] = round(statistics.median(ours) / statistics.median(theirs), 4)
    return figures


def _package() -> Callable[[Path], object] | None:
    if importlib.util.find_spec("gguf") is None:
        return None
    reader: Callable[[Path], object] = importlib.import_module("gguf").GGUFReader
    return reader


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _header() -> bytes:
    """As a model of today has it: tokens, their types, and merges; one small tensor."""
    words = b"".join(text(f"token{number}") for number in range(TOKENS))
    merges = b"".join(text(f"to ken{number}") for number in range(TOKENS))
    metadata = [
        entry("general.architecture", TEXT, text("llama")),
        entry("llama.block_count", U32, struct.pack("<I", 1)),
        entry("tokenizer.ggml.model", TEXT, text("gpt2")),
        array("tokenizer.ggml.tokens", TEXT, words, TOKENS),
        array("tokenizer.ggml.token_type", I32, struct.pack("<i", 1) * TOKENS, TOKENS),
        array("tokenizer.ggml.merges", TEXT, merges, TOKENS),
    ]
    out = b"GGUF" + struct.pack("<IQQ", 3, 1, len(metadata)) + b"".join(metadata)
    out += text("output_norm.weight") + struct.pack("<IQIQ", 1, 32, 0, 0)
    return out + bytes(-len(out) % 32) + bytes(32 * 4)
