"""The chats are locked: what is gone then, and what is there again once they are unlocked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QClipboard
from PySide6.QtWidgets import (
    QAbstractButton,
    QDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QPushButton,
)
from pytestqt.qtbot import QtBot
from tests.ui.fakes import RESOURCES
from tests.ui.steps import Steps, child, shown
from tests.ui.vaulted import Vaulted

from snug.domain.conversation import Conversation, Status
from snug.domain.profile import ProfileEntry
from snug.domain.unlocking import Secret
from snug.services.locking import FORGET_COPIED, Patience
from snug.ui import sittings
from snug.ui.application import run
from snug.ui.locks.copied import forget_copied
from snug.ui.locks.lock_window import LockWindow, OtherProfiles
from snug.ui.main_window import MainWindow

ROOT = Path(__file__).parents[2]
# What a thread of the C library's own cache held back; before the lock there are dozens.
MOST_REMAINS = 2
PASSPHRASE = "four words nobody guesses"


@pytest.fixture
def rooms(tmp_path: Path) -> Vaulted:
    return Vaulted(tmp_path)


def sit(rooms: Vaulted) -> int:
    return run(
        rooms.build,
        rooms.shutdown,
        runtime=rooms.root,
        resources=RESOURCES,
        kinds=rooms.kinds,
        argv=["snug"],
    )


def main() -> MainWindow:
    window = shown(MainWindow)
    assert window is not None
    return window


def locked() -> LockWindow:
    window = shown(LockWindow)
    assert window is not None
    return window


def is_open() -> bool:
    window = shown(MainWindow)
    return window is not None and window.desk.current is not None and shown(LockWindow) is None


def asks() -> bool:
    window = shown(LockWindow)
    return window is not None and child(window, QPushButton, "unlockButton").isVisible()


def unlock(text: str = "") -> None:
    child(locked(), QLineEdit, "passphraseField").setText(text)
    child(locked(), QPushButton, "unlockButton").click()


def composer() -> QPlainTextEdit:
    return child(main(), QPlainTextEdit, "composer")


def stored(rooms: Vaulted, conversation_id: str, text: str | None = None) -> Conversation:
    services = rooms.build(Secret(text))
    try:
        return services.conversations.conversation(conversation_id)
    finally:
        rooms.shutdown()


# -- what is gone -------------------------------------------------------------------------------


def rounds(folder: Path, count: int) -> dict[str, list[int]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.ui.locked_child", str(folder), str(count)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.stderr == ""
    report: dict[str, list[int]] = json.loads(done.stdout)
    assert report["left"] == [0]
    return report


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/mem")
@pytest.mark.parametrize("count", [5, pytest.param(40, marks=pytest.mark.soak)])
def test_locking_again_and_again_leaves_no_words_no_key_and_no_memory_behind(
    tmp_path: Path, count: int
) -> None:
    report = rounds(tmp_path, count)
    assert min(report["seen_before"]) > 0  # the looks can see
    assert max(report["words"]) <= MOST_REMAINS
    assert report["widgets"] == [0] * count
    assert report["windows"] == [0] * count
    assert report["key"] == [0] * count
    assert report["reopened"] == [1, 1]
    assert max(report["resident"]) - report["resident"][1] < 16384  # KiB; it levels off


# -- what is there again ------------------------------------------------------------------------


def test_after_the_passphrase_the_open_chat_is_back_with_its_draft(
    qtbot: QtBot, rooms: Vaulted
) -> None:
    chat = rooms.prepare(PASSPHRASE, "First", "Second")
    steps = Steps()
    steps.then(asks, lambda: unlock(PASSPHRASE))
    steps.then(is_open, lambda: main().open_conversation(chat))
    steps.then(is_open, lambda: (composer().setPlainText("Half a tho"), main().move(20, 30)))
    steps.then(is_open, lambda: main().lock_requested.emit())
    steps.then(asks, lambda: unlock(PASSPHRASE))
    seen: list[object] = []
    steps.then(
        is_open,
        lambda: (
            seen.extend((main().chat_page.conversation_id, composer().toPlainText())),
            main().close(),
        ),
    )
    assert sit(rooms) == 0
    assert seen == [chat, "Half a tho"]
    assert steps.left == 0


def test_an_answer_that_is_locked_away_half_made_is_kept(qtbot: QtBot, rooms: Vaulted) -> None:
    chat = rooms.prepare(None, "First", "Second")
    rooms.script = [step for n in range(400) for step in (f"word{n} ", 0.01)]
    steps = Steps()
    steps.then(is_open, lambda: main().open_conversation(chat))
    steps.then(is_open, lambda: main().chat_page.send("Tell me"))  # type: ignore[attr-defined]
    label = "word7"
    seen: list[str] = []
    steps.then(lambda: label in transcript(), lambda: seen.append(transcript()))
    steps.then(is_open, lambda: main().lock_requested.emit())
    steps.then(asks, unlock)
    steps.then(is_open, lambda: main().close())
    assert sit(rooms) == 0
    assert steps.left == 0
    answer = stored(rooms, chat).active_path()[-1]
    assert answer.status is Status.STOPPED
    assert answer.text.startswith("word0 word1 word2 word3 word4 word5 word6 word7 ")
    assert len(answer.text) < len("".join(str(s) for s in rooms.script if isinstance(s, str)))


def transcript() -> str:
    turns = main().chat_page.transcript.turns  # type: ignore[attr-defined]
    running = main().chat_page._running  # type: ignore[attr-defined]
    return "" if not turns or running is None else str(running.answer.text)


def test_what_stands_open_over_the_chats_goes_with_them(qtbot: QtBot, rooms: Vaulted) -> None:
    rooms.prepare(None, "First")
    steps = Steps()
    steps.then(is_open, lambda: main().keys.show_sheet())
    steps.then(lambda: shown(QDialog), lambda: main().lock_requested.emit())
    seen: list[object] = []
    steps.then(asks, lambda: (seen.append(shown(QDialog)), locked().close()))
    assert sit(rooms) == 0
    assert seen == [None]


def test_closing_the_locked_window_ends_snug(qtbot: QtBot, rooms: Vaulted) -> None:
    rooms.prepare(None, "First")
    steps = Steps()
    steps.then(is_open, lambda: main().lock_requested.emit())
    steps.then(asks, lambda: child(locked(), QPushButton, "lockLeaveButton").click())
    assert sit(rooms) == 0
    assert rooms.vaults == []


def test_the_button_in_the_bar_locks(qtbot: QtBot, rooms: Vaulted) -> None:
    rooms.prepare(None, "First")
    steps = Steps()
    steps.then(is_open, lambda: child(main(), QAbstractButton, "lockButton").click())
    steps.then(asks, lambda: locked().close())
    assert sit(rooms) == 0
    assert steps.left == 0


# -- the key ------------------------------------------------------------------------------------


def test_a_wrong_passphrase_is_told_and_the_next_one_waits(qtbot: QtBot, rooms: Vaulted) -> None:
    rooms.prepare(PASSPHRASE, "First")
    steps = Steps()
    said: list[str] = []
    steps.then(asks, lambda: unlock("something else"))
    steps.then(
        lambda: child(locked(), QLabel, "lockProblem").text(),
        lambda: (
            said.append(child(locked(), QLabel, "lockProblem").text()),
            said.append(child(locked(), QPushButton, "unlockButton").text()),
            unlock(PASSPHRASE),  # not yet
        ),
    )
    steps.then(
        lambda: child(locked(), QPushButton, "unlockButton").text() == "Unlock",
        lambda: unlock(PASSPHRASE),
    )
    steps.then(is_open, lambda: main().close())
    assert sit(rooms) == 0
    assert said == ["The passphrase does not open this vault.", "Unlock in 1 s"]
    assert rooms.builds == 2  # with `prepare`


def test_each_wrong_answer_doubles_the_wait_up_to_half_a_minute() -> None:
    patience = Patience(lambda: 0.0)
    waits = []
    for _ in range(7):
        patience.note_wrong()
        waits.append(patience.left_s())
    assert waits == [1, 2, 4, 8, 16, 30, 30]


def test_a_recovery_code_and_a_key_file_open_too(
    qtbot: QtBot, rooms: Vaulted, tmp_path: Path
) -> None:
    chat = rooms.prepare(PASSPHRASE, "First")
    services = rooms.build(Secret(PASSPHRASE))
    assert services.keys is not None
    code = services.keys.recovery_code()
    services.keys.write_key_file(tmp_path / "stick.key")
    rooms.shutdown()
    steps = Steps()
    hints: list[str] = []

    def forget() -> None:
        child(locked(), QPushButton, "forgottenButton").click()
        hints.append(child(locked(), QLabel, "forgottenWords").text())
        unlock(code.lower())

    def take_file() -> None:
        locked().choose_file = lambda: tmp_path / "stick.key"
        child(locked(), QPushButton, "keyFileButton").click()

    steps.then(asks, forget)
    steps.then(is_open, lambda: main().lock_requested.emit())
    steps.then(asks, take_file)
    steps.then(is_open, lambda: (main().open_conversation(chat), main().close()))
    assert sit(rooms) == 0
    assert steps.left == 0
    assert "recovery code" in hints[0]


def test_a_forgotten_passphrase_without_another_key_is_told_as_lost(
    qtbot: QtBot, rooms: Vaulted
) -> None:
    rooms.prepare(PASSPHRASE, "First")
    steps = Steps()
    hints: list[str] = []
    steps.then(
        asks,
        lambda: (
            child(locked(), QPushButton, "forgottenButton").click(),
            hints.append(child(locked(), QLabel, "forgottenWords").text()),
            locked().close(),
        ),
    )
    assert sit(rooms) == 0
    assert hints[0].startswith("Forgotten means lost")


# -- the clipboard ------------------------------------------------------------------------------


class Clipboard:
    """The desktop's, with one text in it; offscreen there is none that knows its owner."""

    def __init__(self, text: str, ours: bool) -> None:
        self.texts = {QClipboard.Mode.Clipboard: text, QClipboard.Mode.Selection: text}
        self._ours = ours

    def ownsClipboard(self) -> bool:  # noqa: N802  Qt's name
        return self._ours

    def ownsSelection(self) -> bool:  # noqa: N802
        return self._ours

    def supportsSelection(self) -> bool:  # noqa: N802
        return True

    def clear(self, mode: QClipboard.Mode) -> None:
        self.texts[mode] = ""


@pytest.mark.parametrize(("ours", "left"), [(True, {""}), (False, {"words"})])
def test_what_was_copied_from_snug_is_forgotten_and_what_others_copied_stays(
    ours: bool, left: set[str]
) -> None:
    clipboard = Clipboard("words", ours)
    forget_copied(clipboard)  # type: ignore[arg-type]
    assert set(clipboard.texts.values()) == left


@pytest.mark.parametrize(("kept", "forgotten"), [("", 1), ("1", 1), ("0", 0)])
def test_the_clipboard_is_emptied_unless_the_person_wants_it_kept(
    qtbot: QtBot,
    rooms: Vaulted,
    monkeypatch: pytest.MonkeyPatch,
    kept: str,
    forgotten: int,
) -> None:
    rooms.prepare(None, "First")
    calls: list[object] = []
    monkeypatch.setattr(sittings, "forget_copied", calls.append)
    steps = Steps()
    if kept:
        steps.then(is_open, lambda: main()._services.preferences.set(FORGET_COPIED, kept))
    steps.then(is_open, lambda: main().lock_requested.emit())
    steps.then(asks, lambda: locked().close())
    assert sit(rooms) == 0
    assert len(calls) == forgotten


# -- other profiles -----------------------------------------------------------------------------


def test_the_locked_window_leads_to_the_other_profiles(qtbot: QtBot, rooms: Vaulted) -> None:
    rooms.prepare(PASSPHRASE, "First")
    opened: list[str] = []
    others = OtherProfiles(
        lambda: (ProfileEntry("0a", "Work"),), lambda one: opened.append(one) is None
    )
    steps = Steps()
    seen: list[bool] = []

    def choose() -> None:
        seen.append(child(locked(), QPushButton, "otherProfileButton").isVisible())
        child(locked(), QMenu, "otherProfileMenu").actions()[0].trigger()

    steps.then(asks, choose)
    steps.then(lambda: opened, lambda: locked().close())
    run(
        rooms.build,
        rooms.shutdown,
        runtime=rooms.root,
        resources=RESOURCES,
        kinds=rooms.kinds,
        others=others,
        argv=["snug"],
    )
    assert (seen, opened) == ([True], ["0a"])


def test_where_there_is_one_profile_nothing_is_said_of_profiles(
    qtbot: QtBot, rooms: Vaulted
) -> None:
    rooms.prepare(PASSPHRASE, "First")
    steps = Steps()
    seen: list[bool] = []
    steps.then(
        asks,
        lambda: (
            seen.append(child(locked(), QPushButton, "otherProfileButton").isVisible()),
            locked().close(),
        ),
    )
    assert sit(rooms) == 0
    assert seen == [False]
