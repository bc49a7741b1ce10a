"""Sound models with a few random but plausible faults: what slips past simple checks."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from tests.models.gguf_maker import F32, I32, TEXT, U32, GgufMaker, sound, tokens

_NUMBERS = (0, 1, 2, 3, 4, 5, 6, 8, 12, 16, 31, 32, 33, 64, 128, 512, 1000, 2**31, 2**32 - 1)
_REALS = (0.0, -1.0, 1e-30, 0.5, 1e30, float("nan"), float("inf"))
_SUFFIXES = (
    "block_count",
    "context_length",
    "embedding_length",
    "feed_forward_length",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.value_length",
    "attention.sliding_window",
    "rope.dimension_count",
    "expert_count",
    "expert_used_count",
    "nextn_predict_layers",
    "vocab_size",
    "pooling_type",
)
_REAL_SUFFIXES = (
    "attention.layer_norm_rms_epsilon",
    "rope.freq_base",
    "rope.scaling.factor",
    "attention.max_alibi_bias",
    "attention.scale",
    "logit_scale",
)
# A type and its bytes per element.
_TYPES = ((0, 4.0), (1, 2.0), (30, 2.0), (8, 34 / 32), (2, 18 / 32))
_WORDS = (b"\xff", b"", b"\0", b"a\0b", b"x" * 1000, "\u2581".encode(), b"\n", b"\xe4\xb8")
_NAMES = ("blk.0.x", "blk.1.attn_q.weight", "rope_freqs.weight", "blk.0.attn_q.bias", "output.bias")
_TOKENIZERS = ("gpt2", "llama", "bert", "t5", "rwkv", "plamo2", "gemma4", "test", "none")


def mutated(seed: int) -> GgufMaker:
    """The model of a seed: one to four faults."""
    chance = random.Random(seed)
    made = sound()
    for _ in range(chance.randint(1, 4)):
        chance.choice(_FAULTS)(made, chance)
    return made


def _set_number(made: GgufMaker, chance: random.Random) -> None:
    made.set(f"llama.{chance.choice(_SUFFIXES)}", U32, chance.choice(_NUMBERS))


def _set_real(made: GgufMaker, chance: random.Random) -> None:
    made.set(f"llama.{chance.choice(_REAL_SUFFIXES)}", F32, chance.choice(_REALS))


def _set_special_token(made: GgufMaker, chance: random.Random) -> None:
    name = chance.choice(("bos", "eos", "unknown", "padding"))
    made.set(f"tokenizer.ggml.{name}_token_id", U32, chance.choice(_NUMBERS))
    made.set(f"tokenizer.ggml.add_{name}_token", 7, chance.choice((0, 1)))


def _reshape(made: GgufMaker, chance: random.Random) -> None:
    lengths = (1, 2, 16, 32, 64, 262)
    chance.choice(made.tensors).shape = [
        chance.choice(lengths) for _ in range(chance.randint(0, 4))
    ]


def _retype(made: GgufMaker, chance: random.Random) -> None:
    tensor = chance.choice(made.tensors)
    tensor.type, tensor.bytes_per_element = chance.choice(_TYPES)


def _rename(made: GgufMaker, chance: random.Random) -> None:
    chance.choice(made.tensors).name = chance.choice(_NAMES)


def _drop_tensor(made: GgufMaker, chance: random.Random) -> None:
    if len(made.tensors) > 1:
        made.tensors.remove(chance.choice(made.tensors))


def _spoil_words(made: GgufMaker, chance: random.Random) -> None:
    words = tokens()
    for _ in range(3):
        words[chance.randrange(len(words))] = chance.choice(_WORDS)
    made.set_array("tokenizer.ggml.tokens", TEXT, words)


def _swap_tokenizer(made: GgufMaker, chance: random.Random) -> None:
    made.set("tokenizer.ggml.model", TEXT, chance.choice(_TOKENIZERS))
    made.set_array("tokenizer.ggml.merges", TEXT, ["a b", b"\xff \0", ""])
    kinds: list[object] = [chance.choice((1, 1, 1, 6, 3)) for _ in range(262)]
    made.set_array("tokenizer.ggml.token_type", I32, kinds)


_FAULTS: tuple[Callable[[GgufMaker, random.Random], None], ...] = (
    _set_number,
    _set_number,
    _set_number,
    _set_real,
    _set_special_token,
    _reshape,
    _retype,
    _rename,
    _drop_tensor,
    _spoil_words,
    _swap_tokenizer,
)


def write_all(folder: Path, seeds: range) -> list[Path]:
    """The models of all seeds, each named by its seed."""
    return [mutated(seed).write(folder / f"{seed}.gguf") for seed in seeds]
