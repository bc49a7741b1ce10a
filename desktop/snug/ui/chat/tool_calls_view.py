"""What the model asked tools for: told below its answer, and never run."""

from __future__ import annotations

import json
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from snug.domain.events import ToolCall
from snug.domain.tools import read_call
from snug.ui.look.theme import Theme
from snug.ui.text.blocks import Block, Code, Prose
from snug.ui.text.folded_text import FoldedText
from snug.ui.text.safe_text import shown_length

MAX_NAME = 48  # characters of a function's name that are shown
MAX_NAMED = 3  # names in the button
MAX_CALLS = 32  # whose arguments are shown


class ToolCallsView(FoldedText):
    """A button that names the functions and unfolds their arguments as JSON."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        name = QCoreApplication.translate("ToolCallsView", "What the model asked tools for")
        super().__init__("toolCalls", name, theme, parent)
        self._kept: tuple[str, ...] = ()
        self._calls: tuple[ToolCall, ...] = ()

    def set_calls(self, kept: tuple[str, ...]) -> None:
        """The calls, each as it is kept (`call_text`)."""
        if kept == self._kept:
            return
        self._kept = kept
        self._calls = tuple(read_call(text) for text in kept)
        names = list(dict.fromkeys(self._named(call) for call in self._calls))
        listed = ", ".join(names[:MAX_NAMED]) + (", …" if len(names) > MAX_NAMED else "")
        self._say(self.tr("Asked for {} — not run").format(listed))
        self._show_again()

    def _named(self, call: ToolCall) -> str:
        name = "".join(letter for letter in call.name[:MAX_NAME] if letter.isprintable())
        return name.strip() or self.tr("a tool without a name")

    def _blocks(self) -> Sequence[Block]:
        blocks: list[Block] = []
        for call in self._calls[:MAX_CALLS]:
            name = self._named(call).replace("`", "")
            blocks += [Prose(f"`{name}`"), _arguments(call.arguments)]
        return blocks


def _arguments(text: str) -> Code:
    """Arguments laid out for reading; what is no JSON is shown as it came."""
    text = text[: shown_length(text)]
    try:
        laid_out = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return Code(text)
    return Code(laid_out, "json")
