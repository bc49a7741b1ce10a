"""The window's way in: Qt, the theme, the passphrase, the window, and the way out.

Nothing of the engine is touched before the window is on the screen.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, QSocketNotifier, QTimer
from PySide6.QtWidgets import QApplication

from snug.domain.errors import SnugError, UserError, VaultLockedError, WrongKeyError
from snug.domain.unlocking import NOTHING, Secret
from snug.services.bundle import Services
from snug.ui.icons import app_icon
from snug.ui.main_window import MainWindow
from snug.ui.preferences_keys import SCHEME, TEXT_SCALE
from snug.ui.single_instance import SingleInstance
from snug.ui.theme import Theme
from snug.ui.tokens import Scheme

_log = logging.getLogger(__name__)
PROBE = "SNUG_STARTUP_PROBE"  # a file that gets the moment of the first paint, for the bench

BuildServices = Callable[[Secret], Services]


def run(
    build_services: BuildServices,
    shutdown: Callable[[], None],
    *,
    runtime: Path,
    resources: Path,
    argv: list[str] | None = None,
    shown: Callable[[], None] = lambda: None,
) -> int:
    """Show the window and stay until it is closed.

    Args:
        build_services: opens the vault with what was given (nothing: as it is kept).
        shutdown: closes what `build_services` opened; called once the window is gone.
        runtime: folder of the lock and the socket of the one window.
        resources: what ships with Snug.
        argv: for Qt; None takes the program's name alone.
        shown: called once the window stands.

    Returns:
        The exit code; 0 also where a first window was raised instead.

    Raises:
        SnugError: the vault cannot be opened.
    """
    app = _make_application(argv or sys.argv[:1], resources)
    instance = SingleInstance(runtime, app)
    if not instance.claim():
        return 0
    theme = Theme(resources)
    theme.install(app)
    try:
        services = _open(build_services, theme)
        if services is None:
            return 0
        return _show(app, services, theme, instance, shown)
    finally:
        shutdown()
        instance.close()


def _make_application(argv: list[str], resources: Path) -> QApplication:
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(argv)
    app.setApplicationName("snug")
    app.setApplicationDisplayName("Snug")
    app.setDesktopFileName("snug")
    app.setWindowIcon(app_icon(resources))
    return app


def _open(build_services: BuildServices, theme: Theme) -> Services | None:
    """Open the vault, asking as often as it takes; None where the person leaves instead."""
    secret = NOTHING
    dialog = None
    while True:
        try:
            return build_services(secret)
        except (VaultLockedError, WrongKeyError, UserError) as error:
            # Late: most vaults open without a question.
            from snug.ui.passphrase_dialog import PassphraseDialog

            problem = error.message if secret != NOTHING else ""
            dialog = dialog or PassphraseDialog(theme)
            given = dialog.ask(problem)
            if given is None:
                return None
            secret = Secret(given)


def _show(
    app: QApplication,
    services: Services,
    theme: Theme,
    instance: SingleInstance,
    shown: Callable[[], None],
) -> int:
    _recall_looks(services, theme)
    window = MainWindow(services, theme)
    hook = _ExceptionHook(window)
    signals = _Signals(window.close, app)
    window.first_painted.connect(_report_first_paint)
    window.first_painted.connect(lambda: QTimer.singleShot(0, window.start))
    instance.raise_requested.connect(window.raise_window)
    window.show()
    shown()
    try:
        return app.exec()
    finally:
        signals.close()
        hook.close()
        window.close()
        window.deleteLater()


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


class _ExceptionHook:
    """Tells of a defect in a plain sentence and logs where it was, never what was written."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._before = sys.excepthook
        sys.excepthook = self._on_exception

    def close(self) -> None:
        """Put the former hook back."""
        sys.excepthook = self._before

    def _on_exception(
        self,
        kind: type[BaseException],
        error: BaseException,
        traceback: TracebackType | None,
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._window.close()
            return
        if isinstance(error, SnugError):
            self._window.tell_error(error.message)
            return
        _log.error("defect: %s at %s", kind.__name__, _places(traceback))
        self._window.tell_error(
            self._window.tr(
                "Something in Snug did not work. Your chats are kept. What happened is in the log."
            )
        )


def _places(traceback: TracebackType | None) -> str:
    """Modules and lines from the outermost in; no text of the person can be among them."""
    places: list[str] = []
    while traceback is not None:
        name = traceback.tb_frame.f_globals.get("__name__", "?")
        places.append(f"{name}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return " < ".join(reversed(places))


class _Signals(QObject):
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
