"""The empty conversation: what this is, and a way to begin."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from snug.domain.model import ModelFile
from snug.ui.parts import flat, label, push_button
from snug.ui.theme import Theme
from snug.ui.tokens import SIZES


class Welcome(QWidget):
    """Three sentences at most, and three questions to try.

    Attributes:
        chosen: one of the example prompts.
    """

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("welcome")
        self._theme = theme
        self._heading = label(self.tr("What would you like to know?"), "title")
        self._private = label(
            self.tr("Private: what you write stays on this machine, encrypted."),
            "body",
            "soft",
            wrap=True,
        )
        self._model = label("", "body", "soft", wrap=True)
        column = flat(QVBoxLayout(self), spacing=SIZES.gap_2)
        column.addStretch(3)
        for line in (self._heading, self._private, self._model):
            line.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            column.addWidget(line)
        column.addSpacing(SIZES.gap_4)
        column.addLayout(self._chips())
        column.addStretch(4)

    def set_model(self, model: ModelFile | None) -> None:
        """Who answers, and what to expect of it."""
        if model is None:
            self._model.setText(self.tr("There is no model yet. Add one under Models."))
            return
        self._model.setText(" ".join((self.tr("{} is ready.").format(model.name), model.note)))

    def _chips(self) -> QHBoxLayout:
        examples = (
            self.tr("What is 2+2?"),
            self.tr("Write a short poem about the sea"),
            self.tr("Explain rain to a child"),
        )
        row = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        row.addStretch(1)
        for number, text in enumerate(examples):
            chip = push_button(f"example{number}", text)
            chip.clicked.connect(lambda _=False, words=text: self.chosen.emit(words))
            row.addWidget(chip)
        row.addStretch(1)
        return row
