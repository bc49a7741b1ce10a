"""A unified diff to look at: added and removed lines in colour, and with their signs in front."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QResizeEvent,
    QSyntaxHighlighter,
    QTextCharFormat,
    QTextDocument,
    QTextOption,
)
from PySide6.QtWidgets import QPlainTextEdit

from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.text.safe_text import shown_code

_MOST_ROWS = 18  # before it scrolls
_ROLES = {"+": "good", "-": "bad", "@": "text_faint"}


class DiffBox(QPlainTextEdit):
    """Lines of a diff, read-only, monospaced; hidden characters are shown as markers."""

    def __init__(self, lines: Sequence[str], theme: Theme) -> None:
        super().__init__()
        self.setObjectName("templateDiff")
        self.setAccessibleName(self.tr("How the chat template differs from the base model's"))
        self.setProperty("kind", "diff")
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
        # From the left, whatever letters a stranger put there.
        self.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        self._theme = theme
        self._colours = _Colours(self.document(), theme)
        self.setPlainText("\n".join(shown_code(line) for line in lines))
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As tall as its lines, broken ones counted as they stand; from 18 on it scrolls."""
        super().resizeEvent(event)
        rows = round(self.document().size().height())
        scrolls = rows > _MOST_ROWS
        bar = Qt.ScrollBarPolicy
        self.setVerticalScrollBarPolicy(
            bar.ScrollBarAsNeeded if scrolls else bar.ScrollBarAlwaysOff
        )
        line = QFontMetrics(self.document().defaultFont()).lineSpacing()
        self.setFixedHeight(min(rows, _MOST_ROWS) * line + 2 * SIZES.gap_4)

    def _on_theme_changed(self) -> None:
        font = self._theme.mono_font(SIZES.small)
        self.setFont(font)
        self.document().setDefaultFont(font)
        self._colours.rehighlight()


class _Colours(QSyntaxHighlighter):
    """Colours a line by its first sign."""

    def __init__(self, document: QTextDocument, theme: Theme) -> None:
        super().__init__(document)
        self._theme = theme

    def highlightBlock(self, text: str) -> None:
        """One line of the diff."""
        role = _ROLES.get(text[:1])
        if role is None:
            return
        look = QTextCharFormat()
        if text.startswith(("+++", "---")):
            role = "text_faint"
        look.setForeground(QColor(self._theme.color(role)))
        self.setFormat(0, len(text), look)
