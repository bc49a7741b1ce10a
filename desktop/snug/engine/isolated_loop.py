"""The thread that owns an isolated engine's child: it reads, passes on, and watches the time.

A sink that blocks slows the child through the full pipe, and that time counts as no silence of its.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import threading
from collections import deque
from collections.abc import Callable

from snug.domain.errors import EnvironmentFault, SnugError
from snug.domain.events import Event, Failed, Finished, ReasoningDelta, Started, TextDelta
from snug.domain.kv_state import StateKeeper
from snug.domain.model import ModelFile, Placement
from snug.domain.prompt import GenerationRequest
from snug.engine.child_process import ChildProcess
from snug.engine.crashes import GARBAGE, CrashLog, crash_sentence, hang_sentence
from snug.engine.isolated_running import (
    QUARANTINE_REMEDIES,
    ChildPlan,
    CrashSink,
    RunningChild,
    crash_key,
    end_job,
    quarantine_sentence,
    refuse,
)
from snug.engine.isolated_states import StateDesk
from snug.engine.isolated_work import IsolatedJob, Patience, Question
from snug.engine.wire import (
    EVENT_KINDS,
    Fault,
    Frame,
    Kind,
    ModelQuestion,
    Setup,
    WireError,
    pack,
    unpack,
)

_MOST_PLANS = 64  # that wait for an answer; an engine that unloaded meanwhile never gives one
_log = logging.getLogger(__name__)


class IsolatedLoop:
    """See the module. `run`, `ask`, `stop`, `close` and the attributes are for any thread."""

    def __init__(
        self,
        plan: ChildPlan,
        keeper: StateKeeper | None,
        patience: Patience,
        crashes: CrashLog,
        on_crash: CrashSink | None,
        clock: Callable[[], float],
    ) -> None:
        self._plan, self._keeper, self._patience = plan, keeper, patience
        self._crashes, self._on_crash, self._clock = crashes, on_crash, clock
        self._commands: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()
        self._closing = False
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._waiting: deque[IsolatedJob | Question] = deque()
        self._child: RunningChild | None = None
        self._states: StateDesk | None = None
        self.placed: tuple[ModelFile, Placement] | None = None
        self.starts = 0
        self._thread = threading.Thread(target=self._run, name="snug-isolated", daemon=True)
        self._thread.start()

    # -- any thread ---------------------------------------------------------------------------

    @property
    def child_pid(self) -> int | None:
        """Process id of the running child."""
        child = self._child
        return child.process.pid if child is not None else None

    def serves(self, files: frozenset[str]) -> bool:
        """A question about these files disturbs no child that may not read them."""
        child = self._child
        return child is None or files <= child.readable

    def run(self, command: Callable[[], None]) -> bool:
        """Do something on the loop's thread. Returns: False where it has ended."""
        with self._lock:
            if self._closing:
                return False
            self._commands.append(command)
            self._wake()
        return True

    def ask(self, question: Question) -> bool:
        """Queue a question. Returns: False where the loop has ended."""
        return self.run(lambda: self._waiting.append(question))

    def stop(self, job: IsolatedJob) -> None:
        """Stop a job."""
        self.run(lambda: self._stop(job))

    def close(self, timeout_s: float) -> None:
        """Stop everything and join the thread."""
        with self._lock:
            if not self._closing:
                self._closing = True
                self._commands.append(lambda: self._begin_to_close(timeout_s))
                self._wake()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout_s + 5.0)

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full: it is awake already
            os.write(self._wake_write, b"!")

    # -- the loop's thread --------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            while self._commands:
                self._commands.popleft()()
            self._advance()
            if self._closing and self._child is None and not self._commands:
                break
            self._await_news(self._check_time())
        with self._lock:
            os.close(self._wake_read)
            os.close(self._wake_write)

    def _await_news(self, wait_s: float | None) -> None:
        poll, child = select.poll(), self._child
        poll.register(self._wake_read, select.POLLIN)
        if child is not None:
            poll.register(child.process.output, select.POLLIN)
            if child.process.behind:
                poll.register(child.process.input, select.POLLOUT)
        for descriptor, _ in poll.poll(None if wait_s is None else max(0.0, wait_s) * 1000 + 1):
            if descriptor == self._wake_read:
                os.read(self._wake_read, 4096)
            elif child is not None and descriptor == child.process.output:
                self._hear(child)
            elif child is not None:
                child.process.write()

    def add(self, job: IsolatedJob) -> None:
        """Queue a job."""
        self._waiting.append(job)

    def forgive(self) -> None:
        """Forget all crashes."""
        self._crashes.forgive()

    def leave_if_idle(self) -> None:
        """Let the child go, with all it holds, unless it has work."""
        if self._child is not None and not self._child.at_work and not self._waiting:
            self._leave(self._child, self._patience.leave_s)

    def _leave(self, child: RunningChild, within_s: float) -> None:
        if child.leave_by is None:
            child.leave_by = self._clock() + within_s
            child.process.finish()

    def _begin_to_close(self, timeout_s: float) -> None:
        while self._waiting:
            work = self._waiting.popleft()
            if isinstance(work, Question):
                work.answer(EnvironmentFault("Snug is closing."))
            else:
                end_job(work, work.stopped())
        if self._child is not None:
            for job in self._child.jobs.values():
                job.cancelled = True
            self._leave(self._child, min(timeout_s, self._patience.leave_s))

    def _stop(self, job: IsolatedJob) -> None:
        child = self._child
        if child is not None and job.number in child.jobs:
            if job.stopped_at is None:
                job.stopped_at = self._clock()
                child.process.send(pack(Kind.CANCEL, job.number))
        elif job in self._waiting:
            self._waiting.remove(job)
            end_job(job, job.stopped())

    def _advance(self) -> None:
        """Hand over what waits, as far as a child can take it now."""
        while self._waiting:
            work = self._waiting[0]
            if isinstance(work, IsolatedJob) and self._crashes.too_many(crash_key(work)):
                self._waiting.popleft()
                end_job(work, Failed(quarantine_sentence(work.model), QUARANTINE_REMEDIES))
                continue
            child = self._child
            if child is None:
                if self._crashes.wait_s(crash_key(work)) > 0 or not self._start(work.files):
                    return
            elif child.leave_by is not None or child.doom or child.deaf:
                return
            elif work.files <= child.readable:
                self._waiting.popleft()
                self._hand_over(child, work)
            else:
                if not child.at_work:
                    self._leave(child, self._patience.leave_s)
                return

    def _start(self, files: frozenset[str]) -> bool:
        plan = self._plan
        try:
            process = ChildProcess(plan.command)
        except OSError as error:
            fault = EnvironmentFault(f"The engine could not be started: {error.strerror}.")
            refuse(self._waiting.popleft(), fault)
            return True
        self.starts += 1
        self._child = RunningChild(process, files, self._clock())
        self._states = StateDesk(self._keeper, process.send)
        setup = Setup(
            parent=os.getpid(),
            readable=tuple(sorted(files)),
            variant=plan.variant(),
            gpu=plan.gpu,
            cache=plan.cache,
            memory_bytes=plan.memory_bytes,
            keeper=self._keeper is not None,
        )
        process.send(pack(Kind.SETUP, 0, setup))
        return True

    def _hand_over(self, child: RunningChild, work: IsolatedJob | Question) -> None:
        try:
            frame = work.frame()
        except WireError as error:
            refuse(work, SnugError(f"This cannot be sent to the engine: {error}."))
            return
        if not child.at_work:
            child.heard_at = self._clock()
        if isinstance(work, IsolatedJob):
            child.jobs[work.number] = work
            if self._states is not None and isinstance(work.request, GenerationRequest):
                self._states.admit(work.request.conversation)
        elif work.plan is not None:
            child.plans[work.number] = work
            if len(child.plans) > _MOST_PLANS:
                child.plans.pop(next(iter(child.plans)))
        else:
            child.questions[work.number] = work
        child.process.send(frame)

    # -- what the child says ------------------------------------------------------------------

    def _hear(self, child: RunningChild) -> None:
        try:
            frames = child.process.read()
            for frame in frames or ():
                self._take(child, frame)
        except WireError:
            _log.warning("isolated engine sent garbage")
            child.kill(GARBAGE)
            frames = None
        child.heard_at = self._clock()
        if frames is None:
            self._bury(child)

    def _take(self, child: RunningChild, frame: Frame) -> None:
        if frame.kind in EVENT_KINDS:
            job = child.jobs.get(frame.number)
            if job is not None:
                self._pass_on(child, job, unpack(frame))
        elif frame.kind is Kind.FAULT:
            fault: Fault = unpack(frame)
            self._reply(child, frame.number, fault.error())
        elif frame.kind in (Kind.STATE_SAVE, Kind.STATE_LOAD, Kind.STATE_DROP, Kind.CHUNK):
            if self._states is not None:
                self._states.take(frame)
        else:
            value = unpack(frame)
            if frame.kind is not Kind.HELLO:
                self._reply(child, frame.number, value)

    def _pass_on(self, child: RunningChild, job: IsolatedJob, event: Event) -> None:
        job.note(event)
        preloaded = isinstance(event, Started) and isinstance(job.request, ModelQuestion)
        if isinstance(event, Started):
            self.placed = (job.model, event.placement)
        if preloaded or isinstance(event, Finished | Failed):
            del child.jobs[job.number]
            end_job(job, event)
        elif not job.ended and not (
            job.cancelled and isinstance(event, TextDelta | ReasoningDelta)
        ):
            try:
                job.sink(event)
            except Exception as error:  # noqa: BLE001 - a receiver's fault ends its answer only
                _log.exception("receiver of an engine job failed")
                end_job(
                    job,
                    Failed(
                        f"Snug made a mistake ({type(error).__name__}); the conversation is safe."
                    ),
                )
                job.cancelled = True
                self._stop(job)

    def _reply(self, child: RunningChild, number: int, value: object) -> None:
        question = child.questions.pop(number, None) or child.plans.pop(number, None)
        if question is not None:
            question.answer(value)

    # -- time and death -----------------------------------------------------------------------

    def _check_time(self) -> float | None:
        """Act on what is overdue. Returns: seconds until something else may be; None: never."""
        now, child, patience = self._clock(), self._child, self._patience
        if child is None:
            return self._crashes.wait_s(crash_key(self._waiting[0])) if self._waiting else None
        due: list[float] = []
        if child.leave_by is not None:
            due.append(child.leave_by)
            if now >= child.leave_by:
                child.kill("leave")
        for job in tuple(child.jobs.values()):
            if job.stopped_at is not None:
                due.append(job.stopped_at + (patience.kill_s if job.ended else patience.stop_s))
                if now >= job.stopped_at + patience.stop_s:
                    end_job(job, job.stopped())
                if now >= job.stopped_at + patience.kill_s:
                    child.kill("stop")
        if child.at_work and child.leave_by is None:
            running = next(iter(child.jobs.values()), None)
            allowed = running.patience_s(patience) if running is not None else patience.load_s
            due.append(child.heard_at + allowed)
            if now >= child.heard_at + allowed:
                child.kill(hang_sentence(allowed))
        if child.doom:
            return None  # its end is news enough
        return min(due) - now if due else None

    def _bury(self, child: RunningChild) -> None:
        """The child is gone: end what it was about, and remember whose fault it was."""
        code = child.process.end()
        self._child = self._states = self.placed = None
        left = child.leave_by is not None
        sentence = child.doom if child.doom not in ("", "stop", "leave") else crash_sentence(code)
        running = next(iter(child.jobs.values()), None) or next(
            iter(child.questions.values()), None
        )
        if not left and child.doom != "stop":
            _log.warning("isolated engine ended: code %s", code)
            key = crash_key(running) if running is not None else None
            self._crashes.note(key)
            if isinstance(running, IsolatedJob) and self._on_crash is not None:
                too_many = self._crashes.too_many(key)
                self._on_crash(running.model, running.options, sentence, too_many)
        if child.doom == "stop":  # those behind the deaf one have not begun: another child can
            self._waiting.extendleft(reversed(child.take_unbegun()))
        for job in child.jobs.values():
            end_job(job, job.stopped() if job.cancelled else Failed(sentence))
        for question in child.questions.values():
            question.answer(EnvironmentFault(sentence))
