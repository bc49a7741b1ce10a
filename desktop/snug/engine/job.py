"""A request on its way through the engine, and how its end is told."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from snug.domain.events import Event, Failed, Finished, Started, StopReason, Timings, Usage
from snug.domain.model import LoadOptions, ModelFile
from snug.domain.prompt import GenerationRequest

EventSink = Callable[[Event], None]
_log = logging.getLogger(__name__)


class Canceller(Protocol):
    """Knows where a job stands."""

    def cancel(self, job: Job) -> None:
        """Stop it there."""


class Job:
    """A request in the queue or at work; the handle that cancels it.

    Attributes:
        cancelled: the person stopped it.
        begun: its model is there, and its answer is being made.
    """

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
        self.cancelled = self.begun = False
        self._host = host
        self._receiver = sink
        self._over = threading.Event()
        self._telling = threading.Lock()
        self._watch: threading.Timer | None = None

    def sink(self, event: Event) -> None:
        """Hand an event over; nothing comes after the last one. Engine thread."""
        with self._telling:
            self._hand_over(event)

    def cancel(self) -> None:
        """Stop it: within one token, or between two steps of the prefill or the load."""
        self._host.cancel(self)

    def end_within(self, seconds: float, end: Callable[[], Event]) -> None:
        """Let it end, come what may, with an event that is asked for then. Any thread."""
        if self._over.is_set() or self._watch is not None:
            return
        self._watch = watch = threading.Timer(seconds, self._end, (end,))
        watch.name, watch.daemon = "snug-stop-watch", True
        watch.start()
        if self._over.is_set():
            watch.cancel()

    def _end(self, end: Callable[[], Event]) -> None:
        if not self._telling.acquire(blocking=False):
            return  # its receiver is at work, so that it is not llama.cpp which does not come back
        try:
            self._hand_over(end())
        except Exception:  # noqa: BLE001 - the thread's edge
            _log.exception("receiver of an engine job failed")
        finally:
            self._telling.release()

    def _hand_over(self, event: Event) -> None:
        if self._over.is_set():
            return
        self.begun = self.begun or isinstance(event, Started)
        loaded = self.request is None and isinstance(event, Started)
        if loaded or isinstance(event, Finished | Failed):
            self._over.set()
            if self._watch is not None:
                self._watch.cancel()
        self._receiver(event)


class Told(Protocol):
    """Something whose events somebody gets."""

    def sink(self, event: Event, /) -> None:
        """Take one."""


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
