"""Signals that ask Snug to end close its window, like the window's button does."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from PySide6.QtCore import QObject, QSocketNotifier


class PoliteEnd(QObject):
    """Ctrl+C in the terminal and a polite kill close the window like its button does.

    Python runs a signal's handler only between two of its instructions, and Qt's loop has none:
    the wake-up socket makes one.
    """

    def __init__(self, close_window: Callable[[], object], parent: QObject) -> None:
        super().__init__(parent)
        self._close_window = close_window
        polite = [signal.SIGINT, signal.SIGTERM]
        if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            polite.append(signal.SIGHUP)  # the terminal was closed
        self._before = {number: signal.getsignal(number) for number in polite}
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._notifier = QSocketNotifier(self._reader, QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_notifier_activated)
        self._wake_before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in self._before:
            signal.signal(number, lambda *_: self._close_window())

    def close(self) -> None:
        """Put everything back."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._wake_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._reader)
        os.close(self._writer)

    def _on_notifier_activated(self) -> None:
        os.read(self._reader, 64)
