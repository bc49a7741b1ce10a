"""LoRA adapters of one loaded model: load once, switch per answer."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from typing import Any

from snug.domain.errors import ModelFileError
from snug.domain.model import Adapter


class Adapters:
    """Adapter files that were loaded for one model. Engine thread only.

    What a context computed under one set of adapters holds for no other: keep KV entries apart by
    `snug.domain.model.adapters_key`. Close before the model is freed.
    """

    def __init__(self, native_llama: Any, model: Any) -> None:
        self._llama = native_llama
        self._model = model
        self._loaded: dict[tuple[str, str], Any] = {}

    def use(self, context: Any, adapters: Sequence[Adapter]) -> None:
        """Make a context compute with these adapters, and no others, from the next batch on.

        Raises:
            ModelFileError: llama.cpp cannot apply one to this model; nothing has changed then.
        """
        chosen = [(self._handle(adapter), adapter.scale) for adapter in adapters if adapter.scale]
        addresses = (ctypes.cast(handle, ctypes.c_void_p).value for handle, _ in chosen)
        handles = (ctypes.c_void_p * len(chosen))(*addresses)
        scales = (ctypes.c_float * len(chosen))(*(scale for _, scale in chosen))
        # The bindings declare a pointer to a pointer where llama.cpp wants an array of handles.
        kind = self._llama.llama_set_adapters_lora.argtypes[1]
        result = self._llama.llama_set_adapters_lora(
            context, ctypes.cast(handles, kind), len(chosen), scales
        )
        if result != 0:
            raise ModelFileError(
                f"llama.cpp could not apply the adapters (code {result}). Leave them out, or "
                "choose those that were made for this model."
            )

    def close(self) -> None:
        """Free them; no context may compute with them any more."""
        loaded, self._loaded = self._loaded, {}
        for handle in loaded.values():
            self._llama.llama_adapter_lora_free(handle)

    def _handle(self, adapter: Adapter) -> Any:
        key = (adapter.path, adapter.sha256)
        if key not in self._loaded:
            handle = self._llama.llama_adapter_lora_init(self._model, os.fsencode(adapter.path))
            if not handle:
                raise ModelFileError(
                    f"The adapter {adapter.path} cannot be used with this model. It may be made "
                    "for another one, or the file has changed; leave it out or choose another."
                )
            self._loaded[key] = handle
        return self._loaded[key]
