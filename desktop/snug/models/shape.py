"""From a header's numbers to what each layer keeps of a conversation.

Source: llama.cpp's llama-model.cpp (load_hparams of each architecture), llama-hparams.cpp and
llama-kv-cache.cpp as of llama-cpp-python 0.3.36.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from snug.domain.footprint import KvLayer, Shape

Numbers = int | str | tuple[int, ...]

MAX_LAYERS: Final = 512
MAX_WIDTH: Final = 2**20
MAX_EXPERTS: Final = 4096
_MAX_CONTEXT: Final = 2**24
_RWKV: Final = frozenset({"rwkv6", "rwkv7", "rwkv6qwen2", "arwkv7"})
_ONE_SHIFT: Final = frozenset({"rwkv6qwen2", "arwkv7"})
_PURE_STATE: Final = frozenset({"mamba", "mamba2"})
# Every n-th layer attends, the others keep a state.
_INTERVAL: Final = frozenset({"qwen3next", "qwen35", "qwen35moe"})
_DEFAULT_INTERVAL: Final = 4
_BOTH_IN_ONE: Final = frozenset({"falcon-h1"})
# A layer without heads keeps a state only where it has no feed-forward part either.
_STATE_OR_FEED_FORWARD: Final = frozenset({"nemotron_h", "nemotron_h_moe"})
# These keep something that the sums below do not know; their sizes are left to estimates.
_NOT_UNDERSTOOD: Final = frozenset(
    {"kimi-linear", "kimi-k3", "bailingmoe3", "minimax-01", "deepseek32", "deepseek4", "glm-dsa"}
)


class _Header:
    """Reads keys of one architecture, out of bounds counting as missing."""

    def __init__(self, numbers: Mapping[str, Numbers]) -> None:
        self._numbers = numbers
        said = numbers.get("general.architecture")
        self.architecture = said if isinstance(said, str) else ""

    def number(self, suffix: str, otherwise: int = 0, most: int = MAX_WIDTH) -> int:
        """A whole number; the largest of an array."""
        value = self._numbers.get(f"{self.architecture}.{suffix}")
        if isinstance(value, tuple) and value:
            value = max(value)
        return value if isinstance(value, int) and 0 <= value <= most else otherwise

    def has(self, suffix: str) -> bool:
        """Whether the key is there."""
        return f"{self.architecture}.{suffix}" in self._numbers

    def each(self, suffix: str, layers: int, otherwise: int) -> tuple[int, ...]:
        """For every layer: an array as it stands, one number repeated."""
        value = self._numbers.get(f"{self.architecture}.{suffix}")
        if isinstance(value, tuple) and len(value) >= layers:
            return tuple(v if 0 <= v <= MAX_WIDTH else otherwise for v in value[:layers])
        return (self.number(suffix, otherwise),) * layers

    def vocabulary(self) -> int:
        """From the token list, else as stated."""
        counted = self._numbers.get("tokenizer.ggml.tokens")
        return counted if isinstance(counted, int) else self.number("vocab_size")


@dataclass(frozen=True, slots=True)
class _Attention:
    heads: tuple[int, ...]
    kv_heads: tuple[int, ...]
    key: int
    value: int


def shape_from(numbers: Mapping[str, Numbers]) -> Shape | None:
    """A model's sizes from its header's numbers; None where they do not tell enough."""
    header = _Header(numbers)
    blocks = header.number("block_count", most=MAX_LAYERS)
    embedding = header.number("embedding_length")
    if not blocks or not embedding or header.architecture in _NOT_UNDERSTOOD:
        return None
    layers = max(1, blocks - header.number("nextn_predict_layers"))
    attention = _attention(header, layers, embedding)
    feed_forward = header.number("feed_forward_length")
    used = header.number("expert_used_count", most=MAX_EXPERTS)
    expert_width = header.number("expert_feed_forward_length", feed_forward)
    return Shape(
        architecture=header.architecture,
        layers=tuple(_layers(header, layers, embedding, attention)),
        embedding=embedding,
        heads_width=max(attention.heads, default=0) * attention.key,
        feed_forward=max(feed_forward, used * expert_width),
        vocabulary=header.vocabulary(),
        inner=header.number("ssm.inner_size"),
        context_length=header.number("context_length", most=_MAX_CONTEXT),
        active_share=_active_share(header, layers, embedding, attention),
        windowed=header.has("attention.sliding_window"),
    )


def _attention(header: _Header, layers: int, embedding: int) -> _Attention:
    heads = header.each("attention.head_count", layers, 0)
    most = max(heads, default=0)
    length = embedding // most if most else 0
    kv_heads = header.each("attention.head_count_kv", layers, 0)
    if not header.has("attention.head_count_kv"):
        kv_heads = heads
    return _Attention(
        heads,
        kv_heads,
        header.number("attention.key_length", length),
        header.number("attention.value_length", length),
    )


def _layers(header: _Header, layers: int, embedding: int, attention: _Attention) -> list[KvLayer]:
    states = _keeps_state(header, layers, attention.kv_heads)
    size = _state_size(header, embedding)
    with_cache = layers - header.number("attention.shared_kv_layers")
    latent = header.has("attention.key_length_mla")
    windowed = header.each("attention.sliding_window_pattern", layers, 0)
    found = []
    for number in range(layers):
        kv_heads = attention.kv_heads[number]
        if states[number] and header.architecture not in _BOTH_IN_ONE:
            kv_heads = 0
        key, value = attention.key, attention.value
        if windowed[number] == 1 and header.has("attention.key_length_swa"):
            key = header.number("attention.key_length_swa")
            value = header.number("attention.value_length_swa", key)
        if number >= with_cache:
            kv_heads = 0
        # Of a latent cache (MLA) the values are a part of the keys.
        values = 0 if latent else value * kv_heads
        found.append(KvLayer(key * kv_heads, values, size if states[number] else 0))
    return found


def _keeps_state(header: _Header, layers: int, kv_heads: tuple[int, ...]) -> tuple[bool, ...]:
    """Which layers keep a state of fixed size."""
    name = header.architecture
    if name in _PURE_STATE | _RWKV | _BOTH_IN_ONE:
        return (True,) * layers
    if name in _INTERVAL:
        interval = max(1, header.number("full_attention_interval", _DEFAULT_INTERVAL))
        return tuple((number + 1) % interval != 0 for number in range(layers))
    if not (header.has("ssm.inner_size") or header.has("shortconv.l_cache")):
        return (False,) * layers
    if name in _STATE_OR_FEED_FORWARD:
        widths = header.each("feed_forward_length", layers, 0)
        return tuple(not heads and not width for heads, width in zip(kv_heads, widths, strict=True))
    return tuple(not heads for heads in kv_heads)


def _state_size(header: _Header, embedding: int) -> int:
    """Numbers in one layer's state. Source: n_embd_r and n_embd_s of llama-hparams.cpp."""
    name = header.architecture
    if name in _RWKV:
        shifts = header.number("token_shift_count", 1 if name in _ONE_SHIFT else 2)
        return embedding * (shifts + header.number("wkv.head_size"))
    taps = header.number("shortconv.l_cache")
    if taps:
        return embedding * (taps - 1)
    inner, state = header.number("ssm.inner_size"), header.number("ssm.state_size")
    convolved = inner + 2 * header.number("ssm.group_count") * state
    return max(0, header.number("ssm.conv_kernel") - 1) * convolved + state * inner


def _active_share(header: _Header, layers: int, embedding: int, attention: _Attention) -> float:
    """Of the weights, those read for one token: of a mixture, a few experts of each layer."""
    experts = header.number("expert_count", most=MAX_EXPERTS)
    used = header.number("expert_used_count", most=MAX_EXPERTS)
    if experts < 2 or not 0 < used < experts:
        return 1.0
    dense_layers = min(layers, header.number("leading_dense_block_count"))
    width = header.number("expert_feed_forward_length", header.number("feed_forward_length"))
    in_experts = (layers - dense_layers) * experts * 3 * embedding * width
    shared = header.number(
        "expert_shared_feed_forward_length", header.number("expert_shared_count") * width
    )
    others = (layers - dense_layers) * 3 * embedding * shared
    others += dense_layers * 3 * embedding * header.number("feed_forward_length")
    for heads, kv_heads in zip(attention.heads, attention.kv_heads, strict=True):
        others += 2 * embedding * heads * attention.value
        others += embedding * kv_heads * (attention.key + attention.value)
    others += 2 * header.vocabulary() * embedding
    total = in_experts + others
    return 1.0 - in_experts * (1 - used / experts) / total if total else 1.0
