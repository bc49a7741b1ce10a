from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from snug.ui.single_instance import SingleInstance, socket_name

CLAIM = """
import os, sys
from pathlib import Path
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from PySide6.QtCore import QCoreApplication, QTimer
from snug.ui.single_instance import SingleInstance
app = QCoreApplication([])
instance = SingleInstance(Path(sys.argv[1]))
if not instance.claim():
    print("second", flush=True)
    sys.exit(0)
instance.raise_requested.connect(lambda: print("raised", flush=True))
print("first", flush=True)
QTimer.singleShot(60_000, app.quit)
app.exec()
"""


def start(runtime: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(runtime)], stdout=subprocess.PIPE, text=True
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str], how: signal.Signals = signal.SIGTERM) -> None:
    process.send_signal(how)
    process.wait(10)
    if process.stdout is not None:
        process.stdout.close()


def test_a_second_start_raises_the_first_and_ends(tmp_path: Path) -> None:
    first = start(tmp_path)
    assert line(first) == "first"
    second = start(tmp_path)
    assert line(second) == "second"
    assert second.wait(10) == 0
    assert line(first) == "raised"
    end(first)
    end(second)


def test_five_started_at_once_leave_exactly_one(tmp_path: Path) -> None:
    processes = [start(tmp_path) for _ in range(5)]
    said = sorted(line(process) for process in processes)
    for process in processes:
        end(process)
    assert said == ["first", "second", "second", "second", "second"]


def test_a_killed_first_instance_leaves_no_trace(tmp_path: Path) -> None:
    killed = start(tmp_path)
    assert line(killed) == "first"
    end(killed, signal.SIGKILL)
    next_one = start(tmp_path)
    assert line(next_one) == "first"
    end(next_one)


def test_the_socket_is_the_owners_alone(tmp_path: Path, qapp: QApplication) -> None:
    instance = SingleInstance(tmp_path)
    assert instance.claim()
    mode = Path(socket_name(tmp_path)).stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) & 0o077 == 0
    instance.close()


def test_a_long_folder_gets_a_short_socket(tmp_path: Path, qapp: QApplication) -> None:
    deep = tmp_path / ("a" * 100) / ("b" * 100)
    deep.mkdir(parents=True)
    assert len(os.fsencode(socket_name(deep))) < 104
    instance = SingleInstance(deep)
    assert instance.claim()
    instance.close()


def test_two_folders_do_not_meet(tmp_path: Path, qapp: QApplication) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    instances = [SingleInstance(one), SingleInstance(other)]
    assert [instance.claim() for instance in instances] == [True, True]
    for instance in instances:
        instance.close()


@pytest.mark.parametrize("times", [3])
def test_a_closed_instance_gives_the_folder_up(tmp_path: Path, qtbot: QtBot, times: int) -> None:
    for _ in range(times):
        instance = SingleInstance(tmp_path)
        assert instance.claim()
        instance.close()
