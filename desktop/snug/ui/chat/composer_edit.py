"""The field in which one writes: fields of prompts are walked by Tab, long text is put aside."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QMenu

from snug.domain.prompts import Field, fields_of
from snug.ui.chat.growing_edit import GrowingEdit

LONG_PASTE = 20_000  # characters; beyond, pasted text is held beside the field


def units(text: str) -> int:
    """The length of a text as Qt counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class ComposerEdit(GrowingEdit):
    """The field itself.

    Attributes:
        long_text_pasted: text too long to be laid out while one types.
        edit_last_requested: Up was pressed in an empty field.
        prompts_requested: a slash was typed in an empty field.
        files_given: paths of files that were dropped or pasted.
        focus_changed: the cursor came or went.
    """

    long_text_pasted = Signal(str)
    edit_last_requested = Signal()
    prompts_requested = Signal()
    files_given = Signal(list)
    focus_changed = Signal(bool)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up in an empty field goes to the last own message; pages are the conversation's."""
        key = event.key()
        empty = self.document().isEmpty() and not self.composing
        if event.text() == "/" and empty:
            self.prompts_requested.emit()
            return
        if key == Qt.Key.Key_Up and empty:
            self.edit_last_requested.emit()
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, next: bool) -> bool:  # noqa: A002  Qt's name
        """Tab goes to the next field of a prompt, where there is one."""
        return (next and self.next_field()) or super().focusNextPrevChild(next)

    def next_field(self) -> bool:
        """Select the next field of a prompt to fill in, from the cursor on; False for none."""
        text = self.toPlainText()
        cursor = self.textCursor()
        found = fields_of(text)
        if not found:
            return False
        behind = cursor.selectionEnd()
        field = next((one for one in found if units(text[: one.start]) >= behind), found[0])
        cursor.setPosition(units(text[: field.start]))
        cursor.setPosition(units(text[: field.end]), cursor.MoveMode.KeepAnchor)
        self.setTextCursor(cursor)
        if field.choices:
            self._offer(field)
        return True

    def _offer(self, field: Field) -> None:
        """The choices of a field, under it."""
        menu = QMenu(self)
        menu.setObjectName("fieldChoices")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for choice in field.choices:
            entry = menu.addAction(choice.replace("&", "&&"))
            entry.triggered.connect(lambda _=False, words=choice: self._fill(words))
        menu.popup(self.viewport().mapToGlobal(self.cursorRect().bottomLeft()))

    def _fill(self, words: str) -> None:
        self.textCursor().insertText(words)
        self.next_field()

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Files too."""
        return source.hasUrls() or super().canInsertFromMimeData(source)

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Plain text; very long text and files are put aside."""
        files = [url.toLocalFile() for url in source.urls() if url.isLocalFile()]
        if files:
            self.files_given.emit(files)
            return
        text = source.text() if source.hasText() else ""
        if len(text) > LONG_PASTE:
            self.long_text_pasted.emit(text)
        else:
            super().insertFromMimeData(source)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The frame shows where the cursor is."""
        super().focusInEvent(event)
        self.focus_changed.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The frame shows where the cursor is."""
        super().focusOutEvent(event)
        self.focus_changed.emit(False)
