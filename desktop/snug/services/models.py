"""Which model answers, and how it is loaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from snug.domain.conversation import ConversationSettings
from snug.domain.errors import NotFoundError, Remedy, RemedyKind, SnugError, UserError
from snug.domain.fit import Fit
from snug.domain.model import Device, LoadOptions, ModelFile, Placement
from snug.services.engine_settings import CONTEXT_LENGTH, EngineSettings, Host
from snug.services.protocols import (
    Cancellable,
    ConversationStore,
    Engine,
    EventSink,
    ModelLibrary,
)

STARTER = "starter"
_DEFAULT_MODEL = "model.default"
_SPEEDS = "model.speeds"
_KEPT_SPEEDS = 64


class ModelService:
    """The library, the model new conversations use, and what is loaded now.

    Methods run on the calling thread; those that read the library take a few milliseconds.

    Attributes:
        settings: how the person wants models to run.
        release_quarantine: gives a model that crashed another chance; set where all is put
            together.
    """

    def __init__(self, library: ModelLibrary, store: ConversationStore, engine: Engine) -> None:
        self._library = library
        self._store = store
        self._engine = engine
        self.settings = EngineSettings(store)
        self._context_length: int | None = None  # for this process only
        self._changes: list[Callable[[LoadOptions], LoadOptions]] = []  # likewise
        self.release_quarantine: Callable[[ModelFile], None] = lambda _model: None

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
        """How to load it: as the person chose, then as this process was told."""
        kept = self._store.setting(CONTEXT_LENGTH) or ""
        wanted = self._context_length or (int(kept) if kept.isdigit() else None)
        if wanted is not None:
            wanted = min(wanted, model.context_length or wanted)
        options = LoadOptions(
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

    def fit(self, model: ModelFile, context_length: int | None = None) -> Fit:
        """Whether and how a model fits what is free now, with the speed to expect here.

        Args:
            context_length: a fixed one, in tokens; None takes the person's or the best.
        """
        options = self.load_options(model)
        if context_length is not None:
            options = replace(options, context_length=_checked_context_length(context_length))
        fit = self._engine.fit(model, options)
        return replace(fit, tokens_per_second=self._expected_speed(model))

    def record_speed(self, model: ModelFile, tokens_per_second: float) -> None:
        """Remember how fast a model answered on this machine. Raises: SnugError."""
        speeds = self._speeds()
        speeds.pop(_speed_key(model), None)
        speeds[_speed_key(model)] = (round(tokens_per_second, 2), model.size_bytes)
        newest = dict(list(speeds.items())[-_KEPT_SPEEDS:])
        self._store.set_setting(_SPEEDS, json.dumps(newest))

    def _expected_speed(self, model: ModelFile) -> float | None:
        """Measured here with this file; else scaled by size, since decoding reads every weight."""
        speeds = self._speeds()
        if not speeds:
            return None
        measured = speeds.get(_speed_key(model))
        if measured is not None:
            return measured[0]
        speed, size = min(speeds.values(), key=lambda known: abs(known[1] - model.size_bytes))
        return round(speed * size / max(model.size_bytes, 1), 2)

    def _speeds(self) -> dict[str, tuple[float, int]]:
        try:
            kept = json.loads(self._store.setting(_SPEEDS) or "{}")
            return {str(k): (float(v[0]), int(v[1])) for k, v in kept.items()}
        except (ValueError, TypeError, AttributeError, IndexError):
            return {}

    def preload(self, model: ModelFile, sink: EventSink) -> Cancellable:
        """Load a model ahead of its first use; events come on the engine's thread."""
        return self._engine.preload(model, self.load_options(model), sink)

    def import_file(self, path: Path) -> ModelFile:
        """Add a GGUF file to the library where it lies. Raises: ModelFileError."""
        return self._library.import_file(path)

    def remove(self, name: str) -> ModelFile:
        """Forget a model. Raises: NotFoundError."""
        return self._library.remove(name)

    def check(self, path: Path) -> tuple[str, ...]:
        """What is wrong with a GGUF file, in sentences."""
        return self._library.check(path)

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


def _checked_context_length(tokens: int) -> int:
    if not 256 <= tokens <= 2**24:
        raise UserError(f"A context of {tokens} tokens cannot work; choose 256 to 16777216.")
    return tokens
