"""A model's trial before its first use: it loads and answers 8 tokens in a disposable child.

The fastest setting is tried first; where the child dies, the next plainer one. What works is
remembered by the model's sha256, on this machine, with this llama.cpp.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from snug.domain.conversation import Role
from snug.domain.events import Event, Failed, Finished, Loading, StopReason
from snug.domain.model import Adapter, LoadOptions, ModelFile
from snug.domain.prompt import GenerationRequest, PromptMessage
from snug.domain.sampling import Sampling
from snug.engine.crashes import CrashLimits
from snug.engine.isolated import IsolatedEngine
from snug.engine.isolated_running import ChildPlan
from snug.engine.isolated_work import IsolatedJob, Patience
from snug.engine.native import cpu_variants, is_risky, library_folder
from snug.engine.verdicts import Standing, Verdict, Verdicts, adapter_key, settings_mark

TRIAL_TOKENS = 8
TRIAL_CONTEXT = 512
# The starter is in the package, and every build is tested with it: no trial on a safe CPU variant.
TRUSTED = frozenset({"b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"})


def _ignore(_event: Event) -> None:
    """Nobody listens."""


def _never() -> bool:
    """Nobody stops it."""
    return False


@dataclass(frozen=True, slots=True)
class _Setting:
    variant: str = ""
    extra_buffers: bool = True
    gpu: bool = True


@dataclass(frozen=True, slots=True)
class Trial:
    """How one went. `crashed`: the child died; else `refusal` is llama.cpp's or Snug's own word."""

    crashed: str = ""
    refusal: str = ""
    stopped: bool = False


def risky_variant() -> str:
    """The CPU variant that scores best here, where it is one that may crash; else ""."""
    best = next(iter(cpu_variants(library_folder())), "")
    return best if is_risky(best) else ""


class Admission:
    """Tries models. `admit` blocks and is for one thread at a time; `cancel` is for any."""

    def __init__(
        self,
        verdicts: Verdicts,
        plan: ChildPlan,
        risky: Callable[[], str] = risky_variant,
        patience: Patience | None = None,
    ) -> None:
        self._verdicts, self._plan, self._risky = verdicts, plan, risky
        self._patience = patience
        self._job: IsolatedJob | None = None

    def admit(
        self,
        model: ModelFile,
        options: LoadOptions,
        sink: Callable[[Event], None] = _ignore,
        stopped: Callable[[], bool] = _never,
    ) -> Verdict | None:
        """The verdict, remembered where it is one. Returns: None where the trial was stopped.

        Args:
            sink: gets the `Loading` events of the trial.
            stopped: whether a stop was asked for; asked before each attempt. True before `cancel`
                is called.
        """
        reason = ""
        for setting in self._settings(options):
            trial = self._try(_question(model, options, setting), setting.variant, sink, stopped)
            if trial.stopped:
                return None
            if setting.variant and not trial.refusal:
                self._verdicts.keep_variant(setting.variant, works=not trial.crashed)
            if trial.refusal:  # an error told in order: the shut-in engine may tell it
                return Verdict(Standing.ISOLATED, model.name, trial.refusal)
            if not trial.crashed:
                verdict = Verdict(
                    Standing.ADMITTED,
                    model.name,
                    extra_buffers=setting.extra_buffers,
                    gpu=setting.gpu,
                    risky_ok=bool(setting.variant),
                )
                self._verdicts.keep(model.sha256, verdict)
                return verdict
            reason = trial.crashed
        told = f"It crashed in its trial with every setting. {reason}"
        bad = {settings_mark(options): told}
        verdict = Verdict(Standing.ISOLATED, model.name, told, quarantined=bad)
        self._verdicts.keep(model.sha256, verdict)
        return verdict

    def admit_adapter(
        self,
        model: ModelFile,
        options: LoadOptions,
        adapter: Adapter,
        sink: Callable[[Event], None] = _ignore,
        stopped: Callable[[], bool] = _never,
    ) -> Verdict | None:
        """As `admit`, for an adapter with a model that was admitted with these options."""
        question = replace(_question(model, options, _Setting()), adapters=(adapter,))
        trial = self._try(question, "", sink, stopped)
        if trial.stopped:
            return None
        if trial.refusal:
            return Verdict(Standing.ISOLATED, reason=trial.refusal)
        standing = Standing.ISOLATED if trial.crashed else Standing.ADMITTED
        verdict = Verdict(standing, Path(adapter.path).name, trial.crashed)
        self._verdicts.keep(adapter_key(model, adapter), verdict)
        return verdict

    def cancel(self) -> None:
        """Stop the running trial."""
        job = self._job
        if job is not None:
            job.cancel()

    def _settings(self, options: LoadOptions) -> list[_Setting]:
        """Fastest first."""
        settings = [_Setting()]
        risky = self._risky()
        if risky and self._verdicts.variant_works(risky) is not False:
            settings.insert(0, _Setting(risky))
        if options.extra_buffers:
            settings.append(_Setting(extra_buffers=False))
        if self._plan.gpu and options.gpu_layers is None:
            settings.append(_Setting(extra_buffers=False, gpu=False))
        return settings

    def _try(
        self,
        question: GenerationRequest,
        variant: str,
        sink: Callable[[Event], None],
        stopped: Callable[[], bool],
    ) -> Trial:
        crashes: list[str] = []
        ends: list[Finished | Failed] = []
        ended = threading.Event()

        def on_event(event: Event) -> None:
            if isinstance(event, Loading):
                sink(event)
            elif isinstance(event, Finished | Failed):
                ends.append(event)
                ended.set()

        engine = IsolatedEngine(
            replace(self._plan, variant=lambda: variant),
            patience=self._patience,
            crash_limits=CrashLimits(waits_s=(0.0,)),
            on_crash=lambda _model, _options, sentence, _many: crashes.append(sentence),
        )
        try:
            self._job = job = engine.generate(question, on_event)
            if stopped():
                job.cancel()
            ended.wait()  # the engine's own watch ends what hangs
        finally:
            self._job = None
            engine.close()
        end = ends[0]
        if isinstance(end, Failed):
            return Trial(crashes[0] if crashes else "", "" if crashes else end.message)
        return Trial(stopped=end.stop_reason is StopReason.STOPPED)


def _question(model: ModelFile, options: LoadOptions, setting: _Setting) -> GenerationRequest:
    layers = options.gpu_layers if setting.gpu else 0
    load = replace(
        options,
        context_length=TRIAL_CONTEXT,
        extra_buffers=options.extra_buffers and setting.extra_buffers,
        gpu_layers=layers,
        draft=None,
    )
    sampling = Sampling(temperature=0.0, max_tokens=TRIAL_TOKENS)
    return GenerationRequest(model, (PromptMessage(Role.USER, "Hello"),), sampling, load)
