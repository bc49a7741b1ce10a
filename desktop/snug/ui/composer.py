"""Where one writes: grows with the text, sends with Return, stops with Esc."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QMimeData, Qt, QTimer, Signal
from PySide6.QtGui import QFontMetricsF, QInputMethodEvent, QKeyEvent, QResizeEvent, QTextCursor
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from snug.ui.icons import bind_icon
from snug.ui.parts import claims_escape, flat, icon_button
from snug.ui.theme import Theme
from snug.ui.tokens import SIZES

MAX_LINES = 8
_RETURN = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class ComposerField(QPlainTextEdit):
    """The field itself."""

    sent = Signal()
    left_empty_upwards = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("composer")
        self._theme = theme
        self._composing = False
        self.setTabChangesFocus(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(0)
        self.document().documentLayout().documentSizeChanged.connect(self._fit_height)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return sends unless Shift is down or an input method is at work."""
        plain = not event.modifiers() & (
            Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.AltModifier
        )
        if event.key() in _RETURN and plain and not self._composing:
            self.sent.emit()
            return
        if event.key() == Qt.Key.Key_Up and not self.toPlainText():
            self.left_empty_upwards.emit()
            return
        super().keyPressEvent(event)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        """Remember whether a word is being composed: its Return is not for us."""
        self._composing = bool(event.preeditString())
        super().inputMethodEvent(event)

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Only the plain text of what is pasted."""
        if source.hasText():
            self.insertPlainText(source.text())

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Text alone."""
        return source.hasText()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width wraps other lines."""
        super().resizeEvent(event)
        self._fit_height()

    def _on_theme_changed(self) -> None:
        self.setFont(self._theme.font(SIZES.body))
        self._fit_height()

    def _fit_height(self) -> None:
        """As high as the text, up to `MAX_LINES`; then it scrolls."""
        lines = max(1, int(self.document().size().height()))
        height = QFontMetricsF(self.font()).lineSpacing() * min(lines, MAX_LINES)
        self.setFixedHeight(round(height) + SIZES.gap)
        wanted = (
            Qt.ScrollBarPolicy.ScrollBarAsNeeded
            if lines > MAX_LINES
            else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        )
        self.setVerticalScrollBarPolicy(wanted)


class Composer(QFrame):
    """The field with its send and stop buttons.

    Attributes:
        submitted: the person sends this text; the field keeps it until `clear`.
        stop_requested: stop the answer.
        text_changed: what stands in the field, a moment after the last key.
        edit_last_requested: Up was pressed in the empty field.
    """

    submitted = Signal(str)
    stop_requested = Signal()
    text_changed = Signal(str)
    edit_last_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("composerFrame")
        self._theme = theme
        self._answering = False
        self.field = ComposerField(theme, self)
        self.field.setAccessibleName(self.tr("Message"))
        self._send = icon_button(
            "sendButton", self.tr("Send (Return)"), "send", theme, self._submit
        )
        self._stop = icon_button(
            "stopButton", self.tr("Stop (Esc)"), "stop", theme, self.stop_requested.emit
        )
        self._lay_out()
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(250)
        self._settle.timeout.connect(lambda: self.text_changed.emit(self.text()))
        self.field.textChanged.connect(self._on_field_text_changed)
        self.field.sent.connect(self._submit)
        self.field.left_empty_upwards.connect(self.edit_last_requested)
        self.field.installEventFilter(self)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()
        self.set_answering(False)

    def text(self) -> str:
        """What stands in the field."""
        return self.field.toPlainText()

    def set_text(self, text: str) -> None:
        """Put a text into the field, the cursor at its end."""
        self.field.setPlainText(text)
        self.field.moveCursor(QTextCursor.MoveOperation.End)

    def clear(self) -> None:
        """Empty the field."""
        self.field.clear()

    def set_answering(self, answering: bool) -> None:
        """While an answer comes there is a stop button; one may go on writing."""
        self._answering = answering
        self._stop.setVisible(answering)
        self._send.setVisible(not answering)
        self._enable_send()

    def set_model_name(self, name: str) -> None:
        """Whom one writes to."""
        self.field.setPlaceholderText(self.tr("Message {}").format(name) if name else "")

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Esc in the field stops the answer; the frame shows where the cursor is."""
        if watched is self.field:
            if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
                self._paint_frame(event.type() == QEvent.Type.FocusIn)
            if self._answering and claims_escape(event):
                return True
            if (
                self._answering
                and event.type() == QEvent.Type.KeyPress
                and isinstance(event, QKeyEvent)
                and event.key() == Qt.Key.Key_Escape
            ):
                self.stop_requested.emit()
                return True
        return False

    def _lay_out(self) -> None:
        row = flat(QHBoxLayout(self))
        row.setContentsMargins(SIZES.gap_4, SIZES.gap_2, SIZES.gap_2, SIZES.gap_2)
        row.setSpacing(SIZES.gap_2)
        middle = flat(QVBoxLayout())
        middle.addStretch(1)
        middle.addWidget(self.field)
        middle.addStretch(1)
        row.addLayout(middle, 1)
        for button in (self._send, self._stop):
            button.setFixedSize(SIZES.control, SIZES.control)
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignBottom)

    def _submit(self) -> None:
        if self.text().strip() and not self._answering:
            self.submitted.emit(self.text())

    def _on_field_text_changed(self) -> None:
        self._enable_send()
        self._settle.start()

    def _enable_send(self) -> None:
        self._send.setEnabled(bool(self.text().strip()))

    def _on_theme_changed(self) -> None:
        bind_icon(self._send, "send", self._theme, "on_accent")
        bind_icon(self._stop, "stop", self._theme, "text")
        self._paint_frame(self.field.hasFocus())

    def _paint_frame(self, focused: bool) -> None:
        colors = self._theme.palette
        edge = f"2px solid {colors.accent}" if focused else f"1px solid {colors.line_strong}"
        pad = 0 if focused else 1
        round_px = SIZES.control // 2 - 1
        self.setStyleSheet(
            f"#composerFrame {{ background: {colors.page}; border: {edge};"
            f" border-radius: {SIZES.gap_4}px; padding: {pad}px; }}"
            "#composer, #composer:focus { background: transparent; border: none; padding: 0px; }"
            f"#sendButton {{ background: {colors.accent}; border-radius: {round_px}px; }}"
            f"#sendButton:disabled {{ background: {colors.line_strong}; }}"
            f"#stopButton {{ background: {colors.raised}; border-radius: {round_px}px; }}"
            f"#sendButton:focus, #stopButton:focus {{ border: 2px solid {colors.text}; }}"
        )
