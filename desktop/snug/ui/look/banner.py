"""A message across the top of the page, with at most one thing to do about it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from snug.ui.look.icons import icon
from snug.ui.look.parts import icon_button, label, push_button, restyle
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES


class Level(StrEnum):
    """How much it matters; each has a shape and a colour of its own."""

    INFO = "info"
    WARN = "warn"
    DANGER = "danger"


_LOOK = {
    Level.INFO: ("info", "accent"),
    Level.WARN: ("warning", "warn"),
    Level.DANGER: ("error", "bad"),
}


class Banner(QFrame):
    """Hidden until there is something to say. A key keeps one cause from closing another's."""

    def __init__(self, theme: Theme, name: str = "banner", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setProperty("kind", "banner")
        self._theme = theme
        self._level = Level.INFO
        self._key = ""
        self._pressed: Callable[[], None] | None = None
        self._icon = QLabel()
        self._text = label(wrap=True)
        self._text.setObjectName(f"{name}Text")
        self._action = push_button(f"{name}Action", "", "link", self._on_action_pressed)
        self._action.setAccessibleName(self.tr("No action"))
        self._close = icon_button(f"{name}Close", self.tr("Dismiss"), "close", theme, self.clear)
        row = QHBoxLayout(self)
        row.setContentsMargins(SIZES.gap_4, SIZES.gap_2, SIZES.gap_2, SIZES.gap_2)
        row.setSpacing(SIZES.gap_3)
        row.addWidget(self._icon)
        row.addWidget(self._text, 1)
        row.addWidget(self._action)
        row.addWidget(self._close)
        theme.changed.connect(self._draw_icon)
        self.hide()

    @property
    def text(self) -> str:
        """What it says now; "" while hidden."""
        return self._text.text() if not self.isHidden() else ""

    @property
    def level(self) -> Level:
        """How it says it."""
        return self._level

    def tell(
        self,
        text: str,
        level: Level = Level.INFO,
        key: str = "",
        action: str = "",
        pressed: Callable[[], None] | None = None,
    ) -> None:
        """Say something; what was said before gives way.

        Args:
            text: one or two sentences, plain text.
            level: how much it matters.
            key: names the cause, for `clear`.
            action: text of the button; "" shows none.
            pressed: what the button does; the banner closes with it.
        """
        self._level, self._key, self._pressed = level, key, pressed
        self._text.setText(text)
        self._action.setText(action)
        self._action.setAccessibleName(action or self.tr("No action"))
        self._action.setVisible(bool(action))
        self.setProperty("level", level.value)
        self.setAccessibleName(text)
        restyle(self)
        self._draw_icon()
        self.show()

    def clear(self, key: str = "") -> None:
        """Close it; with a key, only where it was opened with that key."""
        if not key or key == self._key:
            self._key = ""
            self.hide()

    def _draw_icon(self) -> None:
        name, color = _LOOK[self._level]
        made = icon(name, self._theme, color)
        edge = made.availableSizes()[0]
        self._icon.setPixmap(made.pixmap(edge, self.devicePixelRatioF()))

    def _on_action_pressed(self) -> None:
        pressed = self._pressed
        self.clear()
        if pressed is not None:
            pressed()
