"""Texts as vectors, and how well documents answer a question."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One vector of length 1 for each text.

    Attributes:
        data: `float32[n, dimensions]`, row after row, in this machine's byte order.
        truncated: for each text, whether its end was left out because it was too long.
        tokens: how many were read in all.
    """

    data: bytes
    dimensions: int
    truncated: tuple[bool, ...]
    tokens: int

    def __len__(self) -> int:
        return len(self.truncated)

    def row(self, index: int) -> memoryview[float]:
        """One text's vector, `float32[dimensions]`; shares memory with all."""
        start = 4 * self.dimensions * index
        return memoryview(self.data)[start : start + 4 * self.dimensions].cast("f")


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well each document answers the question; higher is better, the scale is the model's.

    Attributes:
        truncated: for each document, whether its end was left out because it was too long.
    """

    scores: tuple[float, ...]
    truncated: tuple[bool, ...]
