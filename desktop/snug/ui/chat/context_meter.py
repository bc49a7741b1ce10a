"""How full the model's context is, as a small bar and two figures."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from snug.ui.look.parts import dress, flat
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES

_TIGHT = 0.85  # share from which the bar warns


class ContextMeter(QWidget):
    """Nothing to see until there is something to count."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("contextMeter")
        self._figures = QLabel(self)
        self._figures.setTextFormat(Qt.TextFormat.PlainText)
        dress(self._figures, "small", "faint")
        self._bar = _Bar(theme, self)
        row = flat(QHBoxLayout(self), spacing=SIZES.gap_2)
        row.addWidget(self._bar, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._figures)
        self._theme = theme
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()
        self.show_used(0, 0)

    def show_used(self, used: int, total: int) -> None:
        """Tokens that are or would be used, of those there are; 0 of 0 where not known."""
        known = total > 0
        self._figures.setVisible(known)
        self._bar.setVisible(known)
        number = self.locale()
        figures = self.tr("{} of {} tokens").format(number.toString(used), number.toString(total))
        self._figures.setText(figures)
        self._bar.set_share(used / total if known else 0.0)
        words = self.tr("Context used: {}").format(figures) if known else self.tr("Context")
        self.setAccessibleName(words)
        self.setToolTip(
            self.tr("How much of the conversation the model can keep in mind: {}").format(figures)
            if known
            else ""
        )

    @property
    def text(self) -> str:
        """The figures as shown; "" where nothing is known."""
        return "" if self._figures.isHidden() else self._figures.text()

    def _on_theme_changed(self) -> None:
        self._figures.setFont(self._theme.font(SIZES.small, tabular=True))


class _Bar(QWidget):
    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._share = 0.0
        self.setFixedSize(SIZES.gap * 12, SIZES.gap)
        theme.changed.connect(self.update)

    def set_share(self, share: float) -> None:
        self._share = min(1.0, max(0.0, share))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        radius = self.height() / 2
        painter.setBrush(self._theme.color("line"))
        painter.drawRoundedRect(QRectF(self.rect()), radius, radius)
        wide = self.width() * self._share
        if wide >= 1:
            rtl = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
            painter.setBrush(self._theme.color("warn" if self._share > _TIGHT else "line_strong"))
            left = self.width() - wide if rtl else 0
            painter.drawRoundedRect(QRectF(left, 0, wide, self.height()), radius, radius)
        painter.end()
