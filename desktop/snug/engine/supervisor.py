"""Sends each model where it may run: into this process, into a shut-in child, or nowhere.

It looks like any engine to the services. A model without a verdict is tried first, on a thread of
its own, while its answer waits; all other work is passed on at once.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from snug.domain.embedding import Embeddings, Ranking
from snug.domain.errors import SnugError, UserError
from snug.domain.events import Event, Failed, Finished, Started, StopReason, Timings, Usage
from snug.domain.fit import Fit
from snug.domain.model import Device, LoadOptions, ModelFile, Placement
from snug.domain.prompt import GenerationRequest
from snug.domain.quarantine import Quarantined
from snug.engine.admission import TRUSTED, Admission
from snug.engine.isolated_running import QUARANTINE_REMEDIES
from snug.engine.isolated_work import EventSink, PlanSink
from snug.engine.job import mistake, tell
from snug.engine.native import is_risky
from snug.engine.supervised import Handle, Work, companions_of
from snug.engine.verdicts import Standing, Verdict, Verdicts, adapter_key, settings_mark

_TRUSTED = Verdict(Standing.ADMITTED)
_log = logging.getLogger(__name__)


class _Engine(Protocol):
    """What both hosts offer; see services' Engine."""

    def generate(self, request: GenerationRequest, sink: EventSink) -> Handle: ...
    def preload(self, model: ModelFile, options: LoadOptions, sink: EventSink) -> Handle: ...
    def plan(self, request: GenerationRequest, sink: PlanSink) -> None: ...
    def fit(self, model: ModelFile, options: LoadOptions) -> Fit: ...
    def devices(self) -> tuple[Device, ...]: ...
    def devices_when_free(self) -> tuple[Device, ...]: ...
    def problems(self) -> tuple[str, ...]: ...
    def versions(self) -> dict[str, str]: ...
    def placement(self) -> tuple[ModelFile, Placement] | None: ...
    def forget(self, conversation_id: str) -> None: ...
    def release(self) -> None: ...
    def close(self, timeout_s: float = 10.0) -> None: ...


class _Direct(_Engine, Protocol):
    @property
    def hangs(self) -> bool: ...
    def embed(self, model: ModelFile, options: LoadOptions, texts: Sequence[str]) -> Embeddings: ...
    def rerank(
        self, model: ModelFile, options: LoadOptions, query: str, documents: Sequence[str]
    ) -> Ranking: ...


class _Isolated(_Engine, Protocol):
    def forgive(self) -> None: ...


class Supervisor:
    """An engine over two hosts. Public methods may be called from any thread.

    Args (constructor):
        direct: runs llama.cpp in this process.
        isolated: runs it in a child; its `on_crash` is to be `note_isolated_crash`.
        always_isolated: what the person chose.
    """

    def __init__(
        self,
        direct: _Direct,
        isolated: _Isolated,
        verdicts: Verdicts,
        admission: Admission,
        always_isolated: Callable[[], bool] = lambda: False,
    ) -> None:
        self._direct, self._isolated = direct, isolated
        self._verdicts, self._admission = verdicts, admission
        self._always_isolated = always_isolated
        self._tried: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._untried = 0  # how many wait for the trial's thread
        self._on_trial: Work | None = None
        self._closing = False
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        crashed = verdicts.in_flight()
        if crashed:
            self.note_crash(crashed, "Snug itself ended while it ran this model.")

    def generate(self, request: GenerationRequest, sink: EventSink) -> Work:
        """Queue an answer."""
        return self._queue(Work(request.model, request.load, request, sink, self._cancelled))

    def preload(self, model: ModelFile, options: LoadOptions, sink: EventSink) -> Work:
        """Queue a load."""
        return self._queue(Work(model, options, None, sink, self._cancelled))

    def plan(self, request: GenerationRequest, sink: PlanSink) -> None:
        """Count a request; silent where its model is not loaded."""
        verdict = self._known(request.model)
        if verdict is not None:
            companions = companions_of(request.model, request.load, request)
            adapted = replace(request, load=self._adapt(verdict, request.load))
            self._host(verdict, companions).plan(adapted, sink)

    def fit(self, model: ModelFile, options: LoadOptions) -> Fit:
        """How a model would be loaded now; what is not admitted is looked at by a child."""
        verdict = self._known(model)
        if verdict is None:
            return self._isolated.fit(model, options)
        return self._host(verdict).fit(model, verdict.adapt(options))

    def devices(self) -> tuple[Device, ...]:
        """What can compute here."""
        return self._chosen().devices()

    def devices_when_free(self) -> tuple[Device, ...]:
        """The devices as they will be once the loaded model is gone."""
        holder = self._isolated if self._isolated.placement() else self._chosen()
        return holder.devices_when_free()

    def embed(self, model: ModelFile, options: LoadOptions, texts: Sequence[str]) -> Embeddings:
        """Texts as vectors. Raises: as `EngineHost.embed`; UserError where it may not run here."""
        return self._direct.embed(model, self._admitted(model).adapt(options), texts)

    def rerank(
        self, model: ModelFile, options: LoadOptions, query: str, documents: Sequence[str]
    ) -> Ranking:
        """How well documents answer a question. Raises: as `embed`."""
        adapted = self._admitted(model).adapt(options)
        return self._direct.rerank(model, adapted, query, documents)

    def problems(self) -> tuple[str, ...]:
        """What went wrong while bringing up the devices."""
        return self._chosen().problems()

    def versions(self) -> dict[str, str]:
        """Versions of the native library."""
        return self._chosen().versions()

    def placement(self) -> tuple[ModelFile, Placement] | None:
        """The loaded model and where it lies."""
        return self._direct.placement() or self._isolated.placement()

    def forget(self, conversation_id: str) -> None:
        """Drop what the caches hold of a conversation that was deleted."""
        self._direct.forget(conversation_id)
        self._isolated.forget(conversation_id)

    def release(self) -> None:
        """Give the model's memory back, unless it is at work."""
        self._direct.release()
        self._isolated.release()

    def close(self, timeout_s: float = 10.0) -> None:
        """Stop everything and join the threads."""
        self._closing = True
        self._tried.put(None)
        self._admission.cancel()
        if self._thread is not None:
            self._thread.join(timeout_s)
        self._direct.close(timeout_s)
        self._isolated.close(timeout_s)

    # -- quarantine ---------------------------------------------------------------------------

    def quarantined(self) -> tuple[Quarantined, ...]:
        """Models that are not run with some settings, and why."""
        return self._verdicts.quarantined()

    def forgive(self, sha256: str) -> None:
        """Forget what is known of a model: its next use is a trial again."""
        self._verdicts.forget(sha256)
        self._isolated.forgive()

    def note_crash(self, sha256: str, reason: str) -> None:
        """The application itself died while it ran this model: from now on it runs shut in."""
        known = self._verdicts.of(sha256) or Verdict(Standing.ISOLATED)
        self._keep(sha256, replace(known, standing=Standing.ISOLATED, reason=reason))
        with contextlib.suppress(SnugError):
            self._verdicts.mark_in_flight("")

    def note_isolated_crash(
        self, model: ModelFile, options: LoadOptions, sentence: str, too_many: bool
    ) -> None:
        """The isolated engine died while it ran this model."""
        known = self._verdicts.of(model.sha256) or Verdict(Standing.ISOLATED)
        bad = dict(known.quarantined)
        if too_many:
            bad[settings_mark(options)] = sentence
        verdict = replace(
            known, standing=Standing.ISOLATED, name=model.name, reason=sentence, quarantined=bad
        )
        self._keep(model.sha256, verdict)

    def _keep(self, sha256: str, verdict: Verdict) -> None:
        with contextlib.suppress(SnugError):  # a full disk must not make a crash worse
            self._verdicts.keep(sha256, verdict)

    # -- the way ------------------------------------------------------------------------------

    def _known(self, model: ModelFile) -> Verdict | None:
        return self._of_key(model.sha256)

    def _admitted(self, model: ModelFile) -> Verdict:
        """The verdict of a model that may run in this process, after a trial where it needs one."""
        if self._chosen() is not self._direct:
            raise UserError(
                "Models run in a process of their own here, and vectors are made in Snug's own. "
                'Choose another place in Settings, under "Where models run".'
            )
        verdict = self._known(model)
        if verdict is None:
            verdict = self._admission.admit(model, LoadOptions())
        if verdict is None or verdict.standing is not Standing.ADMITTED:
            raise UserError(
                f"{model.name} did not pass its trial, so that Snug does not make vectors with it. "
                "Choose another embedding model."
            )
        return verdict

    def _host(self, verdict: Verdict, companions: Sequence[str] = ()) -> _Engine:
        """Where a model runs: here, where all that is loaded with it was admitted too."""
        found = (verdict, *map(self._of_key, companions))
        admitted = all(v is not None and v.standing is Standing.ADMITTED for v in found)
        return self._chosen() if admitted else self._isolated

    def _of_key(self, key: str) -> Verdict | None:
        known = self._verdicts.of(key)
        return _TRUSTED if known is None and key in TRUSTED else known

    def _adapt(self, verdict: Verdict, options: LoadOptions) -> LoadOptions:
        """The options without what crashed, of the model or of its draft."""
        draft = self._known(options.draft) if options.draft is not None else None
        return (draft or _TRUSTED).adapt(verdict.adapt(options))

    def _chosen(self) -> _Engine:
        """This process, unless the person wants none of it, or llama.cpp hangs in it."""
        shut_in = self._always_isolated() or self._direct.hangs
        return self._isolated if shut_in else self._direct

    def _queue(self, work: Work) -> Work:
        with self._lock:
            verdict = self._known(work.model)
            later = self._untried > 0 or (self._untried_of(work) and not self._always_isolated())
            if later:
                self._untried += 1
                self._tried.put(work)
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._run, name="snug-admission", daemon=True
                    )
                    self._thread.start()
        if not later:
            self._pass_on(work, verdict or Verdict(Standing.ISOLATED))
        return work

    def _untried_of(self, work: Work) -> bool:
        """Whether it, or what is loaded with it, wants a trial; what runs shut in needs none."""
        verdict = self._known(work.model)
        if verdict is None or verdict.standing is not Standing.ADMITTED:
            return verdict is None
        return any(self._of_key(key) is None for key in work.companions)

    def _run(self) -> None:
        while (work := self._tried.get()) is not None:
            try:
                self._try(work)
            except SnugError as error:
                tell(work, Failed(error.message, error.remedies))
            except Exception as error:  # noqa: BLE001 - the thread's edge: others wait for it
                _log.exception("trial failed")
                tell(work, Failed(mistake(error)))
            finally:
                with self._lock:
                    self._untried -= 1

    def _try(self, work: Work) -> None:
        def stopped() -> bool:
            return work.cancelled or self._closing

        verdict = self._known(work.model)
        self._on_trial = work
        try:
            if verdict is None and not stopped():
                verdict = self._admission.admit(work.model, work.options, work.sink, stopped)
            if verdict is not None and verdict.standing is Standing.ADMITTED:
                self._try_companions(work, verdict, stopped)
        finally:
            self._on_trial = None
        if verdict is None or stopped():
            work.sink(Finished(Usage(0, 0, 0), StopReason.STOPPED, Timings(0.0, 0.0, 0.0)))
        else:
            self._pass_on(work, verdict)

    def _try_companions(self, work: Work, verdict: Verdict, stopped: Callable[[], bool]) -> None:
        """The draft and the adapters are strangers' files too."""
        draft = work.options.draft
        if draft is not None and self._known(draft) is None and not stopped():
            self._admission.admit(draft, LoadOptions(), work.sink, stopped)
        for adapter in work.request.adapters if work.request is not None else ():
            known = self._of_key(adapter_key(work.model, adapter))
            if adapter.scale and known is None and not stopped():
                options = verdict.adapt(work.options)
                self._admission.admit_adapter(work.model, options, adapter, work.sink, stopped)

    def _cancelled(self, work: Work) -> None:
        if self._on_trial is work:
            self._admission.cancel()

    def _pass_on(self, work: Work, verdict: Verdict) -> None:
        options = self._adapt(verdict, work.options)
        reason = verdict.quarantined.get(settings_mark(options))
        if reason is not None:
            work.sink(Failed(_refusal(work.model, reason), QUARANTINE_REMEDIES))
            return
        host = self._host(verdict, work.companions)
        (self._isolated if host is self._direct else self._direct).release()
        sink = work.sink
        if host is self._direct and not verdict.proved and work.model.sha256 not in TRUSTED:
            sink = self._watched(work, verdict)
        if work.request is None:
            work.attach(host.preload(work.model, options, sink))
        else:
            work.attach(host.generate(replace(work.request, load=options), sink))

    def _watched(self, work: Work, verdict: Verdict) -> EventSink:
        """A mark in the notebook while a model answers here for the first time."""
        sha256 = work.model.sha256
        with contextlib.suppress(SnugError):
            self._verdicts.mark_in_flight(sha256)

        def sink(event: Event) -> None:
            work.sink(event)
            loaded = work.request is None and isinstance(event, Started)
            if not (loaded or isinstance(event, Finished | Failed)):
                return
            with contextlib.suppress(SnugError):
                self._verdicts.mark_in_flight("")
                if isinstance(event, Finished) and event.usage.completion_tokens > 0:
                    named = replace(verdict, name=work.model.name, proved=True)
                    self._verdicts.keep(sha256, named)

        return sink


def proven_variant(verdicts: Verdicts, risky: str) -> str:
    """The CPU variant for this process: the risky one where it was proved here, else ""."""
    works = bool(risky) and is_risky(risky) and verdicts.variant_works(risky) is True
    return risky if works else ""


def _refusal(model: ModelFile, reason: str) -> str:
    return (
        f"{model.name} is in quarantine: {reason} Choose another context length or fewer layers on "
        "the graphics card, or release it from quarantine."
    )
