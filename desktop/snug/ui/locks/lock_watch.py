"""Locks the chats when nobody has used the computer for a while.

Between two uses one timer waits, and nothing else. Where the desktop tells how long it has been
idle, that counts; elsewhere, how long nothing was typed or pointed at in Snug's own windows. An
answer that grows counts as use: whoever reads along touches nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QWindow

from snug.services.idle import IdlePolicy
from snug.services.locking import LockSettings
from snug.ui.locks.system_idle import SystemIdle

_USE = frozenset(
    {
        QEvent.Type.KeyPress,
        QEvent.Type.MouseButtonPress,
        QEvent.Type.MouseMove,
        QEvent.Type.Wheel,
        QEvent.Type.TouchBegin,
        QEvent.Type.TabletPress,
    }
)
_LONGEST_MS = 2**31 - 1


class LockWatch(QObject):
    """Make it, then `start`.

    Attributes:
        due: the chats are to be locked.
    """

    due = Signal()

    def __init__(
        self,
        settings: LockSettings,
        parent: QObject,
        system_idle_s: Callable[[], float | None] | None = None,
    ) -> None:
        """Make it.

        Args:
            system_idle_s: seconds without use of the computer; None where it cannot be told.
        """
        super().__init__(parent)
        self._policy = IdlePolicy(lambda: settings.idle_minutes, _now)
        self._system_idle_s = system_idle_s or SystemIdle().seconds
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.VeryCoarseTimer)
        self._timer.timeout.connect(self.look)

    @property
    def waiting(self) -> bool:
        """The timer runs."""
        return self._timer.isActive()

    def start(self) -> None:
        """Count from now on."""
        app = QGuiApplication.instance()
        if isinstance(app, QGuiApplication):
            app.focusWindowChanged.connect(self._on_app_focus_window_changed)
            self._on_app_focus_window_changed(app.focusWindow())
        self.use()
        self.look()

    def use(self) -> None:
        """Somebody is there, or an answer grows. Cheap: the timer looks by itself when it is due.

        The first use after too long a while locks: the computer slept, and no timer ran.
        """
        if self._policy.due_in_s() == 0 and self._timer.isActive():
            self.look()
        else:
            self._policy.use()

    def look(self) -> None:
        """Lock if it is due, else wait until it is; also after another choice."""
        due_s = self._policy.due_in_s()
        if due_s == 0:
            due_s = self._due_by_system()
        if due_s is None:
            self._timer.stop()
        elif due_s > 0:
            self._timer.start(min(math.ceil(due_s * 1000), _LONGEST_MS))
        else:
            self._timer.stop()
            self.due.emit()

    def _due_by_system(self) -> float | None:
        """Seconds to wait yet, as somebody uses other programs."""
        idle_s = self._system_idle_s()
        if idle_s is not None:
            self._policy.use(idle_s)
        return self._policy.due_in_s()

    def _on_app_focus_window_changed(self, window: QWindow | None) -> None:
        if window is not None:
            window.installEventFilter(self)  # a second time it is only moved to the front

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Note the use; every event goes on to whom it is meant for."""
        if event.type() in _USE:
            self.use()
        return False


def _now() -> float:
    """Seconds that also count while the computer sleeps, where there is such a clock."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
