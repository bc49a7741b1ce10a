"""The guardian alone, without a window: a few milliseconds a start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from snug.guardian import RELAUNCHES, WINDOW_S, Restarts, window_wanted

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the guardian is Linux's")

WINDOW = """
import os, signal, sys
from snug.guardian import guard
launch = guard()
if isinstance(launch, int):
    sys.exit(launch)
if "hidden" not in sys.argv:
    launch.tell_shown()
if "polite" in sys.argv:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print(os.getpid(), launch.crash_signal, flush=True)
if "code" in sys.argv:
    sys.exit(7)
while True:
    signal.pause()
"""
CRASHES = [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE]


class Guarded:
    """A guardian and the stand-in of a window below it."""

    def __init__(self, *arguments: str) -> None:
        self.guardian = subprocess.Popen(
            [sys.executable, "-c", WINDOW, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.window = 0
        self.crash = ""

    def next_window(self) -> Guarded:
        """Wait until a window stands, and note what it was told."""
        assert self.guardian.stdout is not None
        pid, self.crash = self.guardian.stdout.readline().split()
        self.window = int(pid)
        return self

    def end(self) -> tuple[int, str]:
        """Wait for the guardian's end. Returns: exit code, what it said."""
        _, said = self.guardian.communicate(timeout=10)
        return self.guardian.returncode, said


@pytest.fixture
def guarded() -> Iterator[Guarded]:
    made = Guarded()
    yield made
    made.guardian.kill()
    made.guardian.communicate(timeout=10)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def gone_in_time(pid: int, limit_s: float = 2.0) -> bool:
    end = time.monotonic() + limit_s
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not alive(pid)


@pytest.mark.parametrize("number", CRASHES)
def test_a_crash_of_native_code_is_followed_by_a_window_that_knows_of_it(
    guarded: Guarded, number: signal.Signals
) -> None:
    first = guarded.next_window().window
    assert guarded.crash == "None"
    os.kill(first, number)
    guarded.next_window()
    assert guarded.window != first
    assert guarded.crash == str(int(number))
    assert guarded.guardian.poll() is None


def test_a_crash_signal_sent_to_the_guardian_reaches_the_window(guarded: Guarded) -> None:
    first = guarded.next_window().window
    guarded.guardian.send_signal(signal.SIGSEGV)
    assert guarded.next_window().window != first
    assert guarded.crash == str(int(signal.SIGSEGV))


def test_crash_after_crash_ends_with_a_line_and_1(guarded: Guarded) -> None:
    for _ in range(RELAUNCHES):
        os.kill(guarded.next_window().window, signal.SIGABRT)
    os.kill(guarded.next_window().window, signal.SIGABRT)
    code, said = guarded.end()
    assert code == 1
    assert said.count("\n") == 1
    assert "4 times in 10 minutes" in said


def test_killing_the_guardian_takes_the_window_with_it(guarded: Guarded) -> None:
    window = guarded.next_window().window
    guarded.guardian.kill()
    assert guarded.end()[0] == -signal.SIGKILL
    assert gone_in_time(window)


def test_killing_the_guardian_takes_a_relaunched_window_with_it(guarded: Guarded) -> None:
    os.kill(guarded.next_window().window, signal.SIGBUS)
    window = guarded.next_window().window
    guarded.guardian.kill()
    guarded.end()
    assert gone_in_time(window)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_window_killed_on_purpose_stays_closed(guarded: Guarded, number: signal.Signals) -> None:
    os.kill(guarded.next_window().window, number)
    assert guarded.end() == (-number, "")


def test_a_polite_kill_is_passed_on_and_the_exit_code_comes_back() -> None:
    guarded = Guarded("polite").next_window()
    guarded.guardian.terminate()
    assert guarded.end() == (0, "")
    assert not alive(guarded.window)


def test_the_windows_exit_code_is_the_guardians() -> None:
    assert Guarded("code").next_window().end() == (7, "")


def test_a_window_that_never_stood_is_not_opened_again() -> None:
    guarded = Guarded("hidden").next_window()
    os.kill(guarded.window, signal.SIGABRT)
    assert guarded.end() == (-signal.SIGABRT, "")


def test_crashes_long_ago_are_forgiven() -> None:
    moment = [0.0]
    restarts = Restarts(lambda: moment[0])
    assert [restarts.pause_s() for _ in range(4)] == [0.0, 0.2, 0.4, None]
    moment[0] = WINDOW_S + 1
    assert restarts.pause_s() == 0.0


@pytest.mark.parametrize(
    ("line", "window"),
    [
        ("", True),
        ("--offline", True),
        ("--data-dir there --offline", True),
        ("--data-dir=there", True),
        ("--data-dir", False),
        ("chat", False),
        ("--data-dir there chat", False),
        ("--version", False),
        ("--help", False),
    ],
)
def test_only_the_window_is_guarded(
    monkeypatch: pytest.MonkeyPatch, line: str, window: bool
) -> None:
    monkeypatch.setenv("DISPLAY", ":9")
    assert window_wanted(line.split()) is window


def test_without_a_display_there_is_nothing_to_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert not window_wanted([])
