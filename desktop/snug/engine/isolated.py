"""The same engine in a process of its own, shut in: what dies there takes nothing with it.

`IsolatedEngine` answers as `EngineHost` does. The child may read the files of the model that it was
started for and no others, so another model gets another child.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from snug.domain.errors import EnvironmentFault, SnugError
from snug.domain.events import Failed
from snug.domain.fit import Fit
from snug.domain.kv_state import StateKeeper
from snug.domain.model import Device, LoadOptions, ModelFile, Placement
from snug.domain.prompt import GenerationRequest
from snug.engine.crashes import CrashLimits, CrashLog
from snug.engine.isolated_loop import IsolatedLoop
from snug.engine.isolated_running import ChildPlan, CrashSink
from snug.engine.isolated_work import (
    EventSink,
    IsolatedJob,
    Patience,
    PlanSink,
    Question,
    files_of,
)
from snug.engine.wire import Kind, ModelQuestion


class IsolatedEngine:
    """An engine behind a pipe. Public methods may be called from any thread.

    Args (constructor):
        plan: how children are started.
        keeper: keeps KV states; called on this engine's thread.
        on_crash: told of each crash of a model, on this engine's thread.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        plan: ChildPlan | None = None,
        *,
        keeper: StateKeeper | None = None,
        patience: Patience | None = None,
        crash_limits: CrashLimits | None = None,
        on_crash: CrashSink | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plan = plan or ChildPlan()
        self._patience = patience or Patience()
        log = CrashLog(crash_limits or CrashLimits(), clock)
        self._loop = IsolatedLoop(self._plan, keeper, self._patience, log, on_crash, clock)
        self._numbers = itertools.count(1)
        self._number_lock = threading.Lock()

    @property
    def child_pid(self) -> int | None:
        """Process id of the running child; None where there is none."""
        return self._loop.child_pid

    @property
    def starts(self) -> int:
        """How many children were started so far."""
        return self._loop.starts

    def generate(self, request: GenerationRequest, sink: EventSink) -> IsolatedJob:
        """Queue an answer."""
        return self._enqueue(request, sink)

    def preload(self, model: ModelFile, options: LoadOptions, sink: EventSink) -> IsolatedJob:
        """Queue a load."""
        return self._enqueue(ModelQuestion(model, options), sink)

    def plan(self, request: GenerationRequest, sink: PlanSink) -> None:
        """Count a request between two tokens; silent where its model is not loaded."""
        placed = self._loop.placed
        if placed is not None and placed[0].sha256 == request.model.sha256:
            files = files_of(request.model, request.load)
            self._loop.ask(Question(self._number(), Kind.PLAN, request, files, plan=sink))

    def fit(self, model: ModelFile, options: LoadOptions) -> Fit:
        """How a model would be loaded now; a child of its own looks where this one must not."""
        files = files_of(model, options)
        if not self._loop.serves(files):
            other = IsolatedEngine(self._plan, patience=self._patience)
            try:
                return other.fit(model, options)
            finally:
                other.close()
        fit: Fit = self._ask(Kind.FIT, ModelQuestion(model, options), files)
        return fit

    def devices(self) -> tuple[Device, ...]:
        """What can compute here. Raises: SnugError."""
        devices: tuple[Device, ...] = self._ask(Kind.DEVICES)
        return devices

    def devices_when_free(self) -> tuple[Device, ...]:
        """As `devices`: what the child holds counts as taken, but for weights that stay in files.

        Raises: SnugError.
        """
        return self.devices()

    def problems(self) -> tuple[str, ...]:
        """What went wrong while bringing up the devices, in sentences. Raises: SnugError."""
        problems: tuple[str, ...] = self._ask(Kind.PROBLEMS)
        return problems

    def versions(self) -> dict[str, str]:
        """Version of the bindings and the CPU variant in use. Raises: SnugError."""
        versions: dict[str, str] = self._ask(Kind.VERSIONS)
        return versions

    def placement(self) -> tuple[ModelFile, Placement] | None:
        """The loaded model and where it lies."""
        return self._loop.placed

    def forget(self, conversation_id: str) -> None:
        """Drop what the child holds of a conversation that was deleted: it ends, if it is idle.

        What it holds of others goes to the keeper on the way.
        """
        del conversation_id
        self.release()

    def release(self) -> None:
        """End the child, and with it all it holds, unless it is at work."""
        self._loop.run(self._loop.leave_if_idle)

    def forgive(self) -> None:
        """Forget all crashes: what was in quarantine here gets a new chance."""
        self._loop.run(self._loop.forgive)

    def close(self, timeout_s: float = 10.0) -> None:
        """Stop everything, end the child, join the thread."""
        self._loop.close(timeout_s)

    def _enqueue(self, request: GenerationRequest | ModelQuestion, sink: EventSink) -> IsolatedJob:
        job = IsolatedJob(self._loop, self._number(), request, sink)
        if not self._loop.run(lambda: self._loop.add(job)):
            sink(Failed("Snug is closing."))
        return job

    def _ask(self, kind: Kind, value: object = None, files: frozenset[str] = frozenset()) -> Any:
        future: Future[Any] = Future()
        if not self._loop.ask(Question(self._number(), kind, value, files, future=future)):
            raise EnvironmentFault("Snug is closing.")
        try:
            return future.result()
        except SnugError as error:
            raise type(error)(error.message) from error

    def _number(self) -> int:
        with self._number_lock:
            return next(self._numbers) % 2**32
