"""Why a request that is under way must end at once: the person stops it, or turns offline on."""

from __future__ import annotations

import threading
from collections.abc import Callable

from snug.hub.errors import OfflineError, StoppedError


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
