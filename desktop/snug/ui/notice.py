"""A sentence above the composer: what will be left out, or why the answer waits."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from snug.ui.parts import flat, label
from snug.ui.theme import Theme
from snug.ui.tokens import SIZES


class Notice(QFrame):
    """Hidden while there is nothing to say."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self.setProperty("kind", "notice")
        self._text = label("", "", wrap=True)
        self._text.setObjectName("noticeText")
        row = flat(QHBoxLayout(self))
        row.setContentsMargins(SIZES.gap_3, SIZES.gap_2, SIZES.gap_3, SIZES.gap_2)
        row.addWidget(self._text, 1)
        self.hide()

    def say(self, text: str) -> None:
        """Show a sentence; "" takes it away."""
        self._text.setText(text)
        self.setAccessibleName(text)
        self.setVisible(bool(text))
