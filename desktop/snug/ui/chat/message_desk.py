"""What is chosen at a message: asked again, pinned, taken out, gone on with elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from snug.domain.conversation import Conversation, Role
from snug.domain.errors import RemedyKind
from snug.services.bundle import Services
from snug.ui.chat.answers import Answers, RunningAnswer
from snug.ui.chat.branching import Branching
from snug.ui.chat.turn import Action
from snug.ui.look.theme import Theme

if TYPE_CHECKING:
    from snug.ui.chat.chat_page import ChatPage


class MessageDesk(QObject):
    """Carries out on the page what the transcript passes on."""

    def __init__(self, services: Services, answers: Answers, theme: Theme, page: ChatPage) -> None:
        super().__init__(page)
        self._services = services
        self._answers = answers
        self._theme = theme
        self._page = page
        self.branching = Branching(services, page.foot.undo, self)
        self.branching.changed.connect(page.show_changed)
        self.branching.failed.connect(page.error_occurred)
        self.branching.forked.connect(self._on_branching_forked)
        page.transcript.asked.connect(self.do)
        page.transcript.edited.connect(self._on_transcript_edited)
        page.transcript.branch_chosen.connect(self._on_transcript_branch_chosen)

    def do(self, action: str, message_id: str) -> None:
        """One `Action` on a message."""
        page, answers = self._page, self._answers
        if action == Action.REMEDY:
            if not self._remedied(message_id):
                return
            action = Action.REGENERATE
        if action == Action.PIN:
            page.change(lambda open_id: answers.pin_or_unpin(open_id, message_id))
        elif action == Action.CONTINUE:
            page.ask(lambda conversation, _: answers.resume(conversation, message_id))
        elif action == Action.REGENERATE:
            self._ask_anew(lambda kept, name: answers.regenerate(kept, message_id, name))
        elif page.at_rest is not None:
            self._branch(action, page.at_rest, message_id)
        page.focus_composer()

    def _branch(self, action: str, conversation: Conversation, message_id: str) -> None:
        if action == Action.DELETE:
            self.branching.remove(conversation, message_id)
        elif action == Action.FORK:
            self.branching.fork(conversation, message_id)
        elif action == Action.COMPARE:
            from snug.ui.chat.compare_dialog import open_comparison  # late: start-up counts

            open_comparison(conversation, message_id, self._theme, self._page)

    def _remedied(self, message_id: str) -> bool:
        """Do what the failure offers; False where that does not lead to another answer."""
        remedy, model = self._answers.remedies[message_id][0], self._page.model
        if remedy.kind is RemedyKind.OPEN_SETTINGS or model is None:
            self._page.settings_requested.emit()
            return False
        return self._page.tried(lambda: self._services.models.apply(remedy, model))

    def _ask_anew(self, start: Callable[[Conversation, str], RunningAnswer]) -> None:
        before = self._page.at_rest
        if self._page.ask(start) and before is not None:
            self.branching.asked_anew(before)

    def _on_transcript_edited(self, message_id: str, text: str) -> None:
        kept = self._page.at_rest
        if kept is not None and kept.message(message_id).role is Role.ASSISTANT:
            self.branching.rewrite(kept, message_id, text)
        else:
            self._ask_anew(lambda kept, name: self._answers.edit(kept, message_id, text, name))
        self._page.focus_composer()

    def _on_transcript_branch_chosen(self, message_id: str) -> None:
        if self._page.at_rest is not None:
            self.branching.choose(self._page.at_rest, message_id)

    def _on_branching_forked(self, conversation_id: str) -> None:
        self._page.conversation_changed.emit(conversation_id)
        self._page.forked.emit(conversation_id)
