"""What the chat page consists of: transcript or welcome, and the foot; it only shows."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QStackedWidget, QStyle, QVBoxLayout, QWidget

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
from snug.ui.look.tokens import SIZES
from snug.ui.text.highlight import warm_up

WARM_UP_MS = 1_500  # after the window has come up


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
        self.setAcceptDrops(True)
        self._drawer: QWidget | None = None
        # Placed by hand: a layout would keep the window from getting narrower than both.
        self._body = QWidget(self)
        column = flat(QVBoxLayout(self._body))
        column.addWidget(self._middle, 1)
        column.addWidget(self.foot, 0, Qt.AlignmentFlag.AlignHCenter)
        QTimer.singleShot(WARM_UP_MS, self, warm_up)
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

    def set_drawer(self, drawer: QWidget | None) -> None:
        """Show a drawer at the trailing side, or none; over everything where there is no room."""
        if self._drawer is not None and self._drawer is not drawer:
            self._drawer.hide()
        self._drawer = drawer
        self._fit()
        if drawer is not None:
            drawer.show()
            drawer.raise_()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files may be dropped anywhere on the page."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """They go with the message that is being written."""
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        self.composer.attach(paths)
        event.acceptProposedAction()

    def resizeEvent(self, event: object) -> None:
        """The composer is as wide as the column of text."""
        self._fit()

    def _fit(self) -> None:
        body = self.rect()
        if self._drawer is not None:
            wide = round(SIZES.drawer * max(1.0, self._theme.text_scale))
            roomy = self.width() >= wide + SIZES.drawer_needs
            drawer = self.rect()
            if roomy:
                drawer.setLeft(self.width() - wide)
                body.setRight(self.width() - wide - 1)
            self._place(self._drawer, drawer)
        self._place(self._body, body)
        self.foot.fit(body.width())

    def _place(self, part: QWidget, where: QRect) -> None:
        part.setGeometry(QStyle.visualRect(self.layoutDirection(), self.rect(), where))

    def _dress(self) -> None:
        self.setStyleSheet(chat_style_sheet(self._theme))
        self._fit()
