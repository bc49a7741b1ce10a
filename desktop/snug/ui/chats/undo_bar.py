"""Deleting without a question.

The thing is gone from view at once, and for eight seconds one press brings it back. Only then is
it really removed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from snug.ui.look.parts import ElidedLabel, push_button
from snug.ui.look.tokens import UNDO_MS


@dataclass(frozen=True, slots=True)
class _Removal:
    """What is to happen at the end, and what instead when it is undone."""

    commit: Callable[[], None]
    restore: Callable[[], None]


class UndoBar(QFrame):
    """One line with an Undo button; at most one removal waits at a time."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setProperty("kind", "undo")
        self.setAccessibleName(self.tr("Deleted"))
        self._removal: _Removal | None = None
        self._text = ElidedLabel()
        self._button = push_button(f"{name}Button", self.tr("Undo"), "", self.undo)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 6, 6)
        row.addWidget(self._text, 1)
        row.addWidget(self._button)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(UNDO_MS)
        self._timer.timeout.connect(self.commit)
        self.hide()

    def offer(self, text: str, commit: Callable[[], None], restore: Callable[[], None]) -> None:
        """Show the bar; a removal that still waits is carried out first.

        Args:
            text: what was removed, in a few words.
            commit: removes it for good.
            restore: brings it back into view.
        """
        self.commit()
        self._removal = _Removal(commit, restore)
        self._text.setText(text)
        self._button.setAccessibleDescription(text)
        self.show()
        self._timer.start()

    def take_keyboard(self) -> None:
        """Put the keyboard on Undo, after the control that was pressed has gone."""
        self._button.setFocus(Qt.FocusReason.OtherFocusReason)

    def undo(self) -> None:
        """Bring it back."""
        removal = self._close()
        if removal is not None:
            removal.restore()

    def commit(self) -> None:
        """Remove it now; call when the window closes."""
        removal = self._close()
        if removal is not None:
            removal.commit()

    def dismiss(self) -> None:
        """It was brought back in another way."""
        self._close()

    def _close(self) -> _Removal | None:
        removal, self._removal = self._removal, None
        self._timer.stop()
        self.hide()
        return removal
