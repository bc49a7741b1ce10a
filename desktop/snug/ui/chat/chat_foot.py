"""The foot of the chat page: notices, the composer, the status line, as wide as the text above."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from snug.domain.prompt import ContextPlan
from snug.ui.chat.composer import Composer
from snug.ui.chat.planner import left_out_words, plan_words
from snug.ui.chat.waiting_list import WaitingList
from snug.ui.chats.undo_bar import UndoBar
from snug.ui.look.notice import Notice
from snug.ui.look.parts import column_width, flat
from snug.ui.look.status_line import StatusLine
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES


class ChatFoot(QWidget):
    """Only arranges and words; the page decides."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("chatFoot")
        self._theme = theme
        self.undo = UndoBar("chatUndo", self)
        self.paused = Notice("pausedNotice", theme, self, framed=True)
        self.context_notice = Notice("contextNotice", theme, self)
        self.waiting = WaitingList(theme, self)
        self.composer = Composer(theme, self)
        self.status = StatusLine(theme, self)
        column = flat(QVBoxLayout(self), spacing=SIZES.gap_2)
        column.setContentsMargins(0, SIZES.gap_2, 0, SIZES.gap_2)
        for part in (
            self.undo,
            self.paused,
            self.context_notice,
            self.waiting,
            self.composer,
            self.status,
        ):
            column.addWidget(part)

    def fit(self, width: int) -> None:
        """Take the column's share of a page of this width."""
        room = width - 2 * SIZES.gap_6
        self.setFixedWidth(max(SIZES.popup // 2, min(column_width(self._theme), room)))

    def show_paused(self, reason: str) -> None:
        """Why the answer waits; "" while it does not."""
        if not reason:
            self.paused.clear()
            return
        waits = self.tr(
            "The answer waits; nothing is lost. It goes on by itself when there is room."
        )
        self.paused.say(f"{reason} {waits}", "warning", "warn")

    def show_plan(self, plan: ContextPlan | None) -> None:
        """Say what the message being written would push out, before it is sent."""
        words = "" if plan is None else plan_words(plan)
        if not words or plan is None:
            self.context_notice.clear()
        elif plan.overflow:
            self.context_notice.say(words, "warning", "warn")
        else:
            self.context_notice.say(words)

    def show_left_out(self, count: int) -> None:
        """Say what no longer fits since the answer began."""
        self.context_notice.say(left_out_words(count))
