"""What every page beside the chat is built on: a title, a sentence, a scrolling column."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from snug.ui.look.level_column import LevelColumn
from snug.ui.look.parts import column_width, flat, flow, label
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES


class Page(QWidget):
    """A centred column, at most as wide as the text of a conversation, or as a list with facts.

    Attributes:
        column: takes the contents.
        head: the row of the title; takes a button at its end.
    """

    def __init__(
        self, name: str, title: str, purpose: str, theme: Theme, *, is_tab: bool = False
    ) -> None:
        """Build it.

        Args:
            purpose: a sentence under the title; "" for none.
            is_tab: it is one of several behind a title of their own: wide, and without a title.
        """
        super().__init__()
        self._is_tab = is_tab
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.setProperty("surface", "page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        body = QWidget()
        body.setObjectName(f"{name}Body")
        self._inner = QWidget()
        self._scroll = QScrollArea()
        self._level = LevelColumn(flat(QHBoxLayout(body)), self._inner, self._scroll)
        self.column = QVBoxLayout(self._inner)
        top = SIZES.gap_4 if is_tab else SIZES.page_top
        self.column.setContentsMargins(SIZES.gap_6, top, SIZES.gap_6, SIZES.page_top)
        self.column.setSpacing(SIZES.gap_4)
        words = flat(QVBoxLayout(), spacing=SIZES.gap)
        if not is_tab:
            words.addWidget(label(title, "title"))
        if purpose:
            words.addWidget(label(purpose, "body", "soft", wrap=True))
        self.head = flat(QBoxLayout(QBoxLayout.Direction.LeftToRight), spacing=SIZES.gap_4)
        self.head.addLayout(words, 1)
        self.column.addLayout(self.head)
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

    @property
    def is_narrow(self) -> bool:
        """There is no room for words and buttons beside one another."""
        return self.width() < SIZES.page_narrow * max(1.0, self._theme.text_scale)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow page what stood beside the words goes below them."""
        super().resizeEvent(event)
        self.arrange()

    def arrange(self) -> None:
        """Lay out for the width there is; pages with rows of their own extend it."""
        self.head.setDirection(flow(self.is_narrow))
        self._level.keep()

    def _on_theme_changed(self) -> None:
        widest = column_width(self._theme, wide=self._is_tab)
        self._inner.setMaximumWidth(widest + 2 * SIZES.gap_6)
        self.arrange()
