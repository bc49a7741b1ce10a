"""The settings of backups, and a look whether everything can still be read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QDateTime, QLocale, QObject, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from snug.domain.errors import SnugError
from snug.domain.keeping import Backup, Checked
from snug.services.keeping import Keeping
from snug.ui.bridge import Bridge
from snug.ui.look.parts import flat, push_button
from snug.ui.look.tokens import SIZES
from snug.ui.look.words import count_words, size_words
from snug.ui.settings.setting_rows import ask_new_file, explanation, setting_row
from snug.ui.tasks import Tasks

T = TypeVar("T")


class KeepingRows(QObject):
    """Builds the rows and does what is chosen, on another thread.

    Attributes:
        failed: something was not done, or is not sound; a sentence.
    """

    failed = Signal(str)

    def __init__(self, keeping: Keeping, parent: QWidget) -> None:
        super().__init__(parent)
        self._keeping = keeping
        self._window = parent
        self._bridge = Bridge(self)
        self._tasks = Tasks(self._bridge, self)
        self.choose_file: Callable[[Callable[[Path], None]], None] = self._choose_file

    def finish(self) -> None:
        """Wait for what was begun; call before the rows go."""
        self._tasks.close()
        self._bridge.close()

    def make(self) -> list[QWidget]:
        """The rows."""
        self._now = push_button("backUpButton", self.tr("Back up now"), "", self._on_now_pressed)
        copy = push_button(
            "backUpCopyButton",
            self.tr("Save a copy…"),
            "",
            lambda: self.choose_file(self._save_copy),
        )
        control = QWidget()
        line = flat(QHBoxLayout(control), spacing=SIZES.gap_2)
        line.addWidget(copy)
        line.addWidget(self._now)
        backups = setting_row(self.tr("Backups"), " ", control)
        self._words = explanation(backups)
        self._look = push_button("verifyButton", self.tr("Look"), "", self._on_look_pressed)
        self._look.setAccessibleName(self.tr("Look whether everything can be read"))
        words = self.tr("Looks at every page of the database and at every message.")
        sound = setting_row(self.tr("Is everything sound?"), words, self._look)
        self._look_words = explanation(sound)
        self.refresh()
        return [backups, sound]

    def refresh(self) -> None:
        """Say of when the newest is; the day's own may have been made meanwhile."""
        try:
            self._show(self._keeping.backups(), self._keeping.opens_elsewhere())
        except SnugError as error:
            self.failed.emit(error.message)

    def _show(self, backups: tuple[Backup, ...], opens_elsewhere: bool) -> None:
        words = self.tr("Snug makes one each day, encrypted, and keeps the latest.")
        if backups:
            newest = self.tr("The newest is of {} ({}).")
            words += " " + newest.format(_time(backups[0]), size_words(backups[0].bytes))
        if not opens_elsewhere:
            words += " " + self.tr(
                "Nothing but this device opens them: set a passphrase or make a recovery code, "
                "if they are to help when it is lost."
            )
        self._words.setText(words)

    # -- what is done -------------------------------------------------------------------------

    def _on_now_pressed(self) -> None:
        work = partial(self._keeping.back_up, self._tasks.stopped)
        self._do(self._now, work, lambda _: None)

    def _save_copy(self, path: Path) -> None:
        work = partial(self._keeping.back_up_to, path, self._tasks.stopped)
        self._do(self._now, work, lambda _: None)

    def _on_look_pressed(self) -> None:
        self._look_words.setText(self.tr("Looking…"))
        work = partial(self._keeping.check, self._tasks.stopped)
        self._do(self._look, work, self._on_checked)

    def _on_checked(self, checked: Checked) -> None:
        if checked.ok:
            words = self.tr("Everything can be read. Chats: {}, messages: {}.")
            counts = (count_words(checked.conversations), count_words(checked.messages))
            self._look_words.setText(words.format(*counts))
        else:
            self._look_words.setText(" ".join(checked.problems))
            self.failed.emit(checked.problems[0])

    def _do(self, button: QPushButton, work: Callable[[], T], then: Callable[[T], None]) -> None:
        button.setEnabled(False)

        def done(result: T) -> None:
            button.setEnabled(True)
            self.refresh()
            then(result)

        def failed(words: str) -> None:
            button.setEnabled(True)
            self.refresh()
            self.failed.emit(words)

        self._tasks.run(self, work, done, failed)

    def _choose_file(self, chosen: Callable[[Path], None]) -> None:
        title = self.tr("Save a backup")
        ask_new_file(self._window, title, "backupFileDialog", "chats.snugbackup", chosen)


def _time(backup: Backup) -> str:
    moment = QDateTime.fromMSecsSinceEpoch(backup.created_ms)
    return QLocale().toString(moment, QLocale.FormatType.ShortFormat)
