"""A button that asks once more, in its own place, before it does what cannot be undone."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QPushButton

from snug.ui.look.parts import restyle
from snug.ui.look.tokens import UNDO_MS


class SureButton(QPushButton):
    """Tells at the second press; goes back by itself, and when the keyboard goes elsewhere.

    Attributes:
        sure: the person means it.
    """

    sure = Signal()

    def __init__(self, name: str, words: str, question: str, about: str) -> None:
        """Make it.

        Args:
            about: what it is done to, for those who cannot see where it stands.
        """
        super().__init__()
        self.setObjectName(name)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._words = words
        self._question = question
        self._about = about
        self._asking = False
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(UNDO_MS)
        self._patience.timeout.connect(lambda: self._ask(False))
        self.clicked.connect(self._on_clicked)
        self._ask(False)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Whoever goes elsewhere did not mean it."""
        super().focusOutEvent(event)
        self._ask(False)

    def _on_clicked(self) -> None:
        if self._asking:
            self._ask(False)
            self.sure.emit()
        else:
            self._ask(True)

    def _ask(self, asking: bool) -> None:
        self._asking = asking
        self.setText(self._question if asking else self._words)
        self.setAccessibleName(f"{self.text()} {self._about}")
        self.setProperty("kind", "danger" if asking else "")
        restyle(self)
        if asking:
            self._patience.start()
        else:
            self._patience.stop()
