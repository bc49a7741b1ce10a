"""What a load would take, told by llama.cpp itself without allocating it.

`no_alloc` makes llama.cpp lay out a model and its context and count the bytes per buffer type. The
count is handed out as a C++ `std::map` (llama-ext.h, still marked as a draft), which is read here
node by node in libstdc++'s layout. Where the library was built against another one (macOS), the
bytes are computed from the model's metadata instead (`engine/estimate.py`).

Measured against resident memory with the context filled, ten random models of nine architectures:
what llama.cpp does not count is its own tables (a fixed amount) and the vocabulary, whose tables
in memory take about seven times what they take in the file.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from typing import Any

from snug.domain.errors import ModelFileError
from snug.domain.fit import DeviceBytes, Projection, Setting
from snug.domain.model import DeviceKind, LoadOptions, ModelFile
from snug.engine.estimate import estimate_projection, read_facts
from snug.engine.native import Native
from snug.engine.parameters import context_parameters, model_parameters

_BREAKDOWN = "_Z26llama_get_memory_breakdownPK13llama_context"
# Only libstdc++ has it; libc++ exports the function above too, with a map of another layout.
_LIBSTDCXX = "_ZSt18_Rb_tree_incrementPSt18_Rb_tree_node_base"
NO_MMAP = 0  # LLAMA_LOAD_MODE_NONE
_TABLES_BYTES = 4 * 2**20  # graphs, schedulers, thread pools; measured, see above
_VOCABULARY_FACTOR = 7


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
    """A model laid out but not loaded; contexts of any length can be projected on it.

    Args (constructor):
        setting: of its layers and experts; the context and KV type are chosen per projection.
    """

    def __init__(
        self, native: Native, file: ModelFile, setting: Setting, options: LoadOptions
    ) -> None:
        self._native = native
        self._llama: Any = native.llama
        self._file = file
        self._options = options
        parameters = model_parameters(native, setting, options)
        parameters.native.no_alloc = True
        parameters.native.load_mode = NO_MMAP
        self._model = self._llama.llama_model_load_from_file(
            os.fsencode(file.path), parameters.native
        )
        if not self._model:
            raise ModelFileError(
                f"{file.name} could not be read by llama.cpp. Check it with: snug models check"
            )

    @property
    def layers(self) -> int:
        """Layers, the output layer counted."""
        return int(self._llama.llama_model_n_layer(self._model)) + 1

    @property
    def is_mixture(self) -> bool:
        """Whether its layers hold experts of which each token takes a few."""
        return read_facts(self._llama, self._model).experts > 0

    def project(self, setting: Setting, *, exact: bool = True) -> Projection | None:
        """Bytes of the model with such a context; None where llama.cpp cannot run it so.

        Args:
            exact: False computes them from the metadata, as where llama.cpp's count is unreadable.
        """
        if not (exact and can_count(self._llama._lib)):
            facts = read_facts(self._llama, self._model)
            return estimate_projection(facts, setting, self._native.devices(), self._other())
        context = self._llama.llama_init_from_model(
            self._model, context_parameters(self._native, setting, self._options)
        )
        if not context:
            return None
        try:
            parts = tuple(self._parts(context))
        finally:
            self._llama.llama_free(context)
        return Projection(
            setting.context_length,
            setting.gpu_layers,
            self.layers,
            parts,
            setting.kv_type,
            setting.experts_on_cpu,
        )

    def close(self) -> None:
        """Free the layout."""
        model, self._model = self._model, None
        if model:
            self._llama.llama_model_free(model)

    def _other(self) -> int:
        """Bytes that llama.cpp does not count: its tables and the vocabulary in memory."""
        header = self._file.size_bytes - int(self._llama.llama_model_size(self._model))
        return _TABLES_BYTES + _VOCABULARY_FACTOR * max(0, header)

    def _parts(self, context: Any) -> Iterator[DeviceBytes]:
        totals: dict[tuple[str, DeviceKind], list[int]] = {}
        repacked = 0
        for buffer_type, sizes in breakdown(self._llama._lib, context):
            total = totals.setdefault(self._native.owner_of(buffer_type), [0, 0, 0])
            for index, size in enumerate(sizes):
                total[index] += size
            if self._native.is_repacked(buffer_type):
                repacked += sizes[0]
        for (name, kind), (weights, kv_cache, compute) in totals.items():
            if kind is DeviceKind.CPU:
                # Files are mapped only where nothing is repacked (engine/loaded.py).
                mapped = 0 if repacked else weights
                other = self._other()
                yield DeviceBytes(name, kind, weights, kv_cache, compute, other, mapped, repacked)
            else:
                yield DeviceBytes(name, kind, weights, kv_cache, compute)


def can_count(library: Any) -> bool:
    """Whether llama.cpp's own count can be read from this build."""
    return hasattr(library, _BREAKDOWN) and hasattr(library, _LIBSTDCXX)


def breakdown(library: Any, context: Any) -> Iterator[tuple[int, tuple[int, int, int]]]:
    """(buffer type, bytes of weights, context and compute) of a context, laid out or real."""
    function = getattr(library, _BREAKDOWN)
    function.argtypes = [ctypes.c_void_p]
    function.restype = _Map
    pending = [function(context).root]
    while pending:
        address = pending.pop()
        if not address:
            continue
        node = _Node.from_address(address)
        pending += [node.left, node.right]
        yield node.buffer_type, (node.model, node.context, node.compute)
