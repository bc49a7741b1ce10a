"""Work of a window's that takes longer than a frame: reading a file, searching, deleting.

It runs in a small pool of threads; what comes of it returns over the bridge.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QObject, QThreadPool

from snug.domain.errors import SnugError
from snug.ui.bridge import Bridge

T = TypeVar("T")
_THREADS = 2
_TOLD_EVERY_S = 0.1


class Tasks(QObject):
    """A pool whose results reach the window's thread, where alone it may be used."""

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._ending = threading.Event()
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(_THREADS)

    def stopped(self) -> bool:
        """Whether `close` was called: work that takes long asks, and ends. Any thread."""
        return self._ending.is_set()

    def run(
        self,
        owner: QObject,
        work: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[str], None],
    ) -> None:
        """Do `work` on another thread, then call `done` or `failed` on this one.

        Args:
            owner: once it is destroyed nothing is delivered.
            work: may raise SnugError; anything else is a defect and goes to the excepthook.
            done: gets what `work` returned.
            failed: gets the sentence for the person.
        """
        deliver = self._bridge.sink(_call, owner)

        def job() -> None:
            try:
                result = work()
            except SnugError as error:
                message = error.message
                deliver(lambda: failed(message))
            except Exception as error:  # noqa: BLE001  a thread's edge: handed on, not swallowed
                defect = error
                deliver(lambda: _raise(defect))
            else:
                deliver(lambda: done(result))

        self._pool.start(job)

    def sink(self, receive: Callable[[T], None], owner: QObject) -> Callable[[T], None]:
        """A callable for other threads whose values reach `receive` on this one.

        Args:
            owner: once it is destroyed nothing is delivered.
        """
        return self._bridge.sink(receive, owner)

    def progress(
        self, receive: Callable[[tuple[int, int]], None], owner: QObject
    ) -> Callable[[int, int], None]:
        """As `sink`, for work that often tells how much of how much is done.

        At most ten times a second, and the end, come through.
        """
        deliver = self.sink(receive, owner)
        last = 0.0

        def told(done: int, total: int) -> None:
            nonlocal last
            if done == total or time.monotonic() - last > _TOLD_EVERY_S:
                last = time.monotonic()
                deliver((done, total))

        return told

    def close(self, timeout_s: float = 5.0) -> bool:
        """End what asks `stopped`, wait for the rest; False when it took too long."""
        self._ending.set()
        return self._pool.waitForDone(round(timeout_s * 1000))


def _call(job: Callable[[], None]) -> None:
    job()


def _raise(error: Exception) -> None:
    raise error
