"""Answers of an engine, collected and timed."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from snug.domain.conversation import Role
from snug.domain.errors import EnvironmentFault
from snug.domain.events import Event, Failed, Finished, TextDelta, Timings, Usage
from snug.domain.prompt import GenerationRequest, PromptMessage
from snug.engine.host import EngineHost

_PATIENCE_S = 300.0


class Asked(Protocol):
    """An engine that answers."""

    def generate(self, request: GenerationRequest, sink: Callable[[Event], None]) -> object:
        """Queue an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer. `seconds`: from its first text to its end, as the receiver saw them."""

    text: str
    usage: Usage
    timings: Timings
    seconds: float


class _Collector:
    """Receives one answer's events, on whichever thread they come."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._first = 0.0
        self._last = 0.0
        self._end: Finished | Failed | None = None
        self._done = threading.Event()

    def __call__(self, event: Event) -> None:
        if isinstance(event, TextDelta):
            self._first = self._first or time.perf_counter()
            self._parts.append(event.text)
        elif isinstance(event, Finished | Failed):
            self._last, self._end = time.perf_counter(), event
            self._done.set()

    def answer(self) -> Answer:
        """Wait for the end. Raises: EnvironmentFault."""
        if not self._done.wait(_PATIENCE_S) or self._end is None:
            raise EnvironmentFault(f"The engine did not answer within {_PATIENCE_S:.0f} s.")
        if isinstance(self._end, Failed):
            raise EnvironmentFault(self._end.message)
        text = "".join(self._parts)
        return Answer(text, self._end.usage, self._end.timings, self._last - self._first)


def ask(engine: Asked, request: GenerationRequest) -> Answer:
    """One answer, waited for. Raises: EnvironmentFault."""
    collector = _Collector()
    engine.generate(request, collector)
    return collector.answer()


def ask_together(engine: EngineHost, requests: Sequence[GenerationRequest]) -> list[Answer]:
    """Several answers that are all queued before the first step is taken.

    Raises:
        EnvironmentFault: one of them failed.
    """
    collectors = [_Collector() for _ in requests]
    pairs = list(zip(requests, collectors, strict=True))
    engine.call(lambda _native: [engine.generate(r, c) for r, c in pairs])
    return [collector.answer() for collector in collectors]


def talk(*texts: str, system: str = "") -> tuple[PromptMessage, ...]:
    """Messages in turn, the person's first."""
    head = (PromptMessage(Role.SYSTEM, system),) if system else ()
    roles = (Role.USER, Role.ASSISTANT)
    return head + tuple(PromptMessage(roles[i % 2], text) for i, text in enumerate(texts))


def median_ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """Median of the rounds' ratios; the first round warms up and does not count."""
    pairs = list(zip(over, under, strict=True))[1:]
    return round(statistics.median(a / b for a, b in pairs), 4)
