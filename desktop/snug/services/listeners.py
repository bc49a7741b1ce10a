"""Those who want to be told of something."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Generic, ParamSpec

P = ParamSpec("P")


class Listeners(Generic[P]):
    """Callbacks that are called with the same values. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[P, None]] = []

    def add(self, callback: Callable[P, None]) -> Callable[[], None]:
        """Tell it from now on. Returns: ends that; harmless when called again."""
        with self._lock:
            self._callbacks.append(callback)

        def end() -> None:
            with self._lock, contextlib.suppress(ValueError):
                self._callbacks.remove(callback)

        return end

    def tell(self, *values: P.args, **named: P.kwargs) -> None:
        """Call all of them, on this thread and without the lock."""
        with self._lock:
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback(*values, **named)

    def clear(self) -> None:
        """Tell nobody any more."""
        with self._lock:
            self._callbacks.clear()
