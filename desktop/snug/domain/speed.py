"""How fast a model will answer here, learned from what this machine did with others.

Decoding reads every active weight once for each token, so a token takes a fixed time and a time
that grows with those bytes. Both are fitted to all that was measured, graphics cards and processor
apart, by the medians of Theil and Sen, which a few odd measurements cannot move.

Source: P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau", 1968.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_SPREAD: Final = 1.5  # sizes at least so far apart tell a slope
_FEWEST_FOR_A_LINE: Final = 3
_ALIKE: Final = 8.0
_FASTEST: Final = 10_000.0  # tokens per second; beyond it a measurement is none


class Where(StrEnum):
    """What computed."""

    CPU = "cpu"
    GPU = "gpu"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one model did here.

    Attributes:
        active_bytes: of its weights, read for each token.
        name: for a person; "" where it was not kept.
    """

    tokens_per_second: float
    active_bytes: int
    where: Where = Where.CPU
    name: str = ""


@dataclass(frozen=True, slots=True)
class Expectation:
    """A speed to expect.

    Attributes:
        source: the model measured here whose size is nearest.
        reliable: that one is not more than eight times smaller or larger. From a much smaller one
            the real speed is mostly higher, because its fixed time per token counts as reading.
    """

    tokens_per_second: float
    source: str = ""
    reliable: bool = True


def expected(
    active_bytes: int, gpu_share: float, measured: Iterable[Measurement]
) -> Expectation | None:
    """The speed of a model that was not measured; None where nothing like it was.

    Args:
        active_bytes: read for each token.
        gpu_share: of them, 0 to 1, those that lie on graphics cards.
    """
    if active_bytes <= 0:
        return None
    sound = [m for m in measured if 0 < m.tokens_per_second < _FASTEST and m.active_bytes > 0]
    seconds, used = 0.0, []
    for where, share in ((Where.GPU, gpu_share), (Where.CPU, 1.0 - gpu_share)):
        if share <= 0:
            continue
        own = [m for m in sound if m.where is where]
        if not own:
            return None
        used += own
        seconds += share * _seconds(active_bytes, own)
    nearest = min(used, key=lambda m: abs(m.active_bytes - active_bytes))
    ratio = max(active_bytes, nearest.active_bytes) / min(active_bytes, nearest.active_bytes)
    return Expectation(round(1.0 / seconds, 2), nearest.name, ratio <= _ALIKE)


def speed_words(expectation: Expectation | None) -> str:
    """For a person: "about 12 tokens/s, from what this machine did with …"."""
    if expectation is None:
        return "not known: nothing was measured on this machine yet"
    speed = expectation.tokens_per_second
    number = f"{speed:.0f}" if speed >= 3 else f"{speed:.1f}"
    source = expectation.source or "other models"
    doubt = "" if expectation.reliable else "; of a very different size, so this may be far off"
    return f"about {number} tokens/s, from what this machine did with {source}{doubt}"


def _seconds(active_bytes: int, own: Sequence[Measurement]) -> float:
    """For one token whose weights all lie in one place."""
    from statistics import median  # late: it brings fractions and decimals, and start-up counts

    per_byte = median(1.0 / (m.tokens_per_second * m.active_bytes) for m in own)
    line = _line(own)
    if line is not None:
        fixed, slope = line
        return fixed + slope * active_bytes
    return per_byte * active_bytes


def _line(own: Sequence[Measurement]) -> tuple[float, float] | None:
    """(seconds, seconds per byte), neither below zero; None where the sizes are too alike."""
    from statistics import median  # late, as above

    points = [(m.active_bytes, 1.0 / m.tokens_per_second) for m in own]
    slopes = [
        (b[1] - a[1]) / (b[0] - a[0])
        for a, b in itertools.combinations(sorted(points), 2)
        if b[0] >= _SPREAD * a[0]
    ]
    if len(own) < _FEWEST_FOR_A_LINE or not slopes:
        return None
    slope = median(slopes)
    fixed = median(seconds - slope * size for size, seconds in points)
    return (fixed, slope) if slope > 0 and fixed >= 0 else None
