"""Choose how to load a model: projected by llama.cpp, held against what is free now.

A projection reads a stranger's file with llama.cpp. Whoever does not trust the file runs
`find_fit` in a child: it takes and gives plain values, apart from the native library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from snug.domain.errors import ModelFileError, OutOfMemoryError
from snug.domain.fit import Fit, Projection, Setting, remedy_text, with_given_back
from snug.domain.model import Device, LoadOptions, ModelFile, Toggle
from snug.domain.placing import USEFUL_CONTEXT, Wish, choose_fit
from snug.engine.native import Native
from snug.engine.parameters import BATCH_TOKENS, check_options, draft_options
from snug.engine.projection import ProjectedModel

__all__ = ["BATCH_TOKENS", "Projector", "find_fit", "refusal", "size_text"]
_MIN_CONTEXT = 256
_UNKNOWN_CONTEXT = 8192  # where the file does not tell what the model was trained for
_KEPT_LAYOUTS = 3  # each holds the model's vocabulary
_NOTHING: Mapping[str, int] = MappingProxyType({})


class Projector:
    """Projections of one model, each layout made once."""

    def __init__(self, native: Native, file: ModelFile, options: LoadOptions) -> None:
        self._native = native
        self._file = file
        self._options = options
        self._models: dict[tuple[int, int], ProjectedModel] = {}
        self._known: dict[Setting, Projection | None] = {}

    def __call__(self, setting: Setting) -> Projection | None:
        """The projection of a setting, corrected by earlier loads. Raises: ModelFileError."""
        if setting not in self._known:
            found = self.model(setting).project(setting)
            factor = self._options.experience.memory_factor
            self._known[setting] = None if found is None else found.corrected(factor)
        return self._known[setting]

    def model(self, setting: Setting) -> ProjectedModel:
        """The layout of a setting's layers and experts."""
        key = (setting.gpu_layers, setting.experts_on_cpu)
        if key not in self._models:
            while len(self._models) >= _KEPT_LAYOUTS:
                self._models.pop(next(iter(self._models))).close()
            self._models[key] = ProjectedModel(self._native, self._file, setting, self._options)
        return self._models[key]

    def close(self) -> None:
        """Free all layouts."""
        while self._models:
            self._models.popitem()[1].close()


def find_fit(
    native: Native,
    file: ModelFile,
    options: LoadOptions,
    given_back: Mapping[str, int] = _NOTHING,
) -> Fit:
    """The best setting for what is free, within the options. Engine thread.

    Args:
        given_back: bytes by device name that will be free once a loaded model is gone.

    Raises:
        ModelFileError: llama.cpp cannot read the file, or run it with these options.
        UserError: the options cannot work together.
    """
    check_options(options)
    projector = Projector(native, file, options)
    try:
        layout = projector.model(Setting(_MIN_CONTEXT, 0, experts_on_cpu=options.experts_on_cpu))
        wanted = options.context_length
        wish = Wish(
            layers=layout.layers,
            trained=max(_MIN_CONTEXT, file.context_length or _UNKNOWN_CONTEXT),
            context_length=None if wanted is None else max(_MIN_CONTEXT, wanted),
            gpu_layers=options.gpu_layers,
            kv_type=options.kv_type,
            may_quantize_cache=options.flash_attention is not Toggle.OFF,
            expert_layers=layout.layers - 1 if layout.is_mixture else 0,
            experts_on_cpu=options.experts_on_cpu,
        )
        devices = with_given_back(native.devices(), given_back)
        fit = choose_fit(projector, _less_the_draft(native, devices, options), wish)
    finally:
        projector.close()
    if fit is None:
        raise ModelFileError(
            f"llama.cpp cannot run {file.name} with these options. Choose the KV cache type f16 "
            "and leave flash attention to Snug."
        )
    return fit


def _less_the_draft(
    native: Native, devices: tuple[Device, ...], options: LoadOptions
) -> tuple[Device, ...]:
    """What the small model leaves, which is loaded after the large one. Raises: as `find_fit`."""
    draft = options.draft
    if draft is None:
        return devices
    length = options.context_length or USEFUL_CONTEXT
    own = draft_options(options, min(length, draft.context_length or length))
    parts = find_fit(native, draft, own).projection.devices
    taken = {part.device: part.total for part in parts}
    return tuple(
        replace(device, free_bytes=max(0, device.free_bytes - taken.get(device.name, 0)))
        for device in devices
    )


def refusal(file: ModelFile, fit: Fit, options: LoadOptions) -> OutOfMemoryError:
    """Why a model cannot be loaded now, with the numbers and what would help."""
    needed, free = size_text(fit.needed_bytes), size_text(fit.free_bytes)
    remedy = remedy_text(fit, options.context_length is not None)
    return OutOfMemoryError(
        f"{file.name} needs {needed} and {free} are free. {remedy}, or close other programs."
    )


def size_text(size_bytes: int) -> str:
    """A size for the person, fine enough that a small shortage shows."""
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"
