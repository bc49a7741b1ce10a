"""Hears that the computer is about to sleep, or that its screen was locked.

logind sends a signal and waits, for a moment, for those who asked it to: without that the machine
would sleep with the chats open, and lock them only as it wakes.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import SLOT, QObject, Signal, Slot

_LOGIND = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
_SCREENS = ("org.gnome.ScreenSaver", "org.freedesktop.ScreenSaver")
_TIMEOUT_MS = 1_000


class SleepWatch(QObject):
    """Does nothing until `start`; nothing at all where there is no D-Bus.

    Attributes:
        begins: the computer sleeps next, or its screen was locked. Call `let_sleep` when done.
    """

    begins = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._sleeps = False
        self._hold: Any = None  # a file: while it is open, logind waits (5 s by default)

    def start(self) -> bool:
        """Listen. False where nobody tells of sleep."""
        try:  # late: not every Qt has it, and the window need not wait for it
            from PySide6.QtDBus import QDBusConnection
        except ImportError:
            return False
        locked: Any = SLOT("on_active_changed(bool)")  # text; the stubs ask for bytes, in vain
        session = QDBusConnection.sessionBus()
        for name in _SCREENS if session.isConnected() else ():
            session.connect("", "", name, "ActiveChanged", self, locked)
        system = QDBusConnection.systemBus()
        if not system.isConnected():
            return False
        slot: Any = SLOT("on_prepare_for_sleep(bool)")
        heard = bool(system.connect(*_LOGIND, "PrepareForSleep", self, slot))
        self._hold_sleep()
        return heard

    def let_sleep(self) -> None:
        """What was to be done before the sleep is done; without a sleep nothing happens."""
        if self._sleeps:
            self._hold = None

    @Slot(bool)
    def on_prepare_for_sleep(self, begins: bool) -> None:
        """The computer is about to sleep, or has just woken up."""
        self._sleeps = begins
        if begins:
            self.begins.emit()
        else:
            self._hold_sleep()

    @Slot(bool)
    def on_active_changed(self, active: bool) -> None:
        """The desktop locked its screen, or let somebody in again."""
        if active:
            self.begins.emit()

    def _hold_sleep(self) -> None:
        from PySide6.QtDBus import QDBusConnection, QDBusMessage

        call = QDBusMessage.createMethodCall(*_LOGIND, "Inhibit")
        call.setArguments(["sleep", "Snug", "Locks the chats", "delay"])
        answer = QDBusConnection.systemBus().call(call, timeout=_TIMEOUT_MS)
        told = answer.arguments()
        is_reply = answer.type() is QDBusMessage.MessageType.ReplyMessage
        self._hold = told[0] if is_reply and told else None
