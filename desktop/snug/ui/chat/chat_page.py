"""The page with a conversation: it ties transcript, composer and services together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QPoint, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from snug.domain.conversation import Conversation
from snug.domain.errors import SnugError
from snug.domain.events import Event, Failed, Finished, ReasoningDelta, Started, TextDelta
from snug.domain.model import ModelFile
from snug.domain.prompt import ContextPlan
from snug.services.bundle import Services
from snug.ui.bridge import Bridge
from snug.ui.chat.answers import Answers, RunningAnswer
from snug.ui.chat.chat_view import ChatView
from snug.ui.chat.map_desk import MapDesk
from snug.ui.chat.message_desk import MessageDesk
from snug.ui.chat.planner import Planner
from snug.ui.chat.prompt_desk import PromptDesk
from snug.ui.chat.settings_desk import SettingsDesk
from snug.ui.chat.turn import Action, Turn
from snug.ui.chat.unsent_texts import UnsentTexts
from snug.ui.chat.waiting_desk import WaitingDesk
from snug.ui.look.parts import flat
from snug.ui.look.progress import show_progress
from snug.ui.look.theme import Theme
from snug.ui.text.link_prompt import LinkPrompt, close_prompts


class ChatPage(QWidget):
    """Shows one conversation at a time; answers elsewhere go on meanwhile.

    Attributes:
        conversation_changed: this conversation was made or grew.
        run_event: each event of a running answer, on the window's thread.
        error_occurred: a sentence for the person.
        settings_requested: the remedy of a failure is to be chosen there.
        forked: id of a new chat that is to be shown.
        model_chosen: a persona wants this `ModelFile`.
    """

    conversation_changed = Signal(str)
    run_event = Signal(object)
    error_occurred = Signal(str)
    settings_requested = Signal()
    forked = Signal(str)
    model_chosen = Signal(object)

    def __init__(self, services: Services, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("chatPage")
        self.setAccessibleName(self.tr("Chat"))
        self._services, self._theme = services, theme
        self._conversation: Conversation | None = None
        self._model: ModelFile | None = None
        self.open_url: Callable[[QUrl], bool] = QDesktopServices.openUrl
        self._bridge = Bridge(self)
        self._answers = Answers(services.conversations, self._bridge, self)
        self._planner = Planner(services.conversations, self._bridge, self)
        self._make_parts()
        self._connect()

    # -- building -----------------------------------------------------------------------------

    def _make_parts(self) -> None:
        self._view = view = ChatView(self._theme, self)
        self.transcript, self.welcome, self.foot = view.transcript, view.welcome, view.foot
        self.finder = view.transcript.finder
        self.composer, self.status = view.composer, view.status
        flat(QVBoxLayout(self)).addWidget(view)
        self.messages = MessageDesk(self._services, self._answers, self._theme, self)
        self.unsent = UnsentTexts(self._services, self)
        self.map = MapDesk(view, self._theme, self)
        self.settings = SettingsDesk(self._services, view, self._theme, self)
        self.prompts = PromptDesk(self._services, self._theme, self)
        self.waiting = WaitingDesk(
            self.unsent, self.foot.waiting, self.composer, self._send_waiting, self
        )

    def _connect(self) -> None:
        self.composer.submitted.connect(self.send)
        self.composer.stop_requested.connect(self.stop)
        self.composer.draft_changed.connect(self._keep_draft)
        self.composer.edited.connect(self._on_composer_edited)
        self.composer.edit_last_requested.connect(self._on_edit_last_requested)
        self.welcome.chosen.connect(self.send)
        self.transcript.link_chosen.connect(self._on_transcript_link_chosen)
        self._answers.event_came.connect(self._on_answers_event_came)
        self._answers.event_came.connect(self.messages.follow)  # after the page has
        self._planner.planned.connect(self._on_planner_planned)
        self.unsent.failed.connect(self.error_occurred)
        self.composer.failed.connect(self.error_occurred)

    # -- what the shell asks ------------------------------------------------------------------

    @property
    def conversation_id(self) -> str | None:
        """The open conversation; None while it does not exist yet."""
        return None if self._conversation is None else self._conversation.id

    def open_conversation(self, conversation_id: str) -> None:
        """Show a conversation, with its draft and, where one is being made, its answer."""
        if conversation_id == self.conversation_id:
            return
        self._leave_conversation()
        running = self._answers.of(conversation_id)
        try:
            stored = self._services.conversations.conversation(conversation_id)
        except SnugError as error:
            self.error_occurred.emit(error.message)
            return
        self._conversation = running.snapshot if running is not None else stored
        self._model = self._services.models.next_for(stored.settings)
        self.transcript.show_turns(self._turns())
        self._show_draft(self.unsent.open(conversation_id, stored.draft))

    def new_chat(self) -> None:
        """Show an empty conversation, which is stored with its first message."""
        self._leave_conversation()
        self._conversation = None
        self.settings.begin()
        self._model = self._services.models.next_for(None)
        self.transcript.show_turns(())
        self._show_draft(self.unsent.new_draft())

    def focus_composer(self) -> None:
        """Put the cursor where one writes."""
        self.composer.field.setFocus(Qt.FocusReason.OtherFocusReason)

    def stop(self) -> None:
        """Stop the answer of the open conversation."""
        self._answers.stop(self.conversation_id)

    def go_on(self) -> None:
        """Take the last answer further, where it ended early."""
        turns = self.transcript.turns
        if turns and turns[-1].can_continue:
            self.messages.do(Action.CONTINUE, turns[-1].message.id)

    def set_model(self, model: ModelFile) -> None:
        """This model answers next."""
        self._model = model
        if self._conversation is not None:
            settings = replace(self._conversation.settings, model=model.name)
            self._conversation = replace(self._conversation, settings=settings)
            chat = self._conversation.id
            self.tried(lambda: self._services.conversations.save_settings(chat, settings))
        self._show_model()
        self._plan()

    def shutdown(self) -> None:
        """Keep the draft and let go of everything; answers are stopped by the services."""
        if not self._bridge.closed:
            self.settings.leave()
            self._keep_draft(self.composer.take_draft())
            self._planner.forget()
            self._bridge.close()

    @property
    def conversation(self) -> Conversation | None:
        """The open conversation; None while it does not exist yet."""
        return self._conversation

    @property
    def at_rest(self) -> Conversation | None:
        """The open conversation, unless it is answering."""
        return None if self.answering else self._conversation

    @property
    def model(self) -> ModelFile | None:
        """Who answers next."""
        return self._model

    # -- showing ------------------------------------------------------------------------------

    @property
    def answering(self) -> bool:
        """An answer is being made in the open conversation."""
        return self._running is not None

    @property
    def _running(self) -> RunningAnswer | None:
        return self._answers.of(self.conversation_id)

    def _turns(self) -> list[Turn]:
        return [] if self._conversation is None else self._answers.turns(self._conversation)

    def _show_state(self) -> None:
        """Everything but the transcript."""
        self._view.show_state(self._running)
        self.waiting.show_for(self.conversation_id, answering=self._running is not None)

    def _show_draft(self, draft: str) -> None:
        self.composer.set_text(draft)
        self._view.show_plan(None)
        self._show_model()
        self._show_state()
        self._plan(soon=True)

    def _show_model(self) -> None:
        self._view.show_model(self._model)
        self.settings.show()
        self._show_placement()

    def _show_placement(self) -> None:
        loaded = self._services.models.placement()
        here = loaded is not None and self._model is not None and loaded[0].name == self._model.name
        self.status.show_placement(loaded[1] if here and loaded is not None else None)

    # -- drafts -------------------------------------------------------------------------------

    def _leave_conversation(self) -> None:
        close_prompts(self)
        self.settings.leave()
        if self._conversation is not None or self.composer.text:
            self._keep_draft(self.composer.take_draft())
        self._planner.forget()

    def _keep_draft(self, draft: str) -> None:
        self.unsent.keep_draft(self.conversation_id, draft)

    def _plan(self, soon: bool = False) -> None:
        if self._conversation is not None and self._running is None:
            self._planner.ask(self._conversation.id, lambda: self.composer.text, soon=soon)

    # -- asking -------------------------------------------------------------------------------

    def ask(self, start: Callable[[Conversation, str], RunningAnswer]) -> bool:
        """Begin an answer in the open conversation and show it; False where it was refused."""
        if self._conversation is None:
            return False
        self._planner.forget()
        self.foot.show_plan(None)
        name = "" if self._model is None else self._model.name
        try:
            running = start(self._conversation, name)
        except SnugError as error:
            self.error_occurred.emit(error.message)
            return False
        self._conversation = running.snapshot
        self.transcript.update_turns(self._turns(), to_end=True)
        self._show_state()
        self.conversation_changed.emit(running.run.conversation_id)
        return True

    def send(self, text: str) -> None:
        """Ask this, in the open conversation or in a new one; while it answers, when it has."""
        if not text.strip():
            return
        running, is_new = self._running, self._conversation is None
        if running is not None:
            self.waiting.add(running.run.conversation_id, text)
        elif is_new and not self._create():
            return
        elif not self.ask(self._sending(text, self.composer.begin)):
            self.focus_composer()
            return
        self.composer.clear()
        self._keep_draft("")
        if is_new:
            self.unsent.forget_new_draft()
        self.focus_composer()

    def _sending(self, text: str, begin: str) -> Callable[[Conversation, str], RunningAnswer]:
        return lambda conversation, name: self._answers.send(conversation, text, name, begin)

    def _send_waiting(self, conversation_id: str, text: str) -> None:
        """Ask what has waited, also in a chat that is not on the page."""
        if conversation_id == self.conversation_id:
            self.ask(self._sending(text, ""))
            return
        store, models = self._services.conversations, self._services.models

        def ask() -> None:
            there = store.conversation(conversation_id)
            model = models.next_for(there.settings)
            self._answers.send(there, text, "" if model is None else model.name)

        self.tried(ask)

    def _create(self) -> bool:
        def create() -> None:
            settings = self.settings.for_new()
            self._conversation = self._services.conversations.create(settings)

        return self.tried(create)

    def tried(self, action: Callable[[], object]) -> bool:
        """Do it; False, and the person is told, where it failed."""
        try:
            action()
        except SnugError as error:
            self.error_occurred.emit(error.message)
            return False
        return True

    def change(self, change: Callable[[str], Conversation]) -> None:
        """Do something to the open conversation while it is at rest, and show it."""
        if self._conversation is None or self._running is not None:
            return
        try:
            self.show_changed(change(self._conversation.id))
        except SnugError as error:
            self.error_occurred.emit(error.message)

    def ask_for_files(self) -> None:
        """Ask which files are to go with the message."""
        self.composer.ask_for_files()

    def begin_answer(self) -> None:
        """Show or hide the field for the first words of the answer."""
        self.composer.toggle_begin()

    def undo(self) -> None:
        """Take the last change of the open chat's tree back, while it is at rest."""
        if self._running is None:
            self.messages.branching.undo(self.conversation_id)

    def show_changed(self, conversation: Conversation) -> None:
        """Show the open conversation as it now is."""
        if conversation.id != self.conversation_id:
            return
        self._conversation = conversation
        self.settings.show()
        self.transcript.update_turns(self._turns())
        self._show_state()
        self._plan(soon=True)

    def _on_transcript_link_chosen(self, address: str, place: QPoint) -> None:
        close_prompts(self)
        LinkPrompt(address, self._theme, self, self.open_url).ask(place)

    def _on_composer_edited(self) -> None:
        if not self.status.placement_words:
            self._show_placement()  # it may have been loaded meanwhile
        self._plan()

    def _on_edit_last_requested(self) -> None:
        if self._running is None:
            mine = [turn.message.id for turn in self.transcript.turns if turn.mine]
            view = self.transcript.reveal(mine[-1]) if mine else None
            if view is not None:
                view.begin_edit()

    # -- following an answer ------------------------------------------------------------------

    def _on_answers_event_came(self, running: RunningAnswer, event: Event) -> None:
        self.run_event.emit(event)
        if running.run.conversation_id == self.conversation_id:
            self._follow(running, event)
        if isinstance(event, Finished | Failed):
            self.conversation_changed.emit(running.run.conversation_id)
            self.waiting.follow(running.run.conversation_id, event)

    def _follow(self, running: RunningAnswer, event: Event) -> None:
        view = self.transcript.view_of(running.run.answer_id)
        if view is not None:
            show_progress(view, running, event)
        if isinstance(event, ReasoningDelta | TextDelta):
            self.status.show_running(running)
            return
        if isinstance(event, Started):
            self.status.show_started(event)
        if isinstance(event, Finished | Failed):
            self._end(running, event)
            return
        self._show_state()

    def _end(self, running: RunningAnswer, event: Finished | Failed) -> None:
        kept = running.conversation if self._conversation is None else self._conversation
        self._conversation, stored = replace(running.conversation, settings=kept.settings), True
        if isinstance(event, Failed):
            self._conversation, stored = self._answers.stored(running)
        if isinstance(event, Failed) and not stored:
            self.error_occurred.emit(event.message)
            if running.asked and not self.composer.text.strip():
                self.composer.set_text(running.asked)
        self.transcript.update_turns(self._turns())
        self._show_state()
        self._plan(soon=True)

    def _on_planner_planned(self, plan: ContextPlan) -> None:
        if self._running is None:
            self._view.show_plan(plan)

    # -- Qt -----------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc stops; pages turn the conversation, wherever the cursor is."""
        if event.key() == Qt.Key.Key_Escape and self._running is not None:
            self.stop()
        elif event.key() in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            self.transcript.keyPressEvent(event)
        else:
            super().keyPressEvent(event)
