"""What an isolated engine is asked: jobs and questions, and the watch over each."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from snug.domain.errors import SnugError
from snug.domain.events import (
    Event,
    Finished,
    ReasoningDelta,
    Started,
    StopReason,
    TextDelta,
    Timings,
    Usage,
)
from snug.domain.model import LoadOptions, ModelFile
from snug.domain.prompt import ContextPlan, GenerationRequest
from snug.engine.wire import Kind, ModelQuestion, pack

EventSink = Callable[[Event], None]
PlanSink = Callable[["ContextPlan | SnugError"], None]
_SHARD = re.compile(r"^(.*)-(\d{5})-of-(\d{5})\.gguf$")
_SLOWEST_PREFILL = 4.0  # tokens per second that are still taken for work
_PREFILL_STEP = 512  # tokens between two signs of life


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the engine may be silent, in seconds.

    Attributes:
        load_s: while a model is loaded or a question answered.
        token_s: between two signs of life of an answer; longer while a prompt is read.
        stop_s: until a stopped answer counts as ended for the person.
        kill_s: until an engine that does not stop is ended.
        leave_s: until an engine that was asked to leave is ended.
    """

    load_s: float = 120.0
    token_s: float = 60.0
    stop_s: float = 0.5
    kill_s: float = 2.0
    leave_s: float = 10.0


class _Owner(Protocol):
    def stop(self, job: IsolatedJob) -> None:
        """Take a cancel from any thread."""


class IsolatedJob:
    """An answer or a load that an isolated engine makes; the handle that cancels it.

    Everything but `cancel` and `cancelled` belongs to the owner's thread.
    """

    def __init__(
        self,
        owner: _Owner,
        number: int,
        request: GenerationRequest | ModelQuestion,
        sink: EventSink,
    ) -> None:
        self._owner = owner
        self.number = number
        self.request = request
        self.sink = sink
        self.cancelled = False
        self.stopped_at: float | None = None
        self.ended = False
        self.started: Started | None = None
        self.tokens = 0

    @property
    def model(self) -> ModelFile:
        """The file that it runs."""
        return self.request.model

    @property
    def options(self) -> LoadOptions:
        """How the file is loaded."""
        request = self.request
        return request.load if isinstance(request, GenerationRequest) else request.options

    @property
    def files(self) -> frozenset[str]:
        """Every file that the engine must read for it."""
        adapters: tuple[str, ...] = ()
        if isinstance(self.request, GenerationRequest):
            adapters = tuple(adapter.path for adapter in self.request.adapters)
        return files_of(self.model, self.options).union(adapters)

    def frame(self) -> bytes:
        """How it is asked. Raises: WireError."""
        kind = Kind.GENERATE if isinstance(self.request, GenerationRequest) else Kind.PRELOAD
        return pack(kind, self.number, self.request)

    def note(self, event: Event) -> None:
        """Remember how far it is."""
        if isinstance(event, Started):
            self.started = event
        elif isinstance(event, TextDelta | ReasoningDelta):
            self.tokens += event.tokens

    def patience_s(self, patience: Patience) -> float:
        """How long it may be silent now."""
        if self.started is None:
            return patience.load_s
        if self.tokens:
            return patience.token_s
        unread = self.started.prompt_tokens - self.started.cached_tokens
        return patience.token_s + min(max(unread, 0), _PREFILL_STEP) / _SLOWEST_PREFILL

    def stopped(self) -> Finished:
        """How it ends where the person stopped it and the engine did not say so."""
        started = self.started
        prompt = started.prompt_tokens if started else 0
        cached = started.cached_tokens if started else 0
        usage = Usage(prompt, cached, self.tokens)
        return Finished(usage, StopReason.STOPPED, Timings(0.0, 0.0, 0.0))

    def cancel(self) -> None:
        """Stop it: no more text comes, and its end within `Patience.stop_s`."""
        self.cancelled = True
        self._owner.stop(self)


@dataclass(slots=True)
class Question:
    """Something that is answered once, through a future or a plan's sink."""

    number: int
    kind: Kind
    value: object
    files: frozenset[str]
    future: Future[Any] | None = None
    plan: PlanSink | None = None

    def answer(self, value: object) -> None:
        """Hand over what came."""
        if self.future is not None:
            if isinstance(value, SnugError):
                self.future.set_exception(value)
            else:
                self.future.set_result(value)
        elif self.plan is not None and isinstance(value, ContextPlan | SnugError):
            self.plan(value)

    def frame(self) -> bytes:
        """How it is asked. Raises: WireError."""
        return pack(self.kind, self.number, self.value)


def files_of(model: ModelFile, options: LoadOptions) -> frozenset[str]:
    """The model's file, its other parts where it is split, and its draft's."""
    paths = {os.path.realpath(model.path), model.path, *_parts(model.path)}
    if options.draft is not None:
        paths |= files_of(options.draft, LoadOptions())
    return frozenset(paths)


def _parts(path: str) -> frozenset[str]:
    split = _SHARD.match(path)
    if split is None:
        return frozenset()
    stem, _, count = split.groups()
    parts = (f"{stem}-{i:05d}-of-{count}.gguf" for i in range(1, min(int(count), 1000) + 1))
    return frozenset(map(os.path.realpath, parts))
