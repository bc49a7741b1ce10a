from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from pytestqt.qtbot import QtBot
from tests.vault.importing.test_chatgpt import CHATGPT
from tests.vault.importing.test_formats import CLAUDE

from snug.services.importing import Importing
from snug.ui.bridge import Bridge
from snug.ui.chat.conversation_view import ConversationView
from snug.ui.chats.import_dialog import ImportDesk, ImportDialog
from snug.ui.tasks import Tasks
from snug.vault.importing.reading import read
from snug.vault.vault import Vault


class Desk:
    """A desk over a vault in memory."""

    def __init__(self, qtbot: QtBot) -> None:
        from PySide6.QtWidgets import QWidget

        self.window = QWidget()
        qtbot.addWidget(self.window)
        self.window.show()
        self.bridge = Bridge(self.window)
        self.tasks = Tasks(self.bridge, self.window)
        self.vault = Vault.temporary()
        self.changes = 0
        importing = Importing(self.vault.conversations, read)
        self.desk = ImportDesk(importing, self.tasks, self._note, self.window)

    def _note(self) -> None:
        self.changes += 1

    def close(self) -> None:
        self.tasks.close()
        self.bridge.close()
        self.vault.close()


def test_an_import_tells_what_came_and_what_did_not(qtbot: QtBot, tmp_path: Path) -> None:
    desk = Desk(qtbot)
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([CHATGPT, CLAUDE, {"mapping": 1}])[:-1])
    dialog = desk.desk.read(path)
    assert isinstance(dialog, ImportDialog)
    qtbot.waitUntil(lambda: dialog.heading.text() == "Your chats are here")
    assert "From ChatGPT, Claude: 2 chats with 6 messages." in dialog.words.text()
    assert "conversations.json" in dialog.problems.toPlainText()
    assert dialog.problems.isVisible()
    assert dialog.bar.isHidden()
    assert desk.changes == 1
    assert len(desk.vault.conversations.summaries()) == 2
    desk.close()


def test_a_file_without_chats_is_told(qtbot: QtBot, tmp_path: Path) -> None:
    desk = Desk(qtbot)
    path = tmp_path / "other.json"
    path.write_text("{}")
    dialog = desk.desk.read(path)
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.heading.text() == "Nothing was imported")
    assert "holds no chats" in dialog.words.text()
    desk.close()


def test_closing_the_dialog_stops_the_import_and_keeps_what_came(
    qtbot: QtBot, tmp_path: Path
) -> None:
    desk = Desk(qtbot)
    path = tmp_path / "conversations.json"
    many = [CHATGPT | {"conversation_id": f"gpt-{number}"} for number in range(3_000)]
    path.write_text(json.dumps(many))
    dialog = desk.desk.read(path)
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.bar.value() > 0)
    dialog.reject()
    qtbot.waitUntil(lambda: desk.changes == 1)
    assert 0 < len(desk.vault.conversations.summaries(5_000)) < 3_000
    desk.close()


@pytest.mark.parametrize(
    ("url", "dropped"), [("file:///a/b.json", ["/a/b.json"]), ("http://x", [])]
)
def test_a_file_that_is_dropped_on_the_list_is_passed_on(
    qtbot: QtBot, url: str, dropped: list[str]
) -> None:
    view = ConversationView()
    qtbot.addWidget(view)
    told: list[str] = []
    view.file_dropped.connect(told.append)
    data = QMimeData()
    data.setUrls([QUrl(url)])
    view.dropEvent(
        QDropEvent(
            QPointF(5, 5),
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )
    assert told == dropped
