"""Runs a long command with its output in a log and its progress on the screen."""

from __future__ import annotations

import collections
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from snug_setup.errors import SetupError

# Ninja's own count at the start of a line: "[23/440] /usr/bin/g++ …".
NINJA_STEP = re.compile(r"^\s*\[(\d+)/(\d+)\]")
QUIET_INTERVAL_S = 30.0
TTY_INTERVAL_S = 0.2
TAIL_LINES = 30
LONGEST_TAIL_LINE = 400


def ninja_step(line: str) -> tuple[int, int] | None:
    """The (done, total) at the start of a line of ninja's output, if it is one."""
    match = NINJA_STEP.match(line)
    return (int(match[1]), int(match[2])) if match else None


def duration(seconds: float) -> str:
    """A duration in words, as coarse as a forecast deserves."""
    if seconds < 90:
        return f"{round(seconds)} s"
    return f"{round(seconds / 60)} min"


class Progress:
    """Tells how far a command is: one line that changes on a terminal, else one every 30 s."""

    def __init__(self, title: str, out: TextIO | None = None) -> None:
        self._title = title
        self._out = sys.stdout if out is None else out
        self._tty = self._out.isatty()
        self._started = time.monotonic()
        self._first_step: tuple[float, int] | None = None
        self._last = 0.0 if self._tty else self._started
        self._width = 0

    def __enter__(self) -> Progress:
        """Says what begins."""
        self._show(f"{self._title} …")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Says how it ended, with the time it took."""
        outcome = "done" if kind is None else "failed" if kind is SetupError else "cut short"
        self._show(f"{self._title}: {outcome} ({duration(time.monotonic() - self._started)})")
        if self._tty:
            print(file=self._out, flush=True)

    def step(self, done: int, total: int) -> None:
        """Takes note that `done` of `total` steps are finished."""
        now = time.monotonic()
        if self._first_step is None or done < self._first_step[1]:
            self._first_step = (now, done)
        if now - self._last < (TTY_INTERVAL_S if self._tty else QUIET_INTERVAL_S):
            return
        self._last = now
        since, first = self._first_step
        left = ""
        if done > first:
            left = f", about {duration((now - since) / (done - first) * (total - done))} left"
        self._show(f"{self._title}: {100 * done // total} % ({done} of {total}){left}")

    def _show(self, text: str) -> None:
        if self._tty:
            print("\r" + text.ljust(self._width), end="", file=self._out, flush=True)
            self._width = len(text)
        else:
            print(text, file=self._out, flush=True)


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log, each cut to a readable length."""
    with log.open(encoding="utf-8", errors="replace") as file:
        last = collections.deque(file, maxlen=lines)
    return "\n".join(line.rstrip()[:LONGEST_TAIL_LINE] for line in last)


@contextlib.contextmanager
def _ended_with_us(process: subprocess.Popen[str]) -> Iterator[None]:
    """Ends the command and all it started when set-up is interrupted."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        raise


def run_logged(
    command: Sequence[str | Path],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> None:
    """Runs a command; its output goes to the end of `log`, ninja's counts to `on_step`.

    Raises: SetupError: it failed; the text ends with the last lines of the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        print("$", *command, file=file, flush=True)
        process = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=dict(environment) if environment is not None else None,
            start_new_session=True,
            # The lock of the checkout stays held while the command lives; see setup_env.py.
            close_fds=False,
        )
        # Leaving `process` waits for it and closes its pipe, also after it was ended.
        with process, _ended_with_us(process):
            assert process.stdout is not None
            for line in process.stdout:
                file.write(line)
                step = ninja_step(line)
                if step and on_step:
                    on_step(*step)
            process.wait()
    if process.returncode != 0:
        raise SetupError(f"{tail(log)}\n\nThe whole log is in {log}")
