"""Every single key of the chats, each with a button that removes it at the second press."""

from __future__ import annotations

from PySide6.QtCore import QDateTime, QLocale, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from snug.domain.unlocking import KeySlot
from snug.ui.look.parts import flat, hairline, label
from snug.ui.look.sure_button import SureButton
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES


class KeyList(QWidget):
    """Shows them; removes nothing by itself.

    Attributes:
        remove_chosen: the id of the key that is to go.
    """

    remove_chosen = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("keyList")
        self.setAccessibleName(self.tr("Keys of the chats"))
        self._theme = theme
        self._column = flat(QVBoxLayout(self), spacing=SIZES.gap_3)

    def show_slots(self, slots: tuple[KeySlot, ...]) -> None:
        """Show these and no others."""
        while (item := self._column.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.hide()
                old.deleteLater()
        for number, slot in enumerate(slots):
            if number:
                self._column.addWidget(hairline())
            self._column.addWidget(self._row(slot, last=len(slots) == 1))

    def _row(self, slot: KeySlot, last: bool) -> QWidget:
        row = QWidget()
        line = flat(QHBoxLayout(row), spacing=SIZES.gap_6)
        texts = flat(QVBoxLayout(), spacing=SIZES.gap)
        title = self._title(slot.kind)
        head = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        head.addWidget(label(title, "label"))
        head.addWidget(label(_day(slot.created_ms), "small", "faint"), 1)
        texts.addLayout(head)
        texts.addWidget(label(slot.note, "", "soft", wrap=True))
        line.addLayout(texts, 1)
        button = SureButton(
            f"removeKey_{slot.id}", self.tr("Remove"), self.tr("Really remove?"), title
        )
        button.setEnabled(not last)
        if last:
            button.setToolTip(self.tr("The last key of the chats stays."))
        button.sure.connect(lambda: self.remove_chosen.emit(slot.id))
        line.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        return row

    def _title(self, kind: str) -> str:
        return {
            "passphrase": self.tr("Passphrase"),
            "keyring": self.tr("Keyring of the desktop"),
            "keyfile": self.tr("Key file on this device"),
            "recovery": self.tr("Recovery code"),
            "portable": self.tr("Key file that you carry"),
        }.get(kind, kind)


def _day(created_ms: int) -> str:
    day = QDateTime.fromMSecsSinceEpoch(created_ms).date()
    return QLocale().toString(day, QLocale.FormatType.ShortFormat)
