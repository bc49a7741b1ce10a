"""The settings of the lock: after how long, with the computer's sleep, with the clipboard."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from snug.domain.errors import SnugError
from snug.services.locking import IDLE_CHOICES, LockSettings
from snug.ui.look.parts import Choice, Segments
from snug.ui.look.theme import Theme
from snug.ui.settings.setting_rows import ChoiceButton, setting_row

_YES, _NO = "yes", "no"


class LockRows(QObject):
    """Builds the rows and keeps what is chosen.

    Attributes:
        changed: the chats are locked at other times from now on.
        failed: a choice could not be kept; a sentence.
    """

    changed = Signal()
    failed = Signal(str)

    def __init__(self, settings: LockSettings, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._settings = settings
        self._theme = theme

    def make(self) -> list[QWidget]:
        """The rows."""
        rows = [self._idle_row(), self._sleep_row(), self._copied_row()]
        self.refresh()
        return rows

    def refresh(self) -> None:
        """Show what is in force; other keys change what is usual."""
        settings = self._settings
        minutes = settings.idle_minutes
        self._idle.offer([Choice(str(n), self._minutes(n)) for n in IDLE_CHOICES], str(minutes))
        if minutes not in IDLE_CHOICES:
            self._idle.setText(self._minutes(minutes))
        self._sleep.set_value(_YES if settings.on_sleep else _NO)
        self._copied.set_value(_YES if settings.forgets_copied else _NO)

    def _minutes(self, minutes: int) -> str:
        if not minutes:
            return self.tr("Never")
        if minutes == 1:
            return self.tr("After 1 minute")
        return self.tr("After {} minutes").format(minutes)

    def _idle_row(self) -> QWidget:
        title = self.tr("Lock by itself")
        self._idle = ChoiceButton("lockMinutesChoice", title, self._theme, self._on_idle_chosen)
        words = self.tr(
            "When nobody has used the computer for so long. Ctrl+L locks at once. Downloads wait "
            "until the chats are unlocked."
        )
        return setting_row(title, words, self._idle)

    def _sleep_row(self) -> QWidget:
        title = self.tr("Lock with the computer")
        self._sleep = self._switch("lockSleepChoice", title)
        self._sleep.chosen.connect(
            lambda value: self._try(lambda: self._settings.set_on_sleep(value == _YES))
        )
        words = self.tr("When it goes to sleep or its screen is locked.")
        return setting_row(title, words, self._sleep)

    def _copied_row(self) -> QWidget:
        title = self.tr("Forget what was copied")
        self._copied = self._switch("lockCopiedChoice", title)
        self._copied.chosen.connect(
            lambda value: self._try(lambda: self._settings.set_forgets_copied(value == _YES))
        )
        words = self.tr(
            "The lock empties the clipboard where what is in it came from Snug. A clipboard "
            "history, if your desktop keeps one, is out of its reach."
        )
        return setting_row(title, words, self._copied)

    def _switch(self, name: str, title: str) -> Segments:
        return Segments(name, title, (Choice(_YES, self.tr("Yes")), Choice(_NO, self.tr("No"))))

    def _on_idle_chosen(self, minutes: str) -> None:
        self._try(lambda: self._settings.set_idle_minutes(int(minutes)))

    def _try(self, change: Callable[[], None]) -> None:
        try:
            change()
        except SnugError as error:
            self.failed.emit(error.message)
        self.changed.emit()
