"""Asks, a moment after the last key, what the message being written would take of the context."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal

from snug.domain.errors import SnugError
from snug.domain.prompt import ContextPlan
from snug.services.conversations import ConversationService
from snug.ui.bridge import Bridge, Crossing
from snug.ui.look.words import count_words

PAUSE_MS = 300


class Planner(QObject):
    """Only the newest question is answered.

    Attributes:
        planned: a `ContextPlan`.
    """

    planned = Signal(object)

    def __init__(self, conversations: ConversationService, bridge: Bridge, parent: QObject) -> None:
        super().__init__(parent)
        self._conversations = conversations
        self._bridge = bridge
        self._conversation_id = ""
        self._draft: Callable[[], str] = str
        self._open: Crossing[ContextPlan | SnugError] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self._on_timer_timeout)

    def ask(self, conversation_id: str, draft: Callable[[], str], *, soon: bool = False) -> None:
        """Plan after the pause, or `soon`, for the draft of then: files make it long to ask for."""
        self.forget()
        self._conversation_id = conversation_id
        self._draft = draft
        self._timer.start(0 if soon else PAUSE_MS)

    def forget(self) -> None:
        """Whatever was asked, do not tell."""
        self._timer.stop()
        if self._open is not None:
            self._open.close()
            self._open = None

    def _on_timer_timeout(self) -> None:
        self._open = self._bridge.sink(self._on_plan, self)
        self._conversations.plan(self._conversation_id, self._draft(), self._open)

    def _on_plan(self, plan: ContextPlan | SnugError) -> None:
        # An error here, of a model that is gone say, is told when the message is sent.
        if isinstance(plan, ContextPlan):
            self.planned.emit(plan)


def plan_words(plan: ContextPlan) -> str:
    """What sending would leave out, or that it cannot be sent; "" where all is well."""
    if plan.overflow:
        room = plan.context_length - plan.reserve_tokens
        words = QCoreApplication.translate(
            "Planner",
            "This message alone is too long: {} tokens, and {} fit. Shorten it, or choose a "
            "longer context in Settings.",
        )
        return words.format(count_words(plan.prompt_tokens), count_words(room))
    if plan.dropped:
        return _dropped_words(plan.dropped)
    return ""


def left_out_words(count: int) -> str:
    """What had to be left out while the answer was made."""
    if count == 1:
        return QCoreApplication.translate(
            "Planner", "The context ran full while answering: the oldest message is left out now."
        )
    return QCoreApplication.translate(
        "Planner",
        "The context ran full while answering: the {} oldest messages are left out now.",
    ).format(count_words(count))


def _dropped_words(count: int) -> str:
    if count == 1:
        return QCoreApplication.translate(
            "Planner", "The oldest message no longer fits and will be left out."
        )
    return QCoreApplication.translate(
        "Planner", "The {} oldest messages no longer fit and will be left out."
    ).format(count_words(count))
