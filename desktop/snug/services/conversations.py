"""Conversations: sending, answering again, editing, continuing, branching.

`send` and its siblings never block: they return a handle at once, and the work goes to the vault
writer's thread and from there to the engine.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from snug.domain.conversation import (
    Conversation,
    ConversationSettings,
    ConversationSummary,
    Message,
    Overflow,
    Part,
    PartKind,
    Role,
    Status,
    new_id,
    now_ms,
    path_to,
)
from snug.domain.errors import SnugError, UserError
from snug.domain.events import Failed, Finished
from snug.domain.model import ModelFile
from snug.domain.organising import EVERYTHING, ListFilter
from snug.domain.search import FIRST_PAGE, SearchHit
from snug.services.answer import AnswerRun
from snug.services.models import ModelService
from snug.services.protocols import ConversationStore, Engine, EventSink, PlanSink
from snug.services.requests import NO_EXTRAS, Extras, Requests, with_draft
from snug.services.runs import Run as Run
from snug.services.runs import Turn
from snug.services.summary import SummarisedAnswer, plan_summarised

_MEASURED_TOKENS = 16  # a shorter answer says little about the speed


class ConversationService:
    """The use-cases of a conversation.

    Methods may be called from the window's thread; events reach the given sink on the vault
    writer's thread.
    """

    def __init__(
        self,
        store: ConversationStore,
        models: ModelService,
        engine: Engine,
        keeps: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """Make it. `keeps` tells whether KV states of a conversation may go to the disk."""
        self._store = store
        self._models = models
        self._engine = engine
        self._requests = Requests(models, keeps)
        self._running: dict[str, AnswerRun] = {}
        self._answering: dict[str, ModelFile] = {}
        self._lock = threading.Lock()

    # -- reading ------------------------------------------------------------------------------

    def summaries(
        self, limit: int = 200, offset: int = 0, where: ListFilter = EVERYTHING
    ) -> tuple[ConversationSummary, ...]:
        """A page of the list; without a filter all but the trash, most recently changed first."""
        return self._store.summaries(limit, offset, where)

    def conversation(self, conversation_id: str) -> Conversation:
        """A whole conversation. Raises: NotFoundError."""
        return self._store.conversation(conversation_id)

    def search(self, text: str, limit: int = FIRST_PAGE) -> tuple[SearchHit, ...]:
        """Messages that hold the words, best first."""
        return self._store.search(text, limit) if text.strip() else ()

    def running(self, conversation_id: str) -> bool:
        """An answer is being made in this conversation, by this process."""
        with self._lock:
            return conversation_id in self._running

    def interrupted_model(self, conversation_id: str) -> ModelFile | None:
        """The model whose answer was cut off at the end of a conversation; None where none was.

        Raises: NotFoundError.
        """
        conversation = self._store.conversation(conversation_id)
        path = conversation.active_path()
        if not path or path[-1].role is not Role.ASSISTANT:
            return None
        if path[-1].status is not Status.INTERRUPTED:
            return None
        return self._models.resolve(path[-1].model)

    # -- changing -----------------------------------------------------------------------------

    def create(self, settings: ConversationSettings | None = None, title: str = "") -> Conversation:
        """A new, empty conversation, stored."""
        now = now_ms()
        conversation = Conversation(
            id=new_id(),
            title=title,
            created_ms=now,
            updated_ms=now,
            settings=settings or ConversationSettings(),
        )
        self._store.create(conversation)
        return conversation

    def rename(self, conversation_id: str, title: str) -> None:
        """Give it another title. Raises: UserError where it is blank."""
        if not title.strip():
            raise UserError("A title needs at least one letter.")
        self._store.set_title(conversation_id, " ".join(title.split()))

    def delete(self, conversation_id: str) -> None:
        """Remove it for good; a running answer is stopped first."""
        self.stop(conversation_id)
        self._store.delete(conversation_id)
        self._engine.forget(conversation_id)

    def delete_many(self, conversation_ids: Sequence[str]) -> None:
        """Remove several for good, as `delete` does."""
        for one in conversation_ids:
            self.stop(one)
        self._store.delete_many(conversation_ids)
        for one in conversation_ids:
            self._engine.forget(one)

    def stop(self, conversation_id: str) -> None:
        """Stop its running answer and wait until it is stored."""
        with self._lock:
            run = self._running.get(conversation_id)
        if run is not None:
            run.cancel()
            run.wait(5.0)

    def save_draft(self, conversation_id: str, draft: str) -> None:
        """Keep what stands unsent in the composer; returns at once."""
        self._quietly(lambda: self._store.set_draft(conversation_id, draft))

    def save_settings(self, conversation_id: str, settings: ConversationSettings) -> None:
        """Keep the conversation's model, system prompt and sampling."""
        self._store.set_settings(conversation_id, settings)

    def pin(self, conversation_id: str, message_id: str, pinned: bool) -> None:
        """Pin a message, so that it is never left out; or let it go. Raises: NotFoundError."""
        self._store.set_pinned(conversation_id, message_id, pinned)

    def choose_branch(self, conversation_id: str, message_id: str) -> Conversation:
        """Make the newest branch through a message the active one."""
        conversation = self._store.conversation(conversation_id)
        self._store.set_leaf(conversation_id, conversation.newest_leaf_below(message_id))
        return self._store.conversation(conversation_id)

    # -- answering ----------------------------------------------------------------------------

    def send(
        self, conversation_id: str, text: str, sink: EventSink, extras: Extras = NO_EXTRAS
    ) -> Run:
        """Store the person's message after the active leaf and answer it.

        Raises:
            UserError: the text is blank, or this conversation is still answering.
        """
        if not text.strip():
            raise UserError("Write a message first.")
        user_id = new_id()

        def turn(answer_id: str) -> Turn:
            conversation = self._store.conversation(conversation_id)
            asked = self._ask(conversation, conversation.leaf_id, user_id, text, answer_id)
            return self._begun(replace(asked, extras=extras))

        return self._start(conversation_id, user_id, sink, turn)

    def edit(self, conversation_id: str, message_id: str, text: str, sink: EventSink) -> Run:
        """Ask differently: a sibling of one of the person's messages, answered on its own branch.

        Raises:
            UserError: as `send`; or the message is not the person's.
        """
        if not text.strip():
            raise UserError("Write a message first.")
        user_id = new_id()

        def turn(answer_id: str) -> Turn:
            conversation = self._store.conversation(conversation_id)
            message = conversation.message(message_id)
            if message.role is not Role.USER:
                raise UserError("Only your own messages can be asked again in other words.")
            return self._ask(conversation, message.parent_id, user_id, text, answer_id)

        return self._start(conversation_id, user_id, sink, turn)

    def regenerate(
        self, conversation_id: str, message_id: str, sink: EventSink, extras: Extras = NO_EXTRAS
    ) -> Run:
        """Another answer beside an existing one (or to a message of the person). As `send`."""

        def turn(answer_id: str) -> Turn:
            conversation = self._store.conversation(conversation_id)
            message = conversation.message(message_id)
            asked = message.id if message.role is Role.USER else message.parent_id
            if extras.model:
                settings = replace(conversation.settings, model=extras.model)
                conversation = replace(conversation, settings=settings)
            turn = self._answer(conversation, asked, answer_id)
            return self._begun(replace(turn, extras=extras))

        return self._start(conversation_id, None, sink, turn)

    def resume(self, conversation_id: str, message_id: str, sink: EventSink) -> Run:
        """Go on with an answer that was interrupted, stopped or cut; its text stays."""

        def turn(answer_id: str) -> Turn:
            conversation = self._store.conversation(conversation_id)
            message = conversation.message(message_id)
            if message.role is not Role.ASSISTANT:
                raise UserError("Only an answer can be continued.")
            answer = replace(message, status=Status.INTERRUPTED, error="")
            self._store.finish_message(answer)
            path = path_to(conversation.messages, message.parent_id)
            return Turn(conversation, path, answer)

        return self._start(conversation_id, None, sink, turn, answer_id=message_id)

    def plan(self, conversation_id: str, draft: str, sink: PlanSink) -> None:
        """What sending `draft` now would take of the context, and what would be dropped.

        Returns at once; the sink is called on the engine's thread.
        """

        def job() -> None:
            try:
                conversation = self._store.conversation(conversation_id)
                model = self._models.for_conversation(conversation.settings)
                path = with_draft(conversation, draft)
                request = self._requests.make(conversation, path, model)
            except SnugError as error:
                sink(error)
                return
            if request.overflow is Overflow.SUMMARISE:
                plan_summarised(self._engine, request, path, conversation.summaries, sink)
            else:
                self._engine.plan(request, sink)

        self._store.writer.submit(job)

    def stop_all(self, timeout_s: float = 5.0) -> None:
        """Stop every running answer and wait until each is stored."""
        with self._lock:
            runs = list(self._running.values())
        for run in runs:
            run.cancel()
        deadline = time.monotonic() + timeout_s
        for run in runs:
            run.wait(max(0.0, deadline - time.monotonic()))

    # -- inside -------------------------------------------------------------------------------

    def _start(
        self,
        conversation_id: str,
        user_id: str | None,
        sink: EventSink,
        turn: Callable[[str], Turn],
        answer_id: str | None = None,
    ) -> Run:
        run = AnswerRun(
            self._store,
            conversation_id,
            answer_id or new_id(),
            sink,
            on_end=lambda event: self._forget(conversation_id, event),
        )
        with self._lock:
            if conversation_id in self._running:
                raise UserError("This conversation is still answering. Stop it first, or wait.")
            self._running[conversation_id] = run
        try:
            self._store.writer.submit(lambda: self._carry_out(run, turn))
        except SnugError:
            with self._lock:
                self._running.pop(conversation_id, None)
            raise
        return Run(conversation_id, user_id, run.answer_id, run.cancel, run.wait)

    def _carry_out(self, run: AnswerRun, turn: Callable[[str], Turn]) -> None:
        """On the writer's thread: store what is to be stored, then hand over to the engine."""
        try:
            prepared = turn(run.answer_id)
            run.begin(prepared.answer)
            model = self._models.for_conversation(prepared.conversation.settings)
            request = self._requests.make(prepared.conversation, prepared.path, model)
        except SnugError as error:
            run.fail(error.message, error.remedies)
            return
        except BaseException:  # a defect: told by the thread's own hook, and nobody waits for ever
            run.fail("Snug made a mistake; the conversation is safe.")
            raise
        begun = prepared.answer
        request = replace(
            request,
            answer_start=begun.text,
            thinking_start="" if begun.text else begun.reasoning,
            schema=prepared.extras.schema,
            top_logprobs=prepared.extras.top_logprobs,
            tools=prepared.extras.tools,
        )
        with self._lock:
            self._answering[run.conversation_id] = model
        if request.overflow is Overflow.SUMMARISE:
            earlier = prepared.conversation.summaries
            answer = SummarisedAnswer(self._store, self._engine, request, prepared.path, earlier)
            run.attach(answer)
            answer.start(run.on_event)
        else:
            run.attach(self._engine.generate(request, run.on_event))

    def _ask(
        self,
        conversation: Conversation,
        parent_id: str | None,
        user_id: str,
        text: str,
        answer_id: str,
    ) -> Turn:
        """Store the person's message, synced to the platter, and the place of its answer."""
        user = Message(
            id=user_id,
            conversation_id=conversation.id,
            parent_id=parent_id,
            role=Role.USER,
            parts=(Part(PartKind.TEXT, text),),
            created_ms=now_ms(),
        )
        self._store.add_message(user, durable=True)
        grown = replace(conversation, messages=(*conversation.messages, user))
        return self._answer(grown, user_id, answer_id)

    def _answer(self, conversation: Conversation, asked_id: str | None, answer_id: str) -> Turn:
        answer = Message(
            id=answer_id,
            conversation_id=conversation.id,
            parent_id=asked_id,
            role=Role.ASSISTANT,
            parts=(),
            status=Status.INTERRUPTED,
            model=self._requests.model_name(conversation.settings),
            created_ms=now_ms(),
        )
        self._store.add_message(answer, durable=False)
        return Turn(conversation, path_to(conversation.messages, asked_id), answer)

    def _begun(self, turn: Turn) -> Turn:
        """With the first words of the answer, where they are given, in its place already."""
        if not turn.extras.begin:
            return turn
        answer = replace(turn.answer, parts=(Part(PartKind.TEXT, turn.extras.begin),))
        self._store.finish_message(answer)
        return replace(turn, answer=answer)

    def _forget(self, conversation_id: str, event: Finished | Failed) -> None:
        with self._lock:
            self._running.pop(conversation_id, None)
            model = self._answering.pop(conversation_id, None)
        if model is None or not isinstance(event, Finished):
            return
        if event.usage.completion_tokens >= _MEASURED_TOKENS:
            with contextlib.suppress(SnugError):  # worth remembering, not worth a failure
                self._models.record_speed(model, event.timings.tokens_per_second)

    def _quietly(self, work: Callable[[], None]) -> None:
        """Work whose failure the next, more important write will tell about."""

        def job() -> None:
            with contextlib.suppress(SnugError):
                work()

        self._store.writer.submit(job)
