"""Which model answers, and how it is loaded."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from snug.domain.conversation import ConversationSettings
from snug.domain.embedding import Embeddings, Ranking
from snug.domain.errors import NotFoundError, Remedy, RemedyKind, SnugError, UserError
from snug.domain.events import Event, Started
from snug.domain.fit import Fit, bounded_factor
from snug.domain.model import Adapter, Device, Experience, KvType, LoadOptions, ModelFile, Placement
from snug.domain.speed import Measurement, Where, expected
from snug.services.engine_settings import CONTEXT_LENGTH, EngineSettings, Host
from snug.services.protocols import (
    Cancellable,
    ConversationStore,
    Engine,
    EventSink,
    ModelLibrary,
)
from snug.services.speeds import Speeds

STARTER = "starter"
_DEFAULT_MODEL = "model.default"
_EXPERIENCES = "model.experiences"
_KEPT_LOADS = 64


class ModelService:
    """The library, the model new conversations use, and what is loaded now.

    Methods run on the calling thread; those that read the library take a few milliseconds.

    Attributes:
        settings: how the person wants models to run.
        release_quarantine: gives a model that crashed another chance; set where all is put
            together.
        active_share: of a model's weights, those read for one token; below 1 for a mixture of
            experts. Set likewise.
    """

    def __init__(self, library: ModelLibrary, store: ConversationStore, engine: Engine) -> None:
        self._library = library
        self._store = store
        self._engine = engine
        self.settings = EngineSettings(store)
        self._context_length: int | None = None  # for this process only
        self._changes: list[Callable[[LoadOptions], LoadOptions]] = []  # likewise
        self.release_quarantine: Callable[[ModelFile], None] = lambda _model: None
        self.active_share: Callable[[ModelFile], float] = lambda _model: 1.0
        self._learnt = Speeds(store)

    def models(self) -> tuple[ModelFile, ...]:
        """All models on this disk, the starter last."""
        return self._library.models()

    def resolve(self, reference: str) -> ModelFile:
        """A name, path, `owner/repo:QUANT` or `starter`. Raises: NotFoundError, ModelFileError."""
        return self._library.resolve(reference)

    def default(self) -> ModelFile:
        """The model of new conversations: the one chosen last, else the starter, else the first.

        Raises:
            NotFoundError: there is no model at all.
        """
        chosen = self._store.setting(_DEFAULT_MODEL)
        for reference in (chosen, STARTER):
            if reference:
                try:
                    return self._library.resolve(reference)
                except UserError:
                    continue
        models = self._library.models()
        if not models:
            raise NotFoundError(
                "There is no model on this machine yet. Add a GGUF file: open Models and drop it "
                "there, or run: snug models import FILE"
            )
        return models[0]

    def choose(self, name: str) -> ModelFile:
        """Make a model the one of new conversations."""
        model = self._library.resolve(name)
        self._store.set_setting(_DEFAULT_MODEL, model.path if model.name != name else model.name)
        return model

    def for_conversation(self, settings: ConversationSettings) -> ModelFile:
        """The model that answers next in a conversation. Raises: NotFoundError, ModelFileError."""
        return self._library.resolve(settings.model) if settings.model else self.default()

    def next_for(self, settings: ConversationSettings | None) -> ModelFile | None:
        """The model that answers next; None for `settings` is a conversation that is yet to be.

        None where there is none: why, and what to do, is told when it is asked to answer.
        """
        try:
            return self.default() if settings is None else self.for_conversation(settings)
        except SnugError:
            return None

    def load_options(self, model: ModelFile) -> LoadOptions:
        """How to load it: as the person chose, as loads here taught, as this process was told."""
        kept = self._store.setting(CONTEXT_LENGTH) or ""
        wanted = self._context_length or (int(kept) if kept.isdigit() else None)
        if wanted is not None:
            wanted = min(wanted, model.context_length or wanted)
        options = LoadOptions(
            experience=self.experience(model),
            context_length=wanted,
            kv_type=self.settings.kv_type,
            threads=self.settings.threads,
            draft=self._draft(model),
        )
        for change in self._changes:
            options = change(options)
        return options

    def use_load_options(self, change: Callable[[LoadOptions], LoadOptions]) -> None:
        """Change how models are loaded until this process ends."""
        self._changes.append(change)

    def _draft(self, model: ModelFile) -> ModelFile | None:
        """The small model that guesses ahead, unless it is the large one or is gone."""
        name = self.settings.draft
        if not name:
            return None
        try:
            draft = self._library.resolve(name)
        except SnugError:
            return None
        return draft if draft.path != model.path and draft.size_bytes < model.size_bytes else None

    def use_context_length(self, tokens: int) -> None:
        """As `set_context_length`, but only until this process ends."""
        self._context_length = _checked_context_length(tokens)

    def set_context_length(self, tokens: int | None) -> None:
        """Choose the context length in tokens for all models; None lets Snug choose."""
        value = "" if tokens is None else str(_checked_context_length(tokens))
        self._store.set_setting(CONTEXT_LENGTH, value)

    def fit(
        self,
        model: ModelFile,
        context_length: int | None = None,
        kv_type: KvType | None = None,
    ) -> Fit:
        """Whether and how a model fits what is free now, with the speed to expect here.

        Args:
            context_length: a fixed one, in tokens; None takes the person's or the best.
            kv_type: of the KV cache; None takes f16, or q8_0 where memory is short.

        Raises: ModelFileError, UserError.
        """
        options = self.load_options(model)
        if context_length is not None:
            options = replace(options, context_length=_checked_context_length(context_length))
        if kv_type is not None:
            options = replace(options, kv_type=kv_type)
        fit = self._engine.fit(model, options)
        return replace(fit, tokens_per_second=self._expected_speed(model, fit))

    def record_speed(self, model: ModelFile, tokens_per_second: float) -> None:
        """Remember how fast a model answered here, and what its load taught. Raises: SnugError."""
        loaded = self._engine.placement()
        if loaded is not None and _speed_key(loaded[0]) == _speed_key(model):
            self.record_load(model, loaded[1])
        placed = loaded[1] if loaded is not None else None
        where = _where(placed.layers_on_gpu, placed.layers) if placed else Where.CPU
        active = int(model.size_bytes * self.active_share(model))
        speed = Measurement(round(tokens_per_second, 2), active, where, model.name)
        self._learnt.keep(_speed_key(model), speed)

    def speeds(self) -> tuple[Measurement, ...]:
        """What models did on this machine, oldest first."""
        return tuple(self._learnt.all().values())

    def measured_speed(self, model: ModelFile) -> float | None:
        """Tokens per second of this very file's last answers here; None where there was none."""
        measured = self._learnt.all().get(_speed_key(model))
        return measured.tokens_per_second if measured is not None else None

    def record_load(self, model: ModelFile, placement: Placement) -> None:
        """Remember what a load taught: memory ÷ projection, threads. Raises: SnugError."""
        learnt = placement.learnt
        if learnt is None or learnt == self.experience(model):
            return
        kept = self._experiences()
        kept.pop(_machine_key(model), None)
        kept[_machine_key(model)] = learnt
        newest = list(kept.items())[-_KEPT_LOADS:]
        values = {k: [e.memory_factor, e.threads, e.threads_batch] for k, e in newest}
        self._store.set_setting(_EXPERIENCES, json.dumps(values))

    def experience(self, model: ModelFile) -> Experience:
        """What earlier loads of this model on this machine taught."""
        return self._experiences().get(_machine_key(model), Experience())

    def _experiences(self) -> dict[str, Experience]:
        try:
            kept = json.loads(self._store.setting(_EXPERIENCES) or "{}")
            return {str(key): _experience(values) for key, values in kept.items()}
        except (ValueError, TypeError, AttributeError, IndexError):
            return {}

    def _expected_speed(self, model: ModelFile, fit: Fit) -> float | None:
        """Measured here with this file; else from what other models did here."""
        measured = self._learnt.all()
        own = measured.get(_speed_key(model))
        layers = fit.projection.layers
        where = _where(fit.projection.gpu_layers, layers)
        if own is not None and own.where is where:
            return own.tokens_per_second
        share = min(1.0, fit.projection.gpu_layers / max(layers, 1))
        active = int(model.size_bytes * self.active_share(model))
        found = expected(active, share, measured.values())
        if found is None:
            return None if own is None else own.tokens_per_second
        return found.tokens_per_second

    def preload(self, model: ModelFile, sink: EventSink) -> Cancellable:
        """Load a model ahead of its first use; events come on the engine's thread."""

        def learn(event: Event) -> None:
            if isinstance(event, Started):
                with contextlib.suppress(SnugError):  # worth remembering, not worth a failure
                    self.record_load(model, event.placement)
            sink(event)

        return self._engine.preload(model, self.load_options(model), learn)

    def import_file(self, path: Path) -> ModelFile:
        """Add a GGUF file to the library where it lies. Raises: ModelFileError."""
        return self._library.import_file(path)

    def remove(self, name: str) -> ModelFile:
        """Forget a model. Raises: NotFoundError."""
        return self._library.remove(name)

    def adapter(self, path: Path, model: ModelFile, scale: float = 1.0) -> Adapter:
        """A LoRA adapter for a model, checked. Raises: ModelFileError, UserError."""
        return self._library.adapter(path, model, scale)

    def embed(self, model: ModelFile, texts: Sequence[str]) -> Embeddings:
        """Texts as vectors of length 1; waits for the engine. Raises: SnugError."""
        return self._engine.embed(model, self.load_options(model), texts)

    def rerank(self, model: ModelFile, query: str, documents: Sequence[str]) -> Ranking:
        """How well each document answers a question; waits. Raises: SnugError."""
        return self._engine.rerank(model, self.load_options(model), query, documents)

    def check(self, path: Path) -> tuple[str, ...]:
        """What is wrong with a GGUF file, in sentences."""
        return self._library.check(path)

    def warnings(self, path: Path) -> tuple[str, ...]:
        """What is suspicious about a GGUF file's chat templates, in sentences."""
        return self._library.warnings(path)

    def devices(self) -> tuple[Device, ...]:
        """What can compute here."""
        return self._engine.devices()

    def apply(self, remedy: Remedy, model: ModelFile) -> None:
        """Do what an error offered; the model can be asked again then. Raises: SnugError."""
        match remedy.kind:
            case RemedyKind.USE_CONTEXT:
                self.set_context_length(remedy.value)
            case RemedyKind.USE_ISOLATED:
                self.settings.choose_host(Host.ISOLATED)
            case RemedyKind.RELEASE_QUARANTINE:
                self.release_quarantine(model)
            case RemedyKind.OPEN_SETTINGS:
                pass  # the window's part

    def release(self) -> None:
        """Give the loaded model's memory back unless it is at work: when idle, locked or asleep.

        Returns at once; the next message loads the model again by itself.
        """
        self._engine.release()

    def placement(self) -> tuple[ModelFile, Placement] | None:
        """The loaded model and where it really lies."""
        return self._engine.placement()


def _speed_key(model: ModelFile) -> str:
    return model.sha256[:16] or model.name


def _where(gpu_layers: int, layers: int) -> Where:
    if gpu_layers <= 0:
        return Where.CPU
    return Where.GPU if gpu_layers >= layers else Where.BOTH


def _machine_key(model: ModelFile) -> str:
    """A model on this machine: a data folder may move to another one."""
    machine = f"{platform.node()} {platform.machine()} {os.cpu_count()}".encode()
    return f"{_speed_key(model)}:{hashlib.sha256(machine).hexdigest()[:8]}"


def _experience(values: list[float | None]) -> Experience:
    factor, decode, batch = values
    counts = [int(n) if n and 1 <= n <= 1024 else None for n in (decode, batch)]
    return Experience(round(bounded_factor(float(factor or 1.0)), 3), *counts)


def _checked_context_length(tokens: int) -> int:
    if not 256 <= tokens <= 2**24:
        raise UserError(f"A context of {tokens} tokens cannot work; choose 256 to 16777216.")
    return tokens
