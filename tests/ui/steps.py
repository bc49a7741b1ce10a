"""Drives a window whose event loop is inside the call under test: one step after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget

W = TypeVar("W", bound=QWidget)
_EVERY_MS = 10
_PATIENCE = 2_000  # looks


class Steps(QObject):
    """`then(ready, act)`: once `ready` holds, `act` is done, and the next step is looked at."""

    def __init__(self) -> None:
        # Qt's own, not Python's: a collection on another thread must not end its timer.
        super().__init__(QApplication.instance())
        self._steps: list[tuple[Callable[[], object], Callable[[], object]]] = []
        self._looks = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    @property
    def left(self) -> int:
        """Steps that were not reached."""
        return len(self._steps)

    def then(self, ready: Callable[[], object], act: Callable[[], object]) -> None:
        self._steps.append((ready, act))

    def _look(self) -> None:
        self._looks += 1
        if self._looks > _PATIENCE:
            self._timer.stop()
            QApplication.closeAllWindows()
            return
        ready, act = self._steps[0]
        if ready():
            self._looks = 0
            self._steps.pop(0)
            act()
            if not self._steps:
                self._timer.stop()


def shown(kind: type[W]) -> W | None:
    """The visible window of this kind."""
    for window in QApplication.topLevelWidgets():
        if isinstance(window, kind) and window.isVisible():
            return window
    return None


def child(window: QWidget, kind: type[W], name: str) -> W:
    """The one part of a window with this name."""
    found = window.findChild(kind, name)
    assert isinstance(found, kind), name
    return found
