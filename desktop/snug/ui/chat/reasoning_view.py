"""What the model thought before it answered."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from snug.ui.look.theme import Theme
from snug.ui.text.blocks import Block
from snug.ui.text.folded_text import FoldedText
from snug.ui.text.markdown import split
from snug.ui.text.safe_text import shown_length


class ReasoningView(FoldedText):
    """A button that unfolds the thoughts below it."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        name = QCoreApplication.translate("ReasoningView", "What the model thought")
        super().__init__("reasoning", name, theme, parent)
        self._thoughts = ""

    @property
    def thoughts(self) -> str:
        """All of them."""
        return self._thoughts

    def set_thoughts(self, thoughts: str, live: bool, seconds: float) -> None:
        """What was thought so far.

        Args:
            live: the model is still thinking.
            seconds: how long it has thought; 0 where that is not known.
        """
        changed = thoughts != self._thoughts
        self._thoughts = thoughts
        if live:
            words = self.tr("Thinking…")
        elif seconds > 0:
            words = self.tr("Thought for {} s").format(max(1, round(seconds)))
        else:
            words = self.tr("Thought before answering")
        self._say(words)
        if changed:
            self._show_again()

    def _blocks(self) -> Sequence[Block]:
        return split(self._thoughts[: shown_length(self._thoughts)])
