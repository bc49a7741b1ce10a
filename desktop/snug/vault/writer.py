"""The one thread on which the vault is written.

SQLite has one writer at a time anyway. Giving it one thread keeps order, spares every caller a
lock, and lets a window write without waiting for the disk.
"""

from __future__ import annotations

import heapq
import sys
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from snug.domain.errors import EnvironmentFault
from snug.vault.faults import CLOSED

T = TypeVar("T")

THREAD_NAME = "snug-vault-writer"


class Writer:
    """A queue of jobs, each with the moment from which it is due. All methods: any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._deadline: float | None = None
        # A daemon: a crash of the window must not leave a process that never ends. `close` joins.
        self._thread = threading.Thread(target=self._work, name=THREAD_NAME, daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[], None], delay_s: float = 0.0) -> None:
        """Run `job` on this thread, in order, after `delay_s` seconds at the earliest.

        An error that the job raises is a defect and goes to `threading.excepthook`; the thread
        lives on.

        Raises:
            EnvironmentFault: the writer is closed.
        """
        with self._changed:
            if self._deadline is not None and not self.is_current():
                raise EnvironmentFault(CLOSED)
            self._count += 1
            heapq.heappush(self._queue, (time.monotonic() + delay_s, self._count, job))
            self._changed.notify()

    def run(self, function: Callable[[], T]) -> T:
        """Run `function` on this thread and wait for what it returns; at once when on it already.

        Raises:
            EnvironmentFault: the writer is closed.
            Exception: whatever `function` raised.
        """
        if self.is_current():
            return function()
        call = _Call(function)
        self.submit(call)
        return call.result()

    def is_current(self) -> bool:
        """Whether the caller is on this thread."""
        return threading.current_thread() is self._thread

    def close(self, timeout_s: float = 5.0) -> bool:
        """Run what is queued, delayed jobs at once, and end the thread. Idempotent.

        What those jobs submit in turn keeps its delay and is dropped where that passes
        `timeout_s`, so that a job which tries again for ever cannot hold up the end.

        Returns:
            Whether the thread has ended; False after `timeout_s` with the disk still at work.
        """
        with self._changed:
            if self._deadline is None:
                now = time.monotonic()
                self._deadline = now + timeout_s
                self._queue = [(now, i, job) for i, (_, _, job) in enumerate(sorted(self._queue))]
                self._changed.notify()
        if not self.is_current():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                job()
            except Exception:  # noqa: BLE001 - the thread's edge: report the defect, keep writing
                threading.excepthook(
                    threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread()))
                )

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while True:
                if not self._queue and self._deadline is not None:
                    return None
                wait_s = self._queue[0][0] - time.monotonic() if self._queue else None
                if wait_s is not None and wait_s <= 0:
                    return heapq.heappop(self._queue)[2]
                if self._deadline is not None and self._queue[0][0] > self._deadline:
                    return None
                self._changed.wait(wait_s)


class _Call(Generic[T]):
    """A function on its way to the writer's thread, and its outcome on the way back."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._done = threading.Event()
        self._value: list[T] = []
        self._error: BaseException | None = None

    def __call__(self) -> None:
        try:
            self._value.append(self._function())
        except BaseException as error:  # noqa: BLE001 - carried to the caller, who raises it
            self._error = error
        finally:
            self._done.set()

    def result(self) -> T:
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._value[0]
