"""What the chat page consists of: transcript or welcome, and the foot; it only shows."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from snug.domain.model import ModelFile
from snug.domain.prompt import ContextPlan
from snug.ui.chat.answers import RunningAnswer
from snug.ui.chat.chat_foot import ChatFoot
from snug.ui.chat.chat_style import chat_style_sheet
from snug.ui.chat.transcript import Transcript
from snug.ui.chat.turn import Turn
from snug.ui.chat.welcome import Welcome
from snug.ui.look.parts import flat
from snug.ui.look.theme import Theme


class ChatView(QWidget):
    """The widgets of the page, and what of them changes with its state."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.transcript = Transcript(theme, self)
        self.welcome = Welcome(theme, self)
        self._middle = QStackedWidget(self)
        self._middle.addWidget(self.welcome)
        self._middle.addWidget(self.transcript)
        self.foot = ChatFoot(theme, self)
        self.composer = self.foot.composer
        self.status = self.foot.status
        column = flat(QVBoxLayout(self))
        column.addWidget(self._middle, 1)
        column.addWidget(self.foot, 0, Qt.AlignmentFlag.AlignHCenter)
        self._dress()
        theme.changed.connect(self._dress)

    def show_state(self, running: RunningAnswer | None) -> None:
        """Everything but the transcript, for an answer that is being made or for none."""
        turns = self.transcript.turns
        self._middle.setCurrentWidget(self.transcript if turns else self.welcome)
        self.composer.set_answering(running is not None)
        if running is not None:
            self.status.show_running(running)
        else:
            self._show_last(turns)
        self.foot.show_paused("" if running is None else running.paused)
        if running is not None and running.dropped:
            self.foot.show_left_out(running.dropped)

    def _show_last(self, turns: Sequence[Turn]) -> None:
        self.status.show_timings(turns[-1].message.timings if turns else None)

    def show_model(self, model: ModelFile | None) -> None:
        """Who answers next."""
        self.composer.set_model_name("" if model is None else model.name)
        self.welcome.set_model(model)

    def show_plan(self, plan: ContextPlan | None) -> None:
        """What the message that is being written would take of the context; None for not known."""
        if plan is None:
            self.status.meter.show_used(0, 0)
        else:
            self.status.meter.show_used(plan.prompt_tokens, plan.context_length)
        self.foot.show_plan(plan)

    def resizeEvent(self, event: object) -> None:
        """The composer is as wide as the column of text."""
        self.foot.fit(self.width())

    def _dress(self) -> None:
        self.setStyleSheet(chat_style_sheet(self._theme))
        self.foot.fit(self.width())
