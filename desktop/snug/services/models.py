"""Which model answers, and how it is loaded."""

from __future__ import annotations

from pathlib import Path

from snug.domain.conversation import ConversationSettings
from snug.domain.errors import NotFoundError, UserError
from snug.domain.model import Device, LoadOptions, ModelFile, Placement
from snug.services.protocols import (
    Cancellable,
    ConversationStore,
    Engine,
    EventSink,
    ModelLibrary,
)

STARTER = "starter"
_DEFAULT_MODEL = "model.default"
_CONTEXT_LENGTH = "model.context_length"


class ModelService:
    """The library, the model new conversations use, and what is loaded now.

    Methods run on the calling thread; those that read the library take a few milliseconds.
    """

    def __init__(self, library: ModelLibrary, store: ConversationStore, engine: Engine) -> None:
        self._library = library
        self._store = store
        self._engine = engine
        self._context_length: int | None = None  # for this process only

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

    def load_options(self, model: ModelFile) -> LoadOptions:
        """How to load it: the person's context length where one is set."""
        kept = self._store.setting(_CONTEXT_LENGTH) or ""
        wanted = self._context_length or (int(kept) if kept.isdigit() else None)
        if wanted is None:
            return LoadOptions()
        return LoadOptions(context_length=min(wanted, model.context_length or wanted))

    def use_context_length(self, tokens: int) -> None:
        """As `set_context_length`, but only until this process ends."""
        self._context_length = _checked_context_length(tokens)

    def set_context_length(self, tokens: int | None) -> None:
        """Choose the context length in tokens for all models; None lets Snug choose."""
        value = "" if tokens is None else str(_checked_context_length(tokens))
        self._store.set_setting(_CONTEXT_LENGTH, value)

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

    def placement(self) -> tuple[ModelFile, Placement] | None:
        """The loaded model and where it really lies."""
        return self._engine.placement()


def _checked_context_length(tokens: int) -> int:
    if not 256 <= tokens <= 2**24:
        raise UserError(f"A context of {tokens} tokens cannot work; choose 256 to 16777216.")
    return tokens
