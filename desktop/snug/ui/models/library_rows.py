"""The library's rows: choosing a model, checking its content, removing it with a way back."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from snug.domain.errors import SnugError
from snug.domain.model import ModelFile
from snug.services.adoption import Adoption
from snug.services.models import ModelService
from snug.ui.chats.undo_bar import UndoBar
from snug.ui.look.parts import flat, label
from snug.ui.look.theme import Theme
from snug.ui.models.model_card import ModelCard
from snug.ui.models.model_verifier import ModelVerifier
from snug.ui.tasks import Tasks


class LibraryRows(QWidget):
    """One row for each model, those whose file is gone last.

    Attributes:
        undo: what the last removal can be taken back with; to be laid out by the page.
        chosen: a model was made the one for new chats.
        library_changed: a model went, or became the default.
        card_requested: a model's card is wanted.
        failed: something could not be done, in a sentence.
    """

    chosen = Signal(object)
    library_changed = Signal()
    card_requested = Signal(object)
    failed = Signal(str)

    def __init__(
        self, models: ModelService, adoption: Adoption | None, theme: Theme, tasks: Tasks
    ) -> None:
        super().__init__()
        self.setObjectName("libraryRows")
        self.setAccessibleName(self.tr("Models on this computer"))
        self._models = models
        self._adoption = adoption
        self._theme = theme
        self._verifier = None if adoption is None else ModelVerifier(adoption, tasks, self)
        self._cards: dict[str, ModelCard] = {}
        self._hidden: set[str] = set()
        self._narrow = False
        self.undo = UndoBar("modelUndo")
        self._rows = flat(QVBoxLayout(self))
        self._empty = label(
            self.tr("There is no model here yet. Add a GGUF file, or find one in Discover."),
            tone="soft",
            wrap=True,
        )
        self._rows.addWidget(self._empty)

    def refresh(self) -> None:
        """Read the library again."""
        try:
            models = [m for m in self._models.models() if m.name not in self._hidden]
            default = self._models.default().name if models else ""
            missing = self._adoption.missing() if self._adoption is not None else ()
        except SnugError as error:
            self.failed.emit(error.message)
            return
        for card in self._cards.values():
            self._rows.removeWidget(card)
            card.hide()
            card.deleteLater()
        self._cards = {}
        loaded = self._models.placement()
        for model in models:
            self._add(ModelCard(model, model.name == default, loaded, self._theme))
        for model in missing:
            if model.name not in self._hidden:
                self._add(ModelCard(model, False, None, self._theme, missing=True))
        self._empty.setVisible(not self._cards)

    def set_narrow(self, narrow: bool) -> None:
        """Put the buttons below the words, or beside them."""
        self._narrow = narrow
        for card in self._cards.values():
            card.set_narrow(narrow)

    def close_down(self) -> None:
        """Carry out what could still be undone, and end checks; call when the window closes."""
        if self._verifier is not None:
            self._verifier.close()
        self.undo.commit()

    def show_again(self, names: set[str]) -> None:
        """Models that were removed and have come back."""
        self._hidden -= names

    def remove(self, model: ModelFile) -> None:
        """Take a model out of view; for eight seconds it can be brought back."""
        deletes = self._adoption is not None and self._adoption.deletes(model)
        words = self.tr("Removed {}; its file is deleted") if deletes else self.tr("Removed {}")
        self.undo.offer(
            words.format(model.name),
            lambda: self._remove(model.name),
            lambda: self._restore(model.name),
        )
        focused = QApplication.focusWidget()
        if focused is not None and self.isAncestorOf(focused):
            self.undo.take_keyboard()
        self._hidden.add(model.name)
        self.refresh()

    def _add(self, card: ModelCard) -> None:
        card.choose_requested.connect(self._on_choose_requested)
        card.remove_requested.connect(self.remove)
        card.card_requested.connect(self.card_requested)
        if self._verifier is not None:
            self._verifier.watch(card)
        card.set_narrow(self._narrow)
        self._rows.addWidget(card)
        self._cards[card.model.name] = card

    def _on_choose_requested(self, model: ModelFile) -> None:
        try:
            chosen = self._models.choose(model.name)
        except SnugError as error:
            self.failed.emit(error.message)
            return
        self.refresh()
        self.chosen.emit(chosen)
        self.library_changed.emit()

    def _restore(self, name: str) -> None:
        self._hidden.discard(name)
        self.refresh()

    def _remove(self, name: str) -> None:
        self._hidden.discard(name)
        try:
            self._models.remove(name)
        except SnugError as error:
            self.failed.emit(error.message)
        self.refresh()
        self.library_changed.emit()
