"""What an empty conversation says, and three ways to begin."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from snug.domain.model import ModelFile
from snug.ui.look.parts import column_width, dress, flat, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.models.first_offers import FirstOffers


class Welcome(QWidget):
    """Quiet words above the composer.

    Attributes:
        chosen: an example to begin with.
    """

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("welcome")
        self._theme = theme
        self._column = QWidget(self)
        column = flat(QVBoxLayout(self._column), spacing=SIZES.gap_2)
        title = label(self.tr("What is on your mind?"), "title")
        title.setObjectName("welcomeTitle")
        self._words = label("", "body", "soft", wrap=True)
        self._words.setObjectName("welcomeWords")
        column.addWidget(title)
        column.addWidget(self._words)
        column.addSpacing(SIZES.gap_4)
        examples = (
            self.tr("Explain how rainbows form, as you would to a child"),
            self.tr("Write a short, friendly reply that declines an invitation"),
            self.tr("Write a Python function that finds duplicate files"),
        )
        for number, example in enumerate(examples, start=1):
            chip = push_button(f"example{number}", example, "chip")
            chip.clicked.connect(lambda _=False, text=example: self.chosen.emit(text))
            column.addWidget(chip, 0, Qt.AlignmentFlag.AlignLeading)
        self._inner = column
        self._offer: FirstOffers | None = None
        outer = flat(QVBoxLayout(self))
        outer.addStretch(2)
        around = flat(QHBoxLayout())
        around.setContentsMargins(SIZES.gap_6, 0, SIZES.gap_6, 0)
        around.addStretch(1)
        around.addWidget(self._column, 1000)
        around.addStretch(1)
        outer.addLayout(around)
        outer.addStretch(3)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def set_model(self, model: ModelFile | None) -> None:
        """Say what answers, and what it is good for."""
        private = self.tr("Everything you write stays on this computer.")
        if model is None:
            ready = self.tr("There is no model yet: add one on the page Models.")
        elif model.source == "starter":
            ready = self.tr(
                "The small starter model is ready. It is good for trying Snug out, "
                "not for answers to rely on."
            )
        else:
            ready = self.tr("{} answers.").format(model.name)
        self._words.setText(f"{private} {ready}")
        dress(self._words, "body", "soft")

    def set_offer(self, offer: FirstOffers) -> None:
        """Show better models below the examples, while there are any to offer."""
        self._offer = offer
        self._inner.addSpacing(SIZES.gap_6)
        self._inner.addWidget(offer)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The offer lays itself out for the room there is."""
        super().resizeEvent(event)
        if self._offer is not None:
            self._offer.fit(min(self.width(), column_width(self._theme)), self.height())

    def _on_theme_changed(self) -> None:
        self._column.setMaximumWidth(column_width(self._theme))
