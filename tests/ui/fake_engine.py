"""An engine that plays scripted events on a thread of its own."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

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
from snug.services.protocols import EventSink, PlanSink

CPU = Placement(device="this processor", layers_on_gpu=0, layers=31, reason="no graphics card")


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
