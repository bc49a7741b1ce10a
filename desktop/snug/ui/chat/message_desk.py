"""What is chosen at a message: asked again, pinned, taken out, gone on with elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from snug.domain.conversation import Conversation, Role
from snug.domain.errors import RemedyKind
from snug.domain.events import Event, Failed, Finished
from snug.services.bundle import Services
from snug.services.votes import Votes
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
        self._to_compare: set[str] = set()
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
            self._compare(conversation, message_id)
        elif action == Action.OTHER_MODEL:
            self._offer_models(conversation, message_id)

    def _compare(self, conversation: Conversation, message_id: str) -> None:
        from snug.ui.chat.compare_dialog import open_comparison  # late: start-up counts

        votes = Votes(self._services.preferences)
        open_comparison(conversation, message_id, votes, self._theme, self._page)

    def _offer_models(self, conversation: Conversation, message_id: str) -> None:
        """Which other model is to answer the same; both are compared when it has."""
        from snug.ui.palette import Entry, Palette  # late, as above

        written_by, window = conversation.message(message_id).model, self._page.window()
        others = [m for m in self._services.models.models() if m.name != written_by]
        entries = [
            Entry(model.name, "", partial(self._ask_other, message_id, model.name))
            for model in others
        ]
        if entries:
            Palette(entries, self._theme, window).open_over(window)
        else:
            self._page.error_occurred.emit(
                self.tr("There is no other model on this computer yet. Models offers some.")
            )

    def _ask_other(self, message_id: str, other: str) -> None:
        answers = self._answers
        self._ask_anew(lambda kept, name: answers.regenerate(kept, message_id, name, other))
        running = answers.of(self._page.conversation_id)
        if running is not None:
            self._to_compare.add(running.run.answer_id)

    def follow(self, running: RunningAnswer, event: Event) -> None:
        """Where another model was asked, show both answers once it has ended."""
        answer, conversation = running.run.answer_id, self._page.at_rest
        if not isinstance(event, Finished | Failed) or answer not in self._to_compare:
            return
        self._to_compare.discard(answer)
        here = conversation is not None and conversation.id == running.run.conversation_id
        if here and conversation is not None and isinstance(event, Finished):
            self._compare(conversation, answer)

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
