"""What the buttons say that do something about an error."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from snug.domain.errors import Remedy, RemedyKind


def remedy_words(remedy: Remedy) -> str:
    """The text of its button."""
    match remedy.kind:
        case RemedyKind.USE_CONTEXT:
            return _tr("Use a context of {} tokens").format(remedy.value)
        case RemedyKind.USE_ISOLATED:
            return _tr("Run it in its own process")
        case RemedyKind.RELEASE_QUARANTINE:
            return _tr("Try this model again")
        case RemedyKind.OPEN_SETTINGS:
            return _tr("Open Settings")


def _tr(text: str) -> str:
    return QCoreApplication.translate("Remedies", text)
