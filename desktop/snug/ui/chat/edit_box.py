"""Editing a message in its place: one's own, which is asked again, or an answer."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from snug.ui.chat.growing_edit import GrowingEdit
from snug.ui.look.parts import claims_escape, flat, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES

_ROWS = 16


class EditBox(QFrame):
    """The message's text with Send and Cancel.

    Attributes:
        submitted: the new text.
        cancelled: leave all as it was.
    """

    submitted = Signal(str)
    cancelled = Signal()
    height_changed = Signal()

    def __init__(
        self, text: str, theme: Theme, parent: QWidget, *, of_answer: bool = False
    ) -> None:
        super().__init__(parent)
        self.setObjectName("editBox")
        self.setProperty("kind", "composer")
        self.setProperty("active", "true")
        self._edit = GrowingEdit(theme, 2, _ROWS, self)
        self._edit.setObjectName("editMessage")
        self._edit.setAccessibleName(
            self.tr("The answer") if of_answer else self.tr("Your message")
        )
        self._edit.setPlainText(text)
        self._edit.submitted.connect(self._on_send)
        self._edit.height_changed.connect(self.height_changed)
        cancel = push_button("cancelEdit", self.tr("Cancel"), "quiet", self.cancelled.emit)
        words = self.tr("Keep") if of_answer else self.tr("Send")
        send = push_button("sendEdit", words, "primary", self._on_send)
        column = flat(QVBoxLayout(self), SIZES.gap_3, SIZES.gap_2)
        column.addWidget(self._edit)
        row = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        hint = label(self.tr("The earlier version is kept."), "small", "faint")
        row.addWidget(hint)
        row.addStretch(1)
        row.addWidget(cancel)
        row.addWidget(send)
        column.addLayout(row)

    def begin(self) -> None:
        """Put the cursor at the end of the text."""
        self._edit.setFocus(Qt.FocusReason.OtherFocusReason)
        cursor = self._edit.textCursor()
        cursor.movePosition(cursor.MoveOperation.End)
        self._edit.setTextCursor(cursor)

    def sizeHint(self) -> QSize:
        """As high as the text, within bounds."""
        layout = self.layout()
        return layout.sizeHint() if layout is not None else super().sizeHint()

    def event(self, event: QEvent) -> bool:
        """Esc is for the box while the cursor is in it."""
        return claims_escape(event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc leaves all as it was."""
        if event.key() == Qt.Key.Key_Escape:
            self.cancelled.emit()
            return
        super().keyPressEvent(event)

    def _on_send(self) -> None:
        text = self._edit.toPlainText()
        if text.strip():
            self.submitted.emit(text)
