"""Child of test_planted_words: the whole window, in which somebody leaves words everywhere.

Prints "ready" once all is done and then stays open.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QPlainTextEdit
from tests.app.words import WORDS

from snug.app import main
from snug.domain.conversation import ConversationSettings, Role, Status
from snug.domain.exporting import ExportFormat, ExportOptions
from snug.domain.sampling import Sampling
from snug.guardian import Launch
from snug.services.bundle import Services
from snug.ui.chat.composer_edit import LONG_PASTE
from snug.ui.chat.unsent_texts import NEW_DRAFT
from snug.ui.main_window import MainWindow

SHORT = Sampling(temperature=0.0, max_tokens=8)
WAIT_S = 60.0
Step = Callable[[], bool]


class Person:
    """Does one thing after another, each once the one before is over."""

    def __init__(self, outside: Path) -> None:
        self._outside = outside
        self._steps = self._all()
        self._over: Step = lambda: True
        self._taken = 0
        self._until = time.monotonic() + WAIT_S
        self._timer = QTimer()
        self._timer.setInterval(50)
        self._timer.timeout.connect(self._go_on)
        self._timer.start()

    def _go_on(self) -> None:
        if self._over():
            self._over = next(self._steps)
            self._taken += 1
            self._until = time.monotonic() + WAIT_S
        elif time.monotonic() > self._until:
            print(f"step {self._taken} does not come to its end", file=sys.stderr, flush=True)
            QApplication.exit(3)

    @property
    def _window(self) -> MainWindow:
        return next(w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow))

    @property
    def _services(self) -> Services:
        return self._window._services

    def _loaded(self) -> bool:
        return self._services.models.placement() is not None

    def _answered(self) -> bool:
        chat = self._window.chat_page.conversation_id
        if chat is None:
            return False
        last = self._services.conversations.conversation(chat).messages[-1]
        return last.role is Role.ASSISTANT and last.status is not Status.INTERRUPTED

    def _ask(self, words: str) -> None:
        composer = self._window.findChild(QPlainTextEdit, "composer")
        assert composer is not None
        QTest.keyClicks(composer, words)
        QTest.keyClick(composer, Qt.Key.Key_Return)

    def _paste(self, words: str) -> None:
        composer = self._window.findChild(QPlainTextEdit, "composer")
        assert composer is not None
        data = QMimeData()
        data.setText(words)
        composer.insertFromMimeData(data)

    def _begin(self, system: str = "") -> str:
        settings = ConversationSettings("starter", system, SHORT)
        made = self._services.conversations.create(settings).id
        self._window.open_conversation(made)
        return made

    def _all(self) -> Iterator[Step]:
        # Loaded: then the window has begun, with an empty chat.
        yield lambda: self._window.chat_page.isVisible() and self._loaded()
        first = self._begin(WORDS["system"])
        self._ask(f"{WORDS['message']} and more")
        yield self._answered
        services, window = self._services, self._window
        asked = services.conversations.conversation(first).messages[0].id
        services.conversations.edit(first, asked, WORDS["edited"], lambda _event: None)
        yield self._answered
        services.conversations.rename(first, WORDS["title"])
        order = services.organiser
        assert order is not None
        folder = order.create_folder(WORDS["folder"])
        order.move([first], folder.id)
        order.tag([first], WORDS["tag"])
        for word in ("trashed", "emptied"):
            chat = self._begin()
            services.conversations.rename(chat, WORDS[word])
            if word == "emptied":
                order.trash([chat])
                order.empty_trash()
        order.trash([chat for chat in order_ids(services) if chat != first])
        self._export(first)
        window.open_conversation(first)
        search = window.findChild(QLineEdit, "searchField")
        assert search is not None
        QTest.keyClicks(search, WORDS["search"])
        yield lambda: True
        search.clear()
        dialog = self._choose_file(self._outside / WORDS["dialog folder"])
        yield lambda: not dialog.isVisible()
        dialog.deleteLater()  # only then Qt would write down where it was
        window.new_temporary_chat()
        self._ask(WORDS["temporary"])
        yield lambda: self._window.chat_page.answering
        window.chat_page.stop()  # it would go on for as long as the model likes
        yield self._answered
        window.new_chat()
        self._paste(f"{WORDS['pasted']} " * (LONG_PASTE // 8))
        composer = window.findChild(QPlainTextEdit, "composer")
        assert composer is not None
        QTest.keyClicks(composer, WORDS["draft"])
        yield lambda: WORDS["draft"] in services.preferences.get(NEW_DRAFT)
        services.conversations.save_draft(first, WORDS["second draft"])
        window.open_conversation(first)
        print("ready", flush=True)
        self._timer.stop()
        yield lambda: False

    def _choose_file(self, folder: Path) -> QFileDialog:
        folder.mkdir()
        (folder / "any.txt").touch()
        dialog = QFileDialog(self._window, "", str(folder))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.open()
        dialog.selectFile(str(folder / "any.txt"))
        QTimer.singleShot(200, dialog.accept)
        return dialog

    def _export(self, chat: str) -> None:
        exporting = self._services.exporting
        assert exporting is not None
        exporting.archive(self._outside / "archive.age", WORDS["archive passphrase"])
        for kind in (ExportFormat.PDF, ExportFormat.MARKDOWN):
            path = self._outside / f"{WORDS['exported name']}.{kind.value}"
            exporting.export([chat], ExportOptions(kind), path)
            path.unlink()


def order_ids(services: Services) -> list[str]:
    return [summary.id for summary in services.conversations.summaries()]


if __name__ == "__main__":
    people: list[Person] = []
    shown = Launch(None, lambda: people.append(Person(Path(sys.argv[1]))))
    sys.exit(main(["--offline", "--profile", "first"], shown))
