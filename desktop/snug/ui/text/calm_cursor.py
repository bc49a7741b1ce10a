"""A cursor that stops blinking when nobody types: each blink wakes the processor twice.

As GTK does it: after ten seconds the cursor stays lit, and blinks again with the next key.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication

CALM_MS = 10_000


class CalmCursor(QObject):
    """Tell it of keys and of the cursor's coming."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._flash_ms = QGuiApplication.styleHints().cursorFlashTime()
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(CALM_MS)
        self._rest.setTimerType(Qt.TimerType.VeryCoarseTimer)
        self._rest.timeout.connect(lambda: QGuiApplication.styleHints().setCursorFlashTime(0))

    def stir(self) -> None:
        """Somebody is here: blink."""
        hints = QGuiApplication.styleHints()
        if hints.cursorFlashTime() != self._flash_ms:
            hints.setCursorFlashTime(self._flash_ms)
        self._rest.start()

    def leave(self) -> None:
        """The cursor is elsewhere: as it was."""
        self._rest.stop()
        QGuiApplication.styleHints().setCursorFlashTime(self._flash_ms)
