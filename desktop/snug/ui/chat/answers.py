"""Answers being made, in whatever conversation: what has come so far, and how to stop them.

One that runs while another conversation is looked at goes on here and is shown again, as far as it
has come, when the person returns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import monotonic

from PySide6.QtCore import QObject, Signal

from snug.domain.conversation import (
    Conversation,
    Message,
    Part,
    PartKind,
    Role,
    Status,
    join_parts,
    now_ms,
)
from snug.domain.errors import NotFoundError, Remedy, SnugError
from snug.domain.events import (
    Event,
    Failed,
    Finished,
    Loading,
    Paused,
    Prefill,
    ReasoningDelta,
    Resumed,
    Shifted,
    Started,
    StopReason,
    TextDelta,
    ToolCall,
)
from snug.domain.tools import call_text
from snug.services.conversations import ConversationService, Run
from snug.services.protocols import EventSink
from snug.services.requests import Extras
from snug.ui.bridge import Bridge
from snug.ui.chat.turn import Turn, turns_of


@dataclass(slots=True)
class RunningAnswer:
    """One answer on its way to the page.

    Attributes:
        conversation: as it was when the answer began, its message included but empty.
        asked: what the person wrote for it; "" where an earlier message is answered again.
        paused: why it waits; "" while it goes on.
        dropped: how many old messages were left out when the context ran full on the way.
        thinking_s: moment of the first thought and duration so far, in seconds.
    """

    conversation: Conversation
    run: Run
    asked: str = ""
    started: Started | None = None
    loading: Loading | None = None
    prefill: Prefill | None = None
    paused: str = ""
    dropped: int = 0
    tokens: int = 0
    speaking_since_s: float = 0.0
    thinking_since_s: float = 0.0
    thought_s: float = 0.0
    ended: bool = False
    parts: list[Part] = field(default_factory=list)

    @property
    def answer(self) -> Message:
        """The answer with all that has come."""
        message = self.conversation.message(self.run.answer_id)
        return replace(message, parts=join_parts(self.parts))

    @property
    def tokens_per_second(self) -> float:
        """Speed so far; 0 while it is too early to tell."""
        spent_s = monotonic() - self.speaking_since_s
        return self.tokens / spent_s if self.speaking_since_s and spent_s > 1 else 0.0

    @property
    def snapshot(self) -> Conversation:
        """The conversation with the answer as far as it has come."""
        answer = self.answer
        messages = tuple(answer if m.id == answer.id else m for m in self.conversation.messages)
        return replace(self.conversation, messages=messages)

    def take(self, event: Event) -> None:
        """Note what an event brings."""
        match event:
            case TextDelta(text=text, tokens=tokens):
                self._add(PartKind.TEXT, text, tokens)
                if self.thinking_since_s and not self.thought_s:
                    self.thought_s = monotonic() - self.thinking_since_s
            case ReasoningDelta(text=text, tokens=tokens):
                self._add(PartKind.REASONING, text, tokens)
                self.thinking_since_s = self.thinking_since_s or monotonic()
            case Loading():
                self.loading = event
            case Started():
                self.started, self.loading = event, None
            case Prefill():
                self.prefill = event
            case Paused(reason=reason):
                self.paused = reason
            case Shifted(dropped=dropped):
                self.dropped = dropped
            case ToolCall():
                self.parts.append(Part(PartKind.TOOL_CALL, call_text(event)))
            case Resumed():
                self.paused = ""
            case Finished() | Failed():
                self.ended = True
                self.conversation = _ended(self.conversation, self.answer, event)

    def _add(self, kind: PartKind, text: str, tokens: int) -> None:
        self.tokens += tokens
        self.speaking_since_s = self.speaking_since_s or monotonic()
        self.parts.append(Part(kind, text))
        if len(self.parts) > 64:
            self.parts = list(join_parts(self.parts))


class Answers(QObject):
    """Starts answers and follows them. Lives on the window's thread.

    Attributes:
        event_came: a `RunningAnswer` and the event that it has just taken.
        thought_s: how long the model reasoned, by the id of the answer; of this session's.
        remedies: what can be done about a failure, by the id of the answer; likewise.
    """

    event_came = Signal(object, object)

    def __init__(self, conversations: ConversationService, bridge: Bridge, parent: QObject) -> None:
        super().__init__(parent)
        self._conversations = conversations
        self._bridge = bridge
        self._running: dict[str, RunningAnswer] = {}
        self.thought_s: dict[str, float] = {}
        self.remedies: dict[str, tuple[Remedy, ...]] = {}

    def of(self, conversation_id: str | None) -> RunningAnswer | None:
        """The answer being made in a conversation."""
        return self._running.get(conversation_id or "")

    def turns(self, conversation: Conversation) -> list[Turn]:
        """The conversation as the transcript shows it, with what this session knows besides."""
        running = self.of(conversation.id)
        live_id = None if running is None else running.run.answer_id
        return [
            replace(
                turn,
                thought_s=self.thought_s.get(turn.message.id, 0.0),
                remedies=self.remedies.get(turn.message.id, ()),
            )
            for turn in turns_of(conversation, live_id, busy=running is not None)
        ]

    def stop(self, conversation_id: str | None) -> None:
        """Stop the answer of a conversation."""
        running = self.of(conversation_id)
        if running is not None:
            running.run.cancel()

    def send(
        self, conversation: Conversation, text: str, model: str, begin: str = ""
    ) -> RunningAnswer:
        """Ask after the active leaf; the answer is to begin with `begin`. Raises: UserError."""
        extras = Extras.checked(begin=begin)
        running = self._begin(
            lambda sink: self._conversations.send(conversation.id, text, sink, extras),
            lambda run: _with_question(conversation, conversation.leaf_id, run, text, model),
            text,
        )
        running.parts = [Part(PartKind.TEXT, begin)] if begin else []
        return running

    def edit(
        self, conversation: Conversation, message_id: str, text: str, model: str
    ) -> RunningAnswer:
        """Ask one of the person's messages in other words. Raises: UserError, NotFoundError."""
        parent_id = conversation.message(message_id).parent_id
        return self._begin(
            lambda sink: self._conversations.edit(conversation.id, message_id, text, sink),
            lambda run: _with_question(conversation, parent_id, run, text, model),
            text,
        )

    def regenerate(
        self, conversation: Conversation, message_id: str, model: str, other: str = ""
    ) -> RunningAnswer:
        """Answer again, beside what is there; `other` is another model, for this answer alone.

        Raises:
            UserError, NotFoundError: it cannot be asked.
        """
        extras = Extras.checked(model=other)
        message = conversation.message(message_id)
        asked_id = message.id if message.role is Role.USER else message.parent_id
        return self._begin(
            lambda sink: self._conversations.regenerate(conversation.id, message_id, sink, extras),
            lambda run: _with_answer(conversation, asked_id, run, other or model),
        )

    def resume(self, conversation: Conversation, message_id: str) -> RunningAnswer:
        """Go on with an answer that ended early. Raises: UserError, NotFoundError."""
        message = conversation.message(message_id)

        def grown(run: Run) -> Conversation:
            open_again = replace(message, status=Status.INTERRUPTED, error="")
            messages = tuple(open_again if m.id == message_id else m for m in conversation.messages)
            return replace(conversation, messages=messages)

        running = self._begin(
            lambda sink: self._conversations.resume(conversation.id, message_id, sink), grown
        )
        running.parts = list(message.parts)
        return running

    def pin_or_unpin(self, conversation_id: str, message_id: str) -> Conversation:
        """Keep a message from being left out, or no longer. Raises: SnugError."""
        message = self._conversations.conversation(conversation_id).message(message_id)
        self._conversations.pin(conversation_id, message_id, not message.pinned)
        return self._conversations.conversation(conversation_id)

    def stored(self, running: RunningAnswer) -> tuple[Conversation, bool]:
        """The conversation as the vault has it, and whether the failed answer is in it."""
        found = running.conversation
        try:
            found = self._conversations.conversation(running.run.conversation_id)
            found.message(running.run.answer_id)
        except NotFoundError:
            return found, False
        except SnugError:
            pass
        return found, True

    def _begin(
        self,
        start: Callable[[EventSink], Run],
        grown: Callable[[Run], Conversation],
        asked: str = "",
    ) -> RunningAnswer:
        # Events come by way of the event loop, so none can arrive before `_running` knows.
        box: list[RunningAnswer] = []

        def receive(event: Event) -> None:
            self._on_event(box[0], event)

        sink = self._bridge.sink(receive, self)
        run = start(sink)
        running = RunningAnswer(grown(run), run, asked)
        box.append(running)
        self._running[run.conversation_id] = running
        return running

    def _on_event(self, running: RunningAnswer, event: Event) -> None:
        running.take(event)
        if running.thought_s:
            self.thought_s[running.run.answer_id] = running.thought_s
        if isinstance(event, Failed) and event.remedies:
            self.remedies[running.run.answer_id] = event.remedies
        if running.ended:
            self._running.pop(running.run.conversation_id, None)
        self.event_came.emit(running, event)


def _with_question(
    conversation: Conversation, parent_id: str | None, run: Run, text: str, model: str
) -> Conversation:
    """The conversation as it will be once the question is stored."""
    question = Message(
        id=run.user_id or "",
        conversation_id=conversation.id,
        parent_id=parent_id,
        role=Role.USER,
        parts=(Part(PartKind.TEXT, text),),
        created_ms=now_ms(),
    )
    grown = replace(conversation, messages=(*conversation.messages, question))
    return _with_answer(grown, question.id, run, model)


def _with_answer(
    conversation: Conversation, asked_id: str | None, run: Run, model: str
) -> Conversation:
    answer = Message(
        id=run.answer_id,
        conversation_id=conversation.id,
        parent_id=asked_id,
        role=Role.ASSISTANT,
        parts=(),
        status=Status.INTERRUPTED,
        model=model,
        created_ms=now_ms(),
    )
    messages = (*conversation.messages, answer)
    return replace(conversation, messages=messages, leaf_id=answer.id)


def _ended(conversation: Conversation, answer: Message, event: Finished | Failed) -> Conversation:
    """The conversation with the answer as it now stands in the vault."""
    if isinstance(event, Failed):
        done = replace(answer, status=Status.FAILED, error=event.message)
    else:
        stopped = event.stop_reason is StopReason.STOPPED
        cut = event.stop_reason is StopReason.LENGTH
        done = replace(
            answer,
            status=Status.STOPPED if stopped else Status.COMPLETE,
            error="The answer reached its token limit." if cut else "",
            usage=event.usage,
            timings=event.timings,
        )
    messages = tuple(done if m.id == done.id else m for m in conversation.messages)
    return replace(conversation, messages=messages)
