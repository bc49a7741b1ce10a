"""What nobody caught: told in a plain sentence, and logged without a word of the person's."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from types import TracebackType

from PySide6.QtCore import QCoreApplication

from snug.domain.errors import SnugError

_log = logging.getLogger(__name__)


class ExceptionHook:
    """Tells of a defect in a plain sentence and logs where it was, never what was written."""

    def __init__(self, tell: Callable[[str], None], leave: Callable[[], object]) -> None:
        self._tell = tell
        self._leave = leave
        self._before = sys.excepthook
        sys.excepthook = self._on_exception

    def close(self) -> None:
        """Put the former hook back."""
        sys.excepthook = self._before

    def _on_exception(
        self,
        kind: type[BaseException],
        error: BaseException,
        traceback: TracebackType | None,
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._leave()
            return
        if isinstance(error, SnugError):
            self._tell(error.message)
            return
        _log.error("defect: %s at %s", kind.__name__, _places(traceback))
        self._tell(
            QCoreApplication.translate(
                "Defects",
                "Something in Snug did not work. Your chats are kept. What happened is in the log.",
            )
        )


def _places(traceback: TracebackType | None) -> str:
    """Modules and lines from the outermost in; no text of the person can be among them."""
    places: list[str] = []
    while traceback is not None:
        name = traceback.tb_frame.f_globals.get("__name__", "?")
        places.append(f"{name}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return " < ".join(reversed(places))
