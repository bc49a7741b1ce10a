"""Writes GGUF files byte by byte, sound ones and any kind of damaged one.

Not with the gguf package: that one refuses to write most of what the tests need.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

U8, I8, U16, I16, U32, I32, F32, BOOL, TEXT, ARRAY, U64, I64, F64 = range(13)
_FORMATS = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "B"}
_FORMATS |= {U64: "Q", I64: "q", F64: "d"}

EMBEDDING = 32
MAX_WEIGHTS = 2**24
VOCABULARY = 262


def text(content: bytes | str) -> bytes:
    """A length and its bytes."""
    raw = content.encode() if isinstance(content, str) else content
    return struct.pack("<Q", len(raw)) + raw


def encoded(kind: int, content: object) -> bytes:
    """A metadata value without its type."""
    if kind == TEXT:
        assert isinstance(content, bytes | str)
        return text(content)
    return struct.pack("<" + _FORMATS[kind], content)


def array(element: int, items: list[object]) -> bytes:
    """An array value: element type, count, elements."""
    body = b"".join(encoded(element, item) for item in items)
    return struct.pack("<IQ", element, len(items)) + body


@dataclass
class Tensor:
    """A tensor's entry; `offset` None lies after the one before."""

    name: bytes | str
    shape: list[int]
    type: int = 0
    offset: int | None = None
    bytes_per_element: float = 4.0

    def size(self) -> int:
        elements = 1
        for length in self.shape:
            elements *= length
        return int(elements * self.bytes_per_element)


@dataclass
class GgufMaker:
    """A GGUF file in the making; every part can be made wrong.

    Attributes:
        metadata: key → (type, value without its type).
        weights: bytes of data; None takes as many as the tensors need.
    """

    magic: bytes = b"GGUF"
    version: int = 3
    metadata: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    doubled: list[bytes] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    tensor_count: int | None = None
    key_count: int | None = None
    alignment: int = 32
    weights: int | None = None

    def set(self, key: str, kind: int, content: object) -> Self:
        self.metadata[key.encode()] = (kind, encoded(kind, content))
        return self

    def set_array(self, key: str, element: int, items: list[object]) -> Self:
        self.metadata[key.encode()] = (ARRAY, array(element, items))
        return self

    def set_raw(self, key: bytes | str, kind: int, raw: bytes) -> Self:
        self.metadata[key.encode() if isinstance(key, str) else key] = (kind, raw)
        return self

    def drop(self, *keys: str) -> Self:
        for key in keys:
            del self.metadata[key.encode()]
        return self

    def change(self, **fields: object) -> Self:
        for name, content in fields.items():
            assert hasattr(self, name)
            setattr(self, name, content)
        return self

    def tensor(self, name: str) -> Tensor:
        return next(tensor for tensor in self.tensors if tensor.name == name)

    def header(self) -> bytes:
        keys = [*self.metadata, *self.doubled]
        count = len(self.tensors) if self.tensor_count is None else self.tensor_count
        out = self.magic + struct.pack(
            "<IQQ", self.version, count, len(keys) if self.key_count is None else self.key_count
        )
        for key in keys:
            kind, raw = self.metadata[key]
            out += text(key) + struct.pack("<I", kind) + raw
        offset = 0
        for tensor in self.tensors:
            at = offset if tensor.offset is None else tensor.offset
            out += text(tensor.name) + struct.pack("<I", len(tensor.shape))
            out += b"".join(struct.pack("<Q", length) for length in tensor.shape)
            out += struct.pack("<IQ", tensor.type, at % 2**64)
            offset += -(-tensor.size() // self.alignment) * self.alignment
        return out

    def build(self) -> bytes:
        out = self.header()
        out += bytes(-len(out) % self.alignment)
        if self.weights is not None:
            return out + bytes(self.weights)
        for tensor in self.tensors:
            if tensor.size() > MAX_WEIGHTS:
                break
            data = struct.pack("<f", 0.01) * (tensor.size() // 4)
            out += data + bytes(-len(data) % self.alignment)
        return out

    def write(self, path: Path) -> Path:
        path.write_bytes(self.build())
        return path


def tokens(count: int = VOCABULARY) -> list[object]:
    """A SentencePiece vocabulary: three special tokens, 256 bytes, and letters."""
    words: list[object] = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    words += [chr(0x4E00 + number) for number in range(count - len(words))]
    return words[:count]


def sound(architecture: str = "llama") -> GgufMaker:
    """A tiny language model, random in its weights' place, that llama.cpp loads and runs."""
    made = GgufMaker()
    made.set("general.architecture", TEXT, architecture)
    made.set("general.type", TEXT, "model")
    made.set("general.name", TEXT, "Tiny Test")
    made.set("general.license", TEXT, "apache-2.0")
    made.set("general.file_type", U32, 0)
    for suffix, number in (
        ("block_count", 1),
        ("context_length", 128),
        ("embedding_length", EMBEDDING),
        ("feed_forward_length", 64),
        ("attention.head_count", 4),
        ("attention.head_count_kv", 2),
        ("rope.dimension_count", 8),
        ("vocab_size", VOCABULARY),
    ):
        made.set(f"{architecture}.{suffix}", U32, number)
    made.set(f"{architecture}.attention.layer_norm_rms_epsilon", F32, 1e-5)
    made.set(f"{architecture}.rope.freq_base", F32, 10000.0)
    made.set("tokenizer.ggml.model", TEXT, "llama")
    made.set_array("tokenizer.ggml.tokens", TEXT, tokens())
    made.set_array("tokenizer.ggml.scores", F32, [0.0] * VOCABULARY)
    kinds: list[object] = [2, 3, 3, *([6] * 256), *([1] * (VOCABULARY - 259))]
    made.set_array("tokenizer.ggml.token_type", I32, kinds)
    made.set("tokenizer.ggml.bos_token_id", U32, 1)
    made.set("tokenizer.ggml.eos_token_id", U32, 2)
    made.set("tokenizer.chat_template", TEXT, "{{ messages[0]['content'] }}")
    made.tensors = _llama_tensors()
    return made


def _llama_tensors() -> list[Tensor]:
    shapes = {
        "token_embd.weight": [EMBEDDING, VOCABULARY],
        "output_norm.weight": [EMBEDDING],
        "output.weight": [EMBEDDING, VOCABULARY],
        "blk.0.attn_norm.weight": [EMBEDDING],
        "blk.0.attn_q.weight": [EMBEDDING, EMBEDDING],
        "blk.0.attn_k.weight": [EMBEDDING, 16],
        "blk.0.attn_v.weight": [EMBEDDING, 16],
        "blk.0.attn_output.weight": [EMBEDDING, EMBEDDING],
        "blk.0.ffn_norm.weight": [EMBEDDING],
        "blk.0.ffn_gate.weight": [EMBEDDING, 64],
        "blk.0.ffn_up.weight": [EMBEDDING, 64],
        "blk.0.ffn_down.weight": [64, EMBEDDING],
    }
    return [Tensor(name, shape) for name, shape in shapes.items()]


def shards(folder: Path, count: int = 3, stem: str = "tiny") -> list[Path]:
    """A sound model in several files."""
    whole = sound()
    groups = [whole.tensors[number::count] for number in range(count)]
    paths = []
    for number, group in enumerate(groups):
        made = sound() if number == 0 else GgufMaker()
        made.tensors = group
        made.set("split.no", U16, number)
        made.set("split.count", U16, count)
        made.set("split.tensors.count", I32, len(whole.tensors))
        paths.append(made.write(folder / f"{stem}-{number + 1:05d}-of-{count:05d}.gguf"))
    return paths


def named(name: str, *, quantization: int = 0) -> GgufMaker:
    """A model of its own content."""
    made = sound().set("general.name", TEXT, name)
    return made.set("general.file_type", U32, quantization)
