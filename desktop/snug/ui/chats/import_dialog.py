"""Importing from the window: which file, how far it is, and what came of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QPoint, Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QMenu,
    QPlainTextEdit,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from snug.domain.importing import ImportReport
from snug.services.importing import Importing
from snug.ui.look.parts import label
from snug.ui.look.tokens import SIZES
from snug.ui.look.words import count_words
from snug.ui.tasks import Tasks

_STEPS = 1000


class ImportDialog(QDialog):
    """Shows how far an import is, then what it brought. Closing it while it runs stops it."""

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("importDialog")
        self.setWindowTitle(self.tr("Import chats"))
        self.setAccessibleName(self.windowTitle())
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(SIZES.dialog)
        self.stopped = threading.Event()
        column = QVBoxLayout(self)
        column.setContentsMargins(*(SIZES.gap_6,) * 4)
        column.setSpacing(SIZES.gap_3)
        self.heading = label("", "heading", wrap=True)
        self.heading.setTextFormat(Qt.TextFormat.PlainText)
        self.heading.setText(self.tr("Reading {}").format(name))
        self.words = label("", tone="soft", wrap=True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setText(
            self.tr("The file stays where it is. What is in Snug already stays as it is.")
        )
        self.bar = QProgressBar()
        self.bar.setObjectName("importProgress")
        self.bar.setAccessibleName(self.tr("Progress"))
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.problems = QPlainTextEdit()
        self.problems.setObjectName("importProblems")
        self.problems.setAccessibleName(self.tr("What could not be read"))
        self.problems.setReadOnly(True)
        self.problems.hide()
        self._buttons = QDialogButtonBox()
        self._button = self._buttons.addButton(
            self.tr("Stop"), QDialogButtonBox.ButtonRole.RejectRole
        )
        self._button.setObjectName("importClose")
        self._buttons.rejected.connect(self.reject)
        for widget in (self.heading, self.words, self.bar, self.problems, self._buttons):
            column.addWidget(widget)

    def show_progress(self, part: float) -> None:
        """How much was read, from 0 to 1."""
        self.bar.setRange(0, _STEPS)
        self.bar.setValue(round(part * _STEPS))

    def show_report(self, report: ImportReport) -> None:
        """What came, and what did not."""
        if report.cancelled:
            self.heading.setText(self.tr("Stopped"))
        else:
            self.heading.setText(self.tr("Your chats are here"))
        self.words.setText(_report_words(report))
        self._show_problems(report)
        self._end()

    def show_failure(self, message: str) -> None:
        """Nothing came."""
        self.heading.setText(self.tr("Nothing was imported"))
        self.words.setText(message)
        self._end()

    def _show_problems(self, report: ImportReport) -> None:
        lines = list(report.problems)
        if report.more_problems:
            more = self.tr("And {} more.").format(count_words(report.more_problems))
            lines.append(more)
        self.problems.setPlainText("\n".join(lines))
        self.problems.setVisible(bool(lines))

    def _end(self) -> None:
        self.bar.hide()
        self._button.setText(self.tr("Close"))
        self._button.setFocus()

    def reject(self) -> None:
        """Stop what still runs, and close."""
        self.stopped.set()
        super().reject()


class ImportDesk:
    """From the question for a file to the word about it."""

    def __init__(
        self,
        importing: Importing | None,
        tasks: Tasks,
        changed: Callable[[], None],
        window: QWidget,
    ) -> None:
        """Make it.

        Args:
            changed: the list of chats is another one.
        """
        self._importing = importing
        self._tasks = tasks
        self._changed = changed
        self._window = window

    def ask(self, at: QPoint) -> None:
        """Ask for a file or a folder, by a menu at a place on the screen."""
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(
            _tr("A file or zip…"), lambda: self._ask_for(QFileDialog.FileMode.ExistingFile)
        )
        menu.addAction(_tr("A folder…"), lambda: self._ask_for(QFileDialog.FileMode.Directory))
        menu.popup(at)

    def _ask_for(self, mode: QFileDialog.FileMode) -> None:
        dialog = QFileDialog(self._window, _tr("Import chats"))
        dialog.setObjectName("importFileDialog")
        dialog.setFileMode(mode)
        if mode is QFileDialog.FileMode.ExistingFile:
            kinds = _tr("Exports of chats")
            dialog.setNameFilters([f"{kinds} (*.json *.zip *.jsonl *.chat)", _tr("All files (*)")])
        dialog.fileSelected.connect(lambda name: self.read(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def read_named(self, name: str) -> None:
        """Import what has this path."""
        self.read(Path(name))

    def read(self, path: Path) -> ImportDialog | None:
        """Import a file, zip or folder, with a dialog that tells how far it is."""
        service = self._importing
        if service is None:
            return None
        dialog = ImportDialog(path.name, self._window)
        progress = self._tasks.sink(dialog.show_progress, dialog)
        stopped = dialog.stopped  # lives on when the dialog is closed

        def cancelled() -> bool:
            return stopped.is_set() or self._tasks.stopped()

        def done(report: ImportReport) -> None:
            self._changed()
            tell_report(report)

        tell_report = self._tasks.sink(dialog.show_report, dialog)
        tell_failure = self._tasks.sink(dialog.show_failure, dialog)
        self._tasks.run(
            self._window,
            lambda: service.run(path, progress, cancelled),
            done,
            tell_failure,
        )
        dialog.open()
        return dialog


def _report_words(report: ImportReport) -> str:
    names = ", ".join(report.formats)
    words = _tr("From {}: {} chats with {} messages.").format(
        names, count_words(report.conversations), count_words(report.messages)
    )
    if report.skipped:
        words += " " + _tr("{} messages were here already.").format(count_words(report.skipped))
    if report.conversations:
        words += " " + _tr("They have the tag {}, by which you can find them.").format(names)
    if report.problems:
        words += " " + _tr("This could not be read:")
    return words


def _tr(text: str) -> str:
    return QCoreApplication.translate("ImportDialog", text)
