"""One model on the Models page: what it is, whether new chats use it, what can be done."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout

from snug.domain.model import ModelFile, Placement
from snug.ui.parts import ElidedLabel, flat, flow, hairline, icon_button, label, push_button
from snug.ui.theme import Theme
from snug.ui.tokens import SIZES
from snug.ui.words import model_facts, placement_words


class ModelCard(QFrame):
    """A row with a hairline under it."""

    choose_requested = Signal(object)
    remove_requested = Signal(object)

    def __init__(
        self,
        model: ModelFile,
        is_default: bool,
        loaded: tuple[ModelFile, Placement] | None,
        theme: Theme,
    ) -> None:
        super().__init__()
        self.setObjectName(f"model_{model.name}")
        self.setAccessibleName(model.name)
        self.setAccessibleDescription(model_facts(model))
        self._model = model
        column = flat(QVBoxLayout(self))
        row = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._row = row
        row.setContentsMargins(0, SIZES.gap_4, 0, SIZES.gap_4)
        row.setSpacing(SIZES.gap_2)
        row.addLayout(self._make_words(is_default, loaded), 1)
        actions = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        self._add_actions(actions, is_default, theme)
        row.addLayout(actions)
        column.addWidget(hairline())
        column.addLayout(row)

    def set_narrow(self, narrow: bool) -> None:
        """Put the buttons below the words, or beside them."""
        self._row.setDirection(flow(narrow))

    def _make_words(
        self, is_default: bool, loaded: tuple[ModelFile, Placement] | None
    ) -> QVBoxLayout:
        top = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        top.addWidget(_one_line(self._model.name, "strong"))
        if is_default:
            badge = label(self.tr("New chats"))
            badge.setProperty("kind", "badge")
            top.addWidget(badge)
        top.addStretch(1)
        words = flat(QVBoxLayout(), spacing=SIZES.gap)
        words.addLayout(top)
        text = model_facts(self._model)
        if loaded is not None and loaded[0].name == self._model.name:
            text = self.tr("Loaded {}").format(placement_words(loaded[1])) + " · " + text
        facts = ElidedLabel(text)
        facts.setProperty("tone", "soft")
        words.addWidget(facts)
        note = self._note()
        if note:
            words.addWidget(label(note, "small", "warn", wrap=True))
        return words

    def _note(self) -> str:
        if self._model.source == "starter":
            return self.tr("Very small: good for trying the app, not for answers.")
        return self._model.note

    def _add_actions(self, row: QHBoxLayout, is_default: bool, theme: Theme) -> None:
        name = self._model.name
        if not is_default:
            use = push_button(
                f"use_{name}",
                self.tr("Use for new chats"),
                "quiet",
                lambda: self.choose_requested.emit(self._model),
            )
            use.setAccessibleDescription(name)
            row.addWidget(use, 0, Qt.AlignmentFlag.AlignVCenter)
        remove = icon_button(
            f"remove_{name}",
            self.tr("Remove {} from the list").format(name),
            "trash",
            theme,
            lambda: self.remove_requested.emit(self._model),
        )
        row.addWidget(remove, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addStretch()


def _one_line(text: str, kind: str) -> ElidedLabel:
    made = ElidedLabel(text)
    made.setProperty("type", kind)
    made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
    return made
