"""The card of a model on this computer, with a way back to the list."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout

from snug.domain.model import ModelFile
from snug.services.cards import Cards
from snug.ui.look.icons import bind_icon
from snug.ui.look.page import Page
from snug.ui.look.parts import claims_escape, flat, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.models.card_view import CardView
from snug.ui.tasks import Tasks


class ModelCardPage(Page):
    """One model's card.

    Attributes:
        left: back to the list.
    """

    left = Signal()

    def __init__(self, cards: Cards, theme: Theme, tasks: Tasks) -> None:
        super().__init__("modelCardPage", self.tr("A model's card"), "", theme, is_tab=True)
        self.back = push_button("backToLibrary", self.tr("All models"), "link", self.left.emit)
        bind_icon(self.back, "chevron-left", theme, "accent")
        self.back.setToolTip(self.tr("Back to the list (Esc)"))
        row = flat(QHBoxLayout())
        row.setContentsMargins(-SIZES.gap_2, 0, 0, 0)  # its words, not its edge, on the column's
        row.addWidget(self.back)
        row.addStretch(1)
        self.card = CardView(cards, theme, tasks)
        self.column.addLayout(row)
        self.column.addWidget(self.card)
        self.column.addStretch(1)

    def open(self, model: ModelFile) -> None:
        """Show a model's card; it is made on another thread."""
        self.card.show_model(model)
        self.back.setFocus(Qt.FocusReason.OtherFocusReason)

    def event(self, event: QEvent) -> bool:
        """Esc goes back instead of stopping an answer elsewhere."""
        return claims_escape(event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc goes back."""
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Back):
            self.left.emit()
        else:
            super().keyPressEvent(event)
