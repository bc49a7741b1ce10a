"""Exporting from the window: what as, what goes along, and that it leaves the encrypted vault."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QVBoxLayout,
    QWidget,
)

from snug.domain.exporting import ExportFormat, ExportOptions, ExportReport, file_stem
from snug.services.exporting import Exporting
from snug.ui.look.banner import Banner, Level
from snug.ui.look.parts import dialog_buttons, label
from snug.ui.look.tokens import SIZES
from snug.ui.tasks import Tasks


class ExportDialog(QDialog):
    """Asks; `options` is the answer once it was accepted."""

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("exportDialog")
        self.setWindowTitle(self.tr("Export"))
        self.setAccessibleName(self.windowTitle())
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(SIZES.dialog)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(SIZES.gap_6,) * 4)
        column.setSpacing(SIZES.gap_3)
        heading = label("", "heading", wrap=True)
        heading.setTextFormat(Qt.TextFormat.PlainText)
        heading.setText(title)
        column.addWidget(heading)
        self._formats = self._make_formats()
        column.addWidget(self._formats)
        self._branches = self._box("exportBranches", self.tr("Other versions of messages too"))
        self._reasoning = self._box("exportReasoning", self.tr("What the model thought"))
        self._times = self._box("exportTimes", self.tr("When it was written"))
        self._models = self._box("exportModels", self.tr("Which model answered"))
        for box in (self._branches, self._reasoning, self._times, self._models):
            column.addWidget(box)
        words = self.tr(
            "The file is not encrypted: whoever can read it can read the chats in it. "
            "What is in Snug stays there, encrypted."
        )
        note = label(words, tone="soft", wrap=True)
        note.setObjectName("exportWords")
        column.addWidget(note)
        accept = "exportAccept", self.tr("Choose a file…")
        column.addWidget(dialog_buttons(self, accept, ("exportCancel", self.tr("Cancel"))))
        self._formats.currentIndexChanged.connect(self._on_formats_changed)
        self._on_formats_changed()

    @property
    def options(self) -> ExportOptions:
        """What was chosen."""
        return ExportOptions(
            ExportFormat(self._formats.currentData()),
            branches=self._branches.isChecked(),
            reasoning=self._reasoning.isChecked(),
            times=self._times.isChecked(),
            models=self._models.isChecked(),
        )

    def _make_formats(self) -> QComboBox:
        formats = QComboBox()
        formats.setObjectName("exportFormat")
        formats.setAccessibleName(self.tr("Format"))
        for kind, text in (
            (ExportFormat.MARKDOWN, self.tr("Markdown, for notes")),
            (ExportFormat.HTML, self.tr("Web page, to read anywhere")),
            (ExportFormat.PDF, self.tr("PDF, to print or send")),
            (ExportFormat.TEXT, self.tr("Plain text")),
            (ExportFormat.JSON, self.tr("JSON, everything, to read back into Snug")),
            (ExportFormat.JSONL, self.tr("JSONL, for fine-tuning a model")),
        ):
            formats.addItem(text, kind.value)
        return formats

    def _box(self, name: str, text: str) -> QCheckBox:
        box = QCheckBox(text)
        box.setObjectName(name)
        box.setAccessibleName(text)
        box.setChecked(name != "exportBranches")
        return box

    def _on_formats_changed(self) -> None:
        kind = ExportFormat(self._formats.currentData())
        self._branches.setChecked(kind is ExportFormat.JSON)
        self._reasoning.setEnabled(kind is not ExportFormat.JSONL)
        for box in (self._times, self._models):
            box.setEnabled(not kind.one_file)


class ExportDesk:
    """From the question to the file and the word about it."""

    def __init__(
        self, exporting: Exporting | None, tasks: Tasks, banner: Banner, window: QWidget
    ) -> None:
        self._exporting = exporting
        self._tasks = tasks
        self._banner = banner
        self._window = window

    def ask_one(self, conversation_id: str | None, title: str) -> None:
        """Ask how to export a chat; None is one that is not kept yet."""
        self.ask(lambda: [conversation_id] if conversation_id else [], title or _tr("This chat"))

    def ask_all(self) -> None:
        """Ask how to export all chats but those in the trash."""
        if self._exporting is not None:
            self.ask(self._exporting.ids, _tr("All chats"))

    def ask(self, ids: Callable[[], Sequence[str]], title: str) -> None:
        """Ask how to export conversations; `title` names the file."""
        if self._exporting is None:
            return
        chosen = tuple(ids())
        if not chosen:
            self._banner.tell(_tr("There are no chats to export yet."), key="export")
            return
        dialog = ExportDialog(title, self._window)
        dialog.accepted.connect(lambda: self._ask_where(chosen, dialog.options, title))
        dialog.open()

    def write(self, ids: Sequence[str], options: ExportOptions, path: Path) -> None:
        """Write the file on another thread, and tell. The person has agreed to replace it."""
        service = self._exporting
        if service is not None:
            self._tasks.run(
                self._window,
                lambda: service.export(ids, options, path, replace=True),
                lambda report: self._tell(report, path),
                lambda problem: self._banner.tell(problem, Level.DANGER, key="export"),
            )

    def _ask_where(self, ids: Sequence[str], options: ExportOptions, title: str) -> None:
        packed = len(ids) > 1 and not options.format.one_file
        suffix = ".zip" if packed else options.format.suffix
        dialog = QFileDialog(self._window, _tr("Export"))
        dialog.setObjectName("exportFileDialog")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(f"*{suffix}")
        dialog.setDefaultSuffix(suffix[1:])
        dialog.selectFile(file_stem(title) + suffix)
        dialog.fileSelected.connect(lambda name: self.write(ids, options, Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _tell(self, report: ExportReport, path: Path) -> None:
        words = _tr("{} chats were written to {}. The file is not encrypted.")
        text = words.format(report.conversations, path.name)
        if report.skipped:
            text += " " + _tr("{} had no complete answer and were left out.").format(report.skipped)
        self._banner.tell(
            text,
            key="export",
            action=_tr("Show in folder"),
            pressed=lambda: _open_folder(path.parent),
        )


def _open_folder(folder: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


def _tr(text: str) -> str:
    return QCoreApplication.translate("ExportDialog", text)
