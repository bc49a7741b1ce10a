"""Backups under Settings; over a real vault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot
from tests.ui.steps import child
from tests.ui.vaulted import Vaulted

from snug.domain.unlocking import NOTHING
from snug.services.keeping import Keeping
from snug.services.keys import KeyService
from snug.ui.look.theme import Theme
from snug.ui.settings.keeping_rows import KeepingRows


@dataclass
class Made:
    page: QWidget
    rows: KeepingRows
    keeping: Keeping
    keys: KeyService
    failures: list[str]

    def press(self, name: str) -> None:
        child(self.page, QPushButton, name).click()

    def words(self) -> str:
        return "\n".join(label.text() for label in self.page.findChildren(QLabel))


@pytest.fixture
def made(qtbot: QtBot, theme: Theme, tmp_path: Path) -> Iterator[Made]:
    vault = Vaulted(tmp_path)
    vault.prepare(None, "First", "Second")
    services = vault.build(NOTHING)
    assert services.keys is not None
    assert services.keeping is not None
    page = QWidget()
    qtbot.addWidget(page)
    rows = KeepingRows(services.keeping, page)
    column = QVBoxLayout(page)
    for row in rows.make():
        column.addWidget(row)
    failures: list[str] = []
    rows.failed.connect(failures.append)
    page.show()
    yield Made(page, rows, services.keeping, services.keys, failures)
    rows.finish()
    vault.shutdown()


def test_a_backup_is_made_at_once_and_told(qtbot: QtBot, made: Made) -> None:
    assert "The newest is of" not in made.words()
    made.press("backUpButton")
    qtbot.waitUntil(lambda: "The newest is of" in made.words())
    assert len(made.keeping.backups()) == 1


def test_that_a_backup_opens_on_this_device_alone_is_said_until_something_else_opens_it(
    qtbot: QtBot, made: Made
) -> None:
    assert "Nothing but this device opens them" in made.words()
    made.keys.recovery_code()
    made.rows.refresh()
    assert "Nothing but this device opens them" not in made.words()


def test_a_copy_goes_where_the_person_wants_it_and_replaces_no_file(
    qtbot: QtBot, made: Made, tmp_path: Path
) -> None:
    path = tmp_path / "stick" / "chats.snugbackup"
    path.parent.mkdir()
    made.rows.choose_file = lambda chosen: chosen(path)
    made.press("backUpCopyButton")
    qtbot.waitUntil(
        lambda: path.exists() and child(made.page, QPushButton, "backUpButton").isEnabled()
    )
    made.press("backUpCopyButton")
    qtbot.waitUntil(lambda: made.failures != [])
    assert "already" in made.failures[0]


def test_a_look_says_how_much_can_be_read(qtbot: QtBot, made: Made) -> None:
    made.press("verifyButton")
    qtbot.waitUntil(lambda: "Everything can be read. Chats: 1, messages: 2." in made.words())
    assert made.failures == []
