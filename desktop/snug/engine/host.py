"""The engine's one thread: a queue of answers, quick questions between two steps.

Everything that touches llama.cpp runs here, on a stack of 512 MiB: some tokenisers recurse once
per character (ggml-org/llama.cpp #27783), and such a stack costs only what is used of it.
"""

from __future__ import annotations

import importlib.metadata
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import TypeVar

from snug.domain.embedding import Embeddings, Ranking
from snug.domain.errors import EnvironmentFault
from snug.domain.events import Failed
from snug.domain.fit import Fit, with_given_back
from snug.domain.kv_state import StateKeeper
from snug.domain.model import Device, LoadOptions, ModelFile, Placement
from snug.domain.prompt import GenerationRequest
from snug.engine.decoder import AbortSwitch
from snug.engine.fitting import find_fit
from snug.engine.job import EventSink, Job, stopped, tell
from snug.engine.native import Native
from snug.engine.session import Session
from snug.engine.worker import PlanSink, Worker

STACK_BYTES = 512 * 2**20
_STACK_LOCK = threading.Lock()  # threading.stack_size is a setting of the whole process

_log = logging.getLogger(__name__)
T = TypeVar("T")


class EngineHost:
    """llama.cpp behind a queue. Public methods may be called from any thread.

    One answer at a time on the chat lane; requests that are `parallel` many at a time beside it, a
    step of the one and a step of the others in turn.

    Args (constructor):
        native: brings up the library; called once, on the engine's thread.
        keeper: keeps KV states of conversations beyond this process; None for nobody.
        warm_bytes: of main memory for KV states; None takes a share of what is free.
    """

    def __init__(
        self,
        native: Callable[[], Native] = Native,
        keeper: StateKeeper | None = None,
        warm_bytes: int | None = None,
    ) -> None:
        self._condition = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._parallel: deque[Job] = deque()
        self._quick: deque[Callable[[], None]] = deque()
        self._closing = False
        self._current: Job | None = None
        self._admitting: Job | None = None  # on its way from the queue to the parallel lane
        self._switch = AbortSwitch()
        self._worker = Worker(native, self._switch, keeper, warm_bytes)
        self._steps: Iterator[None] | None = None  # of the current job; engine thread only
        self._thread = self._start_thread()

    # -- any thread ---------------------------------------------------------------------------

    def generate(self, request: GenerationRequest, sink: EventSink) -> Job:
        """Queue an answer; one that is `parallel` joins the others of its kind."""
        return self._enqueue(Job(self, request.model, request.load, request, sink))

    def preload(self, model: ModelFile, options: LoadOptions, sink: EventSink) -> Job:
        """Queue a load."""
        return self._enqueue(Job(self, model, options, None, sink))

    def plan(self, request: GenerationRequest, sink: PlanSink) -> None:
        """Count a request between two tokens; silent where its model is not loaded."""
        self._ask(lambda: self._worker.plan(request, sink))

    def devices(self) -> tuple[Device, ...]:
        """What can compute here; waits until the engine's thread has looked.

        Raises:
            SnugError: llama.cpp could not be brought up, or the engine is closed.
        """
        return self.call(lambda native: native.devices())

    def devices_when_free(self) -> tuple[Device, ...]:
        """The devices as they will be once the loaded model is gone. Raises: as `devices`."""
        return self.call(
            lambda native: with_given_back(native.devices(), self._worker.given_back())
        )

    def fit(self, model: ModelFile, options: LoadOptions) -> Fit:
        """How a model would be loaded now; projected between two tokens of a running answer."""
        return self.call(lambda native: find_fit(native, model, options, self._worker.given_back()))

    def embed(self, model: ModelFile, options: LoadOptions, texts: Sequence[str]) -> Embeddings:
        """Texts as vectors, between two tokens of a running answer; waits for them."""
        return self.call(lambda native: self._worker.desk.get(native, model, options).embed(texts))

    def rerank(
        self, model: ModelFile, options: LoadOptions, query: str, documents: Sequence[str]
    ) -> Ranking:
        """How well each document answers a question; waits for it."""
        desk = self._worker.desk
        return self.call(lambda native: desk.get(native, model, options).rerank(query, documents))

    def problems(self) -> tuple[str, ...]:
        """What went wrong while bringing up the devices, in sentences."""
        return self.call(lambda native: tuple(native.problems))

    def versions(self) -> dict[str, str]:
        """Version of the bindings and the CPU variant in use."""
        return self.call(
            lambda native: {
                "llama_cpp_python": importlib.metadata.version("llama-cpp-python"),
                "cpu_variant": native.cpu_variant,
            }
        )

    def call(self, work: Callable[[Native], T]) -> T:
        """Run something with the native library on the engine's thread and wait for it.

        Raises:
            EnvironmentFault: the engine is closed. Also: what `work` raises.
        """
        future: Future[T] = Future()

        def question() -> None:
            try:
                future.set_result(work(self._worker.bring_up()))
            except BaseException as error:  # noqa: BLE001 - handed to the caller, who raises it
                future.set_exception(error)

        if not self._ask(question):
            raise EnvironmentFault("Snug is closing.")
        return future.result()

    def forget(self, conversation_id: str) -> None:
        """Drop what the caches hold of a conversation that was deleted; returns at once."""
        self._ask(lambda: self._worker.forget(conversation_id))

    def look(self, question: Callable[[Session], T]) -> T:
        """Ask something of the loaded model's session; for measuring and tests.

        Raises:
            EnvironmentFault: no model is loaded. Also: as `call`.
        """

        def ask(_native: Native) -> T:
            if self._worker.session is None:
                raise EnvironmentFault("No model is loaded.")
            return question(self._worker.session)

        return self.call(ask)

    def release(self) -> None:
        """Give the model's memory back unless something runs or waits; returns at once."""
        self._ask(self._release)

    def placement(self) -> tuple[ModelFile, Placement] | None:
        """The loaded model and where it lies."""
        return self._worker.placed

    def cancel(self, job: Job) -> None:
        """Stop a job wherever it stands; one that has not begun need not wait for its turn."""
        with self._condition:
            job.cancelled = True
            if self._current is job:
                self._switch.throw()
                return
            for waiting in (self._jobs, self._parallel):
                if job in waiting:
                    waiting.remove(job)
                    self._quick.append(lambda: tell(job, stopped()))
                    self._condition.notify_all()

    def close(self, timeout_s: float = 10.0) -> None:
        """Stop everything and join the thread."""
        with self._condition:
            self._closing = True
            for job in (*self._jobs, *self._parallel, self._admitting):
                if job is not None:
                    job.cancelled = True
            session = self._worker.session
            if session is not None:
                session.stop_parallel()
            if self._current is not None:
                self._current.cancelled = True
                self._switch.throw()
            self._condition.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout_s)
        self._worker.renderer.close()

    # -- queue --------------------------------------------------------------------------------

    def _start_thread(self) -> threading.Thread:
        thread = threading.Thread(target=self._run, name="snug-engine", daemon=True)
        with _STACK_LOCK:
            before = threading.stack_size(STACK_BYTES)
            try:
                thread.start()
            finally:
                threading.stack_size(before)
        return thread

    def _enqueue(self, job: Job) -> Job:
        with self._condition:
            if not self._closing:
                aside = job.request is not None and job.request.parallel
                (self._parallel if aside else self._jobs).append(job)
                self._condition.notify_all()
                return job
        job.sink(Failed("Snug is closing."))
        return job

    def _ask(self, question: Callable[[], None]) -> bool:
        """Queue a question; False where nobody will answer it any more."""
        with self._condition:
            if self._closing:
                return False
            self._quick.append(question)
            self._condition.notify_all()
        return True

    # -- engine thread ------------------------------------------------------------------------

    def _run(self) -> None:
        while self._turn():
            pass
        self._worker.unload()

    def _turn(self) -> bool:
        """A step of each lane. Returns: False once everything is over and nothing may come."""
        with self._condition:
            while not self._has_work():
                self._condition.wait()
            closing = self._closing
        self._answer_quick()
        self._advance_chat()
        self._advance_parallel()
        return not closing or self._is_busy()

    def _is_busy(self) -> bool:
        at_work = self._steps is not None or self._worker.parallel_busy
        return bool(at_work or self._jobs or self._parallel or self._quick)

    def _has_work(self) -> bool:
        return self._closing or self._is_busy()

    def _advance_chat(self) -> None:
        if self._steps is None:
            job = self._next_chat()
            if job is None:
                return
            self._steps = self._worker.carry_out(job)
        for _ in self._steps:
            return
        self._steps = None
        with self._condition:
            self._current = None
            self._switch.reset()  # a stop is of one job; a load for the others must not heed it

    def _next_chat(self) -> Job | None:
        """The next job; one of another model waits until the parallel answers are through."""
        with self._condition:
            if not self._jobs:
                return None
            if self._worker.parallel_busy and not self._worker.serves(self._jobs[0]):
                return None
            job = self._jobs.popleft()
            self._switch.reset()
            self._current = job
            if job.cancelled:
                self._switch.throw()
            return job

    def _advance_parallel(self) -> None:
        chatting = self._steps is not None
        while self._parallel and not self._closing:
            with self._condition:
                if not self._parallel or (self._jobs and not chatting):
                    break  # a person's job waits for another model: nobody new goes before it
                waiting = len(self._parallel)
                job = self._admitting = self._parallel.popleft()
            admitted = self._worker.admit(job, waiting, alone=not chatting)
            if not self._settled(job, admitted):
                break
        if self._closing:
            self._stop_waiting()
        self._worker.step_parallel(beside_chat=chatting)

    def _settled(self, job: Job, admitted: bool) -> bool:
        """Put a job that was not admitted back; False where it goes on waiting."""
        with self._condition:
            self._admitting = None
            if not (admitted or job.cancelled):
                self._parallel.appendleft(job)
                return False
        if not admitted:
            tell(job, stopped())
        return True

    def _stop_waiting(self) -> None:
        with self._condition:
            waiting, self._parallel = self._parallel, deque()
        for job in waiting:
            tell(job, stopped())

    def _answer_quick(self) -> None:
        while self._quick:  # asked per token: no lock where there is nothing
            with self._condition:
                if not self._quick:
                    return
                question = self._quick.popleft()
            try:
                question()
            except Exception:  # noqa: BLE001 - the thread's edge: answers go on
                _log.exception("question to the engine failed")

    def _release(self) -> None:
        with self._condition:
            idle = self._current is None and not self._jobs and not self._parallel
        if idle and not self._worker.parallel_busy:
            self._worker.unload()
