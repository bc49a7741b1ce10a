"""How a child is started, what a running one is about, and how its work ends."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from snug.domain.errors import Remedy, RemedyKind, SnugError
from snug.domain.events import Event, Failed
from snug.domain.model import LoadOptions, ModelFile
from snug.engine.child_process import CHILD_COMMAND, ChildProcess
from snug.engine.isolated_work import IsolatedJob, Question
from snug.engine.wire import ModelQuestion

CrashSink = Callable[[ModelFile, LoadOptions, str, bool], None]
QUARANTINE_REMEDIES = (Remedy(RemedyKind.RELEASE_QUARANTINE), Remedy(RemedyKind.OPEN_SETTINGS))
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ChildPlan:
    """How children are started.

    Attributes:
        variant: the CPU plug-in to use; "" takes the best safe one.
        gpu: whether graphics cards may be used.
        cache: folder for a graphics driver's shaders; "" for none.
        memory_bytes: most address space; None sets no limit.
    """

    command: tuple[str, ...] = CHILD_COMMAND
    variant: Callable[[], str] = lambda: ""
    gpu: bool = False
    cache: str = ""
    memory_bytes: int | None = None


@dataclass(slots=True)
class RunningChild:
    """A running child and what it is about.

    Attributes:
        heard_at: when its last sign of life had been dealt with.
        doom: why it was killed; "" where it was not. "stop": it did not stop when asked to.
        leave_by: when a child that was asked to leave is killed; None: it was not asked.
    """

    process: ChildProcess
    readable: frozenset[str]
    heard_at: float
    doom: str = ""
    leave_by: float | None = None
    jobs: dict[int, IsolatedJob] = field(default_factory=dict)
    questions: dict[int, Question] = field(default_factory=dict)
    plans: dict[int, Question] = field(default_factory=dict)

    @property
    def at_work(self) -> bool:
        """Somebody waits for something of it."""
        return bool(self.jobs or self.questions)

    @property
    def deaf(self) -> bool:
        """It was asked to stop an answer and has not yet; it may have to be killed."""
        return any(job.ended for job in self.jobs.values())

    def take_unbegun(self) -> list[IsolatedJob | Question]:
        """Work of which nothing was heard yet; it is no longer this child's."""
        jobs = [j for j in self.jobs.values() if j.started is None and not j.cancelled]
        for job in jobs:
            del self.jobs[job.number]
        questions, self.questions = self.questions, {}
        return [*jobs, *questions.values()]

    def kill(self, doom: str) -> None:
        """End it; the first reason counts."""
        self.doom = self.doom or doom
        self.process.kill()


def quarantine_sentence(model: ModelFile) -> str:
    """Why a model is not run any more."""
    return (
        f"{model.name} ended the engine again and again and is in quarantine with these settings. "
        "Choose another context length or fewer layers on the graphics card, or release it from "
        "quarantine."
    )


def crash_key(work: IsolatedJob | Question) -> Hashable:
    """What crashes are counted by: a model with its settings."""
    if isinstance(work, IsolatedJob):
        return (work.model.sha256, work.options)
    wanted = work.value
    return (wanted.model.sha256, wanted.options) if isinstance(wanted, ModelQuestion) else None


def refuse(work: IsolatedJob | Question, error: SnugError) -> None:
    """End it with an error."""
    if isinstance(work, Question):
        work.answer(error)
    else:
        end_job(work, Failed(error.message, error.remedies))


def end_job(job: IsolatedJob, event: Event) -> None:
    """The last event of a job, once; a receiver that fails must not end the engine."""
    if job.ended:
        return
    job.ended = True
    try:
        job.sink(event)
    except Exception:  # noqa: BLE001 - the thread's edge
        _log.exception("receiver of an engine job failed")
