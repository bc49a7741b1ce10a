"""From unlocking to locking, as often as the person wants.

Locking ends everything that knows of the chats: the window with all its widgets, the engine, the
vault with its key. What is left is a window that asks for the key; unlocking builds all of it anew.
"""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QByteArray, QCoreApplication, QEvent, QObject, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget

from snug.domain.errors import SnugError
from snug.domain.unlocking import NOTHING, Secret
from snug.services.bundle import Services
from snug.services.keeping import Care
from snug.ui.locks.copied import forget_copied
from snug.ui.locks.lock_window import LockWindow, OtherProfiles
from snug.ui.locks.sleep_watch import SleepWatch
from snug.ui.look.defects import ExceptionHook
from snug.ui.look.language import speak
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import Scheme
from snug.ui.main_window import MainWindow
from snug.ui.polite_end import PoliteEnd
from snug.ui.settings.preferences_keys import LANGUAGE, SCHEME, TEXT_SCALE
from snug.ui.text.formula_object import forget_formulas

_SETTLED_MS = 1_000  # after the window has come up; nothing is listened to before
PROBE = "SNUG_STARTUP_PROBE"  # a file that gets the moment of the first paint, for the bench


class Sittings(QObject):
    """Holds the window of the moment: with the chats, or with the question for their key."""

    def __init__(
        self,
        app: QApplication,
        theme: Theme,
        build_services: Callable[[Secret], Services],
        shutdown: Callable[[], None],
        kinds: Callable[[], tuple[str, ...]],
        shown: Callable[[], None],
        others: OtherProfiles | None,
        care: Care | None,
    ) -> None:
        """As `application.run`."""
        super().__init__(app)
        self._app = app
        self._theme = theme
        self._build = build_services
        self._shutdown = shutdown
        self._kinds = kinds
        self._shown = shown
        self._others = others
        self._care = care
        self._window: MainWindow | None = None
        self._lock: LockWindow | None = None
        self._leaves = False
        self._sleep = SleepWatch(self)
        self._sleep.begins.connect(self._on_sleep_begins)
        # A window that gives way to the next must not end the program, nor the one after it.
        app.setQuitOnLastWindowClosed(False)
        self._hook = ExceptionHook(self._tell_error, self._leave)
        self._signals = PoliteEnd(self._leave, self)

    def run(self) -> int:
        """Sit as often as the person unlocks. Returns: the exit code.

        Raises:
            SnugError: the vault cannot be opened; the person was told and has left.
        """
        services = self._open()
        QTimer.singleShot(_SETTLED_MS, self, self._sleep.start)
        while services is not None:
            self._sit(services)
            # This frame is the last that holds them; what they opened is closed next.
            services = None
            if self._lock is None:
                return 0
            forget_formulas()
            gc.collect()  # the widgets are gone, but what they held may hang in cycles
            self._shutdown()
            self._sleep.let_sleep()
            services = self._unlock(None)
        return 0

    def close(self) -> None:
        """Put back what was changed in the process."""
        self._app.setQuitOnLastWindowClosed(True)
        self._signals.close()
        self._hook.close()
        self.deleteLater()

    def lock(self) -> None:
        """Lock the chats: at once, whatever goes on. What is being answered is kept as it is."""
        window = self._window
        if window is None or self._lock is not None or not window.locking.possible:
            return
        self._lock = self._make_lock(window.saveGeometry())
        self._lock.show_locking()
        self._lock.show()
        self._lock.activateWindow()
        if window.locking.forgets_copied:
            forget_copied(QGuiApplication.clipboard())
        for other in QApplication.topLevelWidgets():
            if other not in (window, self._lock):
                other.hide()  # a question about a chat may stand open
        self._stop()

    def ask_quickly(self) -> None:
        """The small window for a question; where the chats are locked, what unlocks them."""
        if self._window is not None and self._lock is None:
            self._window.windows.quick_ask()
        else:
            self.raise_window()

    def raise_window(self) -> None:
        """Bring the window of the moment to the front."""
        current = self._lock or self._window
        if current is not None:
            current.raise_window()

    # -- one sitting --------------------------------------------------------------------------

    def _open(self) -> Services | None:
        try:
            return self._build(NOTHING)
        except SnugError as error:
            self._lock = self._make_lock(None)
            self._lock.show()
            self._shown()
            return self._unlock(error)

    def _sit(self, services: Services) -> None:
        """Show the chats until the window is closed or the chats are locked."""
        _recall_looks(services, self._theme)
        speak(self._app, services.profile.resources, services.preferences.get(LANGUAGE))
        self._window = window = MainWindow(services, self._theme)
        window.first_painted.connect(_report_first_paint)
        window.first_painted.connect(lambda: QTimer.singleShot(0, window, window.start))
        window.lock_requested.connect(self.lock)
        window.closed.connect(self._stop)
        window.show()
        self._end_lock()
        self._shown()
        try:
            self._exec()
        finally:
            self._window = None
            window.closed.disconnect(self._stop)
            window.leave(to_return=self._lock is not None)
            _destroy(window)

    def _unlock(self, problem: SnugError | None) -> Services | None:
        """Ask for the key until it is the right one; None where the person leaves instead."""
        lock = self._lock
        if lock is None:
            return None
        answers: list[Services] = []
        lock.opened.connect(answers.append)
        lock.opened.connect(self._stop)
        lock.left.connect(self._stop)
        lock.begin(problem)
        if lock.isVisible():  # it may have been closed while the chats were put away
            self._exec()
        lock.opened.disconnect()
        lock.left.disconnect()
        if answers:
            return answers.pop()
        refused = lock.refused
        self._end_lock()
        if refused is not None:
            raise refused
        return None

    def _make_lock(self, geometry: QByteArray | None) -> LockWindow:
        return LockWindow(self._build, self._kinds, self._theme, geometry, self._others, self._care)

    def _exec(self) -> None:
        """Run the event loop; a signal that came while there was no loop ends it at once."""
        QTimer.singleShot(0, self, self._on_loop_begun)
        self._app.exec()

    def _on_loop_begun(self) -> None:
        if self._leaves:
            self._leave()
            self._stop()

    def _stop(self) -> None:
        """End the event loop of the moment."""
        self._app.exit()

    def _end_lock(self) -> None:
        if self._lock is not None:
            lock, self._lock = self._lock, None
            lock.close()
            _destroy(lock)

    # -- what comes from outside --------------------------------------------------------------

    def _on_sleep_begins(self) -> None:
        window = self._window
        if window is not None and window.locking.on_sleep:
            self.lock()
        else:
            self._sleep.let_sleep()

    def _tell_error(self, message: str) -> None:
        current = self._lock or self._window
        if current is not None:
            current.tell_error(message)

    def _leave(self) -> None:
        self._leaves = True
        current = self._lock or self._window
        if current is not None:
            current.close()


def _destroy(window: QWidget) -> None:
    """End a window and all in it now, not at some later turn of the event loop."""
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def _recall_looks(services: Services, theme: Theme) -> None:
    kept = services.preferences.get(SCHEME)
    if kept in set(Scheme):
        theme.set_scheme(Scheme(kept))
    percent = services.preferences.get(TEXT_SCALE)
    if percent.isdigit():
        theme.set_text_scale(int(percent) / 100)


def _report_first_paint() -> None:
    """Write when the window was first painted, in seconds of the monotonic clock."""
    path = os.environ.get(PROBE, "")
    if path:
        Path(path).write_text(json.dumps({"first_paint_s": time.monotonic()}), encoding="utf-8")
