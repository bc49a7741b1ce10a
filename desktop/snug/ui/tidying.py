"""The daily tidying of an open window: retention rules, and what the trash need not keep."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from snug.domain.organising import Tidied
from snug.services.organiser import Organiser
from snug.ui.tasks import Tasks

_EVERY_MS = 3_600_000  # the service itself does it once a day; this is how late it may be


class DailyTidying(QObject):
    """Asks the service now and then; off the window's thread."""

    def __init__(
        self,
        organiser: Organiser | None,
        tasks: Tasks,
        changed: Callable[[], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._organiser = organiser
        self._tasks = tasks
        self._changed = changed
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.look)

    def start(self) -> None:
        """Look now, and from now on."""
        self._timer.start()
        self.look()

    def look(self) -> None:
        """Tidy where it is due; a disk that refuses is asked again later."""
        if self._organiser is not None:
            self._tasks.run(self, self._organiser.tidy, self._on_tidied, lambda _: None)

    def _on_tidied(self, done: Tidied) -> None:
        if done.trashed or done.deleted:
            self._changed()
