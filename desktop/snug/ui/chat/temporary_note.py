"""The sign that nothing of the open chat is kept."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout

from snug.services.temporary import TemporaryChats
from snug.ui.look.parts import label
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES


class TemporaryNote(QFrame):
    """A line across the page, there for as long as a temporary chat is open."""

    def __init__(self, temporary: TemporaryChats | None, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("temporaryNote")
        self.setProperty("kind", "banner")
        self.setProperty("level", "warn")
        self._temporary = temporary
        self._on = False
        self._in_chat = True
        words = self.tr(
            "Temporary chat: nothing of it is written to the disk, and it is gone when Snug is "
            "closed or locked."
        )
        self.setAccessibleName(words)
        row = QHBoxLayout(self)
        row.setContentsMargins(SIZES.gap_4, SIZES.gap_2, SIZES.gap_4, SIZES.gap_2)
        row.addWidget(label(words, wrap=True), 1)
        self.hide()

    def begin(self) -> str | None:
        """The id of a new temporary chat; None where there are none."""
        return None if self._temporary is None else self._temporary.begin().id

    def show_for(self, conversation_id: str | None) -> None:
        """This chat is open now."""
        self._on = (
            self._temporary is not None
            and conversation_id is not None
            and self._temporary.holds(conversation_id)
        )
        self.setVisible(self._on and self._in_chat)

    def set_in_chat(self, in_chat: bool) -> None:
        """Whether the page with the chat is the one that is seen."""
        self._in_chat = in_chat
        self.setVisible(self._on and self._in_chat)
