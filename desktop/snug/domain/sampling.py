"""How the next token is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from snug.domain.errors import UserError

MAX_SEED = 2**32 - 2  # 2**32 - 1 is llama.cpp's "random" marker (LLAMA_DEFAULT_SEED)


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling values for one answer.

    Attributes:
        temperature: 0 is greedy; at most 2.
        top_k: keep the k most likely tokens; 0 keeps all.
        top_p: nucleus share in (0, 1]; 1 keeps all.
        min_p: drop tokens less likely than this share of the best one; in [0, 1].
        repeat_penalty: 1 is none; in [0.5, 2].
        repeat_last_n: how many tokens the penalty looks back on.
        seed: None draws a new one for each answer.
        max_tokens: most tokens of an answer; None is limited by the context alone.
    """

    temperature: float = 0.7
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    repeat_last_n: int = 64
    seed: int | None = None
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        _check_range("temperature", self.temperature, 0.0, 2.0)
        _check_range("top_k", self.top_k, 0, 1_000_000)
        _check_range("top_p", self.top_p, 0.0, 1.0)
        _check_range("min_p", self.min_p, 0.0, 1.0)
        _check_range("repeat_penalty", self.repeat_penalty, 0.5, 2.0)
        _check_range("repeat_last_n", self.repeat_last_n, 0, 65_536)
        if self.seed is not None:
            _check_range("seed", self.seed, 0, MAX_SEED)
        if self.max_tokens is not None:
            _check_range("max_tokens", self.max_tokens, 1, 1_000_000)


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # also for NaN
        raise UserError(f"{name} must be between {low:g} and {high:g}; {str(value)[:20]} is not.")
