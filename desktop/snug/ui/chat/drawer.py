"""What stands at the side of a chat: a head with its name, and Esc closes it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from snug.ui.look.parts import claims_escape, flat, icon_button, label
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES


class Drawer(QFrame):
    """Its content goes into `column`.

    Attributes:
        closed: the drawer is to go.
    """

    closed = Signal()

    def __init__(
        self, name: str, title: str, close_name: str, theme: Theme, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setProperty("kind", "drawer")
        self.column = flat(QVBoxLayout(self))
        head = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        head.setContentsMargins(SIZES.gap_4, SIZES.gap_3, SIZES.gap_2, SIZES.gap_2)
        head.addWidget(label(title, "label"), 1)
        words = self.tr("Close (Esc)")
        head.addWidget(icon_button(close_name, words, "close", theme, self.closed.emit))
        self.column.addLayout(head)

    def event(self, event: QEvent) -> bool:
        """Esc is for the drawer while the cursor is in it."""
        return claims_escape(event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes it."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)
