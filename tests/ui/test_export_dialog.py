"""Exporting from the window, over a real vault in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QPushButton
from pytestqt.qtbot import QtBot
from tests.ui.fakes import Rooms

from snug.domain.conversation import Conversation, Message, Part, PartKind, Role
from snug.domain.exporting import ExportFormat, ExportOptions
from snug.services.bundle import Services
from snug.services.conversations import ConversationService
from snug.services.exporting import Exporting
from snug.services.organiser import Organiser
from snug.services.preferences import Preferences
from snug.ui.chats.export_dialog import ExportDialog
from snug.ui.look.theme import Theme
from snug.ui.main_window import MainWindow
from snug.ui.places import Place
from snug.ui.text.pdf import make_pdf
from snug.vault.vault import Vault


@pytest.fixture
def window(qtbot: QtBot, rooms: Rooms, services: Services, theme: Theme) -> Iterator[MainWindow]:
    vault = Vault.temporary()
    store = vault.conversations
    store.create(Conversation("wolves", "Wolves", 0, 0))
    said = Message("m", "wolves", None, Role.USER, (Part(PartKind.TEXT, "In the Alps?"),))
    store.add_message(said, durable=False)
    conversations = ConversationService(store, services.models, rooms.engine)
    made = Services(
        profile=services.profile,
        conversations=conversations,
        models=services.models,
        preferences=Preferences(store),
        organiser=Organiser(vault.organising, conversations),
        exporting=Exporting(store, vault.organising, make_pdf),
    )
    window = MainWindow(made, theme)
    qtbot.addWidget(window)
    window.show()
    yield window
    window.close()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    conversations.stop_all()
    vault.close()


def test_the_dialog_asks_then_a_file_is_asked_for(qtbot: QtBot, window: MainWindow) -> None:
    window.list.export_requested.emit("wolves", "Wolves")
    dialog = window.findChild(ExportDialog)
    assert dialog is not None
    assert "not encrypted" in dialog.findChild(object, "exportWords").text()  # type: ignore[attr-defined]
    formats = dialog.findChild(QComboBox, "exportFormat")
    formats.setCurrentIndex(formats.findData("html"))
    dialog.findChild(QCheckBox, "exportTimes").setChecked(False)
    assert dialog.options == ExportOptions(ExportFormat.HTML, branches=False, times=False)
    qtbot.mouseClick(dialog.findChild(QPushButton, "exportAccept"), Qt.MouseButton.LeftButton)
    files = window.findChild(QFileDialog, "exportFileDialog")
    assert files is not None
    assert files.selectedFiles()[0].endswith("Wolves.html")
    files.reject()


def test_settings_export_all_chats_at_once(qtbot: QtBot, window: MainWindow) -> None:
    window.go_to(Place.SETTINGS)
    qtbot.mouseClick(window.findChild(QPushButton, "exportAllButton"), Qt.MouseButton.LeftButton)
    dialog = window.findChild(ExportDialog)
    assert dialog is not None
    dialog.reject()


def test_the_file_is_written_and_the_window_says_so(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    file = tmp_path / "w.md"
    window.files.exports.write(["wolves"], ExportOptions(ExportFormat.MARKDOWN), file)
    qtbot.waitUntil(lambda: "w.md" in window.banner.text)
    assert "not encrypted" in window.banner.text
    assert "In the Alps?" in file.read_text("utf-8")


def test_a_failure_is_told(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "w.md"
    window.files.exports.write(["wolves"], ExportOptions(ExportFormat.MARKDOWN), file)
    qtbot.waitUntil(lambda: "no folder" in window.banner.text)
