"""Something beside an answer: folded to one line until somebody wants to read it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QToolButton, QWidget

from snug.ui.look.icons import bind_icon
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.text.blocks import Block
from snug.ui.text.message_text import MessageText

_INSET = SIZES.gap_4
_BAR = 2
_OUTSET = SIZES.gap_2  # as of `MessageView`


class FoldedText(QWidget):
    """A button that unfolds a text below it; what the text is, is told by its kind.

    Args (constructor):
        name: what object names begin with.
        text_name: accessible name of the text.

    Attributes:
        height_changed: folded, unfolded or grown.
        link_chosen: as of `MessageText`.
    """

    height_changed = Signal()
    link_chosen = Signal(str, QPoint)

    def __init__(self, name: str, text_name: str, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._name, self._text_name = name, text_name
        self._theme = theme
        self._text: MessageText | None = None
        self._fold = QToolButton(self)
        self._fold.setObjectName(f"{name}Fold")
        self._fold.setProperty("kind", "fold")
        self._fold.setCheckable(True)
        self._fold.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._fold.setCursor(Qt.CursorShape.PointingHandCursor)
        self._fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._fold.toggled.connect(self._on_fold_toggled)
        bind_icon(self._fold, "chevron-right", theme, "text_faint", SIZES.icon_small)

    def layout_for(self, width: int) -> int:
        """Arrange for this width; the height it takes."""
        hint = self._fold.sizeHint()
        rtl = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        side = width + 2 * _OUTSET - hint.width() if rtl else 0
        self._fold.setGeometry(side, 0, hint.width(), hint.height())
        height = hint.height()
        if self._text is not None and self._fold.isChecked():
            room = width - _INSET
            tall = self._text.height_for(room)
            left = _OUTSET + (0 if rtl else _INSET)
            self._text.setGeometry(QRect(left, height + SIZES.gap_2, room, tall))
            height += SIZES.gap_2 + tall
        return height

    def redress(self) -> None:
        """The theme has changed."""
        if self._text is not None:
            self._text.redress()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A bar beside the text."""
        if self._text is None or self._text.isHidden():
            return
        painter = QPainter(self)
        box = self._text.geometry()
        x = box.right() + _INSET - _BAR if box.left() == _OUTSET else _OUTSET
        bar = QRectF(x, box.top(), _BAR, box.height())
        painter.fillRect(bar, self._theme.color("line"))
        painter.end()

    # -- for its kinds ------------------------------------------------------------------------

    def _blocks(self) -> Sequence[Block]:
        """What stands in the text."""
        raise NotImplementedError

    def _say(self, words: str) -> None:
        """Name the button."""
        shown = words.replace("&", "&&")  # one alone would underline a letter
        if shown != self._fold.text():
            self._fold.setText(shown)
            self._fold.setAccessibleName(words)
            self.height_changed.emit()

    def _show_again(self) -> None:
        """The text is another; show it where it is unfolded."""
        if self._text is not None and self._fold.isChecked():
            self._text.show_blocks(list(self._blocks()))

    def _on_fold_toggled(self, unfolded: bool) -> None:
        name = "chevron-down" if unfolded else "chevron-right"
        bind_icon(self._fold, name, self._theme, "text_faint", SIZES.icon_small)
        if unfolded:
            if self._text is None:
                self._text = MessageText(self._theme, self, "text_soft")
                self._text.setObjectName(f"{self._name}Text")
                self._text.setAccessibleName(self._text_name)
                self._text.height_changed.connect(self.height_changed)
                self._text.link_chosen.connect(self.link_chosen)
            self._show_again()
        if self._text is not None:
            self._text.setVisible(unfolded)
        self.height_changed.emit()
