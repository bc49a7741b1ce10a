"""The bar above a code block: its language and a button that copies the code."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from snug.ui.look.icons import bind_icon
from snug.ui.look.parts import flat, label
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.look.words import count_words
from snug.ui.text.blocks import Code
from snug.ui.text.safe_text import copied_code, hidden_count

COPIED_MS = 1_500
_NAMES = {
    "bash": "Shell",
    "c": "C",
    "c++": "C++",
    "cpp": "C++",
    "cs": "C#",
    "csharp": "C#",
    "css": "CSS",
    "go": "Go",
    "html": "HTML",
    "java": "Java",
    "javascript": "JavaScript",
    "js": "JavaScript",
    "json": "JSON",
    "kotlin": "Kotlin",
    "php": "PHP",
    "py": "Python",
    "python": "Python",
    "ruby": "Ruby",
    "rust": "Rust",
    "sh": "Shell",
    "shell": "Shell",
    "sql": "SQL",
    "swift": "Swift",
    "toml": "TOML",
    "ts": "TypeScript",
    "typescript": "TypeScript",
    "xml": "XML",
    "yaml": "YAML",
    "yml": "YAML",
}


def language_name(language: str) -> str:
    """A language as its people write it."""
    return _NAMES.get(language.lower(), language)


class CodeHeader(QWidget):
    """Lies over the top of a code block; the block's text itself stays selectable."""

    def __init__(self, theme: Theme, number: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName(f"codeHeader{number}")
        self._theme = theme
        self._code = Code("")
        row = flat(QHBoxLayout(self))
        row.setContentsMargins(SIZES.gap_3, 0, SIZES.gap, 0)
        self._language = label("", "small", "soft")
        self._hidden = label("", "small", "warn")
        self._hidden.hide()
        self._copy = QToolButton()
        self._copy.setObjectName(f"copyCode{number}")
        self._copy.setProperty("kind", "icon")
        self._copy.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._copy.setCursor(Qt.CursorShape.PointingHandCursor)
        self._copy.clicked.connect(self._on_copy_clicked)
        row.addWidget(self._language)
        row.addStretch(1)
        row.addWidget(self._hidden)
        row.addWidget(self._copy)
        self._back = QTimer(self)
        self._back.setSingleShot(True)
        self._back.setInterval(COPIED_MS)
        self._back.timeout.connect(self._show_copy)
        self._show_copy()

    @property
    def code(self) -> Code:
        """The code below, as the model wrote it."""
        return self._code

    def set_code(self, code: Code) -> None:
        """Name its language, offer to copy it."""
        if code.language != self._code.language or not self._language.text():
            name = language_name(code.language)
            self._language.setText(name or self.tr("Code"))
            words = self.tr("Code in {}").format(name) if name else self.tr("Code")
            self.setAccessibleName(words)
        self._code = code
        if code.closed:
            self._tell_hidden(hidden_count(code.text))

    @property
    def hidden_words(self) -> str:
        """What is said of characters that do not show; "" where there are none."""
        return "" if self._hidden.isHidden() else self._hidden.text()

    def _tell_hidden(self, count: int) -> None:
        self._hidden.setVisible(count > 0)
        if count:
            words = self.tr("{} hidden, left out when you copy").format(count_words(count))
            self._hidden.setText(words)

    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(copied_code(self._code.text))
        bind_icon(self._copy, "check", self._theme, "good", SIZES.icon_small)
        self._name(self.tr("Copied"))
        self._back.start()

    def _show_copy(self) -> None:
        bind_icon(self._copy, "copy", self._theme, "text_soft", SIZES.icon_small)
        self._name(self.tr("Copy the code"))

    def _name(self, text: str) -> None:
        self._copy.setToolTip(text)
        self._copy.setAccessibleName(text)
