"""What every page beside the chat is built on: a title, a sentence, a scrolling column."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from snug.ui.parts import column_width, flat, label
from snug.ui.theme import Theme
from snug.ui.tokens import SIZES


class Page(QWidget):
    """A centred column, at most as wide as the text of a conversation.

    Attributes:
        column: takes the contents.
        head: the row of the title; takes a button at its end.
    """

    def __init__(self, name: str, title: str, purpose: str, theme: Theme) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.setProperty("surface", "page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        body = QWidget()
        body.setObjectName(f"{name}Body")
        self._inner = QWidget()
        around = flat(QHBoxLayout(body))
        around.addStretch(1)
        around.addWidget(self._inner, 100)
        around.addStretch(1)
        self.column = QVBoxLayout(self._inner)
        self.column.setContentsMargins(SIZES.gap_6, SIZES.page_top, SIZES.gap_6, SIZES.page_top)
        self.column.setSpacing(SIZES.gap_4)
        words = flat(QVBoxLayout(), spacing=SIZES.gap)
        words.addWidget(label(title, "title"))
        words.addWidget(label(purpose, "body", "soft", wrap=True))
        self.head = flat(QHBoxLayout(), spacing=SIZES.gap_4)
        self.head.addLayout(words, 1)
        self.column.addLayout(self.head)
        self._scroll = QScrollArea()
        self._scroll.setObjectName(f"{name}Scroll")
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(body)
        self.outer = flat(QVBoxLayout(self))
        self.outer.addWidget(self._scroll, 1)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def _on_theme_changed(self) -> None:
        self._inner.setMaximumWidth(column_width(self._theme) + 2 * SIZES.gap_6)
