"""Where one writes: a field that grows, and one button that sends or stops."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from snug.domain.attachments import MAX_BYTES, Attachment, joined, read_text, split
from snug.domain.errors import UserError
from snug.domain.prompts import fields_of
from snug.ui.chat.chat_style import SEND_BUTTON
from snug.ui.chat.composer_edit import LONG_PASTE, ComposerEdit
from snug.ui.look.icons import bind_icon
from snug.ui.look.parts import clear_layout, flat, icon_button, push_button, restyle
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.text.calm_cursor import CalmCursor

ROWS = 8
DRAFT_MS = 500
_KEPT_A_MS = 100  # characters


def read_file(path: Path) -> Attachment:
    """A text file to go with a message. Raises: UserError."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for its other end
            raise UserError(f"{path} is no file that can be read. Attach a text file.")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error
    return read_text(path.name, content)


class Composer(QFrame):
    """Field, chip of a long pasted text, send and stop.

    Attributes:
        submitted: the person's message.
        stop_requested: the running answer is to stop.
        draft_changed: what stands here, at most twice a second while one writes.
        edit_last_requested: as of `ComposerEdit`.
    """

    submitted = Signal(str)
    stop_requested = Signal()
    draft_changed = Signal(str)
    edited = Signal()
    edit_last_requested = Signal()
    prompts_requested = Signal()
    failed = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("composerFrame")
        self.setProperty("kind", "composer")
        self._theme = theme
        self._answering = False
        self._pasted = ""
        self._files: tuple[Attachment, ...] = ()
        self._shown_files: tuple[Attachment, ...] = ()
        self._draft = QTimer(self)
        self._draft.setSingleShot(True)
        self._draft.setInterval(DRAFT_MS)
        self._draft.timeout.connect(lambda: self.draft_changed.emit(self.text))
        self._make_field()
        self._make_buttons()
        self._arrange()
        self._show_state()

    def _make_field(self) -> None:
        self.field = ComposerEdit(self._theme, 1, ROWS, self)
        self.field.setObjectName("composer")
        self.field.setAccessibleName(self.tr("Message"))
        self.field.submitted.connect(self._on_field_submitted)
        self.field.textChanged.connect(self._on_field_text_changed)
        self.field.long_text_pasted.connect(self._hold)
        self.field.edit_last_requested.connect(self.edit_last_requested)
        self.field.prompts_requested.connect(self.prompts_requested)
        self.field.files_given.connect(self.attach)
        self.field.focus_changed.connect(self._on_field_focus_changed)
        self._begin = QLineEdit(self)
        self._begin.setObjectName("answerBegin")
        self._begin.setProperty("kind", "begin")
        words = self.tr("The answer begins with…")
        self._begin.setPlaceholderText(words)
        self._begin.setAccessibleName(words)
        self._begin.returnPressed.connect(self._on_field_submitted)
        self._begin.hide()
        self._cursor = CalmCursor(self)
        self.field.cursorPositionChanged.connect(self._cursor.stir)

    def _make_buttons(self) -> None:
        self._send = self._button("sendButton", "send", self.tr("Send (Return)"), "on_accent")
        self._send.clicked.connect(self._on_field_submitted)
        self._stop = self._button("stopButton", "stop", self.tr("Stop (Esc)"), "page")
        self._stop.clicked.connect(self.stop_requested)
        self._chip = push_button("pastedText", "", "chip", self._unhold)
        words = self.tr("Attach files (Ctrl+Shift+A)")
        self._attach = icon_button("attachButton", words, "file-add", self._theme)
        self._attach.clicked.connect(self.ask_for_files)

    def _button(self, name: str, kind: str, text: str, color: str) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setProperty("kind", kind)
        button.setAccessibleName(text)
        button.setToolTip(text)
        button.setFixedSize(QSize(SEND_BUTTON, SEND_BUTTON))
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        bind_icon(button, kind, self._theme, color, SIZES.icon)
        return button

    def _arrange(self) -> None:
        column = flat(QVBoxLayout(self), spacing=SIZES.gap_2)
        column.setContentsMargins(SIZES.gap_3, SIZES.gap_2, SIZES.gap_2, SIZES.gap_2)
        column.addWidget(self._chip, 0, Qt.AlignmentFlag.AlignLeading)
        self._chips = flat(QVBoxLayout(), spacing=SIZES.gap)
        column.addLayout(self._chips)
        row = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        row.addWidget(self._attach, 0, Qt.AlignmentFlag.AlignBottom)
        row.addWidget(self.field, 1, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._send, 0, Qt.AlignmentFlag.AlignBottom)
        row.addWidget(self._stop, 0, Qt.AlignmentFlag.AlignBottom)
        column.addLayout(row)
        column.addWidget(self._begin)

    # -- what stands here ---------------------------------------------------------------------

    @property
    def text(self) -> str:
        """What would be sent."""
        typed = self.field.toPlainText()
        if self._pasted:
            typed = f"{typed}\n\n{self._pasted}" if typed.strip() else self._pasted
        return joined(typed, self._files) if self._files else typed

    def set_text(self, text: str) -> None:
        """Put a draft or an example here; the cursor goes to its end."""
        text, self._files = split(text)
        self._pasted = text if len(text) > LONG_PASTE else ""
        self.field.setPlainText("" if self._pasted else text)
        cursor = self.field.textCursor()
        cursor.movePosition(cursor.MoveOperation.End)
        self.field.setTextCursor(cursor)
        self._draft.stop()
        self._show_state()

    def insert_prompt(self, text: str) -> None:
        """Put a prompt here, before what stands here; its first field is selected."""
        begun = self.text
        self.set_text(f"{text}\n\n{begun}" if begun.strip() else text)
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)
        cursor = self.field.textCursor()
        if fields_of(self.field.toPlainText()):
            cursor.setPosition(0)
            self.field.setTextCursor(cursor)
            self.field.next_field()
        self._on_field_text_changed()

    def clear(self) -> None:
        """Empty it, with nothing left to undo."""
        self.set_text("")
        self._begin.setText("")
        self.show_begin(shown=False)

    @property
    def begin(self) -> str:
        """The first words that the answer is to have; "" for its own."""
        return "" if self._begin.isHidden() else self._begin.text()

    def show_begin(self, *, shown: bool = True) -> None:
        """Show or hide the field for the answer's first words."""
        had_focus = self._begin.hasFocus()
        self._begin.setVisible(shown)
        if shown:
            self._begin.setFocus(Qt.FocusReason.OtherFocusReason)
        elif had_focus:
            self.field.setFocus(Qt.FocusReason.OtherFocusReason)

    def toggle_begin(self) -> None:
        """Show the field for the answer's first words, or hide it."""
        self.show_begin(shown=self._begin.isHidden())

    def set_answering(self, answering: bool) -> None:
        """The button stops while the conversation answers; one may go on typing."""
        had_focus = self._send.hasFocus() or self._stop.hasFocus()
        self._answering = answering
        self._show_state()
        if had_focus:
            self.field.setFocus(Qt.FocusReason.OtherFocusReason)

    def set_model_name(self, name: str) -> None:
        """Whom one writes to."""
        words = self.tr("Message {}").format(name) if name else self.tr("Message")
        self.field.setPlaceholderText(words)

    def take_draft(self) -> str:
        """The draft now, instead of after the pause."""
        self._draft.stop()
        return self.text

    def attach(self, paths: Sequence[str]) -> None:
        """Let text files go with the message; what cannot be read is told."""
        for path in paths:
            try:
                self._files = (*self._files, read_file(Path(path)))
            except UserError as error:
                self.failed.emit(error.message)
        self._on_field_text_changed()
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)

    def ask_for_files(self) -> None:
        """Ask which files are to go with the message."""
        dialog = QFileDialog(self, self.tr("Attach files"))
        dialog.setObjectName("attachDialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(self.attach)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _detach(self, number: int) -> None:
        self._files = self._files[:number] + self._files[number + 1 :]
        self._on_field_text_changed()
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_files(self) -> None:
        """A chip for each file; pressing it takes the file out."""
        clear_layout(self._chips)
        for number, one in enumerate(self._files):
            count = self.locale().toString(len(one.text))
            words = self.tr("{}, {} characters – remove").format(one.name, count)
            chip = push_button("attachedFile", words, "chip", partial(self._detach, number))
            self._chips.addWidget(chip, 0, Qt.AlignmentFlag.AlignLeading)

    def _hold(self, text: str) -> None:
        self._pasted = f"{self._pasted}\n\n{text}" if self._pasted else text
        self._on_field_text_changed()

    def _unhold(self) -> None:
        self._pasted = ""
        self._on_field_text_changed()
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_state(self) -> None:
        self._send.setVisible(not self._answering)
        self._stop.setVisible(self._answering)
        held = bool(self._pasted or self._files)
        self._send.setEnabled(held or not self.field.document().isEmpty())
        if self._shown_files != self._files:
            self._shown_files = self._files
            self._show_files()
        self._chip.setVisible(bool(self._pasted))
        if self._pasted:
            count = self.locale().toString(len(self._pasted))
            words = self.tr("Pasted text, {} characters – remove").format(count)
            self._chip.setText(words)
            self._chip.setAccessibleName(words)

    # -- slots --------------------------------------------------------------------------------

    def _on_field_submitted(self) -> None:
        text = self.text
        if text.strip():
            self.submitted.emit(text)

    def _on_field_text_changed(self) -> None:
        self._show_state()
        if not self._draft.isActive():  # also somebody who never pauses has it kept
            # What is long is kept less often: it would be written anew at each pause.
            self._draft.start(max(DRAFT_MS, len(self.text) // _KEPT_A_MS))
        self.edited.emit()

    def _on_field_focus_changed(self, focused: bool) -> None:
        self._cursor.stir() if focused else self._cursor.leave()
        self.setProperty("active", "true" if focused else "false")
        restyle(self)
