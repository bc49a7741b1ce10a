"""Reads GGUF headers out of files that nobody has vouched for.

llama.cpp's own parser trusts more than it should and can end the process; this one stands in
front of it. It reckons with Python's unbounded integers, and compares every length with a limit
before anything is read or kept, so that a hostile file costs little time and memory. Long strings
and arrays (a vocabulary, say) are stepped over; `GgufFile.strings` reads one where it is needed.

Source: ggml's specification of the format (gguf.md) and its reader (gguf.cpp).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from snug.models.cursor import Cursor, Source
from snug.models.damage import GET_AGAIN, NOT_FOR_US, Damage, GgufError, quoted
from snug.models.gguf import GgufHeader, MetaValue, Scalar, TensorInfo
from snug.models.signatures import explain_not_gguf
from snug.models.tables import REMOVED_TENSOR_TYPES, SCALARS, TENSOR_TYPES, ValueType

MAGIC: Final = b"GGUF"
MAX_TENSORS: Final = 65_536
MAX_KEYS: Final = 65_536
MAX_KEY_BYTES: Final = 64 * 1024
MAX_TENSOR_NAME_BYTES: Final = 63  # GGML_MAX_NAME with its closing zero
MAX_ARRAY: Final = 4 * 1024 * 1024
MAX_ALIGNMENT: Final = 65_536
DEFAULT_ALIGNMENT: Final = 32
MAX_DIMENSIONS: Final = 4
MAX_ELEMENTS: Final = 2**63 - 1

# What of a header is kept in memory: the rest is stepped over.
KEPT_STRING_BYTES: Final = 512 * 1024
KEPT_ARRAY: Final = 1024
KEPT_TOTAL_BYTES: Final = 8 * 1024 * 1024
_ELEMENT_COST_BYTES: Final = 40


def read_header(source: Source) -> GgufHeader:
    """Read all that stands before the weights.

    What makes the header unreadable is raised; whether its values make sense is for the checks.

    Raises:
        GgufError: the first thing that is wrong.
    """
    return _read(source, None, {})


@dataclass(frozen=True, slots=True)
class Beginning:
    """What the first bytes of a file tell.

    Attributes:
        header: the metadata that fits into them; the tensors only where `whole`.
        whole: the header is complete.
    """

    header: GgufHeader
    whole: bool


def read_beginning(source: Source, limit_bytes: int) -> Beginning:
    """Read no more than the first bytes: enough to tell what a file calls itself.

    Raises:
        GgufError: the first thing that is wrong within them.
    """
    metadata: dict[str, MetaValue] = {}
    try:
        return Beginning(_read(source, limit_bytes, metadata), whole=True)
    except GgufError as error:
        if error.problem.damage is not Damage.HEADER_CUT or source.size <= limit_bytes:
            raise
    return Beginning(GgufHeader(0, metadata, (), DEFAULT_ALIGNMENT, 0, source.size), whole=False)


def _read(source: Source, end: int | None, metadata: dict[str, MetaValue]) -> GgufHeader:
    """Read a header up to `end`; `metadata` is filled on the way."""
    if source.size == 0:
        raise GgufError(Damage.EMPTY, "The file is empty (0 bytes). Get it again.")
    beginning = source.read_at(0, 64)
    if not beginning.startswith(MAGIC):
        raise explain_not_gguf(beginning, source.size)
    cursor = Cursor(source, len(MAGIC), end)
    cursor.where = "the first 24 bytes"
    version = _read_version(cursor)
    tensor_count = _read_count(cursor, MAX_TENSORS, Damage.TOO_MANY_TENSORS, "tensors")
    key_count = _read_count(cursor, MAX_KEYS, Damage.TOO_MANY_KEYS, "metadata keys")
    _read_metadata(cursor, key_count, metadata)
    alignment = _alignment(metadata)
    tensors = _read_tensors(cursor, tensor_count)
    return GgufHeader(
        version=version,
        metadata=metadata,
        tensors=tensors,
        alignment=alignment,
        data_offset=-(-cursor.position // alignment) * alignment,
        size_bytes=source.size,
    )


def _read_version(cursor: Cursor) -> int:
    version = cursor.u32()
    if version & 0xFFFF == 0 and version:
        raise GgufError(
            Damage.BIG_ENDIAN,
            "The file was made for big-endian machines, which this one is not. "
            "Choose the ordinary (little-endian) file of this model.",
        )
    if version == 1:
        raise GgufError(
            Damage.VERSION,
            "The file is of GGUF version 1 (August 2023), which llama.cpp no longer reads. "
            "Choose a newer file of this model.",
        )
    if version not in (2, 3):
        raise GgufError(
            Damage.VERSION,
            f"The file says it is of GGUF version {version:,}; Snug reads versions 2 and 3. "
            "Get it again, or update Snug.",
        )
    return version


def _read_count(cursor: Cursor, limit: int, damage: Damage, what: str) -> int:
    count = cursor.u64()
    if count > limit:
        raise GgufError(
            damage,
            f"The file claims {count:,} {what}; at most {limit:,} are plausible. {GET_AGAIN}",
        )
    return count


class _Budget:
    """How much of a header may still be kept in memory."""

    def __init__(self) -> None:
        self._left = KEPT_TOTAL_BYTES

    def take(self, cost_bytes: int) -> bool:
        if cost_bytes > self._left:
            return False
        self._left -= cost_bytes
        return True


def _read_metadata(cursor: Cursor, count: int, metadata: dict[str, MetaValue]) -> None:
    budget = _Budget()
    for number in range(1, count + 1):
        cursor.where = f"metadata key {number:,} of {count:,}"
        key = _read_key(cursor, number)
        if not budget.take(len(key)):
            raise GgufError(
                Damage.HEADER_TOO_LARGE,
                f"The names of the metadata alone take more than "
                f"{KEPT_TOTAL_BYTES:,} bytes. {GET_AGAIN}",
            )
        if key in metadata:
            raise GgufError(
                Damage.KEY_TWICE, f"The metadata key {quoted(key)} stands there twice. {GET_AGAIN}"
            )
        metadata[key] = _read_value(cursor, key, budget)


def _read_key(cursor: Cursor, number: int) -> str:
    length = cursor.u64()
    if not 0 < length <= MAX_KEY_BYTES:
        raise GgufError(
            Damage.KEY_NAME,
            f"The name of metadata key {number:,} is {length:,} bytes long; "
            f"1 to {MAX_KEY_BYTES:,} are allowed. {GET_AGAIN}",
        )
    key = _name(cursor.take(length))
    if key is None:
        raise GgufError(
            Damage.KEY_NAME, f"The name of metadata key {number:,} is no text. {GET_AGAIN}"
        )
    return key


def _name(raw: bytes) -> str | None:
    """A key or tensor name; None where it is no text, or llama.cpp would read another name.

    llama.cpp compares names only up to a NUL, so one that has any could stand in for another.
    """
    if b"\0" in raw:
        return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _read_value(cursor: Cursor, key: str, budget: _Budget) -> MetaValue:
    kind = _value_type(cursor.u32(), key)
    if kind is ValueType.ARRAY:
        return _read_array(cursor, key, budget)
    if kind is ValueType.STRING:
        return _read_string(cursor, budget)
    return MetaValue(kind, _scalar(kind, cursor.unpack(SCALARS[kind])))


def _value_type(number: int, key: str) -> ValueType:
    try:
        return ValueType(number)
    except ValueError:
        raise GgufError(
            Damage.VALUE_TYPE,
            f"The metadata key {quoted(key)} has the unknown type {number:,}. {GET_AGAIN}",
        ) from None


def _scalar(kind: ValueType, number: int | float) -> Scalar:
    return bool(number) if kind is ValueType.BOOL else number


def _read_string(cursor: Cursor, budget: _Budget) -> MetaValue:
    length = cursor.string_length()
    offset = cursor.position
    if length > KEPT_STRING_BYTES or not budget.take(length):
        cursor.skip(length)
        return MetaValue(ValueType.STRING, None, count=length, offset=offset)
    text = cursor.take(length).decode("utf-8", errors="replace")
    return MetaValue(ValueType.STRING, text, count=length, offset=offset)


def _read_array(cursor: Cursor, key: str, budget: _Budget) -> MetaValue:
    element = _value_type(cursor.u32(), key)
    if element is ValueType.ARRAY:
        raise GgufError(
            Damage.ARRAY_NESTED,
            f"The metadata key {quoted(key)} holds arrays within an array, "
            f"which llama.cpp does not read. {NOT_FOR_US}",
        )
    count = cursor.u64()
    if count > MAX_ARRAY:
        raise GgufError(
            Damage.ARRAY_TOO_LONG,
            f"The metadata key {quoted(key)} claims an array of {count:,} elements; "
            f"at most {MAX_ARRAY:,} are plausible. {GET_AGAIN}",
        )
    offset = cursor.position
    content = _array_content(cursor, element, count, budget)
    return MetaValue(ValueType.ARRAY, content, element=element, count=count, offset=offset)


def _array_content(
    cursor: Cursor, element: ValueType, count: int, budget: _Budget
) -> tuple[Scalar, ...] | None:
    keep = count <= KEPT_ARRAY and budget.take(count * _ELEMENT_COST_BYTES)
    if element is ValueType.STRING:
        if not keep:
            cursor.skip_strings(count)
            return None
        values = [_read_string(cursor, budget).content for _ in range(count)]
        texts = tuple(text for text in values if isinstance(text, str))
        return texts if len(texts) == count else None
    layout = SCALARS[element]
    if not keep:
        cursor.skip(count * layout.size)
        return None
    raw_numbers = cursor.take(count * layout.size)
    return tuple(_scalar(element, number) for (number,) in layout.iter_unpack(raw_numbers))


def _alignment(metadata: dict[str, MetaValue]) -> int:
    value = metadata.get("general.alignment")
    if value is None:
        return DEFAULT_ALIGNMENT
    alignment = value.content
    if value.kind is not ValueType.UINT32 or not isinstance(alignment, int):
        raise GgufError(
            Damage.ALIGNMENT, f'"general.alignment" is no 32-bit unsigned number. {GET_AGAIN}'
        )
    if alignment.bit_count() != 1 or alignment > MAX_ALIGNMENT:
        raise GgufError(
            Damage.ALIGNMENT,
            f'"general.alignment" is {alignment:,}; it must be a power of two '
            f"and at most {MAX_ALIGNMENT:,}. {GET_AGAIN}",
        )
    return alignment


def _read_tensors(cursor: Cursor, count: int) -> tuple[TensorInfo, ...]:
    tensors: dict[str, TensorInfo] = {}
    for number in range(1, count + 1):
        cursor.where = f"tensor entry {number:,} of {count:,}"
        tensor = _read_tensor(cursor, number)
        if tensor.name in tensors:
            raise GgufError(
                Damage.TENSOR_TWICE,
                f"Two tensors have the name {quoted(tensor.name)}. {GET_AGAIN}",
            )
        tensors[tensor.name] = tensor
    return tuple(tensors.values())


def _read_tensor(cursor: Cursor, number: int) -> TensorInfo:
    name = _read_tensor_name(cursor, number)
    shape = _read_shape(cursor, name)
    elements = 1
    for length in shape:
        elements *= length
    if elements > MAX_ELEMENTS:
        raise GgufError(
            Damage.TENSOR_TOO_LARGE,
            f"The tensor {quoted(name)} claims {elements:,} elements, "
            f"more than any file can hold. {GET_AGAIN}",
        )
    type_number = cursor.u32()
    kind = TENSOR_TYPES.get(type_number)
    if kind is None:
        raise _unknown_tensor_type(name, type_number)
    row = shape[0] if shape else 1
    if row % kind.block_elements:
        raise GgufError(
            Damage.TENSOR_BLOCK,
            f"The tensor {quoted(name)} has rows of {row:,} elements, but {kind.label} "
            f"packs them in blocks of {kind.block_elements}. {GET_AGAIN}",
        )
    size_bytes = elements // kind.block_elements * kind.block_bytes
    return TensorInfo(name, shape, kind, cursor.u64(), elements, size_bytes)


def _unknown_tensor_type(name: str, number: int) -> GgufError:
    if number in REMOVED_TENSOR_TYPES:
        text = (
            f"The tensor {quoted(name)} is of type {number}, which llama.cpp no longer reads. "
            "Choose a newer file of this model."
        )
    else:
        text = (
            f"The tensor {quoted(name)} is of the unknown type {number:,}. "
            "The file is damaged, or made for a newer llama.cpp: get it again, or update Snug."
        )
    return GgufError(Damage.TENSOR_TYPE, text)


def _read_tensor_name(cursor: Cursor, number: int) -> str:
    length = cursor.u64()
    if not 0 < length <= MAX_TENSOR_NAME_BYTES:
        raise GgufError(
            Damage.TENSOR_NAME,
            f"The name of tensor {number:,} is {length:,} bytes long; "
            f"1 to {MAX_TENSOR_NAME_BYTES} are allowed. {GET_AGAIN}",
        )
    name = _name(cursor.take(length))
    if name is None:
        raise GgufError(
            Damage.TENSOR_NAME, f"The name of tensor {number:,} is no text. {GET_AGAIN}"
        )
    return name


def _read_shape(cursor: Cursor, name: str) -> tuple[int, ...]:
    dimensions = cursor.u32()
    if dimensions > MAX_DIMENSIONS:
        raise GgufError(
            Damage.TENSOR_SHAPE,
            f"The tensor {quoted(name)} has {dimensions:,} dimensions; "
            f"at most {MAX_DIMENSIONS} are allowed. {GET_AGAIN}",
        )
    shape = tuple(cursor.u64() for _ in range(dimensions))
    if 0 in shape:
        raise GgufError(
            Damage.TENSOR_SHAPE, f"The tensor {quoted(name)} has a length of 0. {GET_AGAIN}"
        )
    return shape
