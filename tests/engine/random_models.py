"""Random models of several architectures, big enough to weigh, made in a second.

The numbers are noise and the answers too; what they weigh is real.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import gguf
import numpy as np

_Q = gguf.GGMLQuantizationType
_TILE = 1 << 18  # weights of noise, repeated as often as needed
Shapes = Iterator[tuple[str, tuple[int, ...]]]


@dataclass(frozen=True)
class Shape:
    """What a model is made of; `quantization` of all that is no norm, bias or state."""

    architecture: str
    layers: int = 8
    embedding: int = 1024
    feed_forward: int = 2816
    heads: int = 16
    kv_heads: int = 4
    vocabulary: int = 16000
    trained: int = 8192
    experts: int = 0
    window: int = 0
    quantization: gguf.GGMLQuantizationType = _Q.Q8_0

    @property
    def head(self) -> int:
        return self.embedding // self.heads


def write_random_model(shape: Shape, path: Path) -> Path:
    """Write the file that llama.cpp loads as this shape."""
    writer = gguf.GGUFWriter(path, shape.architecture)
    _metadata(writer, shape)
    tiles: dict[gguf.GGMLQuantizationType, np.ndarray] = {}
    for name, dimensions in _tensors(shape):
        kind = _kind(name, shape)
        if kind not in tiles:
            tiles[kind] = _tile(kind)
        rows = dimensions[::-1]  # numpy names the fastest dimension last, ggml first
        if kind == _Q.F32:
            data = np.resize(tiles[kind].view(np.float32), rows)
            writer.add_tensor(name, data)
        else:
            size = gguf.quant_shape_to_byte_shape(rows, kind)
            writer.add_tensor(name, np.resize(tiles[kind], size), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _metadata(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_name(f"Random {shape.architecture}")
    writer.add_block_count(shape.layers)
    writer.add_context_length(shape.trained)
    writer.add_embedding_length(shape.embedding)
    writer.add_feed_forward_length(0 if shape.architecture == "mamba" else shape.feed_forward)
    writer.add_head_count(0 if shape.architecture == "mamba" else shape.heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(shape.vocabulary)
    if shape.architecture == "mamba":
        writer.add_ssm_conv_kernel(4)
        writer.add_ssm_inner_size(2 * shape.embedding)
        writer.add_ssm_state_size(16)
        writer.add_ssm_time_step_rank(shape.embedding // 16)
    else:
        writer.add_head_count_kv(shape.kv_heads)
        writer.add_rope_dimension_count(shape.head)
        writer.add_key_length(shape.head)
        writer.add_value_length(shape.head)
        writer.add_layer_norm_eps(1e-5)
    if shape.window:
        writer.add_sliding_window(shape.window)
    if shape.experts:
        writer.add_expert_count(shape.experts)
        writer.add_expert_used_count(2)
        writer.add_expert_feed_forward_length(shape.feed_forward)
    words = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    words += [f"w{number}" for number in range(shape.vocabulary - len(words))]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(words)
    writer.add_token_scores([0.0] * shape.vocabulary)
    writer.add_token_types([2, 3, 3] + [6] * 256 + [1] * (shape.vocabulary - 259))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template("{{ messages[0]['content'] }}")


def _tensors(shape: Shape) -> Shapes:
    yield "token_embd.weight", (shape.embedding, shape.vocabulary)
    yield "output_norm.weight", (shape.embedding,)
    if shape.architecture == "starcoder2":
        yield "output_norm.bias", (shape.embedding,)
    if not shape.architecture.startswith("gemma"):
        yield "output.weight", (shape.embedding, shape.vocabulary)
    layer = _LAYERS.get(shape.architecture, _llama_layer)
    for number in range(shape.layers):
        for name, dimensions in layer(shape):
            yield f"blk.{number}.{name}", dimensions


def _attention(shape: Shape) -> Shapes:
    e, kv = shape.embedding, shape.kv_heads * shape.head
    yield "attn_norm.weight", (e,)
    yield "attn_q.weight", (e, e)
    yield "attn_k.weight", (e, kv)
    yield "attn_v.weight", (e, kv)
    yield "attn_output.weight", (e, e)
    yield "ffn_norm.weight", (e,)


def _llama_layer(shape: Shape) -> Shapes:
    yield from _attention(shape)
    e, f, n = shape.embedding, shape.feed_forward, shape.experts
    if not n:
        yield "ffn_gate.weight", (e, f)
        yield "ffn_up.weight", (e, f)
        yield "ffn_down.weight", (f, e)
        return
    yield "ffn_gate_inp.weight", (e, n)
    yield "ffn_gate_exps.weight", (e, f, n)
    yield "ffn_up_exps.weight", (e, f, n)
    yield "ffn_down_exps.weight", (f, e, n)


def _qwen2_layer(shape: Shape) -> Shapes:
    yield from _llama_layer(shape)
    yield "attn_q.bias", (shape.embedding,)
    yield "attn_k.bias", (shape.kv_heads * shape.head,)
    yield "attn_v.bias", (shape.kv_heads * shape.head,)


def _normed_heads_layer(shape: Shape) -> Shapes:
    yield from _llama_layer(shape)
    yield "attn_q_norm.weight", (shape.head,)
    yield "attn_k_norm.weight", (shape.head,)


def _gemma2_layer(shape: Shape) -> Shapes:
    yield from _llama_layer(shape)
    yield "post_attention_norm.weight", (shape.embedding,)
    yield "post_ffw_norm.weight", (shape.embedding,)


def _gemma3_layer(shape: Shape) -> Shapes:
    yield from _gemma2_layer(shape)
    yield "attn_q_norm.weight", (shape.head,)
    yield "attn_k_norm.weight", (shape.head,)


def _starcoder2_layer(shape: Shape) -> Shapes:
    e, f, kv = shape.embedding, shape.feed_forward, shape.kv_heads * shape.head
    yield from _attention(shape)
    yield "ffn_up.weight", (e, f)
    yield "ffn_down.weight", (f, e)
    biases = {"attn_norm": e, "attn_q": e, "attn_k": kv, "attn_v": kv, "attn_output": e}
    biases |= {"ffn_norm": e, "ffn_up": f, "ffn_down": e}
    for name, length in biases.items():
        yield f"{name}.bias", (length,)


def _mamba_layer(shape: Shape) -> Shapes:
    e, inner, state, rank = shape.embedding, 2 * shape.embedding, 16, shape.embedding // 16
    yield "attn_norm.weight", (e,)
    yield "ssm_in.weight", (e, 2 * inner)
    yield "ssm_conv1d.weight", (4, inner)
    yield "ssm_conv1d.bias", (inner,)
    yield "ssm_x.weight", (inner, rank + 2 * state)
    yield "ssm_dt.weight", (rank, inner)
    yield "ssm_dt.bias", (inner,)
    yield "ssm_a", (state, inner)
    yield "ssm_d", (inner,)
    yield "ssm_out.weight", (inner, e)


_LAYERS: dict[str, Callable[[Shape], Shapes]] = {
    "qwen2": _qwen2_layer,
    "qwen3": _normed_heads_layer,
    "qwen3moe": _normed_heads_layer,
    "gemma2": _gemma2_layer,
    "gemma3": _gemma3_layer,
    "starcoder2": _starcoder2_layer,
    "mamba": _mamba_layer,
}

_MOE = Shape("llama", layers=6, feed_forward=1024, experts=8)
SHAPES: dict[str, Shape] = {
    "llama": Shape("llama"),
    "llama-q4_0": Shape("llama", layers=12, quantization=_Q.Q4_0),
    "mixtral": _MOE,
    "qwen2": Shape("qwen2", vocabulary=64000),
    "qwen3moe": replace(_MOE, architecture="qwen3moe"),
    "gemma2": Shape("gemma2", vocabulary=64000, window=512),
    "gemma3": Shape("gemma3", layers=12, vocabulary=64000, window=512),
    "starcoder2": Shape("starcoder2", layers=10),
    "mamba": Shape("mamba", layers=12),
}


def small(name: str) -> Shape:
    """The same architecture in about a tenth of the size."""
    shape = SHAPES[name]
    return replace(shape, layers=4, embedding=512, feed_forward=1024, heads=8, vocabulary=8000)


def _kind(name: str, shape: Shape) -> gguf.GGMLQuantizationType:
    plain = "norm" in name or name.endswith(".bias") or "conv1d" in name or "gate_inp" in name
    return _Q.F32 if plain or name.endswith(("ssm_a", "ssm_d")) else shape.quantization


def _tile(kind: gguf.GGMLQuantizationType) -> np.ndarray:
    noise = np.random.default_rng(7).normal(0.0, 0.02, (_TILE // 1024, 1024)).astype(np.float32)
    if kind == _Q.F32:
        return noise.view(np.uint8).reshape(-1)
    return gguf.quants.quantize(noise, kind).view(np.uint8).reshape(-1)
