"""Four short lines that fill as a passphrase gets stronger."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from snug.domain.passphrase import Strength
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES

_COLOURS = ("bad", "warn", "good", "good")
_HEIGHT = 4


class StrengthBar(QWidget):
    """Only a picture of the words that stand below it."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._reached: Strength | None = None
        self.setObjectName("strengthBar")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_strength(self, reached: Strength | None) -> None:
        """Show it; None leaves all lines empty."""
        self._reached = reached
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(SIZES.popup // 2, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The lines, from the reading side."""
        levels = tuple(Strength)
        filled = 0 if self._reached is None else levels.index(self._reached) + 1
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        wide = (self.width() - SIZES.gap * (len(levels) - 1)) / len(levels)
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        for at in range(len(levels)):
            color = _COLOURS[filled - 1] if at < filled else "line"
            painter.setBrush(self._theme.color(color))
            place = len(levels) - 1 - at if mirrored else at
            line = QRectF(place * (wide + SIZES.gap), 0, wide, _HEIGHT)
            painter.drawRoundedRect(line, _HEIGHT / 2, _HEIGHT / 2)
        painter.end()
