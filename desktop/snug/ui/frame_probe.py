"""Measures how long the event loop leaves the window waiting."""

from __future__ import annotations

from time import perf_counter

from PySide6.QtCore import QObject, Qt, QTimer

TICK_MS = 1


class FrameProbe(QObject):
    """A timer that should fire every millisecond; every delay is somebody holding the loop."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._gaps: list[float] = []
        self._last_s = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._on_timer_timeout)

    def start(self) -> None:
        """Begin; forgets what was measured before."""
        self._gaps = []
        self._last_s = perf_counter()
        self._timer.start()

    @property
    def gaps(self) -> list[float]:
        """Those so far, in milliseconds."""
        return list(self._gaps)

    @property
    def running(self) -> bool:
        """It measures."""
        return self._timer.isActive()

    def stop(self) -> list[float]:
        """End; the gaps between two turns of the event loop, in milliseconds, in order."""
        self._timer.stop()
        return list(self._gaps)

    def _on_timer_timeout(self) -> None:
        now_s = perf_counter()
        self._gaps.append((now_s - self._last_s) * 1000)
        self._last_s = now_s


def quantile(gaps: list[float], share: float) -> float:
    """The value below which `share` of the gaps lie; 0 for none."""
    if not gaps:
        return 0.0
    ordered = sorted(gaps)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
