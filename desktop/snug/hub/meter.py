"""How fast a download is, and how fast it may be."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from snug.domain.download import DownloadEvent, DownloadProgress
from snug.hub.halt import Halt

_WINDOW_S: Final = 3.0
_SLICE_S: Final = 0.25


class SpeedLimit:
    """The most bytes a second that all downloads together may take. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bytes_per_second = 0
        self._free_at = 0.0

    def set(self, bytes_per_second: int) -> None:
        """Change it; 0 is no limit."""
        with self._lock:
            self._bytes_per_second = max(0, bytes_per_second)
            self._free_at = 0.0

    def take(self, count: int, halt: Halt) -> None:
        """Wait until `count` bytes more were allowed, or it must end."""
        while not halt.is_set():
            with self._lock:
                if not self._bytes_per_second:
                    return
                now = time.monotonic()
                wait = self._free_at - now
                if wait <= 0:
                    self._free_at = now + count / self._bytes_per_second
                    return
            halt.wait(min(wait, _SLICE_S))


class Meter:
    """Counts one download's bytes and tells a few times a second. One thread."""

    def __init__(
        self,
        identifier: str,
        total_bytes: int,
        sink: Callable[[DownloadEvent], None],
        every_s: float,
    ) -> None:
        self._id = identifier
        self._total = total_bytes
        self._sink = sink
        self._every_s = every_s
        self._told = 0.0
        self._done = 0
        self._marks: list[tuple[float, int]] = []

    def at(self, done_bytes: int) -> int:
        """This many bytes are there now. Returns: how many of them came just now."""
        gained = done_bytes - self._done
        self._done = done_bytes
        now = time.monotonic()
        if now - self._told >= self._every_s or done_bytes == self._total:
            self._tell(now)
        return max(0, gained)

    def start(self, done_bytes: int) -> None:
        """What was there before: counted as done, not as speed."""
        self._done = done_bytes
        self._marks = [(time.monotonic(), done_bytes)]

    def _tell(self, now: float) -> None:
        self._told = now
        self._marks = [mark for mark in self._marks if now - mark[0] <= _WINDOW_S] or self._marks[
            -1:
        ]
        self._marks.append((now, self._done))
        since, before = self._marks[0]
        speed = max(0.0, (self._done - before) / (now - since)) if now > since else 0.0
        remaining = (self._total - self._done) / speed if speed > 0 else None
        self._sink(DownloadProgress(self._id, self._done, self._total, speed, remaining))
