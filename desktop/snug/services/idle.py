"""When a model that nobody uses gives its memory back, and chats that nobody reads are locked.

No timers here: whoever has a clock asks.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class IdlePolicy:
    """Counts from the last use. One thread.

    Args:
        minutes: the person's choice, asked each time; 0 is never.
        now: seconds of a monotonic clock.
    """

    def __init__(self, minutes: Callable[[], int], now: Callable[[], float] = time.monotonic):
        self._minutes = minutes
        self._now = now
        self._used_at: float | None = None

    def use(self, ago_s: float = 0.0) -> None:
        """It is loaded or was at work just now, or so many seconds ago."""
        self._used_at = self._now() - ago_s

    def forget(self) -> None:
        """The model is no longer loaded."""
        self._used_at = None

    def due_in_s(self) -> float | None:
        """Seconds until the memory is to be given back; 0 when it is due; None for not at all."""
        minutes = self._minutes()
        if self._used_at is None or minutes <= 0:
            return None
        return max(0.0, self._used_at + 60.0 * minutes - self._now())
