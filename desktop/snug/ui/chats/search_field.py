"""A field that searches as one types."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QToolButton

from snug.ui.look.icons import bind_icon
from snug.ui.look.parts import claims_escape
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SEARCH_PAUSE_MS, SIZES


class SearchField(QLineEdit):
    """Searches as one types. Esc empties it; Down goes to what was found."""

    searched = Signal(str)
    left_downwards = Signal()
    escaped = Signal()

    def __init__(self, name: str, accessible_name: str, placeholder: str, theme: Theme) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setProperty("kind", "search")
        self.setAccessibleName(accessible_name)
        self.setPlaceholderText(placeholder)
        leading = QAction(self.tr("Search"), self)
        bind_icon(leading, "search", theme, "text_faint", size=SIZES.icon_small)
        self.addAction(leading, QLineEdit.ActionPosition.LeadingPosition)
        self._clear = QAction(self.tr("Empty the search"), self)
        bind_icon(self._clear, "close", theme, "text_faint", size=SIZES.icon_small)
        self._clear.triggered.connect(self.clear)
        self.addAction(self._clear, QLineEdit.ActionPosition.TrailingPosition)
        self._clear.setVisible(False)
        for action, part, button in zip(
            (leading, self._clear), ("icon", "empty"), self.findChildren(QToolButton), strict=False
        ):
            button.setObjectName(f"{name}_{part}")
            button.setAccessibleName(action.text())
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(SEARCH_PAUSE_MS)
        self._pause.timeout.connect(lambda: self.searched.emit(self.text()))
        self.textChanged.connect(self._on_text_changed)

    def _on_text_changed(self, text: str) -> None:
        self._clear.setVisible(bool(text))
        if text.strip():
            self._pause.start()
        else:
            self._pause.stop()
            self.searched.emit("")

    def event(self, event: QEvent) -> bool:
        """Keep Esc from the window's shortcut while there is something to empty or to leave."""
        if claims_escape(event):
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc and Down have a meaning of their own."""
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
            self.escaped.emit()
        elif event.key() == Qt.Key.Key_Down:
            self.left_downwards.emit()
        else:
            super().keyPressEvent(event)
