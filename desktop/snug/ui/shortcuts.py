"""The keys of the window, in one table, and the sheet that lists them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QGridLayout, QVBoxLayout, QWidget

from snug.ui.look.parts import flat, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES


@dataclass(frozen=True, slots=True)
class Key:
    """One thing keys can do.

    Attributes:
        keys: any of them.
        action: None for keys that belong to a widget and are only listed.
    """

    keys: tuple[str, ...]
    text: str
    action: Callable[[], object] | None = None


def bind_keys(window: QWidget, keys: Sequence[Key]) -> None:
    """Make the keys work in the whole window."""
    for key in keys:
        for sequence in key.keys if key.action is not None else ():
            shortcut = QShortcut(QKeySequence(sequence), window)
            shortcut.setObjectName(f"shortcut_{sequence}")
            shortcut.activated.connect(key.action)


def chat_keys() -> tuple[Key, ...]:
    """Keys that belong to a field or a list, for the sheet."""
    return (
        Key(("Return",), _tr("Send the message")),
        Key(("Shift+Return",), _tr("New line in the message")),
        Key(("F2",), _tr("Rename the chat in the list")),
        Key(("Del",), _tr("Delete the chat in the list")),
    )


class ShortcutSheet(QDialog):
    """A window that lists the keys and stands in nobody's way."""

    def __init__(self, keys: Sequence[Key], theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("shortcutSheet")
        self.setWindowTitle(_tr("Keyboard"))
        self.setAccessibleName(self.windowTitle())
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(SIZES.gap_6,) * 4)
        column.setSpacing(SIZES.gap_4)
        column.addWidget(label(_tr("Keyboard"), "heading"))
        grid = flat(QGridLayout(), spacing=SIZES.gap_2)
        grid.setHorizontalSpacing(SIZES.gap_6 * 2)
        for row, key in enumerate((*keys, *chat_keys())):
            shown = label(_tr(" or ").join(_native(name) for name in key.keys), tone="soft")
            shown.setFont(theme.font(SIZES.bar, tabular=True))
            grid.addWidget(label(key.text), row, 0)
            grid.addWidget(shown, row, 1, Qt.AlignmentFlag.AlignRight)
        column.addLayout(grid)
        column.addStretch(1)
        close = push_button("shortcutSheetClose", _tr("Close"), "", self.close)
        column.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)


def _native(keys: str) -> str:
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Shortcuts", text)
