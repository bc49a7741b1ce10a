"""What can be done where the chats cannot be read any more: a backup, or what is left of them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QDateTime, QLocale, Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from snug.domain.keeping import Backup
from snug.ui.look.parts import flat, label, push_button
from snug.ui.look.tokens import SIZES
from snug.ui.look.words import size_words
from snug.ui.settings.setting_rows import Fold

_EARLIER = 6  # offered besides the newest


class MendForm(QWidget):
    """Offers; does nothing by itself.

    Attributes:
        restore_chosen: the file of a backup that is to take the place of the chats.
        salvage_chosen: what can be read is to be saved.
    """

    restore_chosen = Signal(object)
    salvage_chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("mendForm")
        self._column = flat(QVBoxLayout(self), spacing=SIZES.gap_3)
        self.hide()

    def offer(self, backups: tuple[Backup, ...]) -> None:
        """Offer these, newest first, and to save what can be read."""
        self.clear()
        for number, backup in enumerate(backups[:1]):
            self._column.addWidget(self._restore_button(backup, number, "primary"))
        words = self.tr("Save what can be read")
        kind = "" if backups else "primary"
        save = push_button("salvageButton", words, kind, self.salvage_chosen.emit)
        self._column.addWidget(save)
        if backups[1:]:
            rows = [
                self._restore_button(backup, number, "")
                for number, backup in enumerate(backups[1 : _EARLIER + 1], 1)
            ]
            earlier = Fold("earlierBackups", rows, QWidget, self.tr("Earlier backups"))
            self._column.addWidget(earlier)
        note = self.tr("Whatever you choose, the files that are there now are kept.")
        if not backups:
            note = self.tr("There is no backup. ") + note
        text = label(note, "small", "soft", wrap=True)
        text.setObjectName("mendWords")
        text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._column.addWidget(text)
        self.show()

    def clear(self) -> None:
        """Offer nothing."""
        while (item := self._column.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.hide()
                old.deleteLater()
        self.hide()

    def _restore_button(self, backup: Backup, number: int, kind: str) -> QWidget:
        moment = QDateTime.fromMSecsSinceEpoch(backup.created_ms)
        when = QLocale().toString(moment, QLocale.FormatType.ShortFormat)
        words = self.tr("Use the backup of {} ({})").format(when, size_words(backup.bytes))
        return push_button(
            f"restoreButton_{number}", words, kind, lambda: self._choose(backup.path)
        )

    def _choose(self, path: Path) -> None:
        self.restore_chosen.emit(path)
