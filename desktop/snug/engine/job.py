"""A request on its way through the engine, and how its end is told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from snug.domain.events import Event, Finished, StopReason, Timings, Usage
from snug.domain.model import LoadOptions, ModelFile
from snug.domain.prompt import GenerationRequest

EventSink = Callable[[Event], None]
_log = logging.getLogger(__name__)


class Canceller(Protocol):
    """Knows where a job stands."""

    def cancel(self, job: Job) -> None:
        """Stop it there."""


class Job:
    """A request in the queue or at work; the handle that cancels it."""

    def __init__(
        self,
        host: Canceller,
        model: ModelFile,
        options: LoadOptions,
        request: GenerationRequest | None,
        sink: EventSink,
    ) -> None:
        self.model = model
        self.options = options
        self.request = request
        self.sink = sink
        self.cancelled = False
        self._host = host

    def cancel(self) -> None:
        """Stop it: within one token, or between two steps of the prefill or the load."""
        self._host.cancel(self)


class Told(Protocol):
    """Something whose events somebody gets."""

    sink: EventSink


def tell(job: Told, event: Event) -> None:
    """The last event of a job; a receiver that fails must not end the engine."""
    try:
        job.sink(event)
    except Exception:  # noqa: BLE001 - the thread's edge
        _log.exception("receiver of an engine job failed")


def stopped() -> Finished:
    """The end of a job that was stopped before its answer began."""
    return Finished(Usage(0, 0, 0), StopReason.STOPPED, Timings(0.0, 0.0, 0.0))


def mistake(error: Exception) -> str:
    """What a person is told of a defect of ours."""
    return f"Snug made a mistake ({type(error).__name__}); the conversation is safe."
