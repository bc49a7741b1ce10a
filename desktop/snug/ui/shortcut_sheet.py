"""The sheet of keys: it lists them, and lets the person choose others."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QKeySequenceEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from snug.domain.errors import SnugError
from snug.ui.bindings import Bindings
from snug.ui.look.parts import clear_layout, flat, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.shortcuts import Key, chat_keys

# Of the desktop, or of every field in which one writes.
_NOT_OURS = ("Alt+F4", "Alt+Tab", "Ctrl+Alt+Del", "Ctrl+A", "Ctrl+C", "Ctrl+V", "Ctrl+X", "Ctrl+Y")


class ShortcutSheet(QDialog):
    """A window that stands in nobody's way."""

    def __init__(self, bindings: Bindings, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("shortcutSheet")
        self.setWindowTitle(_tr("Keyboard"))
        self.setAccessibleName(self.windowTitle())
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(SIZES.dialog + SIZES.popup // 2, SIZES.dialog * 3 // 2)
        self._bindings = bindings
        self._theme = theme
        self._asked: tuple[Key, str] | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(*(SIZES.gap_6,) * 4)
        column.setSpacing(SIZES.gap_3)
        column.addWidget(label(_tr("Keyboard"), "heading"))
        words = _tr("Press the button of a key to give it another.")
        column.addWidget(label(words, "", "soft", wrap=True))
        column.addWidget(self._list_area(), 1)
        column.addWidget(self._conflict_row())
        column.addLayout(self._foot())
        bindings.changed.connect(self._show_list)
        self._show_list()

    def _list_area(self) -> QScrollArea:
        area = QScrollArea()
        area.setObjectName("shortcutArea")
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        inner = QWidget()
        self._grid = flat(QGridLayout(inner), spacing=SIZES.gap_2)
        self._grid.setColumnStretch(0, 1)
        area.setWidget(inner)
        return area

    def _conflict_row(self) -> QWidget:
        self._conflict = QWidget()
        row = flat(QHBoxLayout(self._conflict), spacing=SIZES.gap_2)
        self._words = label("", wrap=True)
        self._words.setObjectName("shortcutConflict")
        row.addWidget(self._words, 1)
        self._take = push_button("takeOver", _tr("Take it over"), "", self._take_over)
        row.addWidget(self._take)
        self._conflict.hide()
        return self._conflict

    def _foot(self) -> QHBoxLayout:
        row = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        row.addWidget(push_button("resetKeys", _tr("All as Snug has them"), "link", self._reset))
        row.addStretch(1)
        row.addWidget(push_button("shortcutSheetClose", _tr("Close"), "", self.close))
        return row

    # -- the list -----------------------------------------------------------------------------

    def _show_list(self) -> None:
        clear_layout(self._grid)
        for row, key in enumerate((*self._bindings.keys, *chat_keys())):
            self._grid.addWidget(label(key.text, wrap=True), row, 0)
            self._grid.addWidget(self._keys_of(key), row, 1, Qt.AlignmentFlag.AlignTrailing)

    def _keys_of(self, key: Key) -> QWidget:
        shown = _tr(" or ").join(_native(name) for name in key.keys) or _tr("none")
        if key.action is None:
            fixed = label(shown, tone="soft")
            fixed.setFont(self._theme.font(SIZES.bar, tabular=True))
            return fixed
        button = push_button(f"keys_{key.id}", shown, "quiet", partial(self._record, key))
        button.setFont(self._theme.font(SIZES.bar, tabular=True))
        button.setAccessibleName(f"{key.text}: {shown}")
        return button

    def _record(self, key: Key) -> None:
        """Let the person press the new key, in the place of the button."""
        self._conflict.hide()
        row = [one.id for one in self._bindings.keys].index(key.id)
        item = self._grid.itemAtPosition(row, 1)
        button = None if item is None else item.widget()
        if button is not None:
            self._grid.removeWidget(button)
            button.hide()
            button.deleteLater()
        edit = QKeySequenceEdit()
        edit.setObjectName("recordKeys")
        edit.setAccessibleName(_tr("Press the new key for: {}").format(key.text))
        edit.setMaximumSequenceLength(1)
        edit.editingFinished.connect(lambda: self._on_recorded(key, edit.keySequence()))
        self._grid.addWidget(edit, row, 1, Qt.AlignmentFlag.AlignTrailing)
        edit.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_recorded(self, key: Key, pressed: QKeySequence) -> None:
        sequence = pressed.toString(QKeySequence.SequenceFormat.PortableText)
        problem = _problem(sequence)
        other = self._bindings.holder(sequence, but=key.id)
        if not sequence or sequence in key.keys:
            self._show_list()
        elif problem:
            self._show_list()
            self._tell(problem)
        elif other is None:
            self._choose(key, sequence)
        else:
            self._asked = (key, sequence)
            words = _tr("{} is the key of: {}.").format(_native(sequence), other.text)
            self._show_list()
            self._tell(words, offer=True)

    # -- changing -----------------------------------------------------------------------------

    def _choose(self, key: Key, sequence: str) -> None:
        try:
            self._bindings.choose(key.id, sequence)
        except SnugError as error:
            self._tell(error.message)

    def _take_over(self) -> None:
        if self._asked is not None:
            key, sequence = self._asked
            self._asked = None
            self._conflict.hide()
            self._choose(key, sequence)

    def _reset(self) -> None:
        self._conflict.hide()
        try:
            self._bindings.reset()
        except SnugError as error:
            self._tell(error.message)

    def _tell(self, words: str, *, offer: bool = False) -> None:
        self._words.setText(words)
        self._take.setVisible(offer)
        self._conflict.show()
        if offer:
            self._take.setFocus(Qt.FocusReason.OtherFocusReason)


def _problem(sequence: str) -> str:
    """Why these keys cannot be taken; "" where they can."""
    shown = _native(sequence)
    if sequence in _NOT_OURS or "Meta+" in sequence:
        return _tr("{} belongs to the desktop or to every field of text.").format(shown)
    last = sequence.rpartition("+")[2]
    function_key = last[:1] == "F" and last[1:].isdigit()
    if not function_key and "Ctrl+" not in sequence and "Alt+" not in sequence:
        return _tr("{} is needed for writing. Hold Ctrl or Alt with it.").format(shown)
    return ""


def _native(keys: str) -> str:
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Shortcuts", text)
