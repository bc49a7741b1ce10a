"""Whether a file's tensors lie where they should, all of them within the file.

Source: `gguf_init_from_reader` in ggml's gguf.cpp, which wants the tensors one directly after the
other, and ggml_backend_cpu_buffer_from_ptr, which ends the process where mapped weights are not
aligned to 32 bytes (TENSOR_ALIGNMENT).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from snug.models.damage import CUT_SHORT, GET_AGAIN, Damage, Problem, quoted
from snug.models.gguf import GgufHeader

_MAPPED_ALIGNMENT: Final = 32


def check_tensors(header: GgufHeader) -> Iterator[Problem]:
    """The first tensor that does not lie where the one before it ends, and the file's length."""
    expected = 0
    for tensor in header.tensors:
        where = f"The tensor {quoted(tensor.name)} starts at {tensor.offset:,}"
        if tensor.offset % header.alignment:
            yield Problem(
                Damage.TENSOR_MISALIGNED,
                f"{where}, which is no multiple of {header.alignment:,}. {GET_AGAIN}",
            )
            return
        if tensor.offset < expected:
            yield Problem(
                Damage.TENSOR_OVERLAP,
                f"{where}, but the one before it ends at {expected:,}. {GET_AGAIN}",
            )
            return
        if tensor.offset > expected:
            yield Problem(
                Damage.TENSOR_GAP,
                f"{where}; it should be {expected:,}, where the one before it ends. {GET_AGAIN}",
            )
            return
        if (header.data_offset + tensor.offset) % _MAPPED_ALIGNMENT:
            yield Problem(
                Damage.TENSOR_MISALIGNED,
                f"{where} of the data, byte {header.data_offset + tensor.offset:,} of the file, "
                f"which is no multiple of {_MAPPED_ALIGNMENT}. Choose another file of this model.",
            )
            return
        padded = -(-tensor.size_bytes // header.alignment) * header.alignment
        expected = tensor.offset + padded
    yield from _check_length(header)


def check_small_tensors(header: GgufHeader) -> Iterator[Problem]:
    """Norms and biases are F32: the CPU's binary operations end the process on other types."""
    for tensor in header.tensors:
        bias = tensor.name.endswith(".bias") and tensor.elements == max(tensor.shape, default=1)
        if (bias or tensor.name.endswith("norm.weight")) and tensor.type.label != "F32":
            yield Problem(
                Damage.TENSOR_TYPE,
                f"The tensor {quoted(tensor.name)} is of type {tensor.type.label}, but llama.cpp "
                "computes it only as F32. Choose another file of this model.",
            )
            return


def _check_length(header: GgufHeader) -> Iterator[Problem]:
    if not header.tensors:
        return
    last = header.tensors[-1]
    needed = header.data_offset + last.offset + last.size_bytes
    if needed > header.size_bytes:
        yield Problem(
            Damage.DATA_CUT,
            f"The file ends at {header.size_bytes:,} bytes but its last tensor needs "
            f"{needed:,}. {CUT_SHORT}",
        )
