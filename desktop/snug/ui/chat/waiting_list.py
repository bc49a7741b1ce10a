"""The messages that wait for the answer to end, above the composer."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from snug.ui.look.parts import ElidedLabel, clear_layout, flat, icon_button, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES

_SHOWN = 4  # rows; the rest is counted


class WaitingList(QFrame):
    """A row for each message.

    Attributes:
        edit_chosen, remove_chosen, up_chosen: the number of a message.
        send_chosen: the next one is to be sent now, although the answer before it failed.
    """

    edit_chosen = Signal(int)
    remove_chosen = Signal(int)
    up_chosen = Signal(int)
    send_chosen = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("waitingList")
        self.setProperty("kind", "waiting")
        self.setAccessibleName(self.tr("Messages that wait"))
        self._theme = theme
        column = flat(QVBoxLayout(self), SIZES.gap_2, SIZES.gap)
        head = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        self._words = label("", "small", "soft")
        self._send = push_button("sendWaiting", self.tr("Send the next"), "link")
        self._send.clicked.connect(self.send_chosen)
        head.addWidget(self._words, 1)
        head.addWidget(self._send)
        column.addLayout(head)
        self._rows = flat(QVBoxLayout(), spacing=0)
        column.addLayout(self._rows)
        self.hide()

    def show_waiting(self, texts: tuple[str, ...], paused: bool) -> None:
        """Show them; `paused` where none is sent by itself."""
        clear_layout(self._rows)
        for number, text in enumerate(texts[:_SHOWN]):
            self._rows.addWidget(self._row(number, text))
        more = len(texts) - _SHOWN
        words = self.tr("Sent when the answer ends")
        if paused:
            words = self.tr("Waiting: the last answer did not come to its end")
        self._words.setText(words + (self.tr(" – and {} more").format(more) if more > 0 else ""))
        self._send.setVisible(paused)
        self.setVisible(bool(texts))

    def _row(self, number: int, text: str) -> QWidget:
        row = QWidget()
        line = flat(QHBoxLayout(row), spacing=SIZES.gap)
        short = " ".join(text[:500].split())
        words = ElidedLabel()
        words.setText(short)
        line.addWidget(words, 1)
        for name, icon_name, said, signal in (
            ("waitingUp", "chevron-up", self.tr("Send earlier"), self.up_chosen),
            ("waitingEdit", "edit", self.tr("Edit"), self.edit_chosen),
            ("waitingRemove", "close", self.tr("Do not send"), self.remove_chosen),
        ):
            button = icon_button(name, said, icon_name, self._theme, partial(signal.emit, number))
            button.setAccessibleName(f"{said}: {short[:60]}")
            button.setEnabled(name != "waitingUp" or number > 0)
            line.addWidget(button)
        return row
