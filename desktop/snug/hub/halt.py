"""Why a request that is under way must end at once: the person stops it, or turns offline on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from snug.hub.errors import OfflineError, StoppedError

_SLICE_S: Final = 0.05


class Halt:
    """Looked at by every wait of a connection. Any thread."""

    def __init__(
        self, stop: threading.Event | None = None, offline: Callable[[], bool] = lambda: False
    ) -> None:
        self._stop = stop or threading.Event()
        self._offline = offline

    def is_set(self) -> bool:
        """Whether it must end."""
        return self._stop.is_set() or self._offline()

    def wait(self, timeout_s: float) -> bool:
        """Wait so long, or until it must end. Returns: whether it must."""
        until = time.monotonic() + timeout_s
        while not self.is_set() and (left := until - time.monotonic()) > 0:
            self._stop.wait(min(left, _SLICE_S))
        return self.is_set()

    def check(self) -> None:
        """Go on, unless it must end.

        Raises:
            StoppedError: the person stopped it.
            OfflineError: the offline switch was turned on.
        """
        if self._stop.is_set():
            raise StoppedError
        if self._offline():
            raise OfflineError
