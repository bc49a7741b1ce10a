"""The rows that settings are made of: words at the start, a control at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from snug.ui.look.icons import bind_icon
from snug.ui.look.parts import Choice, flat, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES


class ChoiceButton(QPushButton):
    """Shows what is chosen; pressing it offers the rest. `chosen` is called with a value."""

    def __init__(
        self, name: str, accessible_name: str, theme: Theme, chosen: Callable[[str], None]
    ) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(accessible_name)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the arrow after the words
        bind_icon(self, "chevron-down", theme)
        self._menu = QMenu(self)
        self._menu.setObjectName(f"{name}Menu")
        self._menu.triggered.connect(self._on_menu_triggered)
        self._chosen = chosen
        self.setMenu(self._menu)

    def offer(self, choices: Sequence[Choice], value: str) -> None:
        """Offer these; `value` is in force, and is shown as it is where it is none of them."""
        self._menu.clear()
        for choice in choices:
            action = self._menu.addAction(choice.text)
            action.setData(choice.value)
            action.setObjectName(f"{self.objectName()}_{choice.value}")
        self.setText(next((c.text for c in choices if c.value == value), value))

    def _on_menu_triggered(self, action: QAction) -> None:
        self.setText(action.text())
        self._chosen(action.data())


def setting_row(title: str, words: str, control: QWidget | None) -> QWidget:
    """A setting: name and explanation at the start, the control at the end."""
    row = QWidget()
    line = flat(QHBoxLayout(row), spacing=SIZES.gap_6)
    texts = flat(QVBoxLayout(), spacing=SIZES.gap)
    texts.addWidget(label(title, "label"))
    explanation = label(words, "", "soft", wrap=True)
    explanation.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    explanation.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    texts.addWidget(explanation)
    line.addLayout(texts, 1)
    if control is not None:
        line.addWidget(control, 0, Qt.AlignmentFlag.AlignVCenter)
    return row


def explanation(row: QWidget) -> QLabel:
    """The second text of a setting's row, which may change with what is chosen."""
    return row.findChildren(QLabel)[1]


def ask_new_file(
    parent: QWidget, title: str, object_name: str, proposed: str, chosen: Callable[[Path], None]
) -> None:
    """Ask where a new file is to be; one that is there already is never replaced.

    Args:
        proposed: its name.
        chosen: called with the answer, where there is one.
    """
    dialog = QFileDialog(parent, title)
    dialog.setObjectName(object_name)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
    dialog.selectFile(proposed)
    dialog.fileSelected.connect(lambda name: chosen(Path(name)))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()


class Fold(QWidget):
    """Rows that few people need, behind a button; `words` stand on it while it is closed."""

    def __init__(
        self,
        name: str,
        rows: Sequence[QWidget],
        between: Callable[[], QWidget],
        words: str = "",
    ) -> None:
        super().__init__()
        self._words = words or self.tr("More")
        column = flat(QVBoxLayout(self), spacing=SIZES.gap_4)
        self._button = push_button(name, self._words, "link", self._on_button_clicked)
        column.addWidget(self._button, 0, Qt.AlignmentFlag.AlignLeading)
        self._body = QWidget()
        inner = flat(QVBoxLayout(self._body), spacing=SIZES.gap_4)
        for row in rows:
            inner.addWidget(row)
            if row is not rows[-1]:
                inner.addWidget(between())
        column.addWidget(self._body)
        self._body.hide()

    def _on_button_clicked(self) -> None:
        opened = self._body.isHidden()
        self._body.setVisible(opened)
        words = self.tr("Less") if opened else self._words
        self._button.setText(words)
        self._button.setAccessibleName(words)
