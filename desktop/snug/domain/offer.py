"""One quantization of a model as it is offered to this machine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from snug.domain.hub import Fit, Variant


class Quality(StrEnum):
    """How near the answers are to those of the original."""

    NEAR_LOSSLESS = "near-lossless"
    HIGH = "high"
    GOOD = "good"
    REDUCED = "reduced"
    POOR = "poor"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Offer:
    """A quantization and what to expect of it here.

    Attributes:
        needed_bytes: memory for weights and a useful context.
        context_length: longest useful one that fits now, in tokens; 0 where it is not known.
        tokens_per_second: expected from what this machine measured; None without measurements.
        recommended: the one to take; at most one of a repository.
        exact: the KV cache is computed from the file's own header, not from the parameter count.
        supported: this build knows the architecture.
        reason: one plain sentence.
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
