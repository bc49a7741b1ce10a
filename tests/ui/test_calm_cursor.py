from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from snug.ui.text.calm_cursor import CalmCursor


def flash_ms() -> int:
    return QGuiApplication.styleHints().cursorFlashTime()


@pytest.fixture
def cursor(qapp: QApplication) -> Iterator[CalmCursor]:
    made = CalmCursor(qapp)
    made.findChildren(QTimer)[0].setInterval(1)
    yield made
    made.leave()
    made.deleteLater()


def test_it_rests_until_the_next_key(qtbot: QtBot, cursor: CalmCursor) -> None:
    before = flash_ms()
    assert before > 0
    cursor.stir()
    qtbot.waitUntil(lambda: flash_ms() == 0)
    cursor.stir()
    assert flash_ms() == before


def test_elsewhere_it_is_as_it_was(qtbot: QtBot, cursor: CalmCursor) -> None:
    before = flash_ms()
    cursor.stir()
    qtbot.waitUntil(lambda: flash_ms() == 0)
    cursor.leave()
    assert flash_ms() == before
