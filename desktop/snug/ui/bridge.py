"""The only crossing from other threads into the window.

A signal per token would wake the window 20,000 times for a long answer. Here events wait in a
queue, and one queued signal stands for all of them: whoever finds the queue awake adds to it for
less than a microsecond.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Generic, TypeVar

import shiboken6
from PySide6.QtCore import QObject, Qt, Signal

BUDGET_S = 0.008  # of one turn of the event loop; what is left waits for the next

T = TypeVar("T")


class Crossing(Generic[T]):
    """A sink for one receiver. May be called on any thread; after `close` it swallows."""

    def __init__(self, bridge: Bridge, receive: Callable[[T], None], owner: QObject) -> None:
        self._bridge = bridge
        self._receive = receive
        self._owner = owner
        self._open = True

    def __call__(self, value: T) -> None:
        """Hand a value over to the window; returns at once."""
        if self._open:
            self._bridge.post(lambda: self._deliver(value))

    def close(self) -> None:
        """Nothing is delivered from now on, not even what already waits."""
        self._open = False

    def _deliver(self, value: T) -> None:
        if self._open and shiboken6.isValid(self._owner):
            self._receive(value)


class Bridge(QObject):
    """Runs jobs on the window's thread, in the order in which they were posted.

    Attributes:
        wake_ups: how often the window was woken, for tests and the bench.
    """

    _woken = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()
        self._pending = False
        self._closed = False
        self.wake_ups = 0
        self._woken.connect(self._on_woken, Qt.ConnectionType.QueuedConnection)

    def sink(self, receive: Callable[[T], None], owner: QObject) -> Crossing[T]:
        """A callable for other threads whose values reach `receive` on this one.

        Args:
            receive: called on the window's thread, in order, while `owner` lives.
            owner: a widget or object; when it is destroyed nothing more is delivered.
        """
        return Crossing(self, receive, owner)

    def post(self, job: Callable[[], None]) -> None:
        """Run a job on the window's thread, soon. May be called on any thread."""
        self._jobs.append(job)
        if not self._pending:
            self._wake()

    @property
    def closed(self) -> bool:
        """It takes nothing more."""
        return self._closed

    def close(self) -> None:
        """Drop what waits and take nothing more; call before the window goes."""
        with self._lock:
            self._closed = True
        self._jobs.clear()

    def _on_woken(self) -> None:
        self.wake_ups += 1
        with self._lock:
            self._pending = False
        until = perf_counter() + BUDGET_S
        try:
            while self._jobs and perf_counter() < until:
                self._jobs.popleft()()
        finally:  # a job that raises must not hold up those behind it
            if self._jobs:
                self._wake()

    def _wake(self) -> None:
        with self._lock:
            if not self._pending and not self._closed:
                self._pending = True
                self._woken.emit()
