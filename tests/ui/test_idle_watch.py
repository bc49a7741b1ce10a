"""An idle window gives the model back, and wakes nobody."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot
from tests.ui.fakes import CPU, STARTER, Rooms

from snug.domain.events import Started
from snug.services.bundle import Services
from snug.services.engine_settings import IDLE_MINUTES
from snug.ui.locks.idle_watch import IdleWatch
from snug.ui.look.theme import Theme
from snug.ui.main_window import MainWindow

READY = Started(STARTER.name, CPU, 0, 0, 8192)
SNUG = Path(sys.executable).parent / "snug"
ASLEEP = """
import sys
from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtDBus import QDBusConnection, QDBusMessage
from tests.ui.fakes import make_rooms
from snug.services.models import ModelService
from snug.ui.locks.idle_watch import IdleWatch
app = QCoreApplication([])
rooms = make_rooms()
watch = IdleWatch(ModelService(rooms.library, rooms.store, rooms.engine), app)
bus = QDBusConnection.systemBus()
assert bus.registerService("org.freedesktop.login1")
assert watch.watch_sleep()
watch.released.connect(app.quit)
sleep = QDBusMessage.createSignal(
    "/org/freedesktop/login1", "org.freedesktop.login1.Manager", "PrepareForSleep")
sleep.setArguments([True])
assert bus.send(sleep)
QTimer.singleShot(5000, lambda: app.exit(1))
code = app.exec()
print("released", rooms.engine.releases, flush=True)
rooms.close()
sys.exit(code)
"""


@pytest.fixture
def watch(services: Services, qapp: QObject) -> Iterator[IdleWatch]:
    made = IdleWatch(services.models, qapp)
    yield made
    made.deleteLater()


def test_the_wait_begins_with_the_models_use_and_ends_with_its_release(
    watch: IdleWatch, rooms: Rooms
) -> None:
    assert not watch.waiting
    watch.follow(READY)
    assert watch.waiting
    assert rooms.engine.releases == 0
    watch.release()
    assert not watch.waiting
    assert rooms.engine.releases == 1


def test_never_waits_for_nothing(watch: IdleWatch, rooms: Rooms) -> None:
    rooms.store.settings[IDLE_MINUTES] = "0"
    watch.follow(READY)
    assert not watch.waiting


def test_sleep_releases_and_waking_up_does_not(watch: IdleWatch, rooms: Rooms) -> None:
    watch.on_prepare_for_sleep(False)
    assert rooms.engine.releases == 0
    watch.on_prepare_for_sleep(True)
    assert rooms.engine.releases == 1


def test_the_foot_of_the_bar_says_that_the_model_is_gone_and_the_next_message_loads_it(
    qtbot: QtBot, services: Services, theme: Theme, rooms: Rooms
) -> None:
    window = MainWindow(services, theme)
    qtbot.addWidget(window, before_close_func=lambda w: w.close())
    window.show()
    window.start()
    qtbot.waitUntil(lambda: window.idle.waiting)
    window.idle.release()
    assert window.sidebar.model_state.state == "Loads with the first message"
    seen: list[str] = []
    window.chat_page.run_event.connect(lambda event: seen.append(type(event).__name__))
    window.chat_page.send("Hello")  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: "Finished" in seen)
    assert seen[0] == "Loading"
    assert window.idle.waiting


@pytest.mark.skipif(
    shutil.which("dbus-run-session") is None, reason="dbus-run-session is not installed"
)
def test_logind_is_heard_over_the_bus() -> None:
    script = 'DBUS_SYSTEM_BUS_ADDRESS=$DBUS_SESSION_BUS_ADDRESS exec "$0" -c "$1"'
    done = subprocess.run(
        ["dbus-run-session", "--", "sh", "-c", script, sys.executable, ASLEEP],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout == "released 1\n", done.stderr


def wake_ups(pid: int) -> int:
    """Voluntary context switches of all threads. Source: proc(5)."""
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total


def resident_bytes(pid: int) -> int:
    line = next(
        text
        for text in Path(f"/proc/{pid}/status").read_text().splitlines()
        if text.startswith("VmRSS")
    )
    return int(line.split()[1]) * 1024


@pytest.mark.alone
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_open_window_with_a_loaded_model_sleeps(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [SNUG],
        env=os.environ
        | {
            "QT_QPA_PLATFORM": "offscreen",
            "SNUG_DATA_DIR": str(tmp_path / "data"),
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        end = time.monotonic() + 40
        pid = 0
        while time.monotonic() < end and (pid == 0 or resident_bytes(pid) < 200 * 2**20):
            pid = int((children.read_text().split() or ["0"])[0])
            time.sleep(0.1)
        rates = []
        while time.monotonic() < end and not (rates and rates[-1] <= 5.0):
            before, began = wake_ups(pid), time.monotonic()
            time.sleep(2.0)  # the measurement itself
            rates.append((wake_ups(pid) - before) / (time.monotonic() - began))
        assert rates[-1] <= 5.0, rates
        assert wake_ups(process.pid) < 50  # the guardian sleeps altogether
    finally:
        process.terminate()
        assert process.wait(20) == 0
