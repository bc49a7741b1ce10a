"""Every single key of the chats, each with a button that removes it at the second press."""

from __future__ import annotations

from PySide6.QtCore import QDateTime, QLocale, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from snug.domain.unlocking import KeySlot
from snug.ui.parts import flat, hairline, label, restyle
from snug.ui.theme import Theme
from snug.ui.tokens import SIZES, UNDO_MS


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
        button = _RemoveButton(slot.id, title)
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


class _RemoveButton(QPushButton):
    """Asks once more, in its own place; goes back by itself."""

    sure = Signal()

    def __init__(self, slot_id: str, title: str) -> None:
        super().__init__()
        self.setObjectName(f"removeKey_{slot_id}")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._title = title
        self._asking = False
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(UNDO_MS)
        self._patience.timeout.connect(lambda: self._ask(False))
        self.clicked.connect(self._on_clicked)
        self._ask(False)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Whoever goes elsewhere did not mean it."""
        super().focusOutEvent(event)
        self._ask(False)

    def _on_clicked(self) -> None:
        if self._asking:
            self._ask(False)
            self.sure.emit()
        else:
            self._ask(True)

    def _ask(self, asking: bool) -> None:
        self._asking = asking
        self.setText(self.tr("Really remove?") if asking else self.tr("Remove"))
        self.setAccessibleName(f"{self.text()} {self._title}")
        self.setProperty("kind", "danger" if asking else "")
        restyle(self)
        if asking:
            self._patience.start()
        else:
            self._patience.stop()
