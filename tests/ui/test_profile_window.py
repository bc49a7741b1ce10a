"""Where there are several profiles, a window asks which one; each key and button leads on."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot
from tests.ui.fakes import RESOURCES
from tests.ui.steps import Steps, child, shown

from snug.domain.profile import FIRST, ProfileEntry
from snug.ui.locks.profile_window import ProfileWindow, choose_profile
from snug.ui.look.theme import Theme

OTHER = "0" * 32
ENTRIES = (ProfileEntry(FIRST, "Home & garden"), ProfileEntry(OTHER, "Profile 2"))


def button(window: ProfileWindow, name: str) -> QPushButton:
    found = window.findChild(QPushButton, name)
    assert isinstance(found, QPushButton)
    return found


@pytest.fixture
def window(qtbot: QtBot, theme: Theme) -> ProfileWindow:
    made = ProfileWindow(ENTRIES, OTHER, theme)
    qtbot.addWidget(made)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    return made


def test_return_takes_the_one_of_last_time(qtbot: QtBot, window: ProfileWindow) -> None:
    last = button(window, f"chooseProfile_{OTHER}")
    qtbot.waitUntil(last.hasFocus)
    with qtbot.waitSignal(window.chosen) as chosen:
        qtbot.keyClick(last, Qt.Key.Key_Return)
    assert chosen.args == [OTHER]


def test_another_is_reached_by_tab_and_named_as_it_is_called(
    qtbot: QtBot, window: ProfileWindow
) -> None:
    first = button(window, f"chooseProfile_{FIRST}")
    assert first.accessibleName() == "Home & garden"
    assert first.text() == "Home && garden"
    qtbot.keyClick(window, Qt.Key.Key_Backtab)
    qtbot.waitUntil(first.hasFocus)
    with qtbot.waitSignal(window.chosen) as chosen:
        qtbot.keyClick(first, Qt.Key.Key_Space)
    assert chosen.args == [FIRST]


@pytest.mark.parametrize(
    ("name", "answer"), [(f"chooseProfile_{FIRST}", FIRST), ("profileLeaveButton", None)]
)
def test_choosing_ends_with_the_answer_and_leaves_no_window(
    qapp: QApplication, name: str, answer: str | None
) -> None:
    steps = Steps()
    steps.then(
        lambda: shown(ProfileWindow),
        lambda: child(shown(ProfileWindow), QPushButton, name).click(),
    )
    assert choose_profile(qapp, RESOURCES, ENTRIES, FIRST) == answer
    assert not [w for w in qapp.topLevelWidgets() if isinstance(w, ProfileWindow)]
