"""What a model takes of memory, computed from the few numbers that its file states of itself.

The same sums as llama.cpp's own, for files that are not here yet. Source: llama-hparams.cpp
(n_embd_k_gqa, n_embd_v_gqa, n_embd_r, n_embd_s) and llama-kv-cache.cpp. Held against llama.cpp's
projection by tests/services/test_footprint.py.

A sliding window saves nothing here: Snug keeps its cache whole (llama.cpp's `swa_full`), so that
a conversation can be edited without reading it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

CELLS: Final = 256  # llama.cpp rounds a context up to so many
BATCH_TOKENS: Final = 512  # read at once; as engine/parameters.py
_OUTPUTS: Final = 64
_F16: Final = 2
_F32: Final = 4
# Graphs, schedulers and thread pools: measured, see engine/projection.py.
TABLES_BYTES: Final = 4 * 2**20
# An estimate without a header: a KV cache of 1/8 of the widest, as grouped heads have it.
_GUESSED_KV_HEADS: Final = 8
_GUESSED_HEAD: Final = 128


@dataclass(frozen=True, slots=True)
class KvLayer:
    """Numbers that one layer keeps: `keys` and `values` per token (f16), `state` once (f32)."""

    keys: int = 0
    values: int = 0
    state: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a model, as its header states them.

    Attributes:
        layers: what each one keeps of a conversation.
        feed_forward: width of the widest feed-forward part that a token passes, experts together.
        inner: width of state layers; 0 without any.
        context_length: what it was trained for; 0 where it does not say.
        active_share: of the weights, what is read for one token: below 1 for mixtures of experts.
    """

    architecture: str
    layers: tuple[KvLayer, ...]
    embedding: int
    heads_width: int
    feed_forward: int
    vocabulary: int
    inner: int = 0
    context_length: int = 0
    active_share: float = 1.0
    windowed: bool = False

    @property
    def attends(self) -> bool:
        """Whether any layer keeps keys and values."""
        return any(layer.keys for layer in self.layers)


def kv_bytes(layers: Sequence[KvLayer], context_length: int) -> int:
    """Of an f16 cache with so many tokens, and of all states."""
    cells = -(-context_length // CELLS) * CELLS
    per_token = sum(layer.keys + layer.values for layer in layers)
    return cells * per_token * _F16 + sum(layer.state for layer in layers) * _F32


def compute_bytes(shape: Shape, context_length: int) -> int:
    """The allowance for compute buffers: what lives at once while 512 tokens are read.

    As engine/estimate.py, one layer's activations in f32 with the mask (two masks where some layers
    look through a window), or the logits of 64 positions, whichever is more; and half of it on top,
    because llama.cpp's own count lay up to half above on eleven architectures.
    """
    batch = min(context_length, BATCH_TOKENS)
    keys = max((layer.keys for layer in shape.layers), default=0)
    width = max(
        shape.heads_width + 2 * keys + shape.embedding,
        5 * shape.feed_forward // 2,
        5 * shape.inner,
    )
    masks = 2 if shape.windowed else 1
    mask = masks * _F16 * context_length * batch if shape.attends else 0
    layer = (width + 2 * shape.embedding) * batch * _F32 + mask
    outputs = min(batch, _OUTPUTS) * (shape.vocabulary + shape.embedding) * _F32
    return max(layer, outputs) * 3 // 2


def guessed_shape(parameter_count: int, architecture: str = "", context_length: int = 0) -> Shape:
    """A shape of a usual model with so many parameters, rather too large than too small.

    Dense models with grouped heads: width and depth grow with the cube root of the count (7 billion
    have 4,096 and 32); 8 heads of 128 for keys and values.
    Source: the published shapes of Llama 2 and 3, Qwen 2.5 and 3, Mistral and Gemma 2.
    """
    scale = (max(parameter_count, 1_000_000) / 7e9) ** (1 / 3)
    embedding = max(256, int(4096 * scale) // 128 * 128)
    depth = min(128, max(8, round(34 * scale)))
    heads = min(_GUESSED_KV_HEADS, max(1, embedding // _GUESSED_HEAD))
    layer = KvLayer(heads * _GUESSED_HEAD, heads * _GUESSED_HEAD)
    return Shape(
        architecture=architecture,
        layers=(layer,) * depth,
        embedding=embedding,
        heads_width=embedding,
        feed_forward=4 * embedding,
        vocabulary=152_000,
        context_length=context_length,
    )
