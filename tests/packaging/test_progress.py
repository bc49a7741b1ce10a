"""Progress of long commands, and what is shown when one fails."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from snug_setup import progress
from snug_setup.errors import SetupError
from snug_setup.progress import Progress, duration, ninja_step, run_logged


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("[23/440] /usr/bin/g++ -c x.cpp\n", (23, 440)),
        ("  [440/440] : && /usr/bin/g++\n", (440, 440)),
        ("-- Found Threads: TRUE\n", None),
        ("note: see [1/2]\n", None),
    ],
)
def test_the_count_of_ninja_is_read(line: str, step: tuple[int, int] | None) -> None:
    assert ninja_step(line) == step


@pytest.mark.parametrize(("seconds", "text"), [(4, "4 s"), (89, "89 s"), (170, "3 min")])
def test_durations_are_as_coarse_as_a_forecast(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_terminal_gets_one_line_with_share_and_time_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    out = Terminal()
    with Progress("Compiling", out) as shown:
        shown.step(1, 100)
        now = 1030.0
        shown.step(51, 100)
    assert "Compiling: 51 % (51 of 100), about 29 s left" in out.getvalue()
    assert out.getvalue().count("\n") == 1


def test_a_log_gets_a_line_every_half_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    out = io.StringIO()
    with Progress("Compiling", out) as shown:
        for second in range(61):
            now = float(second)
            shown.step(second + 1, 100)
    assert len(out.getvalue().splitlines()) == 4


def test_output_goes_to_the_log_and_counts_to_the_listener(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "build.log"
    steps: list[tuple[int, int]] = []
    script = "print('[1/2] a'); print('words'); print('[2/2] b')"
    run_logged([sys.executable, "-c", script], log, on_step=lambda *step: steps.append(step))
    assert steps == [(1, 2), (2, 2)]
    assert "words\n" in log.read_text()


def test_a_failure_shows_the_end_of_the_log_and_where_it_is(tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    script = "for i in range(50): print(f'line {i}.')\nraise SystemExit(3)"
    with pytest.raises(SetupError) as told:
        run_logged([sys.executable, "-c", script], log)
    text = str(told.value)
    assert "line 49." in text
    assert "line 20." in text
    assert "line 19." not in text
    assert str(log) in text


def test_what_was_started_ends_with_an_interruption(tmp_path: Path) -> None:
    pids: list[int] = []

    def interrupt(pid: int, _total: int) -> None:
        pids.append(pid)
        raise KeyboardInterrupt

    # The grandchild prints its own number as a step, and would otherwise sleep on.
    child = "import os, time; print(f'[{os.getpid()}/1]', flush=True); time.sleep(60)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with pytest.raises(KeyboardInterrupt):
        run_logged([sys.executable, "-c", parent], tmp_path / "log", on_step=interrupt)
    assert _is_gone(pids[0])


def _is_gone(pid: int) -> bool:
    """Whether a process has ended; waits for it through its process descriptor."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(descriptor, "rb") as ended:
        return bool(select.select([ended], [], [], 10.0)[0])


# A set-up in small: locks the checkout, starts a command that would sleep, prints its number.
SET_UP = """
import signal, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import setup_env
from snug_setup.progress import run_logged
folder = Path(sys.argv[2])
signal.signal(signal.SIGTERM, setup_env.end_like_ctrl_c)
lock = setup_env.lock_checkout(folder)
child = "import os, time; print(f'[{os.getpid()}/1]', flush=True); time.sleep(60)"
tell = lambda pid, _: print(pid, flush=True)
run_logged([sys.executable, "-c", child], folder / "log", on_step=tell)
"""


@contextlib.contextmanager
def set_up_at_work(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Runs SET_UP; yields it and the process number of the command it started."""
    packaging = Path(progress.__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-c", SET_UP, packaging, folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())


def test_an_ended_set_up_ends_its_commands(tmp_path: Path) -> None:
    with set_up_at_work(tmp_path) as (process, command):
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
    assert _is_gone(command)


def test_a_killed_set_up_keeps_the_checkout_locked_until_its_command_ends(tmp_path: Path) -> None:
    with set_up_at_work(tmp_path) as (process, command):
        process.kill()
        process.wait(timeout=20)
        folder = os.open(tmp_path, os.O_RDONLY)
        try:
            with pytest.raises(BlockingIOError):
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.kill(command, signal.SIGKILL)
            assert _is_gone(command)
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(folder)
