"""Gives a model's memory back when nobody uses it, and before the computer sleeps.

Between two uses one timer waits, and nothing else: an idle window wakes the processor once.
"""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import SLOT, QObject, Qt, QTimer, Signal, Slot

from snug.domain.events import Event, Failed, Finished, Started
from snug.services.idle import IdlePolicy
from snug.services.models import ModelService

_LOGIND = (
    "org.freedesktop.login1",
    "/org/freedesktop/login1",
    "org.freedesktop.login1.Manager",
    "PrepareForSleep",
)


class IdleWatch(QObject):
    """Follows the engine's events.

    Attributes:
        released: the model was asked to go; the next message loads it again.
    """

    released = Signal()

    def __init__(self, models: ModelService, parent: QObject) -> None:
        super().__init__(parent)
        self._models = models
        self._policy = IdlePolicy(lambda: models.settings.idle_minutes)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.VeryCoarseTimer)
        self._timer.timeout.connect(self.look)

    @property
    def waiting(self) -> bool:
        """The timer runs: a model is loaded and will be released."""
        return self._timer.isActive()

    def follow(self, event: Event) -> None:
        """The engine was at work."""
        if isinstance(event, Started | Finished | Failed):
            self._policy.use()
            self.look()

    def look(self) -> None:
        """Release the model if it is due, else wait until it is; also after another choice."""
        due_s = self._policy.due_in_s()
        if due_s is None:
            self._timer.stop()
        elif due_s > 0:
            self._timer.start(min(math.ceil(due_s * 1000), 2**31 - 1))
        else:
            self.release()

    def release(self) -> None:
        """Give the memory back now, unless an answer is being made: for sleep and for locking."""
        self._timer.stop()
        self._policy.forget()
        self._models.release()
        self.released.emit()

    def watch_sleep(self) -> bool:
        """Hear of suspend from logind. False where there is no such bus: nothing is lost then."""
        try:  # late: not every Qt has it, and the window need not wait for it
            from PySide6.QtDBus import QDBusConnection
        except ImportError:
            return False
        bus = QDBusConnection.systemBus()
        slot: Any = SLOT("on_prepare_for_sleep(bool)")  # text; the stubs ask for bytes, in vain
        return bus.isConnected() and bool(bus.connect(*_LOGIND, self, slot))

    @Slot(bool)
    def on_prepare_for_sleep(self, begins: bool) -> None:
        """The computer is about to sleep, or has just woken up."""
        if begins:
            self.release()
