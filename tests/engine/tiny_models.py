"""Small random models, and adapters, made for a test."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

WORDS = [f"word{number}" for number in range(40)]
WIDTH, LAYERS, HEADS, HIDDEN = 32, 2, 4, 64


def make_bert(path: Path, *, ranks: bool = False, pooling: int = 1, room: int = 64) -> Path:
    """An encoder with word pieces; with a head that scores where it ranks."""
    random = np.random.default_rng(11)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens = [*special, *(f"\u2581{word}" for word in WORDS)]
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_context_length(room)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_eps(1e-6)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType(4 if ranks else pooling))
    writer.add_tokenizer_model("bert")
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(special) + [1] * len(WORDS))
    writer.add_token_type_count(2)
    for name, token in (("bos", 2), ("cls", 2), ("seperator", 3), ("eos", 3), ("padding", 0)):
        writer.add_uint32(f"tokenizer.ggml.{name}_token_id", token)
    writer.add_uint32("tokenizer.ggml.unknown_token_id", 1)
    writer.add_uint32("tokenizer.ggml.mask_token_id", 4)

    def add(name: str, *shape: int, scale: float = 0.3) -> None:
        writer.add_tensor(name, random.normal(0, scale, shape).astype(np.float32))

    def norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, dtype=np.float32))
        add(f"{name}.bias", WIDTH, scale=0.02)

    add("token_embd.weight", len(tokens), WIDTH, scale=1.0)
    add("token_types.weight", 2, WIDTH)
    add("position_embd.weight", room, WIDTH)
    norm("token_embd_norm")
    for layer in range(LAYERS):
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{layer}.{part}.weight", WIDTH, WIDTH)
            add(f"blk.{layer}.{part}.bias", WIDTH)
        norm(f"blk.{layer}.attn_output_norm")
        add(f"blk.{layer}.ffn_up.weight", HIDDEN, WIDTH)
        add(f"blk.{layer}.ffn_up.bias", HIDDEN)
        add(f"blk.{layer}.ffn_down.weight", WIDTH, HIDDEN)
        add(f"blk.{layer}.ffn_down.bias", WIDTH)
        norm(f"blk.{layer}.layer_output_norm")
    if ranks:
        add("cls.weight", WIDTH, WIDTH)
        add("cls.bias", WIDTH)
        add("cls.output.weight", 1, WIDTH)
        add("cls.output.bias", 1)
    return _close(writer, path)


def make_lora(
    path: Path,
    width: int,
    *,
    architecture: str = "llama",
    tensor: str = "blk.0.attn_q.weight",
    outputs: int | None = None,
    strength: float = 0.2,
    kind: str = "lora",
    alpha: float | int = 4.0,
    halves: tuple[str, ...] = ("a", "b"),
    part: str = "adapter",
) -> Path:
    """An adapter of rank 4 for one square, or given, tensor; or a file of another part."""
    random = np.random.default_rng(5)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type(part)
    if part == "adapter":
        writer.add_string("adapter.type", kind)
    if isinstance(alpha, int):
        writer.add_uint32("adapter.lora.alpha", alpha)
    else:
        writer.add_float32("adapter.lora.alpha", alpha)
    shapes = {"a": (4, width), "b": (outputs or width, 4)}
    for half in halves:
        weights = random.normal(0, strength, shapes[half]).astype(np.float32)
        writer.add_tensor(f"{tensor}.lora_{half}", weights)
    return _close(writer, path)


def _close(writer: gguf.GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
