"""The line above a conversation: its title, which can be edited, and its model."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QSizePolicy, QWidget

from snug.ui.look.parts import claims_escape, flat, icon_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.models.model_picker import ModelPicker


class TitleField(QLineEdit):
    """Looks like a heading, edits like a field. Return keeps the change, Esc drops it."""

    renamed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("conversationTitle")
        self.setAccessibleName(self.tr("Title of the conversation"))
        self.setProperty("kind", "inline")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._kept = ""
        self.editingFinished.connect(self._on_editing_finished)
        self.textChanged.connect(self._fit)
        self.set_title("", editable=False)

    def set_title(self, title: str, editable: bool) -> None:
        """Show a title that is kept elsewhere."""
        self._kept = title
        self.setReadOnly(not editable)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if editable else Qt.FocusPolicy.NoFocus)
        self.setToolTip(self.tr("Press to rename") if editable else "")
        self.setText(title)
        self.setCursorPosition(0)

    def event(self, event: QEvent) -> bool:
        """Keep Esc from the window's shortcut."""
        if claims_escape(event):
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc takes the edit back."""
        if event.key() == Qt.Key.Key_Escape:
            self.setText(self._kept)
            self.clearFocus()
        else:
            super().keyPressEvent(event)

    def _on_editing_finished(self) -> None:
        title = " ".join(self.text().split())
        if not title or self.isReadOnly():
            self.setText(self._kept)
        elif title != self._kept:
            self._kept = title
            self.renamed.emit(title)
        self.setCursorPosition(0)
        self.clearFocus()

    def changeEvent(self, event: QEvent) -> None:
        """Another text size, another width."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def _fit(self) -> None:
        self.ensurePolished()
        wanted = self.fontMetrics().horizontalAdvance(self.text() or "New chat") + 2 * SIZES.gap_4
        self.setMaximumWidth(min(SIZES.title_max, wanted))


class PageHeader(QWidget):
    """Title at the start, model at the end; with the bar folded, the button that unfolds it.

    Attributes:
        title: the field with the title.
        picker: the model of the conversation.
    """

    unfold_requested = Signal()
    settings_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("pageHeader")
        self.setProperty("surface", "page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._folded = False
        self._in_chat = True
        self.title = TitleField()
        self.picker = ModelPicker(theme)
        show = self.tr("Show the bar (Ctrl+B)")
        self._unfold = icon_button(
            "unfoldButton", show, "sidebar", theme, self.unfold_requested.emit
        )
        words = self.tr("Settings of this chat (Ctrl+Shift+S)")
        self._settings = icon_button(
            "chatSettingsButton", words, "settings", theme, self.settings_requested.emit
        )
        row = flat(QHBoxLayout(self), SIZES.gap_2, SIZES.gap_2)
        row.addWidget(self._unfold)
        row.addSpacing(SIZES.gap)
        row.addWidget(self.title, 1000)  # all it needs before the gap gets any
        row.addStretch(1)
        row.addWidget(self.picker)
        row.addWidget(self._settings)

    def set_folded(self, folded: bool) -> None:
        """The left bar is away: offer the way back."""
        self._unfold.setVisible(folded)
        self._folded = folded
        self._show_what_is_needed()

    def set_in_chat(self, in_chat: bool) -> None:
        """Other places have a title of their own and need no model."""
        self._in_chat = in_chat
        self._show_what_is_needed()

    def _show_what_is_needed(self) -> None:
        self.title.setVisible(self._in_chat)
        self.picker.setVisible(self._in_chat)
        self._settings.setVisible(self._in_chat)
        self.setVisible(self._in_chat or self._folded)
