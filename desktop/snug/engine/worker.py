"""What the engine's thread does: bring up llama.cpp, change models, carry out jobs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

from snug.domain.errors import SnugError
from snug.domain.events import Failed, Loading, Started
from snug.domain.kv_state import StateKeeper
from snug.domain.model import ModelFile, Placement
from snug.domain.prompt import ContextPlan, GenerationRequest
from snug.engine.decoder import AbortSwitch
from snug.engine.embedding import EmbeddingDesk
from snug.engine.job import Job, mistake, stopped, tell
from snug.engine.loaded import Cancelled
from snug.engine.native import Native
from snug.engine.session import Session
from snug.engine.template import TemplateRenderer

_log = logging.getLogger(__name__)
PlanSink = Callable[["ContextPlan | SnugError"], None]


class Worker:
    """Engine thread only, but for reading `placed` and `session`."""

    def __init__(
        self,
        make_native: Callable[[], Native],
        switch: AbortSwitch,
        keeper: StateKeeper | None,
        warm_bytes: int | None,
    ) -> None:
        self._make_native = make_native
        self._switch = switch
        self._keeper = keeper
        self._warm_bytes = warm_bytes
        self._native: Native | None = None
        self.renderer = TemplateRenderer()
        self.desk = EmbeddingDesk()
        self.session: Session | None = None
        self.placed: tuple[ModelFile, Placement] | None = None

    def bring_up(self) -> Native:
        """The library. Raises: SnugError."""
        if self._native is None:
            self._native = self._make_native()
        return self._native

    def serves(self, job: Job) -> bool:
        """Whether the loaded model is the job's."""
        return self.session is not None and self.session.serves(job.model, job.options)

    def carry_out(self, job: Job) -> Iterator[None]:
        """A job of the chat lane, a step at a time; its end is told whatever happens."""
        try:
            if job.cancelled:
                raise Cancelled
            load_s = self._ensure_loaded(job, self._switch)
            session = self._at_work()
            if job.request is None:
                loaded = session.loaded
                job.sink(Started(loaded.file.name, loaded.placement, 0, 0, loaded.context_length))
                return
            yield from session.answer(job.request, job.sink, load_s)
        except Cancelled:
            tell(job, stopped())
        except SnugError as error:
            tell(job, Failed(error.message, error.remedies))
        except Exception as error:  # noqa: BLE001 - the thread's edge: the engine lives on
            _log.exception("engine job failed")
            tell(job, Failed(mistake(error)))

    @property
    def parallel_busy(self) -> bool:
        """Some answer is being made on the parallel lane."""
        return self.session is not None and self.session.parallel_busy

    def admit(self, job: Job, waiting: int, *, alone: bool) -> bool:
        """Take a job to the parallel lane, or tell why it cannot be answered.

        Args:
            alone: no chat is being answered, so that another model may be loaded.

        Returns:
            False where it must wait.
        """
        try:
            if not self.serves(job):
                if not alone or self.parallel_busy:
                    return False
                self._ensure_loaded(job, AbortSwitch())
            if job.request is None:
                raise AssertionError("a load is not for the parallel lane")
            return self._at_work().admit(job.request, job, waiting)
        except Cancelled:
            tell(job, stopped())
        except SnugError as error:
            tell(job, Failed(error.message, error.remedies))
        except Exception as error:  # noqa: BLE001 - as above
            _log.exception("parallel job failed")
            tell(job, Failed(mistake(error)))
        return True

    def step_parallel(self, *, beside_chat: bool) -> None:
        """One step of the parallel lane; a receiver that fails ends all of its answers."""
        session = self.session
        if session is None or not session.parallel_busy:
            return
        try:
            session.step_parallel(beside_chat=beside_chat)
        except Exception:  # noqa: BLE001 - the thread's edge
            _log.exception("step of the parallel lane failed")
            session.close_parallel()

    def plan(self, request: GenerationRequest, sink: PlanSink) -> None:
        """Answer what a request would take; silent where its model is not loaded."""
        session = self.session
        if session is None or not session.serves(request.model, request.load):
            return  # nothing to count with; the window asks again once the model is loaded
        try:
            sink(session.plan(request))
        except SnugError as error:
            sink(error)
        except Exception as error:  # noqa: BLE001 - it may be amid another's answer
            _log.exception("plan failed")
            sink(SnugError(mistake(error)))

    def forget(self, conversation: str) -> None:
        """Keep nothing of a conversation; one that is being answered is left alone."""
        if self.session is not None:
            self.session.chat.forget(conversation)

    def given_back(self) -> dict[str, int]:
        """What unloading would free, by device: the next model is loaded only after that."""
        return self.session.held if self.session is not None else {}

    def unload(self) -> None:
        """Free model, lanes and embedder; what is worth keeping goes to the keeper."""
        session, self.session = self.session, None
        self.placed = None
        if session is not None:
            session.close()
        self.desk.close()

    def _at_work(self) -> Session:
        if self.session is None:
            raise AssertionError("a job reached its work without a model")
        return self.session

    def _ensure_loaded(self, job: Job, switch: AbortSwitch) -> float:
        """Load the job's model unless it is there. Returns: seconds it took."""
        if self.serves(job):
            return 0.0
        began = time.monotonic()
        self.renderer.warm_up()
        native = self.bring_up()
        self.unload()
        shown = -1.0

        def progress(fraction: float) -> bool:
            nonlocal shown
            if fraction - shown >= 0.01 or fraction >= 1.0:
                shown = fraction
                job.sink(Loading(job.model.name, fraction))
            return not (switch.thrown or job.cancelled)

        self.session = Session(
            native,
            job.model,
            job.options,
            self.renderer,
            self._switch,
            progress,
            self._keeper,
            self._warm_bytes,
        )
        self.placed = (job.model, self.session.loaded.placement)
        return time.monotonic() - began
