"""The settings of answers and of the engine that makes them, from one table."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from snug.domain.errors import SnugError
from snug.domain.model import KvType
from snug.domain.prompt import Overflow
from snug.services.engine_settings import CONTEXT_LENGTH, Host
from snug.services.models import ModelService
from snug.services.preferences import Preferences
from snug.ui.look.parts import Choice, hairline
from snug.ui.look.theme import Theme
from snug.ui.look.words import count_words
from snug.ui.settings.setting_rows import ChoiceButton, Fold, setting_row

_CONTEXT_LENGTHS = (2048, 4096, 8192, 16384, 32768, 65536, 131072)
_THREADS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
_IDLE_MINUTES = (5, 10, 30)
_SMALL_BYTES = 1_500_000_000  # a larger model guesses no faster than the one it guesses for


@dataclass(frozen=True, slots=True)
class _Setting:
    """A row: what it is called, what it offers, what is in force, what a choice does."""

    name: str
    title: str
    words: str
    choices: Sequence[Choice]
    value: str
    choose: Callable[[str], None]
    reloads: bool = True


class EngineRows(QObject):
    """Builds the rows and keeps what is chosen.

    Attributes:
        load_changed: models are loaded differently from now on.
        idle_changed: a model stays in memory for another while.
        failed: a choice could not be kept; a sentence.
    """

    load_changed = Signal()
    idle_changed = Signal()
    failed = Signal(str)

    def __init__(
        self, models: ModelService, preferences: Preferences, theme: Theme, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._models = models
        self._preferences = preferences
        self._theme = theme
        self._settings = models.settings
        self._buttons: dict[str, ChoiceButton] = {}

    def make(self) -> list[QWidget]:
        """The rows, those for experts folded into the last."""
        plain = [self._row(setting) for setting in (self._context(), *self._everyday())]
        expert = [self._row(setting) for setting in self._expert()]
        return [*plain, Fold("moreAnswersButton", expert, hairline)]

    def refresh(self) -> None:
        """The library may have changed: offer its small models."""
        draft = self._draft()
        self._buttons[draft.name].offer(draft.choices, draft.value)

    # -- the table ----------------------------------------------------------------------------

    def _context(self) -> _Setting:
        lengths = [
            Choice(str(n), self.tr("{} tokens").format(count_words(n))) for n in _CONTEXT_LENGTHS
        ]
        words = self.tr(
            "How much of a chat the model can see. More needs more memory; automatic takes as "
            "much as is useful and fits."
        )
        return _Setting(
            "contextLengthChoice",
            self.tr("Context length"),
            words,
            [Choice("0", self.tr("Automatic")), *lengths],
            self._preferences.get(CONTEXT_LENGTH) or "0",
            lambda value: self._models.set_context_length(int(value) or None),
        )

    def _everyday(self) -> list[_Setting]:
        minutes = [Choice(str(n), self.tr("After {} minutes").format(n)) for n in _IDLE_MINUTES]
        return [
            _Setting(
                "overflowChoice",
                self.tr("When a chat is longer than that"),
                self.tr("Pinned messages always stay. Nothing is removed from the chat itself."),
                [
                    Choice(Overflow.DROP, self.tr("Leave out the oldest")),
                    Choice(Overflow.SUMMARISE, self.tr("Summarise the oldest")),
                    Choice(Overflow.STOP, self.tr("Stop and tell me")),
                ],
                self._settings.overflow,
                lambda value: self._settings.choose_overflow(Overflow(value)),
                reloads=False,
            ),
            _Setting(
                "idleChoice",
                self.tr("Give back the memory"),
                self.tr(
                    "A model that is not used leaves memory and graphics card to other programs. "
                    "The next message loads it again."
                ),
                [*minutes, Choice("0", self.tr("Never"))],
                str(self._settings.idle_minutes),
                self._choose_idle,
                reloads=False,
            ),
        ]

    def _expert(self) -> list[_Setting]:
        return [self._kv_type(), self._host(), self._threads(), self._draft(), self._lookup()]

    def _kv_type(self) -> _Setting:
        return _Setting(
            "kvTypeChoice",
            self.tr("Precision of the chat's memory"),
            self.tr(
                "What the model has read is kept as numbers. Smaller ones let a longer chat fit, "
                "and cost a little quality."
            ),
            [
                Choice(KvType.F16, self.tr("Full")),
                Choice(KvType.Q8_0, self.tr("Half the room")),
                Choice(KvType.Q4_0, self.tr("A quarter of the room")),
            ],
            self._settings.kv_type,
            lambda value: self._settings.choose_kv_type(KvType(value)),
        )

    def _host(self) -> _Setting:
        return _Setting(
            "hostChoice",
            self.tr("Where models run"),
            self.tr(
                "A process of their own is shut off from network and files, and a model that "
                "crashes there leaves Snug standing. Automatic does so with models that crashed."
            ),
            [
                Choice(Host.AUTO, self.tr("Automatic")),
                Choice(Host.INSIDE, self.tr("In Snug")),
                Choice(Host.ISOLATED, self.tr("In their own process")),
            ],
            self._settings.host,
            lambda value: self._settings.choose_host(Host(value)),
        )

    def _threads(self) -> _Setting:
        here = os.cpu_count() or 1
        numbers = [Choice(str(n), str(n)) for n in _THREADS if n <= here]
        return _Setting(
            "threadsChoice",
            self.tr("Threads"),
            self.tr(
                "How many threads compute at once; this computer has {} processors. Automatic is "
                "nearly always fastest."
            ).format(here),
            [Choice("0", self.tr("Automatic")), *numbers],
            str(self._settings.threads or 0),
            lambda value: self._settings.choose_threads(int(value) or None),
        )

    def _draft(self) -> _Setting:
        try:
            known = self._models.models()
        except SnugError:
            known = ()
        small = [Choice(m.name, m.name) for m in known if m.size_bytes <= _SMALL_BYTES]
        return _Setting(
            "draftChoice",
            self.tr("Helper for faster answers"),
            self.tr(
                "A small model of the same family guesses ahead and the large one checks: the "
                "answer stays the same. It needs memory of its own."
            ),
            [Choice("", self.tr("None")), *small],
            self._settings.draft,
            self._settings.choose_draft,
        )

    def _lookup(self) -> _Setting:
        return _Setting(
            "lookupChoice",
            self.tr("Guess repetitions ahead"),
            self.tr("Faster where an answer quotes or rewrites what was said; it stays the same."),
            [Choice("1", self.tr("On")), Choice("0", self.tr("Off"))],
            "1" if self._settings.lookup else "0",
            lambda value: self._settings.choose_lookup(value == "1"),
            reloads=False,
        )

    # -- inside -------------------------------------------------------------------------------

    def _row(self, setting: _Setting) -> QWidget:
        button = ChoiceButton(
            setting.name, setting.title, self._theme, lambda value: self._choose(setting, value)
        )
        button.offer(setting.choices, setting.value)
        self._buttons[setting.name] = button
        return setting_row(setting.title, setting.words, button)

    def _choose(self, setting: _Setting, value: str) -> None:
        try:
            setting.choose(value)
        except SnugError as error:
            self.failed.emit(error.message)
            return
        if setting.reloads:
            self.load_changed.emit()

    def _choose_idle(self, value: str) -> None:
        self._settings.choose_idle_minutes(int(value))
        self.idle_changed.emit()
