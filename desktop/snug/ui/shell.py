"""Left bar and page side by side, or, in a narrow window, the bar over the page."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, Qt, Signal
from PySide6.QtGui import QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QStyle, QWidget

from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES


class Scrim(QWidget):
    """Dims the page under the bar; a press on it folds the bar away."""

    pressed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("scrim")
        self.setProperty("kind", "scrim")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.hide()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Anywhere will do."""
        self.pressed.emit()


class Shell(QWidget):
    """Lays two widgets out.

    Attributes:
        bar_shown: the bar came or went; True where the person can see it.
    """

    bar_shown = Signal(bool)

    def __init__(self, bar: QWidget, page: QWidget, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("shell")
        self._bar = bar
        self._page = page
        self._scrim = Scrim(self)
        self._scrim.pressed.connect(lambda: self.set_bar_visible(False))
        self._theme = theme
        theme.changed.connect(self._on_size_changed)
        self._wanted = True  # in a wide window
        self._narrow = False
        page.setParent(self)
        bar.setParent(self)
        self._scrim.stackUnder(bar)

    @property
    def narrow(self) -> bool:
        """The bar lies over the page instead of beside it."""
        return self._narrow

    @property
    def bar_visible(self) -> bool:
        """The person can see the bar."""
        return not self._bar.isHidden()

    def toggle_bar(self) -> None:
        """Fold or unfold the bar."""
        self.set_bar_visible(not self.bar_visible)

    def set_bar_visible(self, visible: bool) -> None:
        """Fold or unfold the bar; a wide window remembers it."""
        if not self._narrow:
            self._wanted = visible
        self._bar.setVisible(visible)
        self._arrange()
        self.bar_shown.emit(visible)

    def fold_overlay(self) -> None:
        """Take the bar away where it covers the page: the person has chosen something in it."""
        if self._narrow:
            self.set_bar_visible(False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Below 900 px the bar folds; above, it returns as it was."""
        self._on_size_changed()

    def _bar_width(self) -> int:
        growth = min(SIZES.sidebar_growth, max(1.0, self._theme.text_scale))
        return round(SIZES.sidebar * growth)

    def _on_size_changed(self) -> None:
        narrow = self.width() < SIZES.fold_below + self._bar_width() - SIZES.sidebar
        if narrow != self._narrow:
            self._narrow = narrow
            self._bar.setVisible(not narrow and self._wanted)
            self.bar_shown.emit(self.bar_visible)
        self._arrange()

    def _arrange(self) -> None:
        visible = self.bar_visible
        beside = self._bar_width() if visible and not self._narrow else 0
        everything = self.rect()
        page = everything.adjusted(beside, 0, 0, 0)
        bar = QRect(QPoint(0, 0), everything.size())
        bar.setWidth(min(self._bar_width(), everything.width()))
        for widget, rect in ((self._page, page), (self._bar, bar), (self._scrim, everything)):
            widget.setGeometry(QStyle.visualRect(self.layoutDirection(), everything, rect))
        self._scrim.setVisible(visible and self._narrow)
