"""What a load would take, computed from a model's metadata.

For builds whose own count cannot be read (`engine/projection.py`). Checked against that count
within 5 % on random models of several architectures.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

from snug.domain.fit import DeviceBytes, Projection, Setting
from snug.domain.model import Device, DeviceKind, KvType
from snug.engine.parameters import BATCH_TOKENS, OUTPUTS

_BYTES_PER_VALUE = {KvType.F16: 2.0, KvType.Q8_0: 34 / 32, KvType.Q4_0: 18 / 32}
_F32 = 4


@dataclass(frozen=True, slots=True)
class Facts:
    """Sizes of a model, from its file.

    Attributes:
        weights: bytes of all tensors; repeated ones (tied embeddings) once.
        kv_heads: of one layer; 0 where the layers keep a state of fixed size instead.
        state_bytes: of such a state, per sequence.
        inner: width of its state layers; 0 without any.
        experts_bytes_share: of the weights that lie in experts.
    """

    weights: int
    layers: int
    embedding: int
    feed_forward: int
    heads: int
    kv_heads: int
    key_length: int
    value_length: int
    vocabulary: int
    experts: int = 0
    experts_used: int = 0
    state_bytes: int = 0
    inner: int = 0
    experts_bytes_share: float = 0.9


def read_facts(llama: Any, model: Any) -> Facts:
    """The facts of a model that was laid out or loaded."""

    def number(suffix: str, otherwise: int = 0) -> int:
        return _number(llama, model, f"{architecture}.{suffix}", otherwise)

    architecture = _text(llama, model, "general.architecture")
    embedding, layers = llama.llama_model_n_embd(model), llama.llama_model_n_layer(model)
    heads = max(1, llama.llama_model_n_head(model))
    inner = number("ssm.inner_size")
    state = (number("ssm.state_size") + number("ssm.conv_kernel", 1) - 1) * inner * _F32
    return Facts(
        weights=int(llama.llama_model_size(model)),
        layers=layers,
        embedding=embedding,
        feed_forward=number("feed_forward_length"),
        heads=heads,
        kv_heads=0 if llama.llama_model_is_recurrent(model) else llama.llama_model_n_head_kv(model),
        key_length=number("attention.key_length", embedding // heads),
        value_length=number("attention.value_length", embedding // heads),
        vocabulary=llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(model)),
        experts=number("expert_count"),
        experts_used=number("expert_used_count"),
        state_bytes=layers * state,
        inner=inner,
    )


def kv_cache_bytes(facts: Facts, setting: Setting) -> int:
    """Keys and values of every layer and token; a state where a layer has one instead.

    A sliding window saves nothing: its cache is kept whole, so that a conversation can be edited.
    """
    cells = -(-setting.context_length // 256) * 256  # llama.cpp pads to 256 cells
    values = facts.kv_heads * (facts.key_length + facts.value_length)
    cache = facts.layers * cells * values * _BYTES_PER_VALUE[setting.kv_type]
    return int(cache) + facts.state_bytes


def compute_bytes(facts: Facts, setting: Setting) -> int:
    """What lives at once while a full batch is read with flash attention, roughly."""
    batch = min(setting.context_length, BATCH_TOKENS)
    heads = facts.heads * facts.key_length + 2 * facts.kv_heads * facts.key_length
    used = max(1, facts.experts_used)
    width = max(heads + facts.embedding, 5 * used * facts.feed_forward // 2, 5 * facts.inner)
    mask = 2 * setting.context_length * batch if facts.kv_heads else 0
    layer = (width + 2 * facts.embedding) * batch * _F32 + mask
    outputs = min(batch, OUTPUTS) * (facts.vocabulary + facts.embedding) * _F32
    return max(layer, outputs)


def estimate_projection(
    facts: Facts, setting: Setting, devices: tuple[Device, ...], other: int
) -> Projection:
    """The bytes of a setting; layers on graphics cards are shared out evenly among all of them."""
    gpus = [device for device in devices if device.kind is not DeviceKind.CPU]
    total = facts.layers + 1
    share = min(setting.gpu_layers, total) / total if gpus else 0.0
    weights, kv_cache = facts.weights, kv_cache_bytes(facts, setting)
    compute = compute_bytes(facts, setting)
    spared = 0.0
    if facts.experts and facts.layers:
        spared = facts.experts_bytes_share * setting.experts_on_cpu / facts.layers
    on_gpu = int(weights * max(0.0, share - spared))
    cpu_name = next((d.name for d in devices if d.kind is DeviceKind.CPU), "CPU")
    rest, kv_rest = weights - on_gpu, int(kv_cache * (1 - share))
    parts = [DeviceBytes(cpu_name, DeviceKind.CPU, rest, kv_rest, compute, other, rest)]
    if share:
        parts += [
            DeviceBytes(
                gpu.name,
                gpu.kind,
                on_gpu // len(gpus),
                int(kv_cache * share) // len(gpus),
                compute,
            )
            for gpu in gpus
        ]
    return Projection(
        setting.context_length,
        setting.gpu_layers,
        total,
        tuple(parts),
        setting.kv_type,
        setting.experts_on_cpu,
        exact=False,
    )


def _text(llama: Any, model: Any, key: str) -> str:
    buffer = ctypes.create_string_buffer(256)
    found = llama.llama_model_meta_val_str(model, key.encode(), buffer, len(buffer))
    return buffer.value.decode(errors="replace") if found >= 0 else ""


def _number(llama: Any, model: Any, key: str, otherwise: int) -> int:
    text = _text(llama, model, key)
    return int(text) if text.isdigit() else otherwise
