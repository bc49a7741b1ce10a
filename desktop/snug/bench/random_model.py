"""A random model of a billion weights, so that memory is the limit as with models people use.

What it says is noise; what it takes to say it is real.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from snug.bench.gguf_bytes import F32, I32, TEXT, U32, array, entry, text
from snug.domain.model import ModelFile

_LAYERS, _EMBEDDING, _FEED_FORWARD, _HEADS, _KV_HEADS, _VOCABULARY = 20, 2048, 5632, 16, 4, 32000
_KV = _EMBEDDING // _HEADS * _KV_HEADS
_TYPE_F32, _TYPE_Q8_0 = 0, 8  # tensor types
_BLOCK, _BLOCK_BYTES = 32, 34  # of Q8_0: a scale of 16 bits and 32 weights
_ALIGNMENT = 32
_TILE_BLOCKS = 1 << 18  # noise, repeated as often as needed
_SCALE = 2e-4
_TEMPLATE = "{{ messages[0]['content'] }}"


def _tensors() -> Iterator[tuple[str, tuple[int, ...]]]:
    e, f = _EMBEDDING, _FEED_FORWARD
    yield "token_embd.weight", (e, _VOCABULARY)
    yield "output_norm.weight", (e,)
    yield "output.weight", (e, _VOCABULARY)
    for layer in range(_LAYERS):
        for name, shape in (
            ("attn_norm", (e,)),
            ("attn_q", (e, e)),
            ("attn_k", (e, _KV)),
            ("attn_v", (e, _KV)),
            ("attn_output", (e, e)),
            ("ffn_norm", (e,)),
            ("ffn_gate", (e, f)),
            ("ffn_up", (e, f)),
            ("ffn_down", (f, e)),
        ):
            yield f"blk.{layer}.{name}.weight", shape


def _bytes_of(shape: tuple[int, ...]) -> int:
    if len(shape) == 1:
        return 4 * shape[0]
    return shape[0] * shape[1] // _BLOCK * _BLOCK_BYTES


FILE_BYTES = sum(_bytes_of(shape) for _name, shape in _tensors())


def write_random_model(path: Path) -> ModelFile:
    """Write the file; takes a few seconds. Raises: OSError."""
    tensors = list(_tensors())
    noise = _noise()
    with path.open("wb") as file:
        head = _header(tensors)
        file.write(head + bytes(-len(head) % _ALIGNMENT))
        for _name, shape in tensors:
            size = _bytes_of(shape)
            if len(shape) == 1:
                file.write(np.ones(shape[0], np.float32).tobytes())
            else:
                whole, rest = divmod(size, len(noise))
                for _ in range(whole):
                    file.write(noise)
                file.write(noise[:rest])
            file.write(bytes(-size % _ALIGNMENT))
    return ModelFile(
        "random",
        str(path),
        path.stat().st_size,
        "",
        "llama",
        "Q8_0",
        8192,
        layers=_LAYERS,
        chat_template=_TEMPLATE,
    )


def _noise() -> bytes:
    blocks = np.zeros(_TILE_BLOCKS, np.dtype([("scale", "<f2"), ("weights", "i1", _BLOCK)]))
    blocks["scale"] = _SCALE
    random = np.random.default_rng(7)
    blocks["weights"] = random.integers(-127, 128, (_TILE_BLOCKS, _BLOCK), np.int8)
    return blocks.tobytes()


def _header(tensors: list[tuple[str, tuple[int, ...]]]) -> bytes:
    metadata = _metadata()
    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    out += b"".join(metadata)
    offset = 0
    for name, shape in tensors:
        kind = _TYPE_F32 if len(shape) == 1 else _TYPE_Q8_0
        out += text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        out += struct.pack("<IQ", kind, offset)
        offset += -(-_bytes_of(shape) // _ALIGNMENT) * _ALIGNMENT
    return out


def _metadata() -> list[bytes]:
    words = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    words += [f"w{number}" for number in range(_VOCABULARY - len(words))]
    kinds = [2, 3, 3, *[6] * 256, *[1] * (_VOCABULARY - 259)]
    numbers = {
        "block_count": _LAYERS,
        "context_length": 8192,
        "embedding_length": _EMBEDDING,
        "feed_forward_length": _FEED_FORWARD,
        "attention.head_count": _HEADS,
        "attention.head_count_kv": _KV_HEADS,
        "rope.dimension_count": _EMBEDDING // _HEADS,
        "vocab_size": _VOCABULARY,
    }
    return [
        entry("general.architecture", TEXT, text("llama")),
        *(entry(f"llama.{key}", U32, struct.pack("<I", n)) for key, n in numbers.items()),
        entry("llama.attention.layer_norm_rms_epsilon", F32, struct.pack("<f", 1e-5)),
        entry("tokenizer.ggml.model", TEXT, text("llama")),
        array("tokenizer.ggml.tokens", TEXT, b"".join(map(text, words)), len(words)),
        array("tokenizer.ggml.scores", F32, bytes(4 * len(words)), len(words)),
        array("tokenizer.ggml.token_type", I32, struct.pack(f"<{len(kinds)}i", *kinds), len(kinds)),
        entry("tokenizer.ggml.bos_token_id", U32, struct.pack("<I", 1)),
        entry("tokenizer.ggml.eos_token_id", U32, struct.pack("<I", 2)),
        entry("tokenizer.chat_template", TEXT, text(_TEMPLATE)),
    ]
