"""Shows a recovery code, once: to write down, print, save or copy, and to prove that it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QTextDocument
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from snug.domain.errors import SnugError
from snug.ui.locks.copied import forget_copied
from snug.ui.look.parts import flat, label, push_button
from snug.ui.look.tokens import SIZES


class RecoveryDialog(QDialog):
    """Accepted once the person has typed the last group: they have it somewhere."""

    def __init__(self, code: str, save: Callable[[Path, str], None], parent: QWidget) -> None:
        super().__init__(parent)
        self._code = code
        self._save_code = save
        self._copied = False
        self.choose_file: Callable[[Callable[[Path], None]], None] = self._choose_file
        self.setObjectName("recoveryDialog")
        self.setWindowTitle(self.tr("Recovery code"))
        self.setAccessibleName(self.windowTitle())
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFixedWidth(SIZES.title_max)
        shown = label(_in_lines(code), "code")
        shown.setObjectName("recoveryCode")
        shown.setAccessibleName(" ".join(code))
        shown.setAlignment(Qt.AlignmentFlag.AlignCenter)
        shown.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        words = label(
            self.tr(
                "This code opens your chats if all else is gone. Write it down and keep it apart "
                "from this computer: it is shown this once. Whoever finds it can read the chats."
            ),
            tone="soft",
            wrap=True,
        )
        self._note = label("", "small", "soft", wrap=True)
        self._note.setObjectName("recoveryNote")
        self._note.hide()
        self._group = QLineEdit()
        self._group.setObjectName("recoveryConfirm")
        self._group.setPlaceholderText(self.tr("Its last five characters"))
        self._group.setAccessibleName(self._group.placeholderText())
        self._group.textChanged.connect(self._on_group_changed)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(SIZES.gap_6,) * 4)
        column.setSpacing(SIZES.gap_3)
        column.addWidget(label(self.windowTitle(), "heading"))
        column.addWidget(words)
        column.addSpacing(SIZES.gap_2)
        column.addWidget(shown)
        column.addLayout(self._make_ways())
        column.addWidget(self._note)
        column.addSpacing(SIZES.gap_2)
        column.addWidget(label(self.tr("To be sure that you have it, type its end:"), wrap=True))
        column.addWidget(self._group)
        column.addLayout(self._make_ends())

    def _make_ways(self) -> QHBoxLayout:
        row = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        row.addStretch(1)
        for name, text, pressed in (
            ("recoveryPrint", self.tr("Print…"), self._on_print_pressed),
            ("recoverySave", self.tr("Save…"), lambda: self.choose_file(self._write)),
            ("recoveryCopy", self.tr("Copy"), self._on_copy_pressed),
        ):
            row.addWidget(push_button(name, text, "", pressed))
        row.addStretch(1)
        return row

    def _make_ends(self) -> QHBoxLayout:
        row = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        self._done = push_button("recoveryDone", self.tr("I have it"), "primary", self.accept)
        self._done.setEnabled(False)
        row.addStretch(1)
        row.addWidget(push_button("recoveryDrop", self.tr("Do without"), "", self.reject))
        row.addWidget(self._done)
        return row

    def done(self, result: int) -> None:
        """End; what was copied does not stay behind."""
        if self._copied:
            forget_copied(QGuiApplication.clipboard())
        super().done(result)

    def _on_group_changed(self, text: str) -> None:
        typed = text.replace("-", "").replace(" ", "").upper()
        self._done.setEnabled(typed == self._code.rsplit("-", 1)[-1])

    def _on_copy_pressed(self) -> None:
        self._copied = True
        QGuiApplication.clipboard().setText(self._code)
        self._tell(self.tr("Copied. The clipboard is emptied when this window closes."))

    def _on_print_pressed(self) -> None:
        try:  # late: printing is rarely wanted, and not every Qt can
            from PySide6.QtPrintSupport import QPrintDialog, QPrinter
        except ImportError:
            self._tell(self.tr("There is no printing here. Write it down, or save it."))
            return
        printer = QPrinter()
        dialog = QPrintDialog(printer, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        page = QTextDocument(self)
        page.setPlainText(self.tr("Recovery code of Snug") + f"\n\n{self._code}\n")
        dialog.accepted.connect(lambda: page.print_(printer))
        dialog.setModal(True)
        dialog.show()

    def _choose_file(self, chosen: Callable[[Path], None]) -> None:
        dialog = QFileDialog(self, self.tr("Save the recovery code"))
        dialog.setObjectName("recoveryFileDialog")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)  # no file is ever replaced
        dialog.selectFile(self.tr("Snug recovery code.txt"))
        dialog.fileSelected.connect(lambda name: chosen(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _write(self, path: Path) -> None:
        try:
            self._save_code(path, self._code)
        except SnugError as error:
            self._tell(error.message)
        else:
            self._tell(self.tr("Saved as {}. Keep it apart from this computer.").format(path.name))

    def _tell(self, words: str) -> None:
        self._note.setText(words)
        self._note.show()


def _in_lines(code: str) -> str:
    """Four groups above, the rest below."""
    groups = code.split("-")
    return "-".join(groups[:4]) + "-\n" + "-".join(groups[4:])
