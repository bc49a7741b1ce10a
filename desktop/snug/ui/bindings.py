"""Which keys do what: as Snug has them, or as the person chose."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from snug.services.preferences import Preferences
from snug.ui.shortcuts import Key

_KEPT = "window.keys"  # {id: [keys]}, of those that were chosen
_MOST = 4  # keys of one thing


class Bindings(QObject):
    """The keys of a window. What is chosen counts at once, and is kept.

    Attributes:
        changed: something has other keys.
    """

    changed = Signal()

    def __init__(self, window: QWidget, keys: Sequence[Key], preferences: Preferences) -> None:
        super().__init__(window)
        self._window = window
        self._standard = {key.id: key for key in keys}
        self._preferences = preferences
        self._chosen = _read(preferences.get(_KEPT), self._standard)
        self._shortcuts: list[QShortcut] = []
        self._bind()

    @property
    def keys(self) -> tuple[Key, ...]:
        """Everything with its keys of today, in its order."""
        return tuple(
            replace(key, keys=self._chosen.get(key.id, key.keys)) for key in self._standard.values()
        )

    def holder(self, sequence: str, but: str = "") -> Key | None:
        """What has these keys already, besides `but`."""
        wanted = QKeySequence(sequence)
        for key in self.keys:
            if key.id != but and any(QKeySequence(one) == wanted for one in key.keys):
                return key
        return None

    def choose(self, key_id: str, sequence: str) -> None:
        """Give something this key alone; whatever had it loses it.

        Raises:
            SnugError: it cannot be kept; nothing was changed.
        """
        chosen = dict(self._chosen)
        other = self.holder(sequence, but=key_id)
        if other is not None:
            taken = QKeySequence(sequence)
            chosen[other.id] = tuple(one for one in other.keys if QKeySequence(one) != taken)
        chosen[key_id] = (sequence,)
        self._keep(chosen)

    def reset(self) -> None:
        """Everything has the keys that Snug gave it. Raises: SnugError."""
        self._keep({})

    def _keep(self, chosen: dict[str, tuple[str, ...]]) -> None:
        different = {i: keys for i, keys in chosen.items() if keys != self._standard[i].keys}
        self._preferences.set(_KEPT, json.dumps(different))
        self._chosen = different
        self._bind()
        self.changed.emit()

    def _bind(self) -> None:
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
            shortcut.setObjectName("")
            shortcut.deleteLater()
        self._shortcuts = []
        for key in self.keys:
            for sequence in key.keys if key.action is not None else ():
                shortcut = QShortcut(QKeySequence(sequence), self._window)
                shortcut.setObjectName(f"shortcut_{sequence}")
                shortcut.activated.connect(key.action)
                self._shortcuts.append(shortcut)


def _read(kept: str, standard: dict[str, Key]) -> dict[str, tuple[str, ...]]:
    """What was chosen; what makes no sense, or belongs to another version, is left out."""
    chosen: dict[str, tuple[str, ...]] = {}
    try:
        document = json.loads(kept or "{}")
        for key_id, keys in document.items():
            if key_id in standard and isinstance(keys, list):
                texts = (one for one in keys if isinstance(one, str))
                chosen[key_id] = tuple(one for one in texts if QKeySequence(one).count())[:_MOST]
    except (ValueError, AttributeError, RecursionError):
        return {}
    return chosen
