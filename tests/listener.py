"""Receives the events of an answer on whatever thread they come, and waits for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from snug.domain.events import Event, Failed, Finished, ReasoningDelta, Started, TextDelta

PATIENCE_S = 60.0  # a test that waits longer has failed

E = TypeVar("E")


class Listener:
    """A sink that keeps what comes, with the moment it came."""

    def __init__(self, on_event: Callable[[Event], None] | None = None) -> None:
        self.events: list[Event] = []
        self.moments: list[float] = []  # of `time.monotonic`
        self._on_event = on_event
        self._changed = threading.Condition()

    def __call__(self, event: Event) -> None:
        if self._on_event is not None:
            self._on_event(event)
        with self._changed:
            self.events.append(event)
            self.moments.append(time.monotonic())
            self._changed.notify_all()

    def wait_until(self, predicate: Callable[[list[Event]], bool]) -> None:
        """Wait until what has come satisfies the predicate."""
        with self._changed:
            assert self._changed.wait_for(lambda: predicate(self.events), PATIENCE_S), self.events

    def wait_for(self, kind: type[E], count: int = 1) -> E:
        """The `count`-th event of a kind."""
        self.wait_until(lambda events: sum(isinstance(e, kind) for e in events) >= count)
        return [e for e in self.events if isinstance(e, kind)][count - 1]

    def wait_for_end(self) -> Finished | Failed:
        """The last event."""
        self.wait_until(lambda events: bool(events) and isinstance(events[-1], Finished | Failed))
        last = self.events[-1]
        assert isinstance(last, Finished | Failed)
        return last

    @property
    def text(self) -> str:
        """The visible text so far."""
        return "".join(e.text for e in self.events if isinstance(e, TextDelta))

    @property
    def reasoning(self) -> str:
        """The thinking so far."""
        return "".join(e.text for e in self.events if isinstance(e, ReasoningDelta))

    @property
    def started(self) -> Started:
        """The `Started` event."""
        return next(e for e in self.events if isinstance(e, Started))

    @property
    def finished(self) -> Finished:
        """The `Finished` event, which must have come."""
        end = self.events[-1]
        assert isinstance(end, Finished), end
        return end

    @property
    def failure(self) -> str:
        """The text of the `Failed` event, which must have come."""
        end = self.events[-1]
        assert isinstance(end, Failed), end
        return end.message
