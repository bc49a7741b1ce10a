"""A GGUF header as values: what a file says of itself, before anything trusts it.

`snug.models.reader` builds these; the check modules judge them.

Source: ggml's specification of the format (gguf.md), versions 2 and 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from snug.models.tables import INTEGERS, REALS, TensorType, ValueType

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class MetaValue:
    """One metadata value.

    Attributes:
        kind: its type.
        content: the value; a tuple for an array; None where it was skipped because it is long.
        element: type of an array's elements; None where it is no array.
        count: an array's elements, a string's bytes; 1 for anything else.
        offset: where its content begins in the file: an array's first element, a string's text.
    """

    kind: ValueType
    content: Scalar | tuple[Scalar, ...] | None
    element: ValueType | None = None
    count: int = 1
    offset: int = 0


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor's entry.

    Attributes:
        shape: 0 to 4 lengths, the one that varies fastest first, as GGUF stores them.
        offset: bytes from the start of the data section.
    """

    name: str
    shape: tuple[int, ...]
    type: TensorType
    offset: int
    elements: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """All that stands before a file's weights.

    Attributes:
        alignment: each tensor starts at a multiple of it, in bytes.
        data_offset: where the data section begins, in bytes from the start of the file.
        size_bytes: length of the whole file.
    """

    version: int
    metadata: Mapping[str, MetaValue]
    tensors: tuple[TensorInfo, ...]
    alignment: int
    data_offset: int
    size_bytes: int
    architecture: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "architecture", self.text("general.architecture") or "")

    @property
    def parameter_count(self) -> int:
        """Number of weights in this file."""
        return sum(tensor.elements for tensor in self.tensors)

    def key(self, suffix: str) -> str:
        """The full name of a key of this architecture: `block_count` → `llama.block_count`."""
        return f"{self.architecture}.{suffix}"

    def text(self, key: str) -> str | None:
        """A string value up to its first NUL, which is all that llama.cpp sees of it.

        None where it is missing, of another type, or was too long to keep.
        """
        value = self.metadata.get(key)
        if value is None or not isinstance(value.content, str):
            return None
        return value.content.partition("\0")[0]

    def integer(self, key: str) -> int | None:
        """A whole number of any width; None where it is missing or of another type."""
        value = self.metadata.get(key)
        if value is None or value.kind not in INTEGERS or not isinstance(value.content, int):
            return None
        return value.content

    def real(self, key: str) -> float | None:
        """A floating-point number; None where it is missing or of another type."""
        value = self.metadata.get(key)
        if value is None or value.kind not in REALS or not isinstance(value.content, float):
            return None
        return value.content

    def flag(self, key: str) -> bool | None:
        """A truth value; None where it is missing or of another type."""
        value = self.metadata.get(key)
        return value.content if value is not None and isinstance(value.content, bool) else None

    def per_layer(self, key: str, layers: int) -> tuple[int, ...] | None:
        """Whole numbers for each layer: an array as it stands, or one number repeated.

        None where the key is missing, holds anything but whole numbers, or was skipped.
        """
        single = self.integer(key)
        if single is not None:
            return (single,) * layers
        value = self.metadata.get(key)
        if value is None or value.element not in INTEGERS or not isinstance(value.content, tuple):
            return None
        return tuple(int(number) for number in value.content)
