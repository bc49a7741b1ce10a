"""Watches over the window's process and opens it again after a native crash.

`snug` forks before anything heavy is imported: the child becomes the window, the parent stays a
few megabytes small and waits. When the child dies by a fault of native code (llama.cpp, a graphics
driver, Qt), the parent forks once more, and the new window brings the conversation back. The
parent passes on what is sent to it, ends as the child ends, and takes the child with it when it is
killed. Linux only: elsewhere the window runs as it always did.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import signal
import sys
import time
from collections.abc import Callable

if sys.platform != "win32":
    import resource

RELAUNCHES = 3  # within `WINDOW_S`; the next crash is the last
WINDOW_S = 600.0
PAUSE_S = 0.2  # before the second relaunch; before the third, twice as long
FAILED = 1
_PR_SET_PDEATHSIG = 1
_CRASHES = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE")
_ORDERS = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT")
_VALUED = ("--data-dir", "--profile", "--key-file")
_PLAIN = ("--offline",)


class Launch:
    """What a window's process is told of its start.

    Attributes:
        crash_signal: the signal that ended the window before this one; None at the first start.
    """

    def __init__(
        self, crash_signal: int | None = None, shown: Callable[[], None] = lambda: None
    ) -> None:
        self.crash_signal = crash_signal
        self._shown = shown

    def tell_shown(self) -> None:
        """The window stands: from now on a crash is followed by a relaunch.

        One that dies before, for want of a display say, would only die again.
        """
        self._shown()


class Restarts:
    """Decides whether a crash is followed by a relaunch: at most three in ten minutes."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._at: list[float] = []

    def pause_s(self) -> float | None:
        """After a crash: seconds to wait before the relaunch; None for no relaunch."""
        moment = self._now()
        self._at = [at for at in self._at if moment - at < WINDOW_S]
        if len(self._at) >= RELAUNCHES:
            return None
        self._at.append(moment)
        return PAUSE_S * (len(self._at) - 1)


def window_wanted(arguments: list[str]) -> bool:
    """Whether this command line opens the window here; unusual ones are left to the parser."""
    rest = iter(arguments)
    for argument in rest:
        if argument in _VALUED:
            if next(rest, None) is None:
                return False
        elif argument not in _PLAIN and not argument.startswith(tuple(f"{n}=" for n in _VALUED)):
            return False
    return has_display()


def has_display() -> bool:
    """Whether there is something to open a window on."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def guard() -> Launch | int:
    """Fork the window's process and stay to watch it; call before there are threads.

    Returns:
        In the window's process how it was launched, again after each crash in a new process; in
        the guardian, once the window has ended, the exit code. A guardian whose window was killed
        by a signal does not return: it dies by the same one.
    """
    if sys.platform != "linux":
        return Launch()
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it would leave nothing to wait for
    watched = _watched()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    stands = mmap.mmap(-1, 1)  # shared with the child, which sets it
    gc.freeze()
    restarts = Restarts()
    crash: int | None = None
    while True:
        stands[0] = 0
        guardian = os.getpid()
        child = os.fork()
        if child == 0:
            _die_with(guardian)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            return Launch(crash, lambda: stands.__setitem__(0, 1))
        status = _wait(child, watched)
        crash = _crash_of(status) if stands[0] else None
        if crash is None:
            return _end_like(status)
        pause_s = restarts.pause_s()
        if pause_s is None:
            _say_given_up()
            return FAILED
        order = signal.sigtimedwait(watched, pause_s) if pause_s else None
        if order is not None and order.si_signo != signal.SIGCHLD:
            return _die_by(order.si_signo)


def _watched() -> set[signal.Signals]:
    """What is sent to the guardian and meant for the window, but what nobody wants to hear."""
    meant = {signal.Signals[name] for name in (*_CRASHES, *_ORDERS)}
    heard = {number for number in meant if signal.getsignal(number) != signal.SIG_IGN}
    return heard | {signal.SIGCHLD}


def _wait(child: int, watched: set[signal.Signals]) -> int:
    """Pass signals on until the child has ended. Returns: its wait status."""
    while True:
        came = signal.sigwaitinfo(watched)
        if came.si_signo == signal.SIGCHLD:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return status
        elif came.si_code <= 0:  # a process sent it; the terminal tells both of us by itself
            os.kill(child, came.si_signo)


def _die_with(guardian: int) -> None:
    """Whoever kills the guardian kills the window. Source: prctl(2)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != guardian:  # it died in between
        os.kill(os.getpid(), signal.SIGKILL)


def _crash_of(status: int) -> int | None:
    """The signal, where native code is to blame for it."""
    if not os.WIFSIGNALED(status):
        return None
    number = os.WTERMSIG(status)
    return number if number in {signal.Signals[name] for name in _CRASHES} else None


def _end_like(status: int) -> int:
    return _die_by(os.WTERMSIG(status)) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _die_by(number: int) -> int:
    """Let whoever started us see the signal. Returns: the shell's code for it, should we live."""
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    return 128 + number


def _say_given_up() -> None:
    print(
        f"Snug closed unexpectedly {RELAUNCHES + 1} times in {WINDOW_S / 60:.0f} minutes and was "
        "not opened again. Your chats are kept. To see what this machine offers: snug doctor",
        file=sys.stderr,
    )
