"""One model on the Models page: what it is, whether new chats use it, what can be done."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QMenu,
    QProgressBar,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
)

from snug.domain.model import ModelFile, Placement
from snug.ui.look.parts import (
    ElidedLabel,
    dress,
    flat,
    flow,
    hairline,
    icon_button,
    label,
    push_button,
)
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.look.words import file_facts, model_facts, origin_facts, placement_words

_STARTER = "starter"


class ModelCard(QFrame):
    """A row with a hairline above it.

    Attributes:
        choose_requested, remove_requested, card_requested, verify_requested: with the model.
        stop_requested: the check that runs is to end.
    """

    choose_requested = Signal(object)
    remove_requested = Signal(object)
    card_requested = Signal(object)
    verify_requested = Signal(object)
    stop_requested = Signal(object)

    def __init__(
        self,
        model: ModelFile,
        is_default: bool,
        loaded: tuple[ModelFile, Placement] | None,
        theme: Theme,
        *,
        missing: bool = False,
    ) -> None:
        """A row.

        Args:
            missing: its file is gone; the model's note says what to do.
        """
        super().__init__()
        self.setObjectName(f"model_{model.name}")
        self.setAccessibleName(model.name)
        self.model = model
        self._missing = missing
        self.setAccessibleDescription(model.note if missing else model_facts(model))
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

    def show_checking(self, done: int, total: int) -> None:
        """How far the check of its content is, in bytes."""
        percent = round(100 * done / max(total, 1))
        self._bar.setValue(percent)
        self._bar.setVisible(True)
        self._say(self.tr("Reading all of it again: {} %").format(percent), "soft")
        self._stop.setVisible(True)

    def show_checked(self, problem: str, good: str = "") -> None:
        """What a check found; "" for nothing wrong.

        Args:
            good: what to say where nothing is wrong; "" says the usual.
        """
        self._bar.setVisible(False)
        self._stop.setVisible(False)
        fine = good or self.tr("Checked just now: every byte is as it was added.")
        self._say(problem or fine, "bad" if problem else "soft" if good else "good")

    @property
    def said(self) -> str:
        """What it says of a check; "" where there was none."""
        return self._result.text() if not self._result.isHidden() else ""

    def _say(self, text: str, tone: str) -> None:
        self._result.setText(text)
        dress(self._result, "small", tone)
        self._result.setVisible(True)

    def _make_words(
        self, is_default: bool, loaded: tuple[ModelFile, Placement] | None
    ) -> QVBoxLayout:
        top = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        top.addWidget(_one_line(self.model.name, "strong"))
        if is_default:
            top.addWidget(_badge(self.tr("New chats")))
        if self._missing:
            top.addWidget(label(self.tr("Missing"), "label", "warn"))
        top.addStretch(1)
        words = flat(QVBoxLayout(), spacing=SIZES.gap)
        words.addLayout(top)
        text = file_facts(self.model)
        if loaded is not None and loaded[0].name == self.model.name:
            text = self.tr("Loaded {}").format(placement_words(loaded[1])) + " · " + text
        for line in (text, origin_facts(self.model)):
            facts = ElidedLabel(line)
            facts.setProperty("tone", "soft")
            words.addWidget(facts)
        note = self._note()
        if note:
            words.addWidget(label(note, "small", "warn", wrap=True))
        words.addLayout(self._make_result())
        return words

    def _make_result(self) -> QVBoxLayout:
        name = self.model.name
        self._bar = QProgressBar()
        self._bar.setObjectName(f"checking_{name}")
        self._bar.setAccessibleName(self.tr("Checking {}").format(name))
        self._bar.setTextVisible(False)
        self._bar.setVisible(False)
        self._result = label("", "small", "soft", wrap=True)
        self._result.setObjectName(f"checked_{name}")
        self._result.setVisible(False)
        self._stop = push_button(
            f"stop_{name}",
            self.tr("Stop"),
            "link",
            lambda: self.stop_requested.emit(self.model),
        )
        self._stop.setAccessibleDescription(self.tr("Checking {}").format(name))
        self._stop.setVisible(False)
        line = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        line.addWidget(self._result, 1)
        line.addWidget(self._stop)
        made = flat(QVBoxLayout(), spacing=SIZES.gap)
        made.addLayout(line)
        made.addWidget(self._bar)
        return made

    def _note(self) -> str:
        if self.model.source == _STARTER:
            return self.tr("Very small: good for trying the app, not for answers.")
        return self.model.note

    def _add_actions(self, row: QHBoxLayout, is_default: bool, theme: Theme) -> None:
        name = self.model.name
        middle = Qt.AlignmentFlag.AlignVCenter
        if not is_default and not self._missing:
            use = push_button(
                f"use_{name}",
                self.tr("Use for new chats"),
                "quiet",
                lambda: self.choose_requested.emit(self.model),
            )
            use.setAccessibleDescription(name)
            row.addWidget(use, 0, middle)
        if not self._missing:
            row.addWidget(self._make_more(theme), 0, middle)
        if self.model.source != _STARTER:  # a part of Snug; the library refuses to remove it
            remove = icon_button(
                f"remove_{name}",
                self.tr("Remove {} from the list").format(name),
                "trash",
                theme,
                lambda: self.remove_requested.emit(self.model),
            )
            row.addWidget(remove, 0, middle)
        row.addStretch()

    def _make_more(self, theme: Theme) -> QToolButton:
        name = self.model.name
        more = icon_button(f"more_{name}", self.tr("More for {}").format(name), "more", theme)
        menu = QMenu(more)
        for text, key, signal in (
            (self.tr("Show card"), "card", self.card_requested),
            (self.tr("Verify"), "verify", self.verify_requested),
        ):
            action = QAction(text, menu)
            action.setObjectName(f"{key}_{name}")
            action.triggered.connect(lambda _on, told=signal: told.emit(self.model))
            menu.addAction(action)
        more.setMenu(menu)
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        return more


def _one_line(text: str, kind: str) -> ElidedLabel:
    made = ElidedLabel(text)
    made.setProperty("type", kind)
    made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
    return made


def _badge(text: str) -> QFrame:
    made = label(text)
    made.setProperty("kind", "badge")
    return made
