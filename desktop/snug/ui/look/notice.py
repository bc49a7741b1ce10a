"""A sentence above the composer about the message that is written or the answer that waits."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from snug.ui.look.icons import icon
from snug.ui.look.parts import flat, label
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES


class Notice(QFrame):
    """A sign and words; takes no room while it has nothing to say."""

    def __init__(
        self,
        name: str,
        theme: Theme,
        parent: QWidget,
        *,
        framed: bool = False,
        flush: bool = False,
    ) -> None:
        """Hidden at first.

        Args:
            framed: with a ground of its own.
            flush: its sign stands on the edge of the column.
        """
        super().__init__(parent)
        self.setObjectName(name)
        if framed:
            self.setProperty("kind", "notice")
        self._theme = theme
        self._sign_name = ("info", "text_soft")
        self._sign = QLabel(self)
        self._words = label("", tone="soft" if not framed else "", wrap=True)
        row = flat(QHBoxLayout(self), SIZES.gap_2 if framed else 0, SIZES.gap_2)
        if not framed and not flush:
            row.setContentsMargins(SIZES.gap_3, 0, SIZES.gap_3, 0)
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._words, 1)
        theme.changed.connect(self._show_sign)
        self.hide()

    @property
    def text(self) -> str:
        """What it says; "" for nothing."""
        return "" if self.isHidden() else self._words.text()

    def say(self, words: str, sign: str = "info", color: str = "text_soft") -> None:
        """Say something until it is cleared."""
        self._sign_name = (sign, color)
        self._words.setText(words)
        self.setAccessibleName(words)
        self._show_sign()
        self.show()

    def clear(self) -> None:
        """Say nothing."""
        self.hide()

    def _show_sign(self) -> None:
        name, color = self._sign_name
        pixmap = icon(name, self._theme, color).pixmap(SIZES.icon_small, SIZES.icon_small)
        self._sign.setPixmap(pixmap)
