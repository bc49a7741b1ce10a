"""Sends each model where it may run: into this process, into a shut-in child, or nowhere.

It looks like any engine to the services. A model without a verdict is tried first, on a thread of
its own, while its answer waits; all other work is passed on at once.
"""

from __future__ import annotations

import contextlib
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
from snug.engine.native import is_risky
from snug.engine.verdicts import Standing, Verdict, Verdicts, settings_mark

_TRUSTED = Verdict(Standing.ADMITTED)


class _Handle(Protocol):
    def cancel(self) -> None:
        """Stop the work."""


class _Engine(Protocol):
    """What both hosts offer; see services' Engine."""

    def generate(self, request: GenerationRequest, sink: EventSink) -> _Handle: ...
    def preload(self, model: ModelFile, options: LoadOptions, sink: EventSink) -> _Handle: ...
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


class _Work:
    """An answer or a load on its way to a host; the handle that cancels it."""

    def __init__(
        self,
        model: ModelFile,
        options: LoadOptions,
        request: GenerationRequest | None,
        sink: EventSink,
        on_cancel: Callable[[_Work], None],
    ) -> None:
        self.model, self.options, self.request, self.sink = model, options, request, sink
        self.cancelled = False
        self._on_cancel = on_cancel
        self._inner: _Handle | None = None
        self._lock = threading.Lock()

    def attach(self, inner: _Handle) -> None:
        """It is with a host now."""
        with self._lock:
            self._inner = inner
            cancelled = self.cancelled
        if cancelled:
            inner.cancel()

    def cancel(self) -> None:
        """Stop it wherever it is."""
        with self._lock:
            self.cancelled = True
            inner = self._inner
        if inner is not None:
            inner.cancel()
        else:
            self._on_cancel(self)


class _Direct(_Engine, Protocol):
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
        self._tried: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._untried = 0  # how many wait for the trial's thread
        self._on_trial: _Work | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        crashed = verdicts.in_flight()
        if crashed:
            self.note_crash(crashed, "Snug itself ended while it ran this model.")

    def generate(self, request: GenerationRequest, sink: EventSink) -> _Work:
        """Queue an answer."""
        return self._queue(_Work(request.model, request.load, request, sink, self._cancelled))

    def preload(self, model: ModelFile, options: LoadOptions, sink: EventSink) -> _Work:
        """Queue a load."""
        return self._queue(_Work(model, options, None, sink, self._cancelled))

    def plan(self, request: GenerationRequest, sink: PlanSink) -> None:
        """Count a request; silent where its model is not loaded."""
        verdict = self._known(request.model)
        if verdict is not None:
            adapted = replace(request, load=verdict.adapt(request.load))
            self._host(verdict).plan(adapted, sink)

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
        known = self._verdicts.of(model.sha256)
        return _TRUSTED if known is None and model.sha256 in TRUSTED else known

    def _admitted(self, model: ModelFile) -> Verdict:
        """The verdict of a model that may run in this process, after a trial where it needs one."""
        verdict = self._known(model)
        if verdict is None:
            verdict = self._admission.admit(model, LoadOptions(), lambda _event: None)
        if verdict is None or verdict.standing is not Standing.ADMITTED:
            raise UserError(
                f"{model.name} did not pass its trial, so that Snug does not make vectors with it. "
                "Choose another embedding model."
            )
        return verdict

    def _host(self, verdict: Verdict) -> _Engine:
        admitted = verdict.standing is Standing.ADMITTED
        return self._chosen() if admitted else self._isolated

    def _chosen(self) -> _Engine:
        return self._isolated if self._always_isolated() else self._direct

    def _queue(self, work: _Work) -> _Work:
        with self._lock:
            verdict = self._known(work.model)
            later = self._untried > 0 or (verdict is None and not self._always_isolated())
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

    def _run(self) -> None:
        while (work := self._tried.get()) is not None:
            try:
                self._try(work)
            finally:
                with self._lock:
                    self._untried -= 1

    def _try(self, work: _Work) -> None:
        verdict = self._known(work.model)
        if verdict is None and not work.cancelled:
            self._on_trial = work
            try:
                verdict = self._admission.admit(work.model, work.options, work.sink)
            except SnugError as error:
                work.sink(Failed(error.message, error.remedies))
                return
            finally:
                self._on_trial = None
        if verdict is None or work.cancelled:
            work.sink(Finished(Usage(0, 0, 0), StopReason.STOPPED, Timings(0.0, 0.0, 0.0)))
        else:
            self._pass_on(work, verdict)

    def _cancelled(self, work: _Work) -> None:
        if self._on_trial is work:
            self._admission.cancel()

    def _pass_on(self, work: _Work, verdict: Verdict) -> None:
        reason = verdict.quarantined.get(settings_mark(work.options))
        if reason is not None:
            work.sink(Failed(_refusal(work.model, reason), QUARANTINE_REMEDIES))
            return
        host = self._host(verdict)
        (self._isolated if host is self._direct else self._direct).release()
        sink, options = work.sink, verdict.adapt(work.options)
        if host is self._direct and not verdict.proved and work.model.sha256 not in TRUSTED:
            sink = self._watched(work, verdict)
        if work.request is None:
            work.attach(host.preload(work.model, options, sink))
        else:
            work.attach(host.generate(replace(work.request, load=options), sink))

    def _watched(self, work: _Work, verdict: Verdict) -> EventSink:
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
