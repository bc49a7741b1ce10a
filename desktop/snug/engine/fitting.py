"""Choose how to load a model: projected by llama.cpp, held against what is free now."""

from __future__ import annotations

from snug.domain.errors import OutOfMemoryError
from snug.domain.fit import Fit, Projection, choose_fit
from snug.domain.model import DEFAULT_CONTEXT_LENGTH, LoadOptions, ModelFile
from snug.engine.native import Native
from snug.engine.projection import ProjectedModel

BATCH_TOKENS = 512
_MIN_CONTEXT = 256


class Projector:
    """Projections of one model, each layout made once."""

    def __init__(self, native: Native, file: ModelFile) -> None:
        self._native = native
        self._file = file
        self._models: dict[int, ProjectedModel] = {}
        self._known: dict[tuple[int, int], Projection] = {}

    def __call__(self, context_length: int, gpu_layers: int) -> Projection:
        """The projection of a setting. Raises: ModelFileError."""
        key = (context_length, gpu_layers)
        if key not in self._known:
            model = self.model(gpu_layers)
            self._known[key] = model.project(context_length, BATCH_TOKENS)
        return self._known[key]

    def model(self, gpu_layers: int) -> ProjectedModel:
        """The layout with so many layers on the GPU."""
        if gpu_layers not in self._models:
            self._models[gpu_layers] = ProjectedModel(self._native, self._file, gpu_layers)
        return self._models[gpu_layers]

    def close(self) -> None:
        """Free all layouts."""
        while self._models:
            self._models.popitem()[1].close()


def find_fit(native: Native, file: ModelFile, options: LoadOptions) -> Fit:
    """The best setting for what is free now, within the options. Engine thread.

    Raises:
        ModelFileError: llama.cpp cannot read the file.
    """
    projector = Projector(native, file)
    try:
        trained = file.context_length or DEFAULT_CONTEXT_LENGTH
        wanted = options.context_length
        return choose_fit(
            projector,
            native.devices(),
            layers=projector.model(0).layers,
            longest=max(_MIN_CONTEXT, min(trained, DEFAULT_CONTEXT_LENGTH)),
            context_length=None if wanted is None else max(_MIN_CONTEXT, wanted),
            gpu_layers=options.gpu_layers,
        )
    finally:
        projector.close()


def refusal(file: ModelFile, fit: Fit, options: LoadOptions) -> OutOfMemoryError:
    """Why a model cannot be loaded now, with the numbers and what would help."""
    needed, free = f"{fit.needed_bytes / 1e9:.1f} GB", f"{fit.free_bytes / 1e9:.1f} GB"
    remedy = (
        f"Choose a context shorter than {fit.projection.context_length} tokens in Settings"
        if options.context_length is not None
        else "Choose a smaller model or quantization"
    )
    return OutOfMemoryError(
        f"{file.name} needs {needed} and {free} are free. {remedy}, or close other programs."
    )
