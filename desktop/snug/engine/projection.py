"""What a load would take, told by llama.cpp itself without allocating it.

`no_alloc` makes llama.cpp lay out a model and its context and count the bytes per buffer type. The
count is handed out as a C++ `std::map` (llama-ext.h, still marked as a draft), which is read here
node by node in libstdc++'s layout. Builds against another C++ library export no such symbol and
cannot be projected yet.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from typing import Any

from snug.domain.errors import EnvironmentFault, ModelFileError
from snug.domain.fit import DeviceBytes, Projection
from snug.domain.model import DeviceKind, ModelFile
from snug.engine.native import Native

_BREAKDOWN = "_Z26llama_get_memory_breakdownPK13llama_context"
_NO_MMAP = 0  # LLAMA_LOAD_MODE_NONE


class _Map(ctypes.Structure):
    """libstdc++'s std::map: comparator, header node (colour, parent = root, left, right), size."""

    _fields_ = (
        ("comparator", ctypes.c_size_t),
        ("colour", ctypes.c_size_t),
        ("root", ctypes.c_void_p),
        ("leftmost", ctypes.c_void_p),
        ("rightmost", ctypes.c_void_p),
        ("count", ctypes.c_size_t),
    )


class _Node(ctypes.Structure):
    """A node of it: tree links, then (buffer type, {model, context, compute} bytes)."""

    _fields_ = (
        ("colour", ctypes.c_size_t),
        ("parent", ctypes.c_void_p),
        ("left", ctypes.c_void_p),
        ("right", ctypes.c_void_p),
        ("buffer_type", ctypes.c_void_p),
        ("model", ctypes.c_size_t),
        ("context", ctypes.c_size_t),
        ("compute", ctypes.c_size_t),
    )


class ProjectedModel:
    """A model laid out but not loaded; contexts of any length can be projected on it."""

    def __init__(self, native: Native, file: ModelFile, gpu_layers: int) -> None:
        self._native = native
        self._llama: Any = native.llama
        self.gpu_layers = gpu_layers
        parameters = self._llama.llama_model_default_params()
        parameters.no_alloc = True
        parameters.load_mode = _NO_MMAP
        parameters.n_gpu_layers = gpu_layers
        self._model = self._llama.llama_model_load_from_file(os.fsencode(file.path), parameters)
        if not self._model:
            raise ModelFileError(
                f"{file.name} could not be read by llama.cpp. Check it with: snug models check"
            )

    @property
    def layers(self) -> int:
        """Layers, the output layer counted."""
        return int(self._llama.llama_model_n_layer(self._model)) + 1

    def project(self, context_length: int, batch_tokens: int) -> Projection:
        """Bytes of the model with a context of this length."""
        llama = self._llama
        parameters = llama.llama_context_default_params()
        parameters.n_ctx = context_length
        parameters.n_batch = parameters.n_ubatch = min(context_length, batch_tokens)
        context = llama.llama_init_from_model(self._model, parameters)
        if not context:
            raise ModelFileError(
                f"llama.cpp cannot lay out a context of {context_length} tokens for this model."
            )
        try:
            parts = tuple(self._parts(context))
        finally:
            llama.llama_free(context)
        return Projection(context_length, self.gpu_layers, self.layers, parts)

    def close(self) -> None:
        """Free the layout."""
        model, self._model = self._model, None
        if model:
            self._llama.llama_model_free(model)

    def _parts(self, context: Any) -> Iterator[DeviceBytes]:
        by_device: dict[tuple[str, DeviceKind], list[int]] = {}
        for name, kind, sizes in self._breakdown(context):
            total = by_device.setdefault((name, kind), [0, 0, 0])
            for index, size in enumerate(sizes):
                total[index] += size
        for (name, kind), (weights, kv_cache, compute) in by_device.items():
            yield DeviceBytes(name, kind, weights, kv_cache, compute)

    def _breakdown(self, context: Any) -> Iterator[tuple[str, DeviceKind, tuple[int, int, int]]]:
        function = getattr(self._llama._lib, _BREAKDOWN, None)
        if function is None:
            raise EnvironmentFault(
                "This build of llama.cpp does not tell how much memory a model takes. Run the "
                "set-up again: make clean, then make run"
            )
        function.argtypes = [ctypes.c_void_p]
        function.restype = _Map
        pending = [function(context).root]
        while pending:
            address = pending.pop()
            if not address:
                continue
            node = _Node.from_address(address)
            pending += [node.left, node.right]
            name, kind = self._native.owner_of(node.buffer_type)
            yield name, kind, (node.model, node.context, node.compute)
