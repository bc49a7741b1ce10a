"""The engine's one thread: a queue of answers, quick questions between two tokens.

Everything that touches llama.cpp runs here, on a stack of 512 MiB: some tokenisers recurse once
per character (ggml-org/llama.cpp #27783), and such a stack costs only what is used of it.
"""

from __future__ import annotations

import importlib.metadata
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

from snug.domain.embedding import Embeddings, Ranking
from snug.domain.errors import EnvironmentFault, SnugError
from snug.domain.events import (
    Event,
    Failed,
    Finished,
    Loading,
    Started,
    StopReason,
    Timings,
    Usage,
)
from snug.domain.fit import Fit
from snug.domain.model import Device, LoadOptions, ModelFile, Placement
from snug.domain.prompt import ContextPlan, GenerationRequest
from snug.engine.answer import Answerer
from snug.engine.decoder import AbortSwitch, Decoder
from snug.engine.embedding import EmbeddingDesk
from snug.engine.fitting import find_fit
from snug.engine.loaded import Cancelled, LoadedModel, same_load
from snug.engine.native import Native
from snug.engine.prompt import KnownTokens, PromptBuilder
from snug.engine.template import TemplateRenderer

STACK_BYTES = 512 * 2**20
_STACK_LOCK = threading.Lock()  # threading.stack_size is a setting of the whole process
_log = logging.getLogger(__name__)

T = TypeVar("T")
EventSink = Callable[[Event], None]
PlanSink = Callable[["ContextPlan | SnugError"], None]


class Job:
    """A request in the queue or at work; the handle that cancels it."""

    def __init__(
        self,
        host: EngineHost,
        model: ModelFile,
        options: LoadOptions,
        request: GenerationRequest | None,
        sink: EventSink,
    ) -> None:
        self.model = model
        self.options = options
        self.request = request
        self.sink = sink
        self.cancelled = False
        self._host = host

    def cancel(self) -> None:
        """Stop it: within one token, or between two steps of the prefill or the load."""
        self._host.cancel(self)


class EngineHost:
    """llama.cpp behind a queue. Public methods may be called from any thread.

    Args (constructor):
        native: brings up the library; called once, on the engine's thread.
    """

    def __init__(self, native: Callable[[], Native] = Native) -> None:
        self._make_native = native
        self._condition = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._quick: deque[Callable[[], None]] = deque()
        self._closing = False
        self._current: Job | None = None
        self._switch = AbortSwitch()
        self._renderer = TemplateRenderer()
        # Below: engine thread only, but for reading `_placed`.
        self._native: Native | None = None
        self._loaded: LoadedModel | None = None
        self._desk = EmbeddingDesk()
        self._builder: PromptBuilder | None = None
        self._decoder: Decoder | None = None
        self._placed: tuple[ModelFile, Placement] | None = None
        self._thread = self._start_thread()

    # -- any thread ---------------------------------------------------------------------------

    def generate(self, request: GenerationRequest, sink: EventSink) -> Job:
        """Queue an answer."""
        return self._enqueue(Job(self, request.model, request.load, request, sink))

    def preload(self, model: ModelFile, options: LoadOptions, sink: EventSink) -> Job:
        """Queue a load."""
        return self._enqueue(Job(self, model, options, None, sink))

    def plan(self, request: GenerationRequest, sink: PlanSink) -> None:
        """Count a request between two tokens; silent where its model is not loaded."""
        self._ask(lambda: self._answer_plan(request, sink))

    def devices(self) -> tuple[Device, ...]:
        """What can compute here; waits until the engine's thread has looked.

        Raises:
            SnugError: llama.cpp could not be brought up, or the engine is closed.
        """
        return self.call(lambda native: native.devices())

    def fit(self, model: ModelFile, options: LoadOptions) -> Fit:
        """How a model would be loaded now; projected between two tokens of a running answer."""
        return self.call(lambda native: find_fit(native, model, options, self._given_back()))

    def embed(self, model: ModelFile, options: LoadOptions, texts: Sequence[str]) -> Embeddings:
        """Texts as vectors, between two tokens of a running answer; waits for them."""
        return self.call(lambda native: self._desk.get(native, model, options).embed(texts))

    def rerank(
        self, model: ModelFile, options: LoadOptions, query: str, documents: Sequence[str]
    ) -> Ranking:
        """How well each document answers a question; waits for it."""
        desk = self._desk
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
                future.set_result(work(self._bring_up()))
            except BaseException as error:  # noqa: BLE001 - handed to the caller, who raises it
                future.set_exception(error)

        if not self._ask(question):
            raise EnvironmentFault("Snug is closing.")
        return future.result()

    def release(self) -> None:
        """Give the model's memory back unless something runs or waits; returns at once."""
        self._ask(self._release)

    def placement(self) -> tuple[ModelFile, Placement] | None:
        """The loaded model and where it lies."""
        return self._placed

    def cancel(self, job: Job) -> None:
        """Stop a job wherever it stands; one that has not begun need not wait for its turn."""
        with self._condition:
            job.cancelled = True
            if self._current is job:
                self._switch.throw()
            elif job in self._jobs:
                self._jobs.remove(job)
                self._quick.append(lambda: _tell(job, _stopped()))
                self._condition.notify_all()

    def close(self, timeout_s: float = 10.0) -> None:
        """Stop everything and join the thread."""
        with self._condition:
            self._closing = True
            for job in self._jobs:
                job.cancelled = True
            if self._current is not None:
                self._current.cancelled = True
                self._switch.throw()
            self._condition.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout_s)
        self._renderer.close()

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
                self._jobs.append(job)
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

    def _run(self) -> None:
        while True:
            with self._condition:
                while not (self._jobs or self._quick or self._closing):
                    self._condition.wait()
                closing = self._closing
            self._answer_quick()
            with self._condition:
                job = self._jobs.popleft() if self._jobs else None
                self._switch.reset()
                self._current = job
                if job is not None and job.cancelled:
                    self._switch.throw()
            if job is not None:
                self._carry_out(job)
            elif closing:
                break
        self._unload()
        self._desk.close()

    def _answer_quick(self) -> None:
        while self._quick:  # asked per token: no lock where there is nothing
            with self._condition:
                if not self._quick:
                    return
                question = self._quick.popleft()
            question()

    # -- engine thread ------------------------------------------------------------------------

    def _carry_out(self, job: Job) -> None:
        try:
            if job.cancelled:
                raise Cancelled
            load_s = self._ensure_loaded(job)
            self._work(job, load_s)
        except Cancelled:
            _tell(job, _stopped())
        except SnugError as error:
            _tell(job, Failed(error.message, error.remedies))
        except Exception as error:  # noqa: BLE001 - the thread's edge: the engine lives on
            _log.exception("engine job failed")
            _tell(job, Failed(_mistake(error)))
        finally:
            with self._condition:
                self._current = None

    def _work(self, job: Job, load_s: float) -> None:
        native, loaded = self._native, self._loaded
        builder, decoder = self._builder, self._decoder
        if native is None or loaded is None or builder is None or decoder is None:
            raise AssertionError("a job reached its work without a model")
        if job.request is None:
            job.sink(Started(loaded.file.name, loaded.placement, 0, 0, loaded.context_length))
            return
        answerer = Answerer(native, loaded, builder, decoder, self._answer_quick)
        answerer.answer(job.request, job.sink, load_s)

    def _bring_up(self) -> Native:
        if self._native is None:
            self._native = self._make_native()
        return self._native

    def _ensure_loaded(self, job: Job) -> float:
        """Load the job's model unless it is there. Returns: seconds it took."""
        if self._loaded is not None and same_load(self._loaded, job.model, job.options):
            return 0.0
        began = time.monotonic()
        self._renderer.warm_up()
        native = self._bring_up()
        self._unload()
        shown = -1.0

        def progress(fraction: float) -> bool:
            nonlocal shown
            if fraction - shown >= 0.01 or fraction >= 1.0:
                shown = fraction
                job.sink(Loading(job.model.name, fraction))
            return not self._switch.thrown

        self._loaded = LoadedModel(native, job.model, job.options, progress)
        self._decoder = Decoder(native.llama, self._loaded, self._switch)
        self._builder = PromptBuilder(self._loaded, self._renderer)
        self._placed = (job.model, self._loaded.placement)
        return time.monotonic() - began

    def _given_back(self) -> dict[str, int]:
        """What unloading would free: the next model is loaded only after that."""
        return self._loaded.held if self._loaded is not None else {}

    def _release(self) -> None:
        with self._condition:
            idle = self._current is None and not self._jobs
        if idle:
            self._unload()

    def _unload(self) -> None:
        loaded, self._loaded = self._loaded, None
        self._decoder = self._builder = self._placed = None
        if loaded is not None:
            loaded.close()

    def _answer_plan(self, request: GenerationRequest, sink: PlanSink) -> None:
        loaded, builder, decoder = self._loaded, self._builder, self._decoder
        if loaded is None or not same_load(loaded, request.model, request.load):
            return  # nothing to count with; the window asks again once the model is loaded
        known = decoder.known if decoder is not None else KnownTokens()
        try:
            if builder is not None:
                sink(builder.plan(request, known))
        except SnugError as error:
            sink(error)
        except Exception as error:  # noqa: BLE001 - as above; it may be amid another's answer
            _log.exception("plan failed")
            sink(SnugError(_mistake(error)))


def _tell(job: Job, event: Event) -> None:
    """The last event of a job; a receiver that fails must not end the engine."""
    try:
        job.sink(event)
    except Exception:  # noqa: BLE001 - the thread's edge
        _log.exception("receiver of an engine job failed")


def _stopped() -> Finished:
    return Finished(Usage(0, 0, 0), StopReason.STOPPED, Timings(0.0, 0.0, 0.0))


def _mistake(error: Exception) -> str:
    return f"Snug made a mistake ({type(error).__name__}); the conversation is safe."
