"""The page with a conversation: transcript, composer, status, and the answers that are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from snug.domain.conversation import (
    Conversation,
    ConversationSettings,
    Message,
    Part,
    PartKind,
    Role,
    now_ms,
)
from snug.domain.errors import SnugError
from snug.domain.events import (
    Event,
    Failed,
    Finished,
    Paused,
    ReasoningDelta,
    Resumed,
    Started,
    TextDelta,
)
from snug.domain.model import ModelFile
from snug.domain.prompt import ContextPlan
from snug.services.bundle import Services
from snug.services.conversations import Run
from snug.ui.bridge import Bridge
from snug.ui.chat_style import chat_style_sheet
from snug.ui.composer import Composer
from snug.ui.context_meter import drop_words
from snug.ui.link_menu import ask_about_link
from snug.ui.live_answer import LiveAnswer, empty_answer
from snug.ui.notice import Notice
from snug.ui.parts import column_width, flat
from snug.ui.status_line import StatusLine
from snug.ui.theme import Theme
from snug.ui.tokens import SIZES
from snug.ui.transcript import Transcript
from snug.ui.turn import Action, Turn, turns_of
from snug.ui.welcome import Welcome

NEW_DRAFT = "draft.new"  # what stands unsent in a chat that does not exist yet


class ChatPage(QWidget):
    """One conversation at a time; answers go on in those that are not shown.

    Attributes:
        conversation_changed: a conversation was created, titled or grew.
        run_event: what happens to the answer of the shown conversation.
        error_occurred: a sentence for the person.
    """

    conversation_changed = Signal(str)
    run_event = Signal(object)
    error_occurred = Signal(str)

    def __init__(self, services: Services, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("chatPage")
        self._services = services
        self._theme = theme
        self._bridge = Bridge(self)
        self._conversation: Conversation | None = None
        self._chosen: ModelFile | None = None
        self._live: dict[str, LiveAnswer] = {}
        self._transcript = Transcript(theme, self)
        self._welcome = Welcome(theme, self)
        self._notice = Notice(theme, self)
        self._composer = Composer(theme, self)
        self._status = StatusLine(theme, self)
        self._stack = QStackedWidget()
        self._foot = QWidget()
        self._lay_out()
        self._connect()
        self._on_theme_changed()

    # -- what the window asks -----------------------------------------------------------------

    @property
    def conversation_id(self) -> str | None:
        """The open conversation; None while it does not exist yet."""
        return self._conversation.id if self._conversation is not None else None

    def open_conversation(self, conversation_id: str) -> None:
        """Show it, with its draft and, where it is answering, the answer as it grows."""
        self._keep_draft()
        try:
            self._conversation = self._services.conversations.conversation(conversation_id)
        except SnugError as error:
            self.error_occurred.emit(error.message)
            return
        self._status.rest()
        self._show()
        self._composer.set_text(self._conversation.draft)
        self._show_model()
        self._ask_plan()

    def new_chat(self) -> None:
        """Show an empty conversation, which exists from its first message on."""
        self._keep_draft()
        self._conversation = None
        self._status.rest()
        self._show()
        self._composer.set_text(self._services.preferences.get(NEW_DRAFT))
        self._show_model()
        self._notice.say("")
        self.focus_composer()

    def focus_composer(self) -> None:
        """Put the cursor where one writes."""
        self._composer.field.setFocus()

    def stop(self) -> None:
        """Stop the answer that is shown."""
        live = self._shown_live()
        if live is not None:
            live.run.cancel()

    def set_model(self, model: ModelFile) -> None:
        """This model answers next, here."""
        self._chosen = model
        if self._conversation is not None:
            settings = replace(self._conversation.settings, model=model.name)
            try:
                self._services.conversations.save_settings(self._conversation.id, settings)
            except SnugError as error:
                self.error_occurred.emit(error.message)
                return
            self._conversation = replace(self._conversation, settings=settings)
        self._show_model()
        self._ask_plan()

    def shutdown(self) -> None:
        """Keep the draft and let go of everything."""
        self._keep_draft()
        self._bridge.close()

    # -- answering ----------------------------------------------------------------------------

    def send(self, text: str) -> None:
        """Ask this, in the open conversation or in a new one."""
        try:
            conversation = self._conversation or self._create()
            path = conversation.active_path()
            parent = path[-1].id if path else None
            run = self._services.conversations.send(
                conversation.id, text, self._sink(conversation.id)
            )
        except SnugError as error:
            self.error_occurred.emit(error.message)
            return
        self._composer.clear()
        self._services.conversations.save_draft(conversation.id, "")
        asked = _asked(run, parent, text)
        self._begin(run, conversation, (*path, asked), None)
        self.conversation_changed.emit(conversation.id)

    def _create(self) -> Conversation:
        settings = ConversationSettings(model=self._chosen.name if self._chosen else None)
        self._conversation = self._services.conversations.create(settings)
        self._services.preferences.set(NEW_DRAFT, "")
        return self._conversation

    def _on_asked(self, action: str, message_id: str) -> None:
        conversation = self._conversation
        if conversation is None:
            return
        service = self._services.conversations
        try:
            message = conversation.message(message_id)
            if action == Action.CONTINUE and message.text:
                run = service.resume(conversation.id, message_id, self._sink(conversation.id))
                path = _before(conversation, message.id)
                self._begin(run, conversation, path, message)
            else:
                run = service.regenerate(conversation.id, message_id, self._sink(conversation.id))
                path = _before(conversation, message.id)
                if message.role is Role.USER:
                    path = (*path, message)
                self._begin(run, conversation, path, None)
        except SnugError as error:
            self.error_occurred.emit(error.message)

    def _on_edited(self, message_id: str, text: str) -> None:
        conversation = self._conversation
        if conversation is None:
            return
        try:
            message = conversation.message(message_id)
            run = self._services.conversations.edit(
                conversation.id, message_id, text, self._sink(conversation.id)
            )
        except SnugError as error:
            self.error_occurred.emit(error.message)
            return
        path = _before(conversation, message_id)
        self._begin(run, conversation, (*path, _asked(run, message.parent_id, text)), None)

    def _begin(
        self,
        run: Run,
        conversation: Conversation,
        path: tuple[Message, ...],
        resumed: Message | None,
    ) -> None:
        """Show what was asked and the place of its answer before anything of it is stored."""
        parent = path[-1].id if path else None
        answer = resumed or empty_answer(conversation.id, run.answer_id, parent)
        self._live[conversation.id] = LiveAnswer(run, answer)
        messages = (*path, answer)
        self._conversation = replace(conversation, messages=messages, leaf_id=answer.id)
        self._show()
        self._transcript.follow()
        self._notice.say("")

    def _sink(self, conversation_id: str) -> Callable[[Event], None]:
        def receive(event: Event) -> None:
            self._on_event(conversation_id, event)

        return self._bridge.sink(receive, self)

    def _on_event(self, conversation_id: str, event: Event) -> None:
        live = self._live.get(conversation_id)
        if live is None:
            return
        shown = conversation_id == self.conversation_id
        if isinstance(event, TextDelta):
            live.add_text(event.text)
        elif isinstance(event, ReasoningDelta):
            live.add_thoughts(event.text)
        elif isinstance(event, Finished | Failed):
            del self._live[conversation_id]
        if shown:
            self._show_event(live, event)
        if shown or isinstance(event, Paused | Resumed):
            self.run_event.emit(event)
        if isinstance(event, Finished | Failed):
            self.conversation_changed.emit(conversation_id)

    def _show_event(self, live: LiveAnswer, event: Event) -> None:
        self._status.take(event)
        if isinstance(event, TextDelta):
            if live.thoughts and len(live.text) == 1:
                self._show_thoughts(live, thinking=False)
            self._transcript.append(live.message.id, event.text)
        elif isinstance(event, ReasoningDelta):
            self._show_thoughts(live, thinking=True)
        elif isinstance(event, Paused):
            words = self.tr("{} The answer waits and goes on by itself when there is room.")
            self._notice.say(words.format(event.reason))
        elif isinstance(event, Resumed):
            self._notice.say("")
        elif isinstance(event, Finished | Failed):
            self._reload()
            self._ask_plan()
        elif isinstance(event, Started) and not live.seen:
            live.seen = True
            self._reload()

    def _show_thoughts(self, live: LiveAnswer, *, thinking: bool) -> None:
        self._transcript.set_thoughts(live.message.id, live.all_thoughts, thinking, live.thought_s)

    # -- showing ------------------------------------------------------------------------------

    def _reload(self) -> None:
        """Read the open conversation again: ids, siblings and states are now as stored."""
        if self._conversation is None:
            return
        try:
            self._conversation = self._services.conversations.conversation(self._conversation.id)
        except SnugError as error:
            self.error_occurred.emit(error.message)
        self._show()

    def _show(self) -> None:
        live = self._shown_live()
        turns: list[Turn] = []
        if self._conversation is not None:
            live_id = live.message.id if live is not None else None
            turns = turns_of(self._conversation, live_id, busy=live is not None)
        if live is not None:
            turns = [
                replace(turn, message=live.snapshot(), thought_s=live.thought_s)
                if turn.live
                else turn
                for turn in turns
            ]
        self._transcript.set_turns(turns)
        self._stack.setCurrentWidget(self._transcript if turns else self._welcome)
        self._composer.set_answering(live is not None)

    def _shown_live(self) -> LiveAnswer | None:
        return self._live.get(self.conversation_id or "")

    def _show_model(self) -> None:
        model = self._chosen
        try:
            if self._conversation is not None:
                model = self._services.models.for_conversation(self._conversation.settings)
            elif model is None:
                model = self._services.models.default()
        except SnugError:
            model = None  # the shell says what is missing
        self._welcome.set_model(model)
        self._composer.set_model_name(model.name if model is not None else "")
        placed = self._services.models.placement()
        if placed is not None:
            self._status.show_placement(placed[1])

    def _on_branch_chosen(self, message_id: str) -> None:
        if self._conversation is None:
            return
        try:
            self._conversation = self._services.conversations.choose_branch(
                self._conversation.id, message_id
            )
        except SnugError as error:
            self.error_occurred.emit(error.message)
            return
        self._show()
        self._ask_plan()

    # -- draft and context --------------------------------------------------------------------

    def _on_text_changed(self, _text: str) -> None:
        self._keep_draft()
        self._ask_plan()

    def _keep_draft(self) -> None:
        text = self._composer.text()
        if self._conversation is not None:
            self._services.conversations.save_draft(self._conversation.id, text)
        elif text != self._services.preferences.get(NEW_DRAFT):
            try:
                self._services.preferences.set(NEW_DRAFT, text)
            except SnugError as error:
                self.error_occurred.emit(error.message)

    def _ask_plan(self) -> None:
        """Count what sending now would take; the answer comes when the engine has a moment."""
        if self._conversation is None or self._shown_live() is not None:
            return
        conversation_id = self._conversation.id

        def receive(plan: ContextPlan | SnugError) -> None:
            fresh = conversation_id == self.conversation_id and self._shown_live() is None
            if fresh and isinstance(plan, ContextPlan):
                self._status.meter.show_plan(plan)
                self._notice.say(drop_words(plan))

        sink = self._bridge.sink(receive, self)
        self._services.conversations.plan(conversation_id, self._composer.text(), sink)

    # -- building -----------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._stack.addWidget(self._welcome)
        self._stack.addWidget(self._transcript)
        foot = flat(QVBoxLayout(self._foot), spacing=SIZES.gap_2)
        for widget in (self._notice, self._composer, self._status):
            foot.addWidget(widget)
        column = flat(QVBoxLayout(self))
        column.addWidget(self._stack, 1)
        column.addWidget(self._foot)

    def _connect(self) -> None:
        self._composer.submitted.connect(self.send)
        self._composer.stop_requested.connect(self.stop)
        self._composer.text_changed.connect(self._on_text_changed)
        self._composer.edit_last_requested.connect(self._transcript.edit_last_own)
        self._transcript.asked.connect(self._on_asked)
        self._transcript.edited.connect(self._on_edited)
        self._transcript.branch_chosen.connect(self._on_branch_chosen)
        self._transcript.link_chosen.connect(self._on_link_chosen)
        self._welcome.chosen.connect(self.send)
        self._theme.changed.connect(self._on_theme_changed)

    def _on_link_chosen(self, address: str, where: QPoint) -> None:
        ask_about_link(address, where, self)

    def resizeEvent(self, event: object) -> None:
        """The composer stands under the column of text."""
        wanted = column_width(self._theme) + 2 * SIZES.gap_4
        side = max(SIZES.gap_4, (self.width() - wanted) // 2)
        self._foot.setContentsMargins(side, SIZES.gap, side, SIZES.gap_3)

    def _on_theme_changed(self) -> None:
        self.setStyleSheet(chat_style_sheet(self._theme))


def _asked(run: Run, parent_id: str | None, text: str) -> Message:
    """The person's message as it will be stored."""
    return Message(
        id=run.user_id or "",
        conversation_id=run.conversation_id,
        parent_id=parent_id,
        role=Role.USER,
        parts=(Part(PartKind.TEXT, text),),
        created_ms=now_ms(),
    )


def _before(conversation: Conversation, message_id: str) -> tuple[Message, ...]:
    """The shown path up to a message, without it."""
    path = conversation.active_path()
    ids = [message.id for message in path]
    return path[: ids.index(message_id)] if message_id in ids else path
