"""LoRA adapter files, checked against their model before llama.cpp sees them.

llama.cpp aborts the process where a value has another type than it expects, and at the first
product where a tensor cannot be multiplied; both are told here as sentences.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from snug.domain.errors import ModelFileError
from snug.domain.model import Adapter
from snug.models.damage import GET_AGAIN, quoted
from snug.models.digest import sha256_of
from snug.models.gguf import GgufHeader, TensorInfo
from snug.models.inspection import inspect
from snug.models.roles import FileRole

_A, _B = ".lora_a", ".lora_b"
_NORM: Final = "_norm.weight"  # llama.cpp passes these over
_REALS: Final = frozenset({"F32", "F16", "BF16"})
_OTHER: Final = "Choose an adapter that was made for this very model."


def open_adapter(path: Path, model: Path, scale: float = 1.0) -> Adapter:
    """An adapter that fits a model, with the digest of its file.

    Raises:
        ModelFileError: it is damaged, no LoRA adapter, or made for another model.
        UserError: the scale is out of range.
    """
    found = inspect(path)
    problems = [problem.text for problem in found.damage]
    if not problems and found.header is not None:
        if found.role is not FileRole.ADAPTER:
            problems = [f"{path.name} is no adapter. Choose a LoRA adapter in GGUF form."]
        else:
            problems = list(_problems(found.header, _model_header(model)))
    if problems:
        raise ModelFileError(problems[0])
    return Adapter(str(path.absolute()), sha256_of(found.files), scale)


def _model_header(path: Path) -> GgufHeader:
    header = inspect(path).header
    if header is None:
        raise ModelFileError(f"The model {path.name} cannot be read, so no adapter can be added.")
    return header


def _problems(adapter: GgufHeader, model: GgufHeader) -> Iterator[str]:
    kind = adapter.text("adapter.type")
    if adapter.text("general.type") != "adapter" or kind != "lora":
        yield f"This adapter is of the kind {quoted(kind or 'unknown')}; Snug applies LoRA only."
    if adapter.architecture != model.architecture:
        yield (
            f"This adapter is for models of the kind {quoted(adapter.architecture)}, and this one "
            f"is {quoted(model.architecture)}. {_OTHER}"
        )
    if "adapter.alora.invocation_tokens" in adapter.metadata:
        yield "This adapter waits for its own words to begin (aLoRA), which Snug does not support."
    alpha = adapter.metadata.get("adapter.lora.alpha")
    if alpha is not None:
        value = alpha.content
        if alpha.kind.name != "FLOAT32" or not isinstance(value, float) or not math.isfinite(value):
            yield f"The adapter's alpha is no number. {GET_AGAIN}"
    if len(model.tensors) > 0:
        yield from _tensor_problems(adapter, {tensor.name: tensor for tensor in model.tensors})


def _tensor_problems(adapter: GgufHeader, model: Mapping[str, TensorInfo]) -> Iterator[str]:
    tensors = {tensor.name: tensor for tensor in adapter.tensors}
    if not any(name.endswith(_A) for name in tensors):
        yield f"The adapter changes nothing: it holds no LoRA weights. {GET_AGAIN}"
    for name, tensor in tensors.items():
        if name.endswith(_NORM):
            continue
        base, half = name[: -len(_A)], name[-len(_A) :]
        other = tensors.get(base + (_B if half == _A else _A))
        if half not in (_A, _B) or other is None:
            yield f"The adapter's tensor {quoted(name)} has no counterpart. {GET_AGAIN}"
        elif base not in model:
            yield f"The adapter changes {quoted(base)}, which this model does not have. {_OTHER}"
        elif tensor.type.label not in _REALS:
            yield (
                f"The adapter's tensor {quoted(name)} is {tensor.type.label}; Snug applies F32, "
                "F16 and BF16. Convert the adapter anew."
            )
        elif half == _A and not _fits(tensor.shape, other.shape, model[base]):
            yield (
                f"The adapter's weights for {quoted(base)} are {tensor.shape} and {other.shape}, "
                f"which do not fit this model's {model[base].shape}. {_OTHER}"
            )


def _fits(a: tuple[int, ...], b: tuple[int, ...], base: TensorInfo) -> bool:
    """Whether B·A has the shape of the tensor that it is added to."""
    if not 2 <= len(a) <= 3 or len(a) != len(b) or min(*a, *b) < 1:
        return False
    if base.name == "token_embd.weight":  # its rows are looked up, so A lies the other way round
        return len(a) == 2 and a[0] == b[0] and base.shape[:2] == (b[1], a[1])
    return a[1] == b[0] and base.shape[:2] == (a[0], b[1]) and a[2:] == b[2:] == base.shape[2:]
