"""Small models that keep something else than keys and values of every layer: latents, states."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import gguf
import numpy as np

EMBEDDING, HEADS, VOCABULARY, LAYERS, FEED_FORWARD = 512, 8, 4000, 6, 1024
LATENT, ROPE, NOPE, VALUE = 256, 32, 64, 64
Tensors = Iterator[tuple[str, tuple[int, ...]]]


def write_latent(path: Path) -> Path:
    """deepseek2 with multi-head latent attention: one latent and one rotated key for all heads."""
    writer = _begun(path, "deepseek2")
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(1)
    writer.add_key_length(LATENT + ROPE)
    writer.add_value_length(LATENT)
    writer.add_key_length_mla(NOPE + ROPE)
    writer.add_value_length_mla(VALUE)
    writer.add_kv_lora_rank(LATENT)
    writer.add_q_lora_rank(128)
    writer.add_rope_dimension_count(ROPE)
    writer.add_leading_dense_block_count(LAYERS)
    writer.add_expert_count(4)
    writer.add_expert_used_count(2)
    writer.add_expert_shared_count(1)
    writer.add_expert_feed_forward_length(64)
    writer.add_expert_weights_scale(1.0)
    return _ended(writer, path, lambda _number: _latent_layer())


def write_convolved(path: Path) -> Path:
    """lfm2: every second layer attends, the others keep the last two columns."""
    writer = _begun(path, "lfm2")
    writer.add_head_count(HEADS)
    writer.add_head_count_kv([4 if number % 2 else 0 for number in range(LAYERS)])
    writer.add_shortconv_l_cache(3)
    return _ended(writer, path, _convolved_layer, norm="token_embd_norm.weight")


def write_interleaved(path: Path) -> Path:
    """jamba: layers with heads among those that keep a state."""
    writer = _begun(path, "jamba")
    writer.add_head_count(HEADS)
    writer.add_head_count_kv([2 if number % 3 == 2 else 0 for number in range(LAYERS)])
    writer.add_ssm_conv_kernel(4)
    writer.add_ssm_inner_size(2 * EMBEDDING)
    writer.add_ssm_state_size(16)
    writer.add_ssm_time_step_rank(32)
    return _ended(writer, path, _interleaved_layer)


def _latent_layer() -> Tensors:
    yield "attn_norm.weight", (EMBEDDING,)
    yield "attn_q_a.weight", (EMBEDDING, 128)
    yield "attn_q_a_norm.weight", (128,)
    yield "attn_q_b.weight", (128, HEADS * (NOPE + ROPE))
    yield "attn_kv_a_mqa.weight", (EMBEDDING, LATENT + ROPE)
    yield "attn_kv_a_norm.weight", (LATENT,)
    yield "attn_k_b.weight", (NOPE, LATENT, HEADS)
    yield "attn_v_b.weight", (LATENT, VALUE, HEADS)
    yield "attn_output.weight", (HEADS * VALUE, EMBEDDING)
    yield from _feed_forward()


def _convolved_layer(number: int) -> Tensors:
    yield "attn_norm.weight", (EMBEDDING,)
    if number % 2:
        yield from _attention(4)
        yield "attn_q_norm.weight", (EMBEDDING // HEADS,)
        yield "attn_k_norm.weight", (EMBEDDING // HEADS,)
    else:
        yield "shortconv.conv.weight", (3, EMBEDDING)
        yield "shortconv.in_proj.weight", (EMBEDDING, 3 * EMBEDDING)
        yield "shortconv.out_proj.weight", (EMBEDDING, EMBEDDING)
    yield from _feed_forward()


def _interleaved_layer(number: int) -> Tensors:
    yield "attn_norm.weight", (EMBEDDING,)
    if number % 3 == 2:
        yield from _attention(2)
    else:
        inner, state, rank = 2 * EMBEDDING, 16, 32
        yield "ssm_in.weight", (EMBEDDING, 2 * inner)
        yield "ssm_conv1d.weight", (4, inner)
        yield "ssm_conv1d.bias", (inner,)
        yield "ssm_x.weight", (inner, rank + 2 * state)
        yield "ssm_dt_norm.weight", (rank,)
        yield "ssm_dt.weight", (rank, inner)
        yield "ssm_dt.bias", (inner,)
        yield "ssm_b_norm.weight", (state,)
        yield "ssm_c_norm.weight", (state,)
        yield "ssm_a", (state, inner)
        yield "ssm_d", (inner,)
        yield "ssm_out.weight", (inner, EMBEDDING)
    yield from _feed_forward()


def _attention(kv_heads: int) -> Tensors:
    head = EMBEDDING // HEADS
    yield "attn_q.weight", (EMBEDDING, EMBEDDING)
    yield "attn_k.weight", (EMBEDDING, kv_heads * head)
    yield "attn_v.weight", (EMBEDDING, kv_heads * head)
    yield "attn_output.weight", (EMBEDDING, EMBEDDING)


def _feed_forward() -> Tensors:
    yield "ffn_norm.weight", (EMBEDDING,)
    yield "ffn_gate.weight", (EMBEDDING, FEED_FORWARD)
    yield "ffn_up.weight", (EMBEDDING, FEED_FORWARD)
    yield "ffn_down.weight", (FEED_FORWARD, EMBEDDING)


def _begun(path: Path, architecture: str) -> gguf.GGUFWriter:
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(LAYERS)
    writer.add_context_length(8192)
    writer.add_embedding_length(EMBEDDING)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(VOCABULARY)
    return writer


def _ended(
    writer: gguf.GGUFWriter,
    path: Path,
    layer: Callable[[int], Tensors],
    norm: str = "output_norm.weight",
) -> Path:
    words = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    words += [f"w{number}" for number in range(VOCABULARY - len(words))]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(words)
    writer.add_token_scores([0.0] * VOCABULARY)
    writer.add_token_types([2, 3, 3] + [6] * 256 + [1] * (VOCABULARY - 259))
    tensors = [
        ("token_embd.weight", (EMBEDDING, VOCABULARY)),
        (norm, (EMBEDDING,)),
        ("output.weight", (EMBEDDING, VOCABULARY)),
    ]
    for number in range(LAYERS):
        tensors += [(f"blk.{number}.{name}", shape) for name, shape in layer(number)]
    for name, shape in tensors:
        plain = (
            "norm" in name
            or name.endswith(("bias", "ssm_a", "ssm_d"))
            or ("conv" in name and "proj" not in name)
        )
        kind = np.float32 if plain else np.float16
        writer.add_tensor(name, np.full(shape[::-1], 0.01, kind))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
