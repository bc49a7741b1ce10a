"""The line below a message that did not end as it should, with the one thing to do about it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from snug.ui.chat.turn import Action, Note, Turn
from snug.ui.look.icons import icon
from snug.ui.look.parts import dress, flat, label, push_button
from snug.ui.look.remedies import remedy_words
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES


class MessageNote(QWidget):
    """A sign, a sentence, a button.

    Attributes:
        chosen: an `Action`.
    """

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._action = Action.CONTINUE
        row = flat(QHBoxLayout(self), spacing=SIZES.gap_2)
        self._sign = QLabel()
        self._words = label("", wrap=True)
        self._words.setObjectName("messageNote")
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._button = push_button("noteButton", "", "link")
        self._button.clicked.connect(lambda: self.chosen.emit(self._action))
        row.addWidget(self._sign)
        row.addWidget(self._words)
        row.addWidget(self._button)
        row.addStretch(1)

    def set_turn(self, turn: Turn) -> None:
        """Say what has to be said about this message; call only where there is something."""
        words, button, action, tone, sign = self._what(turn)
        self._words.setText(words)
        dress(self._words, tone="soft" if tone == "soft" else "plain")
        self._action = action
        self._button.setText(button)
        self._button.setAccessibleName(button)
        self._button.setVisible(bool(button) and not turn.busy)
        self._sign.setPixmap(
            icon(sign, self._theme, tone if tone != "soft" else "text_soft").pixmap(
                SIZES.icon_small, SIZES.icon_small
            )
        )

    def height_for(self, width: int) -> int:
        """The height of the line in this width."""
        button = 0 if self._button.isHidden() else self._button.sizeHint().width() + SIZES.gap_2
        room = width - SIZES.icon_small - SIZES.gap_2 - button
        needed = self._words.fontMetrics().horizontalAdvance(self._words.text()) + SIZES.gap
        self._words.setFixedWidth(max(SIZES.gap_6, min(needed, room)))
        layout = self.layout()
        return max(layout.heightForWidth(width) if layout is not None else 0, SIZES.gap_6)

    def _what(self, turn: Turn) -> tuple[str, str, Action, str, str]:
        message = turn.message
        go_on = self.tr("Continue") if turn.can_continue else ""
        match turn.note:
            case Note.FAILED:
                words = message.error or self.tr("The answer could not be made.")
                if turn.remedies:
                    return words, remedy_words(turn.remedies[0]), Action.REMEDY, "bad", "error"
                if turn.can_continue:
                    return words, go_on, Action.CONTINUE, "bad", "error"
                again = self.tr("Try again")
                return words, again, Action.REGENERATE, "bad", "error"
            case Note.INTERRUPTED:
                words = self.tr(
                    "Snug closed before this answer was finished; everything up to here was kept."
                )
                return words, go_on, Action.CONTINUE, "warn", "warning"
            case Note.CUT:
                return message.error, go_on, Action.CONTINUE, "soft", "info"
            case Note.UNANSWERED:
                words = self.tr("This message has no answer yet.")
                return words, self.tr("Answer it"), Action.REGENERATE, "soft", "info"
            case _:
                some = bool(message.text)
                words = self.tr("You stopped here.") if some else self.tr("Stopped at once.")
                return words, go_on, Action.CONTINUE, "soft", "stop"
