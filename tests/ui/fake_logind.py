"""Stands in for logind on a bus of its own: counts who holds the sleep up, and until when.

Prints "held" and "let go"; ends after the second.
"""

from __future__ import annotations

import os
import sys

from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtDBus import (
    QDBusConnection,
    QDBusMessage,
    QDBusUnixFileDescriptor,
    QDBusVirtualObject,
)

PATH = "/org/freedesktop/login1"
_LIMIT_MS = 20_000


class Logind(QDBusVirtualObject):
    """Answers `Inhibit` with a pipe; its other end tells when the caller has closed it."""

    def __init__(self) -> None:
        super().__init__()
        self.held = -1

    def introspect(self, path: str) -> str:
        return ""

    def handleMessage(  # noqa: N802  Qt's name
        self, message: QDBusMessage, connection: QDBusConnection
    ) -> bool:
        if message.member() != "Inhibit":
            return False
        self.held, given = os.pipe()
        os.set_blocking(self.held, False)
        handle = QDBusUnixFileDescriptor(given)
        os.close(given)
        connection.send(message.createReply([handle]))
        print("held", *message.arguments()[::3], flush=True)
        return True

    def look(self) -> None:
        """Whether it is held no longer; the signal of sleep follows the hold."""
        if self.held < 0:
            return
        sleep = QDBusMessage.createSignal(PATH, "org.freedesktop.login1.Manager", "PrepareForSleep")
        sleep.setArguments([True])
        QDBusConnection.systemBus().send(sleep)
        try:
            os.read(self.held, 1)
        except BlockingIOError:
            return
        print("let go", flush=True)
        QCoreApplication.exit()


def main() -> int:
    application = QCoreApplication([])
    logind = Logind()
    bus = QDBusConnection.systemBus()
    option = QDBusConnection.VirtualObjectRegisterOption.SubPath
    assert bus.registerVirtualObject(PATH, logind, option)
    assert bus.registerService("org.freedesktop.login1")
    print("ready", flush=True)
    timer = QTimer()
    timer.timeout.connect(logind.look)
    timer.start(100)
    QTimer.singleShot(_LIMIT_MS, lambda: application.exit(1))
    return application.exec()


if __name__ == "__main__":
    sys.exit(main())
