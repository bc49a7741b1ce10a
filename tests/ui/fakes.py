"""Hand-written stand-ins behind the real Protocols, for tests of the window.

The services are the real ones; only the rooms below them are replaced: an in-memory store with a
real writing thread, an engine that plays scripted events on a thread of its own, a library of
three models.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from snug.domain.conversation import (
    Conversation,
    ConversationSettings,
    ConversationSummary,
    Message,
    Part,
    PartKind,
    Role,
    Status,
    join_parts,
    now_ms,
    title_from,
)
from snug.domain.errors import ModelFileError, NotFoundError, SnugError
from snug.domain.events import (
    Event,
    Failed,
    Finished,
    Loading,
    Prefill,
    Started,
    StopReason,
    TextDelta,
    Timings,
    Usage,
)
from snug.domain.model import Device, DeviceKind, LoadOptions, ModelFile, Placement
from snug.domain.prompt import ContextPlan, GenerationRequest
from snug.domain.search import MATCH_END, MATCH_START, SearchHit
from snug.services.bundle import Profile, Services
from snug.services.conversations import ConversationService
from snug.services.models import ModelService
from snug.services.preferences import Preferences
from snug.services.protocols import EventSink, PlanSink

RESOURCES = Path(__file__).parents[2] / "resources"
CPU = Placement(device="this processor", layers_on_gpu=0, layers=31, reason="no graphics card")
STARTER = ModelFile(
    name="SmolLM2-135M-Instruct",
    path="/models/SmolLM2-135M-Instruct.Q4_1.gguf",
    size_bytes=98_362_432,
    sha256="b1" * 32,
    architecture="llama",
    quantization="Q4_1",
    context_length=8192,
    licence="apache-2.0",
    source="starter",
    parameter_count=134_515_008,
    layers=30,
    note="good for trying the app, not for answers",
)
SMALL = ModelFile(
    name="Qwen2.5-1.5B-Instruct",
    path="/models/qwen2.5-1.5b-instruct-q4_k_m.gguf",
    size_bytes=1_117_320_736,
    sha256="c2" * 32,
    architecture="qwen2",
    quantization="Q4_K_M",
    context_length=32768,
    licence="apache-2.0",
    source="Qwen/Qwen2.5-1.5B-Instruct-GGUF",
    parameter_count=1_540_000_000,
    layers=28,
)
LARGE = ModelFile(
    name="Mistral-7B-Instruct-v0.3",
    path="/models/Mistral-7B-Instruct-v0.3.Q4_K_M.gguf",
    size_bytes=4_372_812_000,
    sha256="d3" * 32,
    architecture="llama",
    quantization="Q4_K_M",
    context_length=32768,
    licence="",
    source="import",
    parameter_count=7_250_000_000,
    layers=32,
)


class FakeWriter:
    """A real thread that runs jobs in the order of their time."""

    def __init__(self) -> None:
        self._jobs: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._wake = threading.Condition()
        self._closed = False
        self.thread = threading.Thread(target=self._work, name="fake-writer", daemon=True)
        self.thread.start()

    def submit(self, job: Callable[[], None], delay_s: float = 0.0) -> None:
        with self._wake:
            heapq.heappush(self._jobs, (time.monotonic() + delay_s, next(self._count), job))
            self._wake.notify()

    def call(self, job: Callable[[], None]) -> None:
        """Run on the writer's thread and wait, as the real store does for writes."""
        if threading.current_thread() is self.thread:
            job()
            return
        done = threading.Event()
        errors: list[SnugError] = []

        def wrapped() -> None:
            try:
                job()
            except SnugError as error:
                errors.append(error)
            done.set()

        self.submit(wrapped)
        if not done.wait(10.0):
            raise AssertionError("The fake writer is stuck.")
        if errors:
            raise errors[0]

    def close(self) -> None:
        with self._wake:
            self._closed = True
            self._wake.notify()
        self.thread.join(5.0)

    def _work(self) -> None:
        while True:
            with self._wake:
                while not self._closed and (not self._jobs or self._jobs[0][0] > time.monotonic()):
                    pause = self._jobs[0][0] - time.monotonic() if self._jobs else None
                    self._wake.wait(pause)
                if not self._jobs:
                    return
                job = heapq.heappop(self._jobs)[2]
            job()


class FakeStore:
    """ConversationStore in memory. `fail_next` makes the next write raise."""

    def __init__(self) -> None:
        self._writer = FakeWriter()
        self._lock = threading.RLock()
        self.kept: dict[str, Conversation] = {}
        self.settings: dict[str, str] = {}
        self.fail_next: SnugError | None = None

    @property
    def writer(self) -> FakeWriter:
        return self._writer

    def close(self) -> None:
        self._writer.close()

    def summaries(self, limit: int = 200, offset: int = 0) -> tuple[ConversationSummary, ...]:
        with self._lock:
            rows = sorted(self.kept.values(), key=lambda c: (c.updated_ms, c.id), reverse=True)
        return tuple(
            ConversationSummary(c.id, c.title, c.updated_ms, len(c.messages))
            for c in rows[offset : offset + limit]
        )

    def conversation(self, conversation_id: str) -> Conversation:
        with self._lock:
            if conversation_id not in self.kept:
                raise NotFoundError(f"There is no conversation {conversation_id}.")
            return self.kept[conversation_id]

    def search(self, text: str, limit: int = 50) -> tuple[SearchHit, ...]:
        word = text.strip().casefold()
        with self._lock:
            hits = [
                SearchHit(c.id, m.id, c.title, _marked(m.text, word))
                for c in self.kept.values()
                for m in c.messages
                if word in m.text.casefold()
            ]
        return tuple(hits[:limit])

    def create(self, conversation: Conversation) -> None:
        self._write(lambda: self.kept.__setitem__(conversation.id, conversation))

    def add_message(self, message: Message, *, durable: bool) -> None:
        def grow(c: Conversation) -> Conversation:
            title = c.title
            if not title and message.role is Role.USER:
                title = title_from(message.text)
            return replace(
                c,
                messages=(*c.messages, message),
                leaf_id=message.id,
                title=title,
                updated_ms=now_ms(),
            )

        self._change(message.conversation_id, grow)

    def append_journal(self, message_id: str, parts: Sequence[Part]) -> None:
        def grow(message: Message) -> Message:
            return replace(message, parts=join_parts((*message.parts, *parts)))

        self._change_message(message_id, grow)

    def finish_message(self, message: Message) -> None:
        self._change_message(message.id, lambda _: message)

    def set_leaf(self, conversation_id: str, leaf_id: str | None) -> None:
        self._change(conversation_id, lambda c: replace(c, leaf_id=leaf_id))

    def set_pinned(self, conversation_id: str, message_id: str, pinned: bool) -> None:
        self._change_message(message_id, lambda message: replace(message, pinned=pinned))

    def set_title(self, conversation_id: str, title: str) -> None:
        self._change(conversation_id, lambda c: replace(c, title=title))

    def set_settings(self, conversation_id: str, settings: ConversationSettings) -> None:
        self._change(conversation_id, lambda c: replace(c, settings=settings))

    def set_draft(self, conversation_id: str, draft: str) -> None:
        self._change(conversation_id, lambda c: replace(c, draft=draft))

    def delete(self, conversation_id: str) -> None:
        def job() -> None:
            if conversation_id not in self.kept:
                raise NotFoundError(f"There is no conversation {conversation_id}.")
            del self.kept[conversation_id]

        self._write(job)

    def setting(self, name: str) -> str | None:
        with self._lock:
            return self.settings.get(name)

    def set_setting(self, name: str, value: str) -> None:
        self._write(lambda: self.settings.__setitem__(name, value))

    def _change(self, conversation_id: str, change: Callable[[Conversation], Conversation]) -> None:
        def job() -> None:
            self.kept[conversation_id] = change(self.conversation(conversation_id))

        self._write(job)

    def _change_message(self, message_id: str, change: Callable[[Message], Message]) -> None:
        def job() -> None:
            for c in self.kept.values():
                if any(m.id == message_id for m in c.messages):
                    messages = tuple(change(m) if m.id == message_id else m for m in c.messages)
                    self.kept[c.id] = replace(c, messages=messages, updated_ms=now_ms())
                    return
            raise NotFoundError(f"There is no message {message_id}.")

        self._write(job)

    def _write(self, job: Callable[[], None]) -> None:
        def guarded() -> None:
            with self._lock:
                if self.fail_next is not None:
                    error, self.fail_next = self.fail_next, None
                    raise error
                job()

        self._writer.call(guarded)


@dataclass(slots=True)
class _Job:
    """One request to the engine; also its handle."""

    model: ModelFile
    sink: EventSink
    answer: bool
    stop: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        self.stop.set()


class FakeEngine:
    """Plays events on its own thread.

    `script` is what an answer says: texts, or events that are passed on as they are; a float waits
    that many seconds. `hold` (when cleared) stops the play before each next step, so that a test
    can look at a half-made answer.
    """

    def __init__(self) -> None:
        self.script: list[str | float | Event] = ["Hello", " from", " the", " engine", "."]
        self.hold = threading.Event()
        self.hold.set()
        self.requests: list[GenerationRequest] = []
        self.preloads: list[str] = []
        self.plan_result = ContextPlan(120, 8192, 512, 0)
        self.placement_now = CPU
        self.preload_fails = ""
        self.releases = 0
        self._loaded: ModelFile | None = None
        self._jobs: list[_Job | None] = []
        self._wake = threading.Condition()
        self.thread = threading.Thread(target=self._work, name="fake-engine", daemon=True)
        self.thread.start()

    def generate(self, request: GenerationRequest, sink: EventSink) -> _Job:
        self.requests.append(request)
        return self._queue(_Job(request.model, sink, answer=True))

    def preload(self, model: ModelFile, options: LoadOptions, sink: EventSink) -> _Job:
        self.preloads.append(model.name)
        return self._queue(_Job(model, sink, answer=False))

    def plan(self, request: GenerationRequest, sink: PlanSink) -> None:
        sink(self.plan_result)

    def devices(self) -> tuple[Device, ...]:
        return (Device("CPU", "this processor", DeviceKind.CPU, 6 * 2**30, 16 * 2**30),)

    def problems(self) -> tuple[str, ...]:
        return ()

    def versions(self) -> dict[str, str]:
        return {"llama.cpp": "b1", "cpu": "haswell"}

    def forget(self, conversation_id: str) -> None:
        pass

    def release(self) -> None:
        self.releases += 1
        self._loaded = None

    def placement(self) -> tuple[ModelFile, Placement] | None:
        return None if self._loaded is None else (self._loaded, self.placement_now)

    def close(self, timeout_s: float = 10.0) -> None:
        self.hold.set()
        with self._wake:
            for job in self._jobs:
                if job is not None:
                    job.cancel()
            self._jobs.append(None)
            self._wake.notify()
        self.thread.join(timeout_s)

    def _queue(self, job: _Job) -> _Job:
        with self._wake:
            self._jobs.append(job)
            self._wake.notify()
        return job

    def _work(self) -> None:
        while True:
            with self._wake:
                while not self._jobs:
                    self._wake.wait()
                job = self._jobs.pop(0)
            if job is None:
                return
            self._load(job)
            if job.answer:
                self._play(job)

    def _load(self, job: _Job) -> None:
        if self._loaded is not job.model:
            for fraction in (0.0, 0.43, 1.0):
                self._step(job)
                job.sink(Loading(job.model.name, fraction))
            if self.preload_fails:
                job.sink(Failed(self.preload_fails))
                return
            self._loaded = job.model
        job.sink(Started(job.model.name, self.placement_now, 42, 0, 8192))

    def _play(self, job: _Job) -> None:
        job.sink(Prefill(42, 42))
        tokens = 0
        for step in self.script:
            self._step(job)
            if job.stop.is_set():
                break
            if isinstance(step, float):
                job.stop.wait(step)
            elif isinstance(step, str):
                tokens += 1
                job.sink(TextDelta(step))
            else:
                job.sink(step)
                if isinstance(step, Failed | Finished):
                    return
        reason = StopReason.STOPPED if job.stop.is_set() else StopReason.END
        job.sink(Finished(Usage(42, 0, tokens), reason, Timings(0.0, 0.12, 142.0)))

    def _step(self, job: _Job) -> None:
        while not self.hold.wait(0.01) and not job.stop.is_set():
            continue


class FakeLibrary:
    """Three models; files named `*broken*` are refused on import."""

    def __init__(self, models: Sequence[ModelFile] = (SMALL, LARGE, STARTER)) -> None:
        self.kept = list(models)

    def models(self) -> tuple[ModelFile, ...]:
        return tuple(self.kept)

    def resolve(self, reference: str) -> ModelFile:
        for model in self.kept:
            if reference in (model.name, model.path, model.source):
                return model
        raise NotFoundError(f"There is no model {reference} on this machine.")

    def import_file(self, path: Path) -> ModelFile:
        problems = self.check(path)
        if problems:
            raise ModelFileError(problems[0])
        model = replace(LARGE, name=path.stem, path=str(path), source="import")
        self.kept.insert(0, model)
        return model

    def remove(self, name: str) -> ModelFile:
        model = self.resolve(name)
        self.kept.remove(model)
        return model

    def warnings(self, path: Path) -> tuple[str, ...]:
        return ()

    def check(self, path: Path) -> tuple[str, ...]:
        if "broken" in path.name:
            return (f"{path.name} is not a GGUF file: its first four bytes are not GGUF.",)
        return ()


@dataclass(slots=True)
class Rooms:
    """The fakes below the services, for a test to steer."""

    store: FakeStore
    engine: FakeEngine
    library: FakeLibrary

    def services(self, data_dir: Path, created: bool = False) -> Services:
        """The real services over these rooms."""
        models = ModelService(self.library, self.store, self.engine)
        profile = Profile(
            version="0.1.0",
            data_dir=data_dir,
            resources=RESOURCES,
            key_note="The key is in your desktop's keyring.",
            created=created,
        )
        return Services(
            profile=profile,
            conversations=ConversationService(self.store, models, self.engine),
            models=models,
            preferences=Preferences(self.store),
        )

    def close(self) -> None:
        self.engine.close()
        self.store.close()


def make_rooms() -> Rooms:
    return Rooms(FakeStore(), FakeEngine(), FakeLibrary())


def put_conversation(
    store: FakeStore, title: str, updated_ms: int, *turns: tuple[Role, str]
) -> Conversation:
    """Store a finished conversation; its id is made of the title."""
    conversation_id = f"c-{title.casefold().replace(' ', '-')}"
    messages: list[Message] = []
    for number, (role, text) in enumerate(turns):
        messages.append(
            Message(
                id=f"{conversation_id}-{number}",
                conversation_id=conversation_id,
                parent_id=messages[-1].id if messages else None,
                role=role,
                parts=text_parts(text),
                status=Status.COMPLETE,
                model=STARTER.name if role is Role.ASSISTANT else "",
                created_ms=updated_ms,
            )
        )
    conversation = Conversation(
        id=conversation_id,
        title=title,
        created_ms=updated_ms,
        updated_ms=updated_ms,
        messages=tuple(messages),
        leaf_id=messages[-1].id if messages else None,
    )
    store.kept[conversation_id] = conversation
    return conversation


def text_parts(text: str) -> tuple[Part, ...]:
    return (Part(PartKind.TEXT, text),)


def _marked(text: str, word: str) -> str:
    at = text.casefold().find(word)
    line = text[max(0, at - 30) : at] + MATCH_START + text[at : at + len(word)] + MATCH_END
    return " ".join((line + text[at + len(word) : at + len(word) + 60]).split())
