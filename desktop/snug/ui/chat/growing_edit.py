"""A plain text field that grows with what is written in it, up to a number of rows."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QMimeData, QSize, Qt, Signal
from PySide6.QtGui import QInputMethodEvent, QKeyEvent, QResizeEvent, QTextOption
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QSizePolicy, QWidget

from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES


class GrowingEdit(QPlainTextEdit):
    """Return submits, Shift+Return begins a line; nothing is submitted while composing.

    Attributes:
        submitted: Return was pressed.
        height_changed: it needs another height.
    """

    submitted = Signal()
    height_changed = Signal()

    def __init__(self, theme: Theme, least: int, most: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("kind", "composer")
        self._theme = theme
        self._least = least
        self._most = most
        self._composing = False
        self._rows = least
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.document().setDocumentMargin(SIZES.gap)
        self.setCursorWidth(2)
        self.viewport().setAutoFillBackground(False)
        self.document().documentLayout().documentSizeChanged.connect(self._on_size_changed)

    @property
    def composing(self) -> bool:
        """An input method is at work: what is seen is not yet written."""
        return self._composing

    def sizeHint(self) -> QSize:
        """As high as the rows."""
        row = self.fontMetrics().lineSpacing()
        margins = 2 * math.ceil(self.document().documentMargin())
        return QSize(SIZES.popup, self._rows * row + margins)

    def minimumSizeHint(self) -> QSize:
        """As high as the hint, as narrow as need be."""
        return QSize(SIZES.control, self.sizeHint().height())

    def _on_size_changed(self) -> None:
        # The layout of a plain text document counts its height in rows.
        wanted = round(self.document().documentLayout().documentSize().height())
        rows = max(self._least, min(self._most, wanted))
        needed = Qt.ScrollBarPolicy.ScrollBarAsNeeded
        policy = needed if wanted > self._most else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        if policy != self.verticalScrollBarPolicy():
            self.setVerticalScrollBarPolicy(policy)
        if rows != self._rows:
            self._rows = rows
            self.updateGeometry()
            self.height_changed.emit()

    # -- Qt -----------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return submits."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not self._composing:
            if not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self.submitted.emit()
                return
            self.insertPlainText("\n")
            self.ensureCursorVisible()
            return
        if event.key() == Qt.Key.Key_Escape:
            event.ignore()
            return
        super().keyPressEvent(event)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        """Note whether an input method is at work."""
        super().inputMethodEvent(event)
        self._composing = bool(event.preeditString())

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Plain text only."""
        if source.hasText():
            self.insertPlainText(source.text())
            self.ensureCursorVisible()

    def changeEvent(self, event: QEvent) -> None:
        """Another font needs another height."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.updateGeometry()
            self.height_changed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width may need other rows."""
        super().resizeEvent(event)
        self._on_size_changed()
