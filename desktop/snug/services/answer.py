"""One answer on its way: engine → journal → screen.

What was seen is what is kept: text reaches the sink only after the journal has it. When the disk
is full the engine waits between two tokens, nothing is lost, and the answer goes on by itself. An
answer that is stopped meanwhile ends without what was never seen.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from snug.domain.conversation import Message, Part, PartKind, Status, join_parts
from snug.domain.errors import EnvironmentFault, Remedy, SnugError, VaultDamagedError
from snug.domain.events import (
    Event,
    Failed,
    Finished,
    Paused,
    ReasoningDelta,
    Resumed,
    StopReason,
    TextDelta,
    ToolCall,
)
from snug.domain.tools import call_text
from snug.services.protocols import Cancellable, ConversationStore, EventSink

# At most 0.1 s or 16 tokens between two journal entries. On two busy cores each entry wakes three
# threads and costs decoding 1 ms: at 60 ms apart 3 % of the speed was lost, at 90 ms 1 %.
FLUSH_S = 0.09
FLUSH_TOKENS = 16
RETRY_S = 1.0  # between two tries to write on a full disk
PATIENCE_S = 2.0  # after a stop, for a disk that is full to take the rest
_KEPT = TextDelta | ReasoningDelta | ToolCall
MAX_BACKLOG = 512  # events; the engine waits beyond, e.g. while a slow disk catches up


class AnswerRun:
    """Carries the events of one answer; also the handle that stops it.

    `on_event` is called on the engine's thread; everything else on the vault writer's thread,
    where also `sink` is called. `cancel` may be called anywhere.
    """

    def __init__(
        self,
        store: ConversationStore,
        conversation_id: str,
        answer_id: str,
        sink: EventSink,
        on_end: Callable[[Finished | Failed], None],
    ) -> None:
        self.conversation_id = conversation_id
        self.answer_id = answer_id
        self._store = store
        self._answer: Message | None = None  # until `begin`: nothing of it is stored
        self._kept: list[Part] = []
        self._sink = sink
        self._on_end = on_end
        self._lock = threading.Lock()
        self._buffer: list[Event] = []
        self._tokens = 0
        self._flush_due = False
        self._paused = False
        self._retry_due = False  # writer's thread only
        self._may_go_on = threading.Event()
        self._may_go_on.set()
        self._handle: Cancellable | None = None
        self._cancelled = False
        self._give_up_at: float | None = None  # of `time.monotonic`; set by a stop that cannot end
        self._ended = threading.Event()

    def cancel(self) -> None:
        """Stop the answer within one token; what has come is kept."""
        with self._lock:
            self._cancelled = True
            handle = self._handle
        self._may_go_on.set()
        if handle is not None:
            handle.cancel()

    @property
    def cancelled(self) -> bool:
        """The person has stopped it; it may still be ending."""
        return self._cancelled

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end on another thread; False when it did not come in time."""
        return self._ended.wait(timeout_s)

    def begin(self, answer: Message) -> None:
        """The answer stands in the store, unfinished; what comes is added to it."""
        self._answer = answer
        self._kept = list(answer.parts)

    def attach(self, handle: Cancellable) -> None:
        """Take the engine's handle; passes on a cancel that came before it."""
        with self._lock:
            self._handle = handle
            cancelled = self._cancelled
        if cancelled:
            handle.cancel()

    def on_event(self, event: Event) -> None:
        """Take one event of the engine; blocks while the journal cannot keep up."""
        with self._lock:
            self._buffer.append(event)
            is_text = isinstance(event, TextDelta | ReasoningDelta)
            self._tokens += 1 if is_text else 0
            now = not is_text or self._tokens == 1 or self._tokens % FLUSH_TOKENS == 0
            schedule = now or not self._flush_due
            self._flush_due = True
            if len(self._buffer) >= MAX_BACKLOG:
                self._may_go_on.clear()
        if schedule:
            self._store.writer.submit(self._flush, 0.0 if now else FLUSH_S)
        if not self._cancelled:
            self._may_go_on.wait()

    def fail(self, message: str, remedies: tuple[Remedy, ...] = ()) -> None:
        """End the answer with an error that came before the engine had it."""
        self.on_event(Failed(message, remedies))

    def _retry(self) -> None:
        self._retry_due = False
        self._flush()

    def _flush(self) -> None:
        if self._retry_due and not self._cancelled:
            return  # it comes with the next try
        with self._lock:
            events, self._buffer = self._buffer, []
            self._flush_due = False
        if not events or self._ended.is_set():
            return
        try:
            self._keep(events)
        except VaultDamagedError as error:  # no waiting mends it
            self._break_off(error.message)
            return
        except EnvironmentFault as fault:
            self._hold(events, fault)
            return
        except SnugError as error:  # e.g. the conversation was deleted meanwhile
            self._break_off(error.message)
            return
        except BaseException:  # a defect: told by the thread's own hook, and nobody waits for ever
            self._break_off("Snug made a mistake while keeping the answer; what you saw is safe.")
            raise
        if self._paused:
            self._paused = False
            self._sink(Resumed())
        self._may_go_on.set()
        for event in _merged(events):
            if isinstance(event, Finished | Failed):
                self._end(event)
            else:
                self._sink(event)

    def _keep(self, events: list[Event]) -> None:
        """Write what the events bring; nothing of it is remembered when the write fails."""
        fresh = join_parts(_part(e) for e in events if isinstance(e, _KEPT))
        last = events[-1]
        if self._answer is None:
            return
        if isinstance(last, Finished | Failed):
            parts = join_parts((*self._kept, *fresh))
            self._store.finish_message(_finished(self._answer, parts, last))
        elif fresh:
            self._store.append_journal(self.answer_id, fresh)
        self._kept.extend(fresh)

    def _hold(self, events: list[Event], fault: EnvironmentFault) -> None:
        """Nothing was written: put the events back, let the engine wait, try again soon."""
        with self._lock:
            self._buffer = events + self._buffer
            self._flush_due = True
            if not self._cancelled:
                self._may_go_on.clear()
            elif self._give_up_at is None:
                self._give_up_at = time.monotonic() + PATIENCE_S
        if self._give_up_at is not None and time.monotonic() >= self._give_up_at:
            self._break_off(fault.message)
            return
        if not self._paused:
            self._paused = True
            self._sink(Paused(fault.message))
        if not self._retry_due:
            self._retry_due = True
            self._store.writer.submit(self._retry, RETRY_S)

    def _break_off(self, message: str) -> None:
        """End without keeping what is left: what was seen stays in the journal."""
        self._end(Failed(message))
        self.cancel()

    def _end(self, event: Finished | Failed) -> None:
        self._may_go_on.set()
        self._on_end(event)
        try:
            self._sink(event)
        finally:
            self._ended.set()


def _part(event: TextDelta | ReasoningDelta | ToolCall) -> Part:
    if isinstance(event, ToolCall):
        return Part(PartKind.TOOL_CALL, call_text(event))
    kind = PartKind.TEXT if isinstance(event, TextDelta) else PartKind.REASONING
    return Part(kind, event.text)


def _merged(events: list[Event]) -> list[Event]:
    """Neighbouring deltas of one kind become one, so that the window draws once."""
    merged: list[Event] = []
    for event in events:
        last = merged[-1] if merged else None
        if isinstance(event, TextDelta) and isinstance(last, TextDelta):
            merged[-1] = TextDelta(
                last.text + event.text, last.tokens + event.tokens, last.logprobs + event.logprobs
            )
        elif isinstance(event, ReasoningDelta) and isinstance(last, ReasoningDelta):
            merged[-1] = ReasoningDelta(last.text + event.text, last.tokens + event.tokens)
        else:
            merged.append(event)
    return merged


def _finished(answer: Message, parts: tuple[Part, ...], event: Finished | Failed) -> Message:
    if isinstance(event, Failed):
        return replace(answer, parts=parts, status=Status.FAILED, error=event.message)
    status = Status.STOPPED if event.stop_reason is StopReason.STOPPED else Status.COMPLETE
    note = "The answer reached its token limit." if event.stop_reason is StopReason.LENGTH else ""
    return replace(
        answer, parts=parts, status=status, error=note, usage=event.usage, timings=event.timings
    )
