"""The daily care of an open window: retention rules, the trash, and a backup."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QTimer

from snug.domain.organising import Tidied
from snug.services.bundle import Services
from snug.ui.tasks import Tasks

_EVERY_MS = 3_600_000  # the services themselves do it once a day; this is how late it may be
_BACKUP_DELAY_MS = 60_000  # not while the window comes up


class DailyTidying(QObject):
    """Asks the services now and then; off the window's thread."""

    def __init__(
        self,
        services: Services,
        tasks: Tasks,
        changed: Callable[[], None],
        failed: Callable[[str], None],
        parent: QObject,
    ) -> None:
        """Make it.

        Args:
            changed: the list of chats is another one.
            failed: a backup could not be made; a sentence, told once.
        """
        super().__init__(parent)
        self._organiser = services.organiser
        self._keeping = services.keeping
        self._tasks = tasks
        self._changed = changed
        self._failed = failed
        self._told = ""
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.look)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_BACKUP_DELAY_MS)
        self._later.timeout.connect(self.back_up)

    def start(self) -> None:
        """Look now, and from now on."""
        self._timer.start()
        self.look()

    def look(self) -> None:
        """Tidy where it is due; a disk that refuses is asked again later."""
        if self._organiser is not None:
            self._tasks.run(self, self._organiser.tidy, self._on_tidied, lambda _: None)
        self._later.start()

    def back_up(self) -> None:
        """Make a backup where one is due."""
        if self._keeping is not None:
            work = partial(self._keeping.back_up_if_due, self._tasks.stopped)
            self._tasks.run(self, work, lambda _: None, self._on_backup_failed)

    def _on_backup_failed(self, message: str) -> None:
        if message != self._told:
            self._told = message
            self._failed(message)

    def _on_tidied(self, done: Tidied) -> None:
        if done.trashed or done.deleted:
            self._changed()
