"""Profiles under Settings; over real folders."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot
from tests.ui.steps import child

from snug.services.profiles import NAME_WARNING, Profiles
from snug.ui.locks.profile_rows import ProfileRows
from snug.ui.look.theme import Theme
from snug.vault.profiles import ProfileFolders


@dataclass
class Made:
    page: QWidget
    profiles: Profiles
    rows: ProfileRows
    opened: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    opens: bool = True

    def open(self, profile_id: str) -> bool:
        self.opened.append(profile_id)
        return self.opens

    def button(self, qtbot: QtBot, start: str) -> QPushButton:
        qtbot.waitUntil(lambda: self.buttons(start) != [])
        return self.buttons(start)[0]

    def buttons(self, start: str) -> list[QPushButton]:
        found = self.page.findChildren(QPushButton)
        return [b for b in found if b.objectName().startswith(start) and b.isVisible()]

    def names(self) -> list[str]:
        return [entry.name for entry in self.profiles.list()]


@pytest.fixture
def made(qtbot: QtBot, theme: Theme, tmp_path: Path) -> Made:
    page = QWidget()
    qtbot.addWidget(page)
    profiles = Profiles(ProfileFolders(tmp_path / "data", tmp_path / "keys"))
    opened: list[Made] = []
    rows = ProfileRows(profiles, lambda one: opened[0].open(one), QObject(page))
    opened.append(Made(page, profiles, rows))
    rows.failed.connect(opened[0].failures.append)
    column = QVBoxLayout(page)
    for row in rows.make():
        column.addWidget(row)
    page.show()
    return opened[0]


def make(qtbot: QtBot, made: Made, name: str) -> None:
    field = child(made.page, QLineEdit, "newProfileName")
    field.setText(name)
    qtbot.keyClick(field, Qt.Key.Key_Return)


def test_that_a_name_can_be_read_is_said_before_it_is_given(made: Made) -> None:
    assert any(NAME_WARNING in label.text() for label in made.page.findChildren(QLabel))


def test_a_profile_is_made_and_opened_in_a_window_of_its_own(qtbot: QtBot, made: Made) -> None:
    make(qtbot, made, "Work")
    assert made.names() == ["Profile 1", "Work"]
    made.button(qtbot, "openProfile_").click()
    assert made.opened == [made.profiles.find("Work").id]
    made.opens = False
    made.button(qtbot, "openProfile_").click()
    assert "did not open" in made.failures[0]


def test_a_name_that_is_taken_is_refused_and_stays_in_the_field(qtbot: QtBot, made: Made) -> None:
    make(qtbot, made, "Work")
    make(qtbot, made, "work")
    assert made.names() == ["Profile 1", "Work"]
    assert "already" in made.failures[0]
    assert child(made.page, QLineEdit, "newProfileName").text() == "work"


def test_a_profile_is_renamed_in_its_place(qtbot: QtBot, made: Made) -> None:
    field = child(made.page, QLineEdit, "profileName_first")
    field.setText("Home")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert made.names() == ["Home"]


def test_a_profile_goes_at_the_second_press_and_the_first_one_never(
    qtbot: QtBot, made: Made
) -> None:
    make(qtbot, made, "Work")
    delete = made.button(qtbot, "deleteProfile_")
    delete.click()
    assert made.names() == ["Profile 1", "Work"]
    delete.click()
    assert made.names() == ["Profile 1"]
    assert made.buttons("deleteProfile_") == []
