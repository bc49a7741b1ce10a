"""Child process: an `EngineHost` that is shut in and speaks frames over its standard pipes.

The first frame says how to live; after it the process confines itself, and only then is anything of
llama.cpp loaded. It ends when its input ends: the application is gone or has no more use for it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

import numpy  # noqa: F401 - late imports of it would come behind the walls and the limits

from snug.domain.errors import SnugError
from snug.domain.events import Event, Failed, Finished, Started
from snug.domain.kv_state import StateKeeper
from snug.domain.prompt import ContextPlan
from snug.engine.host import EngineHost
from snug.engine.job import Job
from snug.engine.native import Native
from snug.engine.sandbox import Rules, confine
from snug.engine.wire import (
    MAX_REQUEST_BYTES,
    Fault,
    Frame,
    FrameReader,
    Kind,
    ModelQuestion,
    Setup,
    StateBuffer,
    StateName,
    pack,
    pack_chunks,
    pack_event,
    unpack,
)

T = TypeVar("T")
_READ_BYTES = 2**17


class _Pipe:
    """The way to the application; a frame at a time, from any thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, frame: bytes) -> None:
        """Write a whole frame; ends the process where nobody reads any more."""
        view = memoryview(frame)
        with self._lock:
            while view:
                try:
                    view = view[os.write(self._descriptor, view) :]
                except OSError:
                    os._exit(0)


class RemoteKeeper:
    """The application's keeper of KV states, asked over the pipe. Engine thread."""

    def __init__(self, pipe: _Pipe) -> None:
        self._pipe = pipe
        self._answer: Future[bytes | None] = Future()

    def save(
        self, conversation: str, fingerprint: str, data: bytes | bytearray | memoryview
    ) -> None:
        """See `StateKeeper`."""
        size = memoryview(data).nbytes
        name = StateName(conversation, fingerprint, size)
        self._pipe.send(pack(Kind.STATE_SAVE, 0, name))
        for chunk in pack_chunks(0, data):
            self._pipe.send(chunk)

    def load(self, conversation: str, fingerprint: str) -> bytes | None:
        """See `StateKeeper`."""
        self._answer = Future()
        self._pipe.send(pack(Kind.STATE_LOAD, 0, StateName(conversation, fingerprint)))
        return self._answer.result()

    def drop(self, conversation: str) -> None:
        """See `StateKeeper`."""
        self._pipe.send(pack(Kind.STATE_DROP, 0, StateName(conversation, "")))

    def answer(self, data: bytes | None) -> None:
        """What the application found. Main thread."""
        self._answer.set_result(data)


def build_host(setup: Setup, keeper: StateKeeper | None) -> EngineHost:
    """The engine of this process."""
    return EngineHost(lambda: Native(variant=setup.variant), keeper)


class Child:
    """Carries frames between the pipe and the engine. Main thread, but for the sinks."""

    def __init__(self, setup: Setup, pipe: _Pipe) -> None:
        self._pipe = pipe
        self._keeper = RemoteKeeper(pipe)
        self._host = build_host(setup, self._keeper if setup.keeper else None)
        self._jobs: dict[int, Job] = {}
        self._incoming: StateBuffer | None = None

    def take(self, frame: Frame) -> None:
        """Do what a frame asks for; returns at once."""
        number = frame.number
        if frame.kind is Kind.GENERATE:
            self._jobs[number] = self._host.generate(unpack(frame), self._sink(number))
        elif frame.kind is Kind.PRELOAD:
            wanted: ModelQuestion = unpack(frame)
            sink = self._sink(number, preload=True)
            self._jobs[number] = self._host.preload(wanted.model, wanted.options, sink)
        elif frame.kind is Kind.CANCEL:
            if number in self._jobs:
                self._jobs[number].cancel()
        elif frame.kind is Kind.PLAN:
            self._host.plan(unpack(frame), lambda plan: self._planned(number, plan))
        elif frame.kind in (Kind.STATE, Kind.CHUNK):
            self._take_state(frame)
        else:
            self._ask(frame)

    def close(self) -> None:
        """Stop everything; KV states that are kept go out before it returns."""
        self._host.close()

    def _sink(self, number: int, preload: bool = False) -> Callable[[Event], None]:
        def sink(event: Event) -> None:
            self._pipe.send(pack_event(number, event))
            ended = isinstance(event, Finished | Failed)
            if ended or (preload and isinstance(event, Started)):
                self._jobs.pop(number, None)

        return sink

    def _planned(self, number: int, plan: ContextPlan | SnugError) -> None:
        if isinstance(plan, SnugError):
            self._pipe.send(pack(Kind.FAULT, number, Fault.of(plan)))
        else:
            self._pipe.send(pack(Kind.PLANNED, number, plan))

    def _ask(self, frame: Frame) -> None:
        """Questions that wait for the engine, each on a thread of its own: they are rare."""
        questions: dict[Kind, tuple[Kind, Callable[[], object]]] = {
            Kind.DEVICES: (Kind.DEVICE_LIST, self._host.devices),
            Kind.PROBLEMS: (Kind.SENTENCES, self._host.problems),
            Kind.VERSIONS: (Kind.VERSION_LIST, self._host.versions),
        }
        if frame.kind is Kind.FIT:
            wanted: ModelQuestion = unpack(frame)
            questions[Kind.FIT] = (
                Kind.FITTED,
                lambda: self._host.fit(wanted.model, wanted.options),
            )
        if frame.kind not in questions:
            return
        kind, work = questions[frame.kind]
        threading.Thread(
            target=self._answer, args=(frame.number, kind, work), name="snug-question", daemon=True
        ).start()

    def _answer(self, number: int, kind: Kind, work: Callable[[], object]) -> None:
        try:
            reply = pack(kind, number, work())
        except SnugError as error:
            reply = pack(Kind.FAULT, number, Fault.of(error))
        except Exception as error:  # noqa: BLE001 - the thread's edge: the application must hear
            reply = pack(Kind.FAULT, number, Fault("SnugError", f"Snug made a mistake ({error!r})"))
        self._pipe.send(reply)

    def _take_state(self, frame: Frame) -> None:
        if frame.kind is Kind.STATE:
            name: StateName = unpack(frame)
            if name.size_bytes < 0:
                self._keeper.answer(None)
                return
            self._incoming = StateBuffer(name)
        elif self._incoming is not None:
            self._incoming.take(frame.data)
        if self._incoming is not None and self._incoming.complete:
            incoming, self._incoming = self._incoming, None
            self._keeper.answer(bytes(incoming.view()))


def own_pipes() -> tuple[int, int]:
    """Take standard input and output away from whatever native code prints or reads."""
    reading, writing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):
        os.dup2(nothing, standard)
    os.close(nothing)
    return reading, writing


def main() -> None:
    """Live as the first frame says, until the input ends."""
    reading, writing = own_pipes()
    pipe, reader = _Pipe(writing), FrameReader(MAX_REQUEST_BYTES)
    child: Child | None = None
    while data := os.read(reading, _READ_BYTES):
        for frame in reader.feed(data):
            if child is not None:
                child.take(frame)
            elif frame.kind is Kind.SETUP:
                setup: Setup = unpack(frame)
                rules = Rules(
                    setup.readable,
                    gpu=setup.gpu,
                    cache=setup.cache,
                    memory_bytes=setup.memory_bytes,
                )
                pipe.send(pack(Kind.HELLO, 0, confine(rules, setup.parent)))
                child = Child(setup, pipe)
    if child is not None:
        child.close()
    os._exit(0)


if __name__ == "__main__":
    main()
