"""Kinds of damage, each with the name it must be given and a word its sentence must hold."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass

from tests.models.gguf_maker import (
    ARRAY,
    BOOL,
    F32,
    F64,
    I32,
    TEXT,
    U8,
    U16,
    U32,
    U64,
    VOCABULARY,
    GgufMaker,
    Tensor,
    array,
    sound,
    text,
    tokens,
)

from snug.models.damage import Damage


@dataclass(frozen=True)
class Case:
    name: str
    make: Callable[[], bytes]
    damage: Damage
    says: str

    def __str__(self) -> str:
        return self.name


def _with(name: str, change: Callable[[GgufMaker], object], damage: Damage, says: str) -> Case:
    def make() -> bytes:
        made = sound()
        change(made)
        return made.build()

    return Case(name, make, damage, says)


def _number(key: str, number: int, damage: Damage, says: str) -> Case:
    return _with(f"{key} is {number}", lambda m: m.set(f"llama.{key}", U32, number), damage, says)


def _tensor(case: str, damage: Damage, says: str, **fields: object) -> Case:
    def change(made: GgufMaker) -> None:
        for field, content in fields.items():
            setattr(made.tensors[3], field, content)

    return _with(f"tensor {case}", change, damage, says)


def _moe(name: str, damage: Damage, says: str, **numbers: int) -> Case:
    def change(made: GgufMaker) -> None:
        for key, number in numbers.items():
            made.set(f"llama.{key}", U32, number)

    return _with(name, change, damage, says)


def _huge_string() -> bytes:
    made = sound().set_raw("general.description", TEXT, struct.pack("<Q", 2**30))
    return made.build()


def _huge_array() -> bytes:
    return sound().set_raw("x.y", ARRAY, struct.pack("<IQ", U32, 10**9)).build()


def _repeated_tokens() -> bytes:
    words = tokens()
    words[-1] = words[-2]
    return sound().set_array("tokenizer.ggml.tokens", TEXT, words).build()


def _misplaced(by: int) -> Callable[[GgufMaker], object]:
    """Moves the second tensor off its place."""

    def change(made: GgufMaker) -> None:
        made.tensors[1].offset = made.tensors[0].size() + by

    return change


D = Damage
CASES: tuple[Case, ...] = (
    # The first 24 bytes.
    Case("empty", lambda: b"", D.EMPTY, "0 bytes"),
    Case("one letter", lambda: b"G", D.NOT_GGUF, "letters GGUF"),
    Case("magic only", lambda: b"GGUF", D.HEADER_CUT, "4 bytes"),
    _with("wrong magic", lambda m: m.change(magic=b"GGUX"), D.NOT_GGUF, "letters GGUF"),
    _with("old format", lambda m: m.change(magic=b"tjgg"), D.OLD_FORMAT, "before GGUF"),
    Case("only zeros", lambda: bytes(4096), D.NOT_GGUF, "4,096 bytes were reserved"),
    _with("version 0", lambda m: m.change(version=0), D.VERSION, "version 0"),
    _with("version 1", lambda m: m.change(version=1), D.VERSION, "version 1"),
    _with("version 4", lambda m: m.change(version=4), D.VERSION, "update Snug"),
    _with("version 2^32-1", lambda m: m.change(version=2**32 - 1), D.VERSION, "4,294,967,295"),
    _with("big endian", lambda m: m.change(version=3 << 24), D.BIG_ENDIAN, "big-endian"),
    _with("2^63 tensors", lambda m: m.change(tensor_count=2**63), D.TOO_MANY_TENSORS, "65,536"),
    _with("65537 tensors", lambda m: m.change(tensor_count=65537), D.TOO_MANY_TENSORS, "65,537"),
    _with("2^64-1 keys", lambda m: m.change(key_count=2**64 - 1), D.TOO_MANY_KEYS, "65,536"),
    _with(
        "one key too many",
        lambda m: m.change(key_count=len(m.metadata) + 1),
        D.TENSOR_NAME,
        "tensor 1",
    ),
    _with("one key too few", lambda m: m.change(key_count=len(m.metadata) - 1), D.TENSOR_SHAPE, ""),
    _with("60000 keys", lambda m: m.change(key_count=60_000), D.KEY_NAME, "long"),
    _with("60000 tensors", lambda m: m.change(tensor_count=60_000), D.TENSOR_NAME, "tensor 13"),
    # Metadata.
    _with("empty key", lambda m: m.set_raw(b"", U8, b"\1"), D.KEY_NAME, "0 bytes"),
    _with("64 KiB key", lambda m: m.set_raw(b"k" * 65_537, U8, b"\1"), D.KEY_NAME, "65,537"),
    _with("key no text", lambda m: m.set_raw(b"\xff\xfe", U8, b"\1"), D.KEY_NAME, "no text"),
    _with(
        "key that hides another one",
        lambda m: m.set_raw(b"llama.block_count\0", U32, struct.pack("<I", 0)),
        D.KEY_NAME,
        "no text",
    ),
    _with("key twice", lambda m: m.doubled.append(b"general.name"), D.KEY_TWICE, "general.name"),
    _with("type 13", lambda m: m.set_raw("a", 13, b""), D.VALUE_TYPE, "13"),
    _with("type 2^32-1", lambda m: m.set_raw("a", 2**32 - 1, b""), D.VALUE_TYPE, "4,294,967,295"),
    Case("1 GiB string", _huge_string, D.STRING_TOO_LONG, "1,073,741,824"),
    Case("10^9 array", _huge_array, D.ARRAY_TOO_LONG, "1,000,000,000"),
    _with(
        "array of arrays",
        lambda m: m.set_raw("a", ARRAY, struct.pack("<IQ", ARRAY, 1) + array(U8, [1])),
        D.ARRAY_NESTED,
        "within an array",
    ),
    _with(
        "array of type 99",
        lambda m: m.set_raw("a", ARRAY, struct.pack("<IQ", 99, 1)),
        D.VALUE_TYPE,
        "99",
    ),
    _with(
        "array beyond the end",
        lambda m: m.set_raw("a", ARRAY, struct.pack("<IQ", F64, 4_000_000)),
        D.HEADER_CUT,
        "within metadata key",
    ),
    _with(
        "strings beyond the end",
        lambda m: m.set_raw("a", ARRAY, struct.pack("<IQ", TEXT, 2) + text("x") + b"\xff" * 3),
        D.STRING_TOO_LONG,
        "plausible",
    ),
    # Alignment.
    *(
        _with(
            f"alignment {number}",
            lambda m, number=number: m.set("general.alignment", U32, number),
            D.ALIGNMENT,
            f"{number:,}",
        )
        for number in (0, 3, 48, 131_072, 2**31)
    ),
    _with(
        "alignment of 64 bits", lambda m: m.set("general.alignment", U64, 32), D.ALIGNMENT, "32-bit"
    ),
    # Tensors.
    _tensor("nameless", D.TENSOR_NAME, "0 bytes", name=""),
    _tensor("name of 64", D.TENSOR_NAME, "64 bytes", name="n" * 64),
    _tensor("name no text", D.TENSOR_NAME, "no text", name=b"\xff\xfe"),
    _tensor("name with a NUL", D.TENSOR_NAME, "no text", name=b"x\0y"),
    _tensor("twice", D.TENSOR_TWICE, "output.weight", name="output.weight"),
    _tensor("five dimensions", D.TENSOR_SHAPE, "5 dimensions", shape=[32, 1, 1, 1, 1]),
    _tensor("length 0", D.TENSOR_SHAPE, "length of 0", shape=[0]),
    _tensor("2^64 elements", D.TENSOR_TOO_LARGE, "more than any", shape=[2**32, 2**32]),
    _tensor("2^62 bytes", D.DATA_CUT, "4,611,686,018,4", shape=[2**60]),
    _tensor("unknown type", D.TENSOR_TYPE, "newer llama.cpp", type=43),
    _tensor("removed type", D.TENSOR_TYPE, "no longer", type=31),
    _tensor("half a block", D.TENSOR_BLOCK, "blocks of 256", type=12),
    _with("tensor at 1", _misplaced(1), D.TENSOR_MISALIGNED, "multiple of 32"),
    _with("tensor overlaps", _misplaced(-32), D.TENSOR_OVERLAP, "ends at"),
    _with("tensor after a gap", _misplaced(64), D.TENSOR_GAP, "should be"),
    _with("tensor at 2^63", _misplaced(2**63), D.TENSOR_GAP, "should be"),
    _with("no weights", lambda m: m.change(weights=0), D.DATA_CUT, "cut short"),
    _with("one byte short", lambda m: m.change(weights=99_999), D.DATA_CUT, "last tensor needs"),
    # What it says of itself.
    _with("no architecture", lambda m: m.drop("general.architecture"), D.ARCHITECTURE, "does not"),
    _with(
        "odd architecture",
        lambda m: m.set("general.architecture", TEXT, "../\x1b[2J"),
        D.ARCHITECTURE,
        "no name",
    ),
    _with("no context", lambda m: m.drop("llama.context_length"), D.KEY_MISSING, "context_length"),
    _with("no heads", lambda m: m.drop("llama.attention.head_count"), D.KEY_MISSING, "head_count"),
    _with(
        "layers as text",
        lambda m: m.set("llama.block_count", TEXT, "1"),
        D.KEY_TYPE,
        "STRING",
    ),
    _number("block_count", 0, D.KEY_RANGE, "1 to 512"),
    _number("block_count", 513, D.KEY_RANGE, "513"),
    _number("block_count", 2**31 - 1, D.KEY_RANGE, "2,147,483,647"),
    _number("context_length", 0, D.KEY_RANGE, "16,777,216"),
    _number("context_length", 2**24 + 1, D.KEY_RANGE, "16,777,217"),
    _number("embedding_length", 0, D.KEY_RANGE, "embedding_length"),
    _number("vocab_size", 2**21 + 1, D.KEY_RANGE, "2,097,153"),
    _number("attention.head_count", 0, D.HEADS, "head_count"),
    _number("attention.head_count_kv", 0, D.HEADS, "head_count_kv"),
    _number("attention.head_count_kv", 3, D.HEADS, "multiple"),
    _number("attention.key_length", 0, D.KEY_RANGE, "key_length"),
    Case(
        "odd rotation",
        lambda: sound("phi3").set("phi3.rope.dimension_count", U32, 7).build(),
        D.ROPE,
        "not even",
    ),
    _number("rope.dimension_count", 64, D.ROPE, "needs the 8"),
    _number("rope.dimension_count", 4, D.ROPE, "needs the 8"),
    _number("attention.value_length", 16, D.HEADS, "keys have 8 dimensions"),
    Case(
        "more rotation than head",
        lambda: sound("phi3").set("phi3.rope.dimension_count", U32, 64).build(),
        D.ROPE,
        "more than the 8",
    ),
    _number("nextn_predict_layers", 2, D.KEY_RANGE, "more than the 1 layers"),
    _with(
        "heads for other layers",
        lambda m: m.set_array("llama.attention.head_count", U32, [4, 4]),
        D.LAYER_ARRAY,
        "1 layers",
    ),
    _with(
        "scaling of another world",
        lambda m: m.set("llama.rope.scaling.type", TEXT, "warp"),
        D.ROPE,
        "warp",
    ),
    _with("base 0", lambda m: m.set("llama.rope.freq_base", F32, 0.0), D.ROPE, "above 0"),
    *(
        _with(
            f"epsilon {number}",
            lambda m, number=number: m.set("llama.attention.layer_norm_rms_epsilon", F32, number),
            damage,
            says,
        )
        for number, damage, says in (
            (math.nan, D.NOT_FINITE, "nan"),
            (math.inf, D.NOT_FINITE, "inf"),
            (0.0, D.KEY_RANGE, "between 0 and 1"),
            (-1e-5, D.KEY_RANGE, "between 0 and 1"),
            (1.0, D.KEY_RANGE, "between 0 and 1"),
        )
    ),
    _with(
        "epsilon of 64 bits",
        lambda m: m.set("llama.attention.layer_norm_rms_epsilon", F64, math.nan),
        D.KEY_TYPE,
        "FLOAT64",
    ),
    _moe("1025 experts", D.KEY_RANGE, "1,025", expert_count=1025, expert_used_count=1),
    _moe("no expert used", D.EXPERTS, "0 of 8", expert_count=8, expert_used_count=0),
    _moe("9 of 8 experts", D.EXPERTS, "9 of 8", expert_count=8, expert_used_count=9),
    _moe(
        "3 groups of 8",
        D.EXPERTS,
        "3 groups",
        expert_count=8,
        expert_used_count=2,
        expert_group_count=3,
        expert_group_used_count=1,
    ),
    Case("experts missing", lambda: sound("llada-moe").build(), D.EXPERTS, "0 of 0"),
    Case("no rotary sections", lambda: sound("qwen2vl").build(), D.ROPE, "sections"),
    Case(
        "odd inner size",
        lambda: sound("jamba").set("jamba.ssm.inner_size", U32, 48).build(),
        D.KEY_RANGE,
        "twice",
    ),
    # The vocabulary.
    _with("no tokenizer", lambda m: m.drop("tokenizer.ggml.model"), D.VOCABULARY, "no vocabulary"),
    _with("no tokens", lambda m: m.drop("tokenizer.ggml.tokens"), D.VOCABULARY, "list of tokens"),
    _with(
        "zero tokens",
        lambda m: m.set_array("tokenizer.ggml.tokens", TEXT, []),
        D.VOCABULARY,
        "0 tokens",
    ),
    _with(
        "tokens as numbers",
        lambda m: m.set_array("tokenizer.ggml.tokens", I32, [1, 2]),
        D.VOCABULARY,
        "list of tokens",
    ),
    _with(
        "too few scores",
        lambda m: m.set_array("tokenizer.ggml.scores", F32, [0.0]),
        D.VOCABULARY,
        "scores",
    ),
    _with(
        "token types as bytes",
        lambda m: m.set_array("tokenizer.ggml.token_type", U8, [1] * VOCABULARY),
        D.VOCABULARY,
        "token_type",
    ),
    _with(
        "no merges", lambda m: m.set("tokenizer.ggml.model", TEXT, "gpt2"), D.VOCABULARY, "merges"
    ),
    _with(
        "end token that is none",
        lambda m: (
            m.set("tokenizer.ggml.model", TEXT, "rwkv")
            .set("tokenizer.ggml.add_eos_token", BOOL, 1)
            .set("tokenizer.ggml.eos_token_id", U32, 2**31)
        ),
        D.VOCABULARY,
        "EOS",
    ),
    _with(
        "norm in half precision",
        lambda m: vars(m.tensors[3]).update(type=1, bytes_per_element=2),
        D.TENSOR_TYPE,
        "only as F32",
    ),
    _with(
        "byte without a token",
        lambda m: m.set_array(
            "tokenizer.ggml.tokens",
            TEXT,
            [*tokens()[:-1], "x"][:50] + [f"w{number}" for number in range(VOCABULARY - 50)],
        ),
        D.VOCABULARY,
        "209 of the 256 bytes",
    ),
    _with(
        "bytes of a tokenizer without",
        lambda m: m.set("tokenizer.ggml.model", TEXT, "bert"),
        D.VOCABULARY,
        "tokens for bytes",
    ),
    _with(
        "begin token that is none",
        lambda m: (
            m.set("tokenizer.ggml.model", TEXT, "gemma4")
            .set_array("tokenizer.ggml.merges", TEXT, ["a b"])
            .set("tokenizer.ggml.bos_token_id", U32, VOCABULARY)
        ),
        D.VOCABULARY,
        "BOS",
    ),
    Case("a token twice", _repeated_tokens, D.VOCABULARY_TWICE, "more than once"),
    _with(
        "tokens that differ after a NUL",
        lambda m: m.set_array("tokenizer.ggml.tokens", TEXT, [*tokens()[:-2], "a\0b", "a\0c"]),
        D.VOCABULARY_TWICE,
        "1 of the",
    ),
    _with(
        "token named like an empty one",
        lambda m: m.set_array("tokenizer.ggml.tokens", TEXT, [*tokens()[:-2], "", "[EMPTY_260]"]),
        D.VOCABULARY_TWICE,
        "1 of the",
    ),
    _with(
        "hidden absence of a tokenizer",
        lambda m: m.set("tokenizer.ggml.model", TEXT, "none\0llama"),
        D.VOCABULARY,
        "no vocabulary",
    ),
    _with(
        "template of 257 KiB",
        lambda m: m.set("tokenizer.chat_template", TEXT, "x" * 263_168),
        D.TEMPLATE,
        "263,168",
    ),
    _with(
        "template as number", lambda m: m.set("tokenizer.chat_template", U32, 1), D.TEMPLATE, "text"
    ),
    # Split files.
    _with("split.count of 32 bits", lambda m: m.set("split.count", U32, 2), D.SHARD_MISMATCH, "16"),
    _with("9999 parts", lambda m: m.set("split.count", U16, 9999), D.SHARD_MISMATCH, "9,999"),
    _with(
        "second part",
        lambda m: m.set("split.count", U16, 2).set("split.no", U16, 1),
        D.NOT_FIRST_SHARD,
        "part 2",
    ),
    _with(
        "first part misnamed",
        lambda m: m.set("split.count", U16, 2).set("split.no", U16, 0),
        D.SHARD_NAME,
        "-00001-of-00002.gguf",
    ),
    # Other parts than a model's.
    _with(
        "projector",
        lambda m: m.set("general.architecture", TEXT, "clip"),
        D.PROJECTOR,
        "main file",
    ),
    _with("adapter", lambda m: m.set("general.type", TEXT, "adapter"), D.ADAPTER, "LoRA"),
    _with("vocabulary", lambda m: m.change(tensors=[]), D.VOCABULARY_ONLY, "no weights"),
    _with("imatrix", lambda m: m.set("general.type", TEXT, "imatrix"), D.IMPORTANCE_MATRIX, ""),
    Case("embedding", lambda: sound("bert").build(), D.EMBEDDING, "search"),
    Case("draft", lambda: sound("eagle3").build(), D.DRAFT, "speeds up"),
    Case("speech", lambda: sound("wavtokenizer-dec").build(), D.SPEECH, "speech"),
)

__all__ = ["CASES", "Case", "Tensor"]
