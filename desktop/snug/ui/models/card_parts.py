"""Rows of a model's card: facts, what to mind, files. Every text is shown as text, nothing more."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from snug.domain.model_card import NOT_STATED, CardFile, Caution, Severity
from snug.services.card_words import Section
from snug.ui.look.icons import bind_icon
from snug.ui.look.parts import ElidedLabel, flat, hairline, icon_button, label
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.look.words import size_words
from snug.ui.text.code_block import COPIED_MS
from snug.ui.text.safe_text import normal_lines, shown_prose

_NAME_WIDTH = 108  # of the left column, in logical pixels
_MOST = 2_000  # characters of one value


class Facts(QWidget):
    """A titled table of names and values."""

    def __init__(self, section: Section) -> None:
        super().__init__()
        self.setAccessibleName(section.title)
        column = flat(QVBoxLayout(self), spacing=SIZES.gap_2)
        column.addWidget(label(section.title, "heading"))
        grid = flat(QGridLayout(), spacing=SIZES.gap_2)
        grid.setHorizontalSpacing(SIZES.gap_4)
        grid.setColumnMinimumWidth(0, _NAME_WIDTH)
        grid.setColumnStretch(1, 1)
        for number, row in enumerate(section.rows):
            name = label(shown_prose(row.name), "", "faint", wrap=True)
            name.setAlignment(Qt.AlignmentFlag.AlignTop)
            value = value_label(row.value, "faint" if row.value == NOT_STATED else "")
            value.setAccessibleName(f"{row.name}: {value.text()}")
            grid.addWidget(name, number, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, number, 1)
        column.addLayout(grid)


class CautionRow(QFrame):
    """Something to mind: a coloured bar's worth of words, told by a word as well."""

    def __init__(self, caution: Caution) -> None:
        super().__init__()
        level = {Severity.DANGER: "danger", Severity.WARNING: "warn"}.get(caution.severity, "note")
        self.setProperty("kind", "caution")
        self.setProperty("level", level)
        names = {
            Severity.DANGER: self.tr("Danger"),
            Severity.WARNING: self.tr("Warning"),
            Severity.NOTE: self.tr("Note"),
        }
        row = flat(QHBoxLayout(self), spacing=SIZES.gap_3)
        row.setContentsMargins(SIZES.gap_3, SIZES.gap_2, SIZES.gap_3, SIZES.gap_2)
        tone = {"danger": "bad", "warn": "warn"}.get(level, "soft")
        name = label(names[caution.severity], "label", tone)
        name.setMinimumWidth(max(name.fontMetrics().horizontalAdvance(w) for w in names.values()))
        row.addWidget(name, 0, Qt.AlignmentFlag.AlignTop)
        text = value_label(caution.text)
        self.setAccessibleName(f"{names[caution.severity]}: {text.text()}")
        row.addWidget(text, 1)


class FileRow(QWidget):
    """A file: its name and size, below them its checksum, and a button that copies that."""

    def __init__(self, file: CardFile, number: int, theme: Theme) -> None:
        super().__init__()
        self._theme, self._sha256 = theme, file.sha256
        name = shown_prose(file.name)
        self.setAccessibleName(name)
        column = flat(QVBoxLayout(self))
        top = flat(QHBoxLayout(), spacing=SIZES.gap_3)
        title = ElidedLabel(name)
        title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        top.addWidget(title, 1)
        top.addWidget(label(size_words(file.size_bytes), "", "soft"))
        column.addLayout(top)
        bottom = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        digest = ElidedLabel(file.sha256 or self.tr("SHA-256 not known"))
        digest.setProperty("tone", "soft")
        if file.sha256:
            digest.setFont(theme.mono_font(SIZES.small))
        bottom.addWidget(digest, 1)
        self._copy = icon_button(
            f"copyHash{number}",
            self.tr("Copy the SHA-256 of {}").format(name),
            "copy",
            theme,
            self._on_copy_pressed,
        )
        bottom.addWidget(self._copy)
        if not file.sha256:
            self._copy.hide()
        column.addLayout(bottom)
        column.addWidget(hairline())
        self._back = QTimer(self)
        self._back.setSingleShot(True)
        self._back.setInterval(COPIED_MS)
        self._back.timeout.connect(lambda: bind_icon(self._copy, "copy", self._theme))

    def _on_copy_pressed(self) -> None:
        QGuiApplication.clipboard().setText(self._sha256)
        bind_icon(self._copy, "check", self._theme, "good")
        self._back.start()


def value_label(text: str, tone: str = "") -> QLabel:
    """A stranger's text, wrapped and selectable; what does not show in it becomes a marker."""
    lines = normal_lines(text[:_MOST])
    made = label(breakable(shown_prose(lines)), "", tone, wrap=True)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return made


def breakable(text: str, longest: int = 40) -> str:
    """The text, words longer than `longest` broken by a blank, so that none widens the window."""
    words = []
    for word in text.split(" "):
        words += [word[i : i + longest] for i in range(0, max(1, len(word)), longest)]
    return " ".join(words)
