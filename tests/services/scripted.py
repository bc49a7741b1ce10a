"""A hand-written engine behind the real Protocol: says what it is told, on a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from snug.domain.events import (
    Event,
    Finished,
    Started,
    StopReason,
    TextDelta,
    Timings,
    ToolCall,
    Usage,
)
from snug.domain.fit import Fit
from snug.domain.model import Device, LoadOptions, ModelFile, Placement
from snug.domain.prompt import ContextPlan, GenerationRequest, droppable
from snug.services.protocols import EventSink, PlanSink

NOWHERE = Placement("test", 0, 1)


class ScriptedAnswer(threading.Thread):
    """One answer: `words` one after the other, until it is cancelled."""

    def __init__(
        self,
        words: tuple[str, ...],
        sink: EventSink,
        before: Callable[[int], None],
        calls: tuple[ToolCall, ...] = (),
    ) -> None:
        super().__init__(name="scripted-engine", daemon=True)
        self._words = words
        self._sink = sink
        self._before = before
        self._calls = calls
        self.halted = threading.Event()
        self.said = 0

    def run(self) -> None:
        self._sink(Started("test", NOWHERE, 5, 0, 8192))
        for number, word in enumerate(self._words):
            self._before(number)
            if self.halted.is_set():
                break
            self._sink(TextDelta(word))
            self.said = number + 1
        for call in self._calls:
            self._sink(call)
        reason = StopReason.STOPPED if self.halted.is_set() else StopReason.END
        self._sink(Finished(Usage(5, 0, self.said), reason, Timings(0.0, 0.1, 100.0)))

    def cancel(self) -> None:
        self.halted.set()


class ScriptedEngine:
    """Answers every request with the same words."""

    def __init__(
        self,
        words: tuple[str, ...] = ("Hello", " there", "."),
        before: Callable[[int], None] = lambda _number: None,
    ) -> None:
        self.words = words
        self.before = before
        self.context = 8192
        self.message_tokens = 1
        self.script: list[tuple[str, ...]] = []  # answers that come before `words`, in order
        self.calls: tuple[ToolCall, ...] = ()
        self.requests: list[GenerationRequest] = []
        self.answers: list[ScriptedAnswer] = []
        self.releases = 0

    def generate(self, request: GenerationRequest, sink: EventSink) -> ScriptedAnswer:
        self.requests.append(request)
        words = self.script.pop(0) if self.script else self.words
        answer = ScriptedAnswer(words, sink, self.before, self.calls)
        self.answers.append(answer)
        answer.start()
        return answer

    def preload(self, model: ModelFile, options: LoadOptions, sink: EventSink) -> ScriptedAnswer:
        answer = ScriptedAnswer((), sink, self.before)
        sink(Started("test", NOWHERE, 0, 0, self.context))
        return answer

    def plan(self, request: GenerationRequest, sink: PlanSink) -> None:
        """Every message counts `message_tokens`; what is more than the context is dropped."""
        steps = droppable(request.messages)
        fitting = self.context // max(1, self.message_tokens)
        needed = len(request.messages) - fitting
        dropped = next((step for step in steps if step >= needed), steps[-1])
        tokens = (len(request.messages) - dropped) * self.message_tokens
        sink(ContextPlan(tokens, self.context, 0, dropped, overflow=tokens > self.context))

    def fit(self, model: ModelFile, options: LoadOptions) -> Fit:
        raise NotImplementedError

    def devices(self) -> tuple[Device, ...]:
        return ()

    def problems(self) -> tuple[str, ...]:
        return ()

    def versions(self) -> dict[str, str]:
        return {}

    def forget(self, conversation_id: str) -> None:
        pass

    def release(self) -> None:
        self.releases += 1

    def placement(self) -> tuple[ModelFile, Placement] | None:
        return None

    def close(self, timeout_s: float = 10.0) -> None:
        for answer in self.answers:
            answer.cancel()
            answer.join(timeout_s)


class Listener:
    """Collects the events of a run and what stood in the store when each came."""

    def __init__(self, stored: Callable[[], str] = lambda: "") -> None:
        self._stored = stored
        self.events: list[Event] = []
        self.stored: list[str] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self.stored.append(self._stored())

    @property
    def text(self) -> str:
        return "".join(e.text for e in self.events if isinstance(e, TextDelta))

    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]
