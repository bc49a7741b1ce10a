"""The real program on a display of its own: real keys, a real model, kill -9.

Skipped where Xvfb or xdotool is not installed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SNUG = Path(sys.executable).parent / "snug"
WAIT_S = 60.0

pytestmark = [
    pytest.mark.alone,
    pytest.mark.xvfb,
    pytest.mark.skipif(
        not (shutil.which("Xvfb") and shutil.which("xdotool")),
        reason="Xvfb and xdotool are not installed",
    ),
]


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """An X server without a window manager; it picks a free number itself."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait(10)


class Window:
    """One run of the program and the hands on its keyboard."""

    def __init__(self, display: str, folder: Path) -> None:
        self.environment = os.environ | {
            "DISPLAY": display,
            "QT_QPA_PLATFORM": "xcb",
            "SNUG_DATA_DIR": str(folder / "data"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        self.process = subprocess.Popen(
            [SNUG], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.focus()

    def focus(self) -> None:
        """Wait until the window is on the screen, then give it the keyboard."""
        found = until(
            lambda: self.pid and self.xdotool("search", "--onlyvisible", "--pid", str(self.pid))
        )
        self.xdotool("windowfocus", "--sync", found.split()[0])

    @property
    def pid(self) -> int:
        """The window's process: below the one that was started stands its guardian's child."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        named = children.read_text().split() if children.exists() else []
        return int(named[0]) if named else 0

    def xdotool(self, *arguments: str) -> str:
        return subprocess.run(
            ["xdotool", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        ).stdout

    def write(self, text: str) -> None:
        self.xdotool("type", "--delay", "12", text)

    def press(self, key: str) -> None:
        self.xdotool("key", key)

    def terminal(self, *arguments: str) -> Any:
        """What `snug … --json` says beside the open window."""
        done = subprocess.run(
            [SNUG, *arguments, "--json"],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return json.loads(done.stdout) if done.returncode == 0 else None

    def messages(self) -> list[dict[str, Any]]:
        listed = self.terminal("conversations", "list")
        if not listed:
            return []
        found: list[dict[str, Any]] = self.terminal("conversations", "show", listed[0]["id"])[
            "messages"
        ]
        return found

    def close(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(20)


def until(condition: Callable[[], Any]) -> Any:
    """Poll another process until it has come that far."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


@pytest.fixture
def window(display: str, tmp_path: Path) -> Iterator[Window]:
    opened = Window(display, tmp_path)
    yield opened
    if opened.process is not None and opened.process.poll() is None:
        opened.process.kill()
        opened.process.wait(10)


def test_typing_and_return_is_answered(window: Window) -> None:
    window.open()
    window.write("What is 2+2?")
    window.press("Return")
    messages = until(
        lambda: (
            [m for m in window.messages() if m["role"] == "assistant" and m["text"]]
            and window.messages()
        )
    )
    assert messages[0]["text"] == "What is 2+2?"
    # A small model sometimes does not find its end: then it is enough that it goes on.
    until(
        lambda: (
            window.messages()[1]["status"] == "complete" or len(window.messages()[1]["text"]) > 300
        )
    )
    assert window.close() == 0


def test_kill_while_answering_loses_nothing_and_the_next_start_goes_on(window: Window) -> None:
    window.open()
    window.write("Write a very long story about the sea.")
    window.press("Return")
    before = until(
        lambda: [m for m in window.messages() if m["role"] == "assistant" and len(m["text"]) > 40]
    )[0]
    assert window.process is not None
    window.process.kill()
    window.process.wait(10)
    after = window.messages()[1]
    assert after["status"] == "interrupted"
    assert after["text"].startswith(before["text"])
    window.open()
    window.write("Thanks.")
    window.press("Return")
    messages = until(lambda: len(window.messages()) >= 2 and window.messages())
    assert messages[0]["text"] in ("Thanks.", "Write a very long story about the sea.")


def test_a_second_start_raises_the_first_and_ends(window: Window) -> None:
    window.open()
    second = subprocess.run(
        [SNUG], env=window.environment, capture_output=True, timeout=30, check=False
    )
    assert second.returncode == 0
    assert window.process is not None
    assert window.process.poll() is None


def test_a_draft_survives_kill(window: Window) -> None:
    window.open()
    window.write("a draft that nobody sent")
    assert window.process is not None
    # Drafts are kept half a second after the last key; the terminal cannot see them, so the proof
    # is that the words are sent by Return alone after the next start.
    time.sleep(1.5)
    window.process.kill()
    window.process.wait(10)
    window.open()
    window.press("Return")
    messages = until(window.messages)
    assert messages[0]["text"] == "a draft that nobody sent"


def answer_under_way(window: Window, longer_than: int = 40) -> dict[str, Any]:
    found: dict[str, Any] = until(
        lambda: [
            m
            for m in window.messages()
            if m["role"] == "assistant" and len(m["text"]) > longer_than
        ]
    )[0]
    return found


@pytest.mark.parametrize(
    "number", [signal.SIGSEGV, pytest.param(signal.SIGABRT, marks=pytest.mark.soak)]
)
def test_a_crash_amid_an_answer_brings_the_window_back_with_all_of_it(
    window: Window, number: signal.Signals
) -> None:
    window.open()
    window.write("Write a very long story about the sea.")
    window.press("Return")
    before = answer_under_way(window)
    window.write("draft of mine")
    time.sleep(1.0)  # the draft is kept twice a second, where no other process can see it
    crashed = window.pid
    os.kill(crashed, number)
    began = time.monotonic()
    until(lambda: window.pid not in (0, crashed))
    window.focus()
    assert time.monotonic() - began < 3.0
    after = window.messages()[1]
    assert after["status"] == "interrupted"
    assert after["text"].startswith(before["text"])
    window.press("Return")  # sends the draft, in the chat that was open
    until(lambda: len(window.messages()) >= 4)
    assert window.messages()[2]["text"] == "draft of mine"
    data = Path(window.environment["SNUG_DATA_DIR"])
    assert f"ended by signal {int(number)}" in (data / "snug.log").read_text()
    said = [b"story about the sea", b"draft of mine", before["text"][:30].encode()]
    files = [path for path in data.parent.rglob("*") if path.is_file()]
    assert len(files) > 3
    assert not [path for path in files for words in said if words in path.read_bytes()]
    assert window.close() == 0


def test_killing_what_was_started_closes_the_window_and_all_below_it(window: Window) -> None:
    window.open()
    window.write("Write a very long story about the sea.")
    window.press("Return")
    answer_under_way(window)
    everything = [window.pid, *children_of(window.pid)]
    assert window.process is not None
    window.process.kill()
    window.process.wait(10)
    began = time.monotonic()
    until(lambda: not any(alive(pid) for pid in everything))
    assert time.monotonic() - began < 2.0


def children_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
