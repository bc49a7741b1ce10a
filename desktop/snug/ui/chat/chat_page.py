"""The page with a conversation: it ties transcript, composer and services together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QPoint, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QKeyEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from snug.domain.conversation import Conversation, ConversationSettings
from snug.domain.errors import RemedyKind, SnugError
from snug.domain.events import Event, Failed, Finished, ReasoningDelta, Started, TextDelta
from snug.domain.model import ModelFile
from snug.domain.prompt import ContextPlan
from snug.services.bundle import Services
from snug.ui.bridge import Bridge
from snug.ui.chat.answers import Answers, RunningAnswer
from snug.ui.chat.chat_foot import ChatFoot
from snug.ui.chat.chat_style import chat_style_sheet
from snug.ui.chat.planner import Planner
from snug.ui.chat.transcript import Transcript
from snug.ui.chat.turn import Action, Turn
from snug.ui.chat.welcome import Welcome
from snug.ui.look.parts import flat
from snug.ui.look.progress import show_progress
from snug.ui.look.theme import Theme
from snug.ui.text.highlight import warm_up
from snug.ui.text.link_prompt import LinkPrompt, close_prompts

WARM_UP_MS = 1_500  # after the window has come up
NEW_DRAFT = "chat.draft"  # of a chat that does not exist yet


class ChatPage(QWidget):
    """Shows one conversation at a time; answers elsewhere go on meanwhile.

    Attributes:
        conversation_changed: this conversation was made or grew.
        run_event: each event of a running answer, on the window's thread.
        error_occurred: a sentence for the person.
        settings_requested: the remedy of a failure is to be chosen there.
    """

    conversation_changed = Signal(str)
    run_event = Signal(object)
    error_occurred = Signal(str)
    settings_requested = Signal()

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
        self.setStyleSheet(chat_style_sheet(theme))
        self._make_parts()
        self._arrange()
        self._connect()
        QTimer.singleShot(WARM_UP_MS, self, warm_up)

    # -- building -----------------------------------------------------------------------------

    def _make_parts(self) -> None:
        self.transcript = Transcript(self._theme, self)
        self.finder = self.transcript.finder
        self.welcome = Welcome(self._theme, self)
        self._middle = QStackedWidget(self)
        self._middle.addWidget(self.welcome)
        self._middle.addWidget(self.transcript)
        self.foot = ChatFoot(self._theme, self)
        self.composer = self.foot.composer
        self.status = self.foot.status

    def _arrange(self) -> None:
        column = flat(QVBoxLayout(self))
        column.addWidget(self._middle, 1)
        column.addWidget(self.foot, 0, Qt.AlignmentFlag.AlignHCenter)

    def _connect(self) -> None:
        self.composer.submitted.connect(self.send)
        self.composer.stop_requested.connect(self.stop)
        self.composer.draft_changed.connect(self._keep_draft)
        self.composer.edited.connect(self._on_composer_edited)
        self.composer.edit_last_requested.connect(self._on_edit_last_requested)
        self.welcome.chosen.connect(self.send)
        self.transcript.asked.connect(self._on_transcript_asked)
        self.transcript.edited.connect(self._on_transcript_edited)
        self.transcript.branch_chosen.connect(self._on_transcript_branch_chosen)
        self.transcript.link_chosen.connect(self._on_transcript_link_chosen)
        self._answers.event_came.connect(self._on_answers_event_came)
        self._planner.planned.connect(self._on_planner_planned)
        self._theme.changed.connect(self._on_theme_changed)

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
        self._show_draft(stored.draft)

    def new_chat(self) -> None:
        """Show an empty conversation, which is stored with its first message."""
        self._leave_conversation()
        self._conversation = None
        self._model = self._services.models.next_for(None)
        self.transcript.show_turns(())
        self._show_draft(self._services.preferences.get(NEW_DRAFT))

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
            self._on_transcript_asked(Action.CONTINUE, turns[-1].message.id)

    def set_model(self, model: ModelFile) -> None:
        """This model answers next."""
        self._model = model
        if self._conversation is not None:
            settings = replace(self._conversation.settings, model=model.name)
            self._conversation = replace(self._conversation, settings=settings)
            chat = self._conversation.id
            self._tried(lambda: self._services.conversations.save_settings(chat, settings))
        self._show_model()
        self._plan()

    def shutdown(self) -> None:
        """Keep the draft and let go of everything; answers are stopped by the services."""
        if not self._bridge.closed:
            self._keep_draft(self.composer.take_draft())
            self._planner.forget()
            self._bridge.close()

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
        running = self._running
        turns = self.transcript.turns
        self._middle.setCurrentWidget(self.transcript if turns else self.welcome)
        self.composer.set_answering(running is not None)
        if running is not None:
            self.status.show_running(running)
        else:
            last = turns[-1].message if turns else None
            self.status.show_timings(None if last is None else last.timings)
        self.foot.show_paused("" if running is None else running.paused)
        if running is not None and running.dropped:
            self.foot.show_left_out(running.dropped)

    def _show_draft(self, draft: str) -> None:
        self.composer.set_text(draft)
        self.foot.show_plan(None)
        self.status.meter.show_used(0, 0)
        self._show_model()
        self._show_state()
        self._plan(soon=True)

    def _show_model(self) -> None:
        self.composer.set_model_name("" if self._model is None else self._model.name)
        self.welcome.set_model(self._model)
        self._show_placement()

    def _show_placement(self) -> None:
        loaded = self._services.models.placement()
        here = loaded is not None and self._model is not None and loaded[0].name == self._model.name
        self.status.show_placement(loaded[1] if here and loaded is not None else None)

    # -- drafts -------------------------------------------------------------------------------

    def _leave_conversation(self) -> None:
        close_prompts(self)
        if self._conversation is not None or self.composer.text:
            self._keep_draft(self.composer.take_draft())
        self._planner.forget()

    def _keep_draft(self, draft: str) -> None:
        chat, services = self.conversation_id, self._services
        if chat is not None:
            self._tried(lambda: services.conversations.save_draft(chat, draft))
        elif draft != services.preferences.get(NEW_DRAFT):
            self._tried(lambda: services.preferences.set(NEW_DRAFT, draft))

    def _plan(self, soon: bool = False) -> None:
        if self._conversation is not None and self._running is None:
            self._planner.ask(self._conversation.id, self.composer.text, soon=soon)

    # -- asking -------------------------------------------------------------------------------

    def _ask(self, start: Callable[[Conversation, str], RunningAnswer]) -> bool:
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
        """Ask this, in the open conversation or in a new one."""
        if self._running is not None or not text.strip():
            return
        is_new = self._conversation is None
        if is_new and not self._create():
            return
        if self._ask(lambda conversation, name: self._answers.send(conversation, text, name)):
            self.composer.clear()
            self._keep_draft("")
            if is_new:
                with contextlib.suppress(SnugError):
                    self._services.preferences.set(NEW_DRAFT, "")
        self.focus_composer()

    def _create(self) -> bool:
        settings = ConversationSettings(model=None if self._model is None else self._model.name)

        def create() -> None:
            self._conversation = self._services.conversations.create(settings)

        return self._tried(create)

    def _on_transcript_asked(self, action: str, message_id: str) -> None:
        if action == Action.REMEDY:
            if not self._remedied(message_id):
                return
            action = Action.REGENERATE
        if action == Action.PIN:
            self._change(lambda open_id: self._answers.pin_or_unpin(open_id, message_id))
        elif action == Action.CONTINUE:
            self._ask(lambda conversation, _: self._answers.resume(conversation, message_id))
        elif action == Action.REGENERATE:
            self._ask(lambda kept, name: self._answers.regenerate(kept, message_id, name))
        self.focus_composer()

    def _remedied(self, message_id: str) -> bool:
        """Do what the failure offers; False where that does not lead to another answer."""
        remedy = self._answers.remedies[message_id][0]
        if remedy.kind is RemedyKind.OPEN_SETTINGS or self._model is None:
            self.settings_requested.emit()
            return False
        model = self._model
        return self._tried(lambda: self._services.models.apply(remedy, model))

    def _tried(self, action: Callable[[], object]) -> bool:
        """Do it; False, and the person is told, where it failed."""
        try:
            action()
        except SnugError as error:
            self.error_occurred.emit(error.message)
            return False
        return True

    def _on_transcript_edited(self, message_id: str, text: str) -> None:
        self._ask(lambda kept, name: self._answers.edit(kept, message_id, text, name))
        self.focus_composer()

    def _on_transcript_branch_chosen(self, message_id: str) -> None:
        choose = self._services.conversations.choose_branch
        self._change(lambda open_id: choose(open_id, message_id))

    def _change(self, change: Callable[[str], Conversation]) -> None:
        """Do something to the open conversation while it is at rest, and show it."""
        if self._conversation is None or self._running is not None:
            return
        try:
            self._conversation = change(self._conversation.id)
        except SnugError as error:
            self.error_occurred.emit(error.message)
            return
        self.transcript.update_turns(self._turns())
        self._show_state()
        self._plan(soon=True)

    def _on_transcript_link_chosen(self, address: str, place: QPoint) -> None:
        close_prompts(self)
        LinkPrompt(address, self._theme, self, self.open_url).ask(place)

    def _on_composer_edited(self) -> None:
        if not self.status.placement_words:  # it may have been loaded meanwhile
            self._show_placement()
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
        self._conversation, stored = running.conversation, True
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
            self.status.meter.show_used(plan.prompt_tokens, plan.context_length)
            self.foot.show_plan(plan)

    # -- Qt -----------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc stops; pages turn the conversation, wherever the cursor is."""
        if event.key() == Qt.Key.Key_Escape and self._running is not None:
            self.stop()
        elif event.key() in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            self.transcript.keyPressEvent(event)
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: object) -> None:
        """The composer is as wide as the column of text."""
        self.foot.fit(self.width())

    def _on_theme_changed(self) -> None:
        self.setStyleSheet(chat_style_sheet(self._theme))
        self.foot.fit(self.width())
