"""Text files go with a message: as chips before it is sent, as a line after, whole to the model."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot
from tests.ui.chat import make_page, quiet, shown
from tests.ui.fakes import Rooms

from snug.services.bundle import Services
from snug.ui.chat.chat_page import ChatPage
from snug.ui.look.theme import Theme


@pytest.fixture
def page(qtbot: QtBot, rooms: Rooms, services: Services, theme: Theme) -> Iterator[ChatPage]:
    made = make_page(qtbot, services, theme)
    yield made
    made.shutdown()


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "note.md"
    path.write_text("# Quinces\n\n```\ncode\n```")
    return path


def chips(page: ChatPage) -> list[str]:
    found = page.findChildren(QAbstractButton, "attachedFile")
    return [one.text() for one in found if not one.isHidden()]


def test_a_file_goes_whole_to_the_model_and_stands_as_a_line_in_the_chat(
    qtbot: QtBot, rooms: Rooms, page: ChatPage, note: Path
) -> None:
    page.composer.attach([str(note)])
    qtbot.waitUntil(lambda: chips(page) == ["note.md, 23 characters – remove"])
    page.composer.field.setPlainText("Sum it up.")
    qtbot.keyClick(page.composer.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: quiet(page))
    asked = rooms.engine.requests[-1].messages[-1].text
    assert asked.startswith("Sum it up.\n\n[File: note.md]\n````\n# Quinces")
    assert shown(page)[0][1] == "Sum it up.\n\nFile: note.md (23 characters)"
    assert chips(page) == []


def test_files_are_dropped_on_the_page_and_taken_out_by_their_chip(
    qtbot: QtBot, page: ChatPage, note: Path
) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(note)), QUrl("http://example.org/x")])
    drop = QDropEvent(
        QPointF(9, 9),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    page._view.dropEvent(drop)
    qtbot.waitUntil(lambda: len(chips(page)) == 1)
    page.composer.field.insertFromMimeData(data)
    qtbot.waitUntil(lambda: len(chips(page)) == 2)
    page.findChildren(QAbstractButton, "attachedFile")[-1].click()
    qtbot.waitUntil(lambda: len(chips(page)) == 1)


def test_files_that_wait_outlive_the_window(
    qtbot: QtBot, services: Services, theme: Theme, page: ChatPage, note: Path
) -> None:
    page.composer.attach([str(note)])
    page.composer.field.setPlainText("Later")
    page.shutdown()
    again = make_page(qtbot, services, theme)
    assert again.composer.field.toPlainText() == "Later"
    qtbot.waitUntil(lambda: chips(again) == ["note.md, 23 characters – remove"])
    again.shutdown()


def test_what_cannot_be_attached_is_told(page: ChatPage, tmp_path: Path) -> None:
    told: list[str] = []
    page.error_occurred.connect(told.append)
    binary = tmp_path / "a.pdf"
    binary.write_bytes(b"%PDF\0")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    page.composer.attach([str(binary), str(tmp_path / "gone.txt"), str(pipe)])
    assert "is no text" in told[0]
    assert "cannot be read" in told[1]
    assert "is no file" in told[2]
    assert chips(page) == []
