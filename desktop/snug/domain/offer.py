"""One quantization of a model on the Hub, judged for this machine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from snug.domain.hub import Fit, Variant


class Quality(StrEnum):
    """How near a quantization comes to the model as it was trained."""

    NEAR_LOSSLESS = "near-lossless"
    HIGH = "high"
    GOOD = "good"
    REDUCED = "reduced"
    POOR = "poor"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Offer:
    """One row of a repository's table.

    Attributes:
        needed_bytes: weights, KV cache and compute buffers at `context_length`; where nothing fits,
            at the shortest context. 0 where the file's size is not known.
        context_length: the longest useful context that fits now, in tokens; 0 where none does or
            it is not known.
        tokens_per_second: to expect, from this machine's own measurements; None without any.
        recommended: of a repository's offers at most one.
        exact: the KV cache is computed from the file's own header, not guessed from its size.
        supported: this build of llama.cpp knows the architecture; also True where the Hub does not
            name it.
        reason: one plain sentence on how it fits.
        speed_source: the model whose measurement `tokens_per_second` leans on; "" without one.
        speed_reliable: that model is of a similar size; see `domain/speed.py`.
    """

    variant: Variant
    fit: Fit
    needed_bytes: int
    context_length: int
    tokens_per_second: float | None
    quality: Quality
    recommended: bool
    exact: bool
    supported: bool
    reason: str
    speed_source: str = ""
    speed_reliable: bool = True
