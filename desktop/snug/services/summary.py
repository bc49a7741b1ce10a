"""Summarise and continue: what no longer fits the context is told in a few sentences instead.

Before an answer the engine is asked, as the window asks it, whether anything would be dropped. If
so, the same model writes a summary of just that, folding in the summary that stood there before; it
is stored with the conversation, and the prompt becomes [system with the summary, the rest]. Where
no summary can be had, the oldest messages are dropped as without one.

A summary belongs to the last message it covers, so it serves every branch that goes through that
message and no other.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from snug.domain.conversation import EarlierSummary, Message, Overflow, Role, now_ms
from snug.domain.errors import SnugError
from snug.domain.events import (
    Event,
    Failed,
    Finished,
    Loading,
    Shifted,
    Started,
    StopReason,
    TextDelta,
    Timings,
    Usage,
)
from snug.domain.prompt import (
    ContextPlan,
    GenerationRequest,
    PromptMessage,
    drop_oldest,
    droppable,
)
from snug.domain.sampling import Sampling
from snug.services.protocols import Cancellable, ConversationStore, Engine, EventSink, PlanSink

HEADING = "Summary of the earlier conversation:"
_SUMMARY_TOKENS = 320  # at most; in a small context an eighth of it
_CHARACTERS_PER_TOKEN = 2  # a cautious guess: a passage must fit even where text is dense
_PATIENCE_S = 20.0  # counting takes milliseconds; a slow template may take seconds
_BEGINNING = "Summary:"  # the answer starts with it, so that the model does not think first
_NAMES = {Role.USER: "Person", Role.ASSISTANT: "Assistant", Role.TOOL: "Tool"}


def spoken(path: Sequence[Message]) -> tuple[Message, ...]:
    """The messages of a path that a prompt holds: an answer without text or call says nothing."""
    return tuple(m for m in path if m.text or m.tool_calls or m.role is Role.USER)


@dataclass(frozen=True, slots=True)
class _Shortened:
    """A request with a summary in the place of its `covered` oldest messages that may go."""

    request: GenerationRequest
    covered: int
    summary: str


class SummarisedAnswer:
    """One answer in a conversation that may be longer than the context; also its handle.

    `start` is called once; its sink gets what an answer gets. Steps follow one another on the
    engine's and the writer's thread, never two at a time. `cancel` may be called anywhere.
    """

    def __init__(
        self,
        store: ConversationStore,
        engine: Engine,
        request: GenerationRequest,
        path: Sequence[Message],
        summaries: Sequence[EarlierSummary],
    ) -> None:
        """Prepare the answer.

        Args:
            request: with the whole conversation, whose turns are the spoken ones of `path`.
            summaries: all that were written in this conversation.
        """
        self._store = store
        self._engine = engine
        self._whole = replace(request, overflow=Overflow.DROP)
        self._path = spoken(path)
        self._earlier = _shortened(self._whole, self._path, summaries)
        self._sink: EventSink = _ignore
        self._lock = threading.Lock()
        self._handle: Cancellable | None = None
        self._cancelled = False

    def start(self, sink: EventSink) -> None:
        """Begin; returns at once."""
        self._sink = sink
        self._run(lambda: self._engine.preload(self._whole.model, self._whole.load, self._loaded))

    def cancel(self) -> None:
        """Stop whatever is being made, summary or answer."""
        with self._lock:
            self._cancelled = True
            handle = self._handle
        if handle is not None:
            handle.cancel()

    # -- one step after the other -------------------------------------------------------------

    def _run(self, begin: Callable[[], Cancellable]) -> None:
        """Give the engine its next work, or end where the person has stopped it."""
        if self._is_cancelled():
            self._stop()
            return
        handle = begin()
        with self._lock:
            self._handle = handle
        if self._is_cancelled():
            handle.cancel()

    def _stop(self) -> None:
        """End before the answer began."""
        self._sink(Finished(Usage(0, 0, 0), StopReason.STOPPED, Timings(0.0, 0.0, 0.0)))

    def _is_cancelled(self) -> bool:
        with self._lock:
            return self._cancelled

    def _plan(self, request: GenerationRequest, then: PlanSink) -> None:
        """Ask what would be dropped.

        An engine that has meanwhile unloaded the model stays silent; then nothing is known.
        """
        answered = threading.Lock()

        def once(plan: ContextPlan | SnugError) -> None:
            if answered.acquire(blocking=False):
                then(plan)

        silent = SnugError("The model was unloaded.")
        self._store.writer.submit(lambda: once(silent), _PATIENCE_S)
        self._engine.plan(request, once)

    def _loaded(self, event: Event) -> None:
        """The engine counts with a loaded model only, so loading comes first."""
        if isinstance(event, Started):
            self._plan(self._whole, self._whole_planned)
        elif isinstance(event, Loading | Failed | Finished):
            self._sink(event)

    def _whole_planned(self, plan: ContextPlan | SnugError) -> None:
        if not _drops(plan):
            self._answer(_Shortened(self._whole, 0, ""))
        elif self._earlier.covered:
            self._plan(self._earlier.request, self._earlier_planned)
        else:
            self._earlier_planned(plan)

    def _earlier_planned(self, plan: ContextPlan | SnugError) -> None:
        if not isinstance(plan, ContextPlan) or not _drops(plan):
            self._answer(self._earlier)
            return
        gone = _dropped(self._earlier.request, plan.dropped)
        passages = _passages(gone, plan.context_length)
        self._fold(self._earlier.summary, passages, plan)

    def _fold(self, former: str, passages: Sequence[str], plan: ContextPlan) -> None:
        """Let the model sum up the first passage with what came before it, then the next."""
        if not passages:
            self._keep(former, plan.dropped)
            return
        parts: list[str] = []

        def listen(event: Event) -> None:
            if isinstance(event, TextDelta):
                parts.append(event.text)
            elif isinstance(event, Finished):
                text = "".join(parts).strip()
                if event.stop_reason is StopReason.STOPPED or self._is_cancelled():
                    self._stop()
                elif text:
                    self._fold(text, passages[1:], plan)
                else:
                    self._answer(self._earlier)
            elif isinstance(event, Failed):
                self._answer(self._earlier)

        request = _summary_request(self._whole, former, passages[0], plan.context_length)
        self._run(lambda: self._engine.generate(request, listen))

    def _keep(self, text: str, newly_dropped: int) -> None:
        """Store the summary on the writer's thread, then answer with it."""
        covered = self._earlier.covered + newly_dropped
        last = _last_covered(self._whole, self._path, covered)
        summary = EarlierSummary(last.id, text, self._whole.model.name, now_ms())

        def job() -> None:
            # A full disk costs the summary, not the answer: the next turn writes it anew.
            with contextlib.suppress(SnugError):
                self._store.add_summary(last.conversation_id, summary)
            self._answer(_with_summary(self._whole, covered, text))

        self._store.writer.submit(job)

    def _answer(self, shortened: _Shortened) -> None:
        def listen(event: Event) -> None:
            if isinstance(event, Started | Shifted):
                event = replace(event, dropped=event.dropped + shortened.covered)
            self._sink(event)

        self._run(lambda: self._engine.generate(shortened.request, listen))


def plan_summarised(
    engine: Engine,
    request: GenerationRequest,
    path: Sequence[Message],
    summaries: Sequence[EarlierSummary],
    sink: PlanSink,
) -> None:
    """What an answer would take with the summary that stands in for the oldest messages.

    Returns at once; the sink is called on the engine's thread. `dropped` counts the messages that
    are summarised, as `SummarisedAnswer` tells it.
    """
    whole = replace(request, overflow=Overflow.DROP)
    earlier = _shortened(whole, spoken(path), summaries)

    def whole_planned(plan: ContextPlan | SnugError) -> None:
        if _drops(plan) and earlier.covered:
            engine.plan(earlier.request, earlier_planned)
        else:
            sink(plan)

    def earlier_planned(plan: ContextPlan | SnugError) -> None:
        if isinstance(plan, ContextPlan):
            plan = replace(plan, dropped=plan.dropped + earlier.covered)
        sink(plan)

    engine.plan(whole, whole_planned)


def _ignore(_event: Event) -> None:
    """Before the start nobody listens."""


def _drops(plan: ContextPlan | SnugError) -> bool:
    return isinstance(plan, ContextPlan) and plan.dropped > 0 and not plan.overflow


def _dropped(request: GenerationRequest, count: int) -> tuple[PromptMessage, ...]:
    """What dropping `count` messages takes away, told apart by place, not by text."""
    left = [id(m) for m in drop_oldest(request.messages, count)]
    return tuple(m for m in request.messages if id(m) not in left)


def _last_covered(request: GenerationRequest, path: Sequence[Message], count: int) -> Message:
    turns = request.messages[len(request.messages) - len(path) :]
    gone = {id(m) for m in _dropped(request, count)}
    return [m for m, turn in zip(path, turns, strict=True) if id(turn) in gone][-1]


def _shortened(
    request: GenerationRequest, path: Sequence[Message], summaries: Sequence[EarlierSummary]
) -> _Shortened:
    """The request with the summary that covers most of this path; without where there is none."""
    places = {message.id: index for index, message in enumerate(path)}
    serving = [s for s in summaries if s.message_id in places]
    if not serving:
        return _Shortened(request, 0, "")
    best = max(serving, key=lambda s: places[s.message_id])
    turns = request.messages[len(request.messages) - len(path) :]
    covered = {id(m) for m in turns[: places[best.message_id] + 1]}
    # The greatest step that drops nothing beyond the summary, whatever is pinned by now.
    count = max(
        step
        for step in droppable(request.messages)
        if all(id(m) in covered for m in _dropped(request, step))
    )
    return _with_summary(request, count, best.text) if count else _Shortened(request, 0, "")


def _with_summary(request: GenerationRequest, count: int, text: str) -> _Shortened:
    """One system message, since many templates take no more: its own text, then the summary."""
    left = drop_oldest(request.messages, count)
    own = [m.text for m in left if m.role is Role.SYSTEM]
    system = PromptMessage(Role.SYSTEM, "\n\n".join((*own, f"{HEADING}\n{text}")))
    turns = (m for m in left if m.role is not Role.SYSTEM)
    return _Shortened(replace(request, messages=(system, *turns)), count, text)


def _passages(messages: Sequence[PromptMessage], context_length: int) -> list[str]:
    """What was said, cut so that each passage leaves half the context to the rest of its prompt."""
    said = "\n\n".join(f"{_NAMES.get(m.role, 'System')}: {m.text}" for m in messages)
    room = max(200, context_length // 2 * _CHARACTERS_PER_TOKEN)
    return [said[start : start + room] for start in range(0, len(said), room)]


def _summary_request(
    request: GenerationRequest, former: str, passage: str, context_length: int
) -> GenerationRequest:
    """Asks for a summary; nothing of it is kept warm, so the conversation's own cache stays."""
    limit = max(32, min(_SUMMARY_TOKENS, context_length // 8))
    before = f"Summary so far:\n{former}\n\n" if former else ""
    question = (
        "Below is the earlier part of a conversation between a person and an assistant. Write a "
        f"summary of it in at most {limit // 2} words. Keep names, numbers, decisions, wishes and "
        f"open questions. Write the summary and nothing else.\n\n{before}Conversation:\n{passage}"
    )
    return GenerationRequest(
        model=request.model,
        messages=(PromptMessage(Role.USER, question),),
        sampling=Sampling(temperature=0.0, max_tokens=limit),
        load=request.load,
        answer_start=_BEGINNING,
    )
