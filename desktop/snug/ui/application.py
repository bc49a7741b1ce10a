"""The window's way in: Qt, the theme, then sittings from unlocking to locking, and the way out.

Nothing of the engine is touched before the window is on the screen.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QApplication

from snug.domain.unlocking import Secret
from snug.services.bundle import Services
from snug.services.keeping import Care
from snug.ui.locks.lock_window import OtherProfiles
from snug.ui.look.icons import app_icon
from snug.ui.look.language import speak
from snug.ui.look.theme import Theme
from snug.ui.single_instance import SingleInstance
from snug.ui.sittings import Sittings
from snug.ui.traces import leave_no_traces

BuildServices = Callable[[Secret], Services]


def run(
    build_services: BuildServices,
    shutdown: Callable[[], None],
    *,
    runtime: Path,
    resources: Path,
    kinds: Callable[[], tuple[str, ...]] = lambda: (),
    others: OtherProfiles | None = None,
    care: Care | None = None,
    argv: list[str] | None = None,
    shown: Callable[[], None] = lambda: None,
) -> int:
    """Show the window and stay until it is closed.

    Args:
        build_services: opens the vault with what was given (nothing: as it is kept); also called
            on another thread.
        shutdown: closes what `build_services` opened; called whenever the chats are locked, and
            once the window is gone.
        runtime: folder of the lock and the socket of the one window.
        resources: what ships with Snug.
        kinds: what opens the vault, see `KeySlot.kind`; () where that cannot be told.
        others: the other profiles of this device.
        care: brings back what is damaged.
        argv: for Qt; None takes the program's name alone.
        shown: called once the window stands.

    Returns:
        The exit code; 0 also where a first window was raised instead.

    Raises:
        SnugError: the vault cannot be opened; the person was told and has closed the window.
    """
    app = make_application(argv or sys.argv[:1], resources)
    instance = SingleInstance(runtime, app)
    if not instance.claim():
        return 0
    speak(app, resources)  # until it is known what the person chose
    theme = Theme(resources)
    theme.install(app)
    sittings = Sittings(app, theme, build_services, shutdown, kinds, shown, others, care)
    instance.raise_requested.connect(sittings.raise_window)
    instance.lock_requested.connect(sittings.lock)
    instance.question_requested.connect(sittings.ask_quickly)
    try:
        return sittings.run()
    finally:
        sittings.close()
        shutdown()
        instance.close()


def make_application(argv: list[str], resources: Path) -> QApplication:
    """Qt's application, the one that there is or a new one.

    Args:
        argv: for Qt.
        resources: what ships with Snug.
    """
    leave_no_traces()
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(argv)
    app.setApplicationName("snug")
    app.setApplicationDisplayName("Snug")
    app.setDesktopFileName("snug")
    app.setWindowIcon(app_icon(resources))
    return app
