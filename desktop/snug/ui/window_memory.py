"""Size and place of the window, kept from one start to the next."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSize
from PySide6.QtWidgets import QWidget

from snug.domain.errors import SnugError
from snug.services.preferences import Preferences
from snug.ui.look.tokens import SIZES
from snug.ui.settings.preferences_keys import GEOMETRY


def keep_geometry(window: QWidget, preferences: Preferences) -> None:
    """Remember where the window is. A full disk does not keep it from closing."""
    kept = bytes(window.saveGeometry().toBase64().data()).decode("ascii")
    try:
        preferences.set(GEOMETRY, kept)
    except SnugError:
        return


def restore_geometry(window: QWidget, preferences: Preferences) -> None:
    """Put the window where it was; at first, as designed or as large as the screen allows."""
    kept = preferences.get(GEOMETRY)
    if kept and window.restoreGeometry(QByteArray.fromBase64(kept.encode("ascii"))):
        return
    room = window.screen().availableSize()
    window.resize(QSize(SIZES.window_width, SIZES.window_height).boundedTo(room))
