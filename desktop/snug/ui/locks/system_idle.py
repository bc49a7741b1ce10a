"""How long nobody has used the computer, where it tells: GNOME over D-Bus, any X server."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

_GNOME = (
    "org.gnome.Mutter.IdleMonitor",
    "/org/gnome/Mutter/IdleMonitor/Core",
    "org.gnome.Mutter.IdleMonitor",
)
_TIMEOUT_MS = 500


class _ScreenSaverInfo(ctypes.Structure):
    """Source: XScreenSaverInfo in X11/extensions/scrnsaver.h."""

    _fields_ = (
        ("window", ctypes.c_ulong),
        ("state", ctypes.c_int),
        ("kind", ctypes.c_int),
        ("til_or_since", ctypes.c_ulong),
        ("idle", ctypes.c_ulong),
        ("event_mask", ctypes.c_ulong),
    )


class SystemIdle:
    """Asks the desktop; the window's thread. What does not answer once is not asked again."""

    def __init__(self) -> None:
        self._gnome = sys.platform == "linux"
        self._x = bool(os.environ.get("DISPLAY")) and not os.environ.get("WAYLAND_DISPLAY")

    def seconds(self) -> float | None:
        """Seconds since a key or the pointer was last touched; None where that is not told."""
        if self._gnome:
            idle_s = _by_gnome()
            if idle_s is not None:
                return idle_s
            self._gnome = False
        if self._x:
            idle_s = _by_x()
            if idle_s is not None:
                return idle_s
            self._x = False
        return None


def _by_gnome() -> float | None:
    try:  # late: not every Qt has it
        from PySide6.QtDBus import QDBusConnection, QDBusMessage
    except ImportError:
        return None
    bus = QDBusConnection.sessionBus()
    if not bus.isConnected():
        return None
    answer = bus.call(QDBusMessage.createMethodCall(*_GNOME, "GetIdletime"), timeout=_TIMEOUT_MS)
    told = answer.arguments()
    if answer.type() is not QDBusMessage.MessageType.ReplyMessage or not told:
        return None
    return float(told[0]) / 1000.0


def _by_x() -> float | None:
    # Wayland's X server sees only the use of X programs; it is not asked there.
    x, saver = _library("libX11.so.6"), _library("libXss.so.1")
    if x is None or saver is None:
        return None
    x.XOpenDisplay.restype = ctypes.c_void_p
    x.XDefaultRootWindow.restype = ctypes.c_ulong
    x.XDefaultRootWindow.argtypes = [ctypes.c_void_p]
    x.XCloseDisplay.argtypes = [ctypes.c_void_p]
    saver.XScreenSaverQueryInfo.argtypes = [
        ctypes.c_void_p,
        ctypes.c_ulong,
        ctypes.POINTER(_ScreenSaverInfo),
    ]
    display = x.XOpenDisplay(None)
    if not display:
        return None
    try:
        info = _ScreenSaverInfo()
        told = saver.XScreenSaverQueryInfo(display, x.XDefaultRootWindow(display), info)
        return info.idle / 1000.0 if told else None
    finally:
        x.XCloseDisplay(display)


def _library(name: str) -> Any:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None
