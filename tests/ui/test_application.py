from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot
from tests.ui.fake_chat_page import FakeChatPage
from tests.ui.fakes import RESOURCES, Rooms
from tests.ui.steps import Steps, child, shown

from snug.domain.errors import EnvironmentFault, VaultLockedError, WrongKeyError
from snug.domain.unlocking import Secret
from snug.services.bundle import Services
from snug.ui import main_window
from snug.ui.application import run
from snug.ui.locks.lock_window import LockWindow
from snug.ui.main_window import MainWindow

ROOT = Path(__file__).parents[2]
START = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from snug.ui import main_window
from snug.ui.application import run
from tests.ui.fake_chat_page import FakeChatPage
from tests.ui.fakes import RESOURCES, make_rooms
main_window.real_chat_page = FakeChatPage
rooms = make_rooms()
folder = Path(sys.argv[1])
code = run(lambda _: rooms.services(folder), lambda: None, runtime=folder, resources=RESOURCES)
rooms.close()
print("ended", flush=True)
sys.exit(code)
"""


@pytest.fixture(autouse=True)
def _fake_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main_window, "real_chat_page", FakeChatPage)


def windows() -> list[MainWindow]:
    return [
        w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow) and w.isVisible()
    ]


def close_when_shown() -> None:
    for window in windows():
        window.close()
        return
    QTimer.singleShot(10, close_when_shown)


def test_services_are_shut_down_after_the_window_is_gone(
    qtbot: QtBot, rooms: Rooms, tmp_path: Path
) -> None:
    order: list[str] = []
    QTimer.singleShot(0, close_when_shown)
    code = run(
        lambda _: rooms.services(tmp_path),
        lambda: order.append("open windows: " + str(len(windows()))),
        runtime=tmp_path,
        resources=RESOURCES,
        argv=["snug"],
    )
    assert code == 0
    assert order == ["open windows: 0"]


def type_and_unlock(text: str) -> None:
    window = shown(LockWindow)
    assert window is not None
    child(window, QLineEdit, "passphraseField").setText(text)
    child(window, QPushButton, "unlockButton").click()


def problem() -> str:
    window = shown(LockWindow)
    return "" if window is None else child(window, QLabel, "lockProblem").text()


def can_answer() -> bool:
    window = shown(LockWindow)
    return window is not None and child(window, QLineEdit, "passphraseField").isEnabled()


def test_a_locked_vault_asks_until_the_passphrase_fits(
    qtbot: QtBot, rooms: Rooms, tmp_path: Path
) -> None:
    def build(secret: Secret) -> Services:
        if secret.text is None:
            raise VaultLockedError("The vault needs its passphrase.")
        if secret.text != "right":
            raise WrongKeyError("That passphrase does not open it.")
        return rooms.services(tmp_path)

    asked: list[str] = []
    steps = Steps()
    steps.then(can_answer, lambda: (asked.append(problem()), type_and_unlock("wrong")))
    steps.then(problem, lambda: asked.append(problem()))
    steps.then(lambda: not waits(), lambda: type_and_unlock("right"))
    steps.then(windows, lambda: windows()[0].close())
    assert run(build, lambda: None, runtime=tmp_path, resources=RESOURCES, argv=["snug"]) == 0
    assert asked == ["", "That passphrase does not open it."]
    assert steps.left == 0


def waits() -> bool:
    window = shown(LockWindow)
    assert window is not None
    return " in " in child(window, QPushButton, "unlockButton").text()


def test_leaving_the_passphrase_ends_in_order(qtbot: QtBot, tmp_path: Path) -> None:
    def build(secret: Secret) -> Services:
        raise VaultLockedError("The vault needs its passphrase.")

    ended: list[bool] = []
    steps = Steps()
    steps.then(can_answer, QApplication.closeAllWindows)
    code = run(
        build, lambda: ended.append(True), runtime=tmp_path, resources=RESOURCES, argv=["snug"]
    )
    assert (code, ended) == (0, [True])


def test_a_fault_of_the_machine_is_told_tried_again_and_reaches_the_caller(
    qtbot: QtBot, tmp_path: Path
) -> None:
    tried: list[Secret] = []

    def build(secret: Secret) -> Services:
        tried.append(secret)
        raise EnvironmentFault("The disk cannot be read.")

    said: list[str] = []

    def read() -> LockWindow:
        window = shown(LockWindow)
        assert window is not None
        said.append(child(window, QLabel, "lockWords").text())
        return window

    steps = Steps()
    steps.then(
        lambda: shown(LockWindow), lambda: child(read(), QPushButton, "tryAgainButton").click()
    )
    steps.then(lambda: len(tried) == 2 and can_try(), lambda: read().close())
    with pytest.raises(EnvironmentFault):
        run(build, lambda: None, runtime=tmp_path, resources=RESOURCES, argv=["snug"])
    assert said == ["The disk cannot be read."] * 2


def can_try() -> bool:
    window = shown(LockWindow)
    return window is not None and child(window, QPushButton, "tryAgainButton").isEnabled()


def test_a_defect_is_told_in_a_plain_sentence_and_logged_without_text(
    qtbot: QtBot, rooms: Rooms, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[str] = []

    def break_something() -> None:
        if not windows():
            QTimer.singleShot(10, break_something)
            return
        hook = sys.excepthook
        try:
            raise ValueError("secret words of the person")
        except ValueError as error:
            hook(ValueError, error, error.__traceback__)
        said.append(windows()[0].banner.text)
        windows()[0].close()

    QTimer.singleShot(0, break_something)
    run(
        lambda _: rooms.services(tmp_path),
        lambda: None,
        runtime=tmp_path,
        resources=RESOURCES,
        argv=["snug"],
    )
    assert said[0].startswith("Something in Snug did not work.")
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text
    assert sys.excepthook is not None


def start(folder: Path, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", START, str(folder), str(ROOT)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", **more},
    )


def test_the_first_paint_is_reported_and_a_polite_kill_ends_in_order(
    qtbot: QtBot, tmp_path: Path
) -> None:
    probe = tmp_path / "probe.json"
    began = time.monotonic()
    process = start(tmp_path, SNUG_STARTUP_PROBE=str(probe))
    qtbot.waitUntil(lambda: probe.exists() and probe.stat().st_size > 0, timeout=20_000)
    assert began < json.loads(probe.read_text())["first_paint_s"] < time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=20)[0] == "ended\n"
    assert process.returncode == 0


def test_a_second_start_exits_with_0_while_the_first_lives(qtbot: QtBot, tmp_path: Path) -> None:
    probe = tmp_path / "probe.json"
    first = start(tmp_path, SNUG_STARTUP_PROBE=str(probe))
    qtbot.waitUntil(probe.exists, timeout=20_000)
    second = start(tmp_path)
    assert second.communicate(timeout=20)[0] == "ended\n"
    assert second.returncode == 0
    assert first.poll() is None
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=20)


def test_a_polite_kill_while_the_vault_is_being_opened_ends_in_order(
    qtbot: QtBot, rooms: Rooms, tmp_path: Path
) -> None:
    def build(_: Secret) -> Services:
        os.kill(os.getpid(), signal.SIGTERM)  # before there is a window
        return rooms.services(tmp_path)

    ended: list[bool] = []
    code = run(
        build, lambda: ended.append(True), runtime=tmp_path, resources=RESOURCES, argv=["snug"]
    )
    assert (code, ended) == (0, [True])
