"""Small pieces that every page is put together from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from unicodedata import bidirectional

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGraphicsDropShadowEffect,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from snug.ui.look.icons import bind_icon
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SHADOW_ALPHA, SIZES

L = TypeVar("L", bound=QLayout)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few values a person can choose: what is kept, and what is read."""

    value: str
    text: str


class ElidedLabel(QLabel):
    """A label of one line that ends in … where there is no room; the tooltip has it all."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        """No width at all, so that the label never widens the window."""
        return QSize(0, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw as much as fits."""
        painter = QPainter(self)
        room = self.contentsRect()
        draw_line(painter, room, self.text(), self.layoutDirection())
        painter.end()
        fits = self.fontMetrics().horizontalAdvance(self.text()) <= room.width()
        self.setToolTip("" if fits else self.text())


class Segments(QFrame):
    """A row of buttons of which one is down."""

    chosen = Signal(str)

    def __init__(self, name: str, accessible_name: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setProperty("kind", "segments")
        self.setAccessibleName(accessible_name)
        row = flat(QHBoxLayout(self), margins=2, spacing=2)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._buttons: dict[str, QPushButton] = {}
        for choice in choices:
            button = push_button(f"{name}_{choice.value}", choice.text, "segment")
            button.setAccessibleName(f"{accessible_name}: {choice.text}")
            button.setCheckable(True)
            button.clicked.connect(self._on_button_clicked)
            self._group.addButton(button)
            self._buttons[choice.value] = button
            row.addWidget(button)

    def set_value(self, value: str) -> None:
        """Show this value as chosen; tells nobody."""
        if value in self._buttons:
            self._buttons[value].setChecked(True)

    def _on_button_clicked(self) -> None:
        for value, button in self._buttons.items():
            if button.isChecked():
                self.chosen.emit(value)


def flat(layout: L, margins: int = 0, spacing: int = 0) -> L:
    """The same layout without the style's own margins."""
    layout.setContentsMargins(margins, margins, margins, margins)
    layout.setSpacing(spacing)
    return layout


def label(text: str = "", kind: str = "", tone: str = "", wrap: bool = False) -> QLabel:
    """A plain-text label in a type and a tone of the style sheet."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    dress(made, kind, tone)
    made.setWordWrap(wrap)
    return made


def clear_layout(layout: QLayout) -> None:
    """Take every widget out of a layout, and let it go."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()


def dress(target: QLabel, kind: str = "", tone: str = "") -> None:
    """Set type and tone of a label; also of one that is already shown."""
    if kind:
        target.setProperty("type", kind)
    if tone:
        target.setProperty("tone", tone)
    restyle(target)


def restyle(target: QWidget) -> None:
    """Let the style sheet look at the properties of a widget again."""
    target.style().unpolish(target)
    target.style().polish(target)


def push_button(
    name: str,
    text: str,
    kind: str = "",
    pressed: Callable[[], object] | None = None,
) -> QPushButton:
    """A button with its names set."""
    button = QPushButton(text)
    button.setObjectName(name)
    button.setAccessibleName(text)
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    if kind:
        button.setProperty("kind", kind)
    if pressed is not None:
        button.clicked.connect(lambda: pressed())
    return button


def icon_button(
    name: str, text: str, icon_name: str, theme: Theme, pressed: Callable[[], object] | None = None
) -> QToolButton:
    """A button that is only an icon; `text` is its tooltip and accessible name."""
    button = QToolButton()
    button.setObjectName(name)
    button.setAccessibleName(text)
    button.setToolTip(text)
    button.setProperty("kind", "icon")
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    bind_icon(button, icon_name, theme)
    if pressed is not None:
        button.clicked.connect(lambda: pressed())
    return button


def dialog_buttons(
    dialog: QDialog, accept: tuple[str, str], reject: tuple[str, str]
) -> QDialogButtonBox:
    """The two buttons that end a dialog, each with its object's name and its words."""
    buttons = QDialogButtonBox()
    for (name, words), role in (
        (accept, QDialogButtonBox.ButtonRole.AcceptRole),
        (reject, QDialogButtonBox.ButtonRole.RejectRole),
    ):
        button = buttons.addButton(words, role)
        button.setObjectName(name)
        button.setAccessibleName(words)
    buttons.accepted.connect(dialog.accept)
    buttons.rejected.connect(dialog.reject)
    return buttons


def flow(narrow: bool) -> QBoxLayout.Direction:
    """Beside one another, or, where it is narrow, one below the other."""
    return QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight


def hairline(upright: bool = False) -> QFrame:
    """A line of one pixel."""
    line = QFrame()
    line.setProperty("kind", "line_upright" if upright else "line")
    return line


def draw_line(painter: QPainter, room: QRect, text: str, direction: Qt.LayoutDirection) -> None:
    """Draw one line at the reading side of `room`, ended by … where it is too long.

    The text's own direction decides on which side it is cut, so that an English title in an Arabic
    window keeps its beginning.
    """
    from_right = direction is Qt.LayoutDirection.RightToLeft
    side = Qt.AlignmentFlag.AlignRight if from_right else Qt.AlignmentFlag.AlignLeft
    shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room.width())
    painter.setLayoutDirection(reading_direction(text))
    flags = side | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter
    painter.drawText(room, flags, shown)
    painter.setLayoutDirection(direction)


def reading_direction(text: str) -> Qt.LayoutDirection:
    """From the right where the first letter with a direction of its own is written so."""
    for letter in text:
        kind = bidirectional(letter)
        if kind in ("R", "AL"):
            return Qt.LayoutDirection.RightToLeft
        if kind == "L":
            break
    return Qt.LayoutDirection.LeftToRight


def soft_shadow(theme: Theme, parent: QWidget) -> QGraphicsDropShadowEffect:
    """The shadow of something that lies over the page."""
    shadow = QGraphicsDropShadowEffect(parent)
    shadow.setBlurRadius(SIZES.shadow)
    shadow.setOffset(0, SIZES.gap)
    color = theme.color("shadow")
    color.setAlpha(SHADOW_ALPHA)
    shadow.setColor(color)
    return shadow


def claims_escape(event: QEvent) -> bool:
    """Whether a widget that has a use for Esc is asked if it wants it; if so it is claimed."""
    if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    if event.key() != Qt.Key.Key_Escape:
        return False
    event.accept()
    return True


def column_width(theme: Theme, *, wide: bool = False) -> int:
    """The widest a column may be, in logical pixels, with the person's text size.

    Args:
        wide: a list with facts at both ends; else text.
    """
    return round((SIZES.wide_column if wide else SIZES.column) * max(1.0, theme.text_scale))
