"""The sizes of a model from the first bytes of its file, for one that is not here yet.

The keys that tell them stand before the vocabulary in what llama.cpp's converter writes, so the
first 64 KiB are mostly enough. Bounded as the reader of whole files is, by the same cursor.

Source: ggml's gguf.md for the format; llama.cpp's llama-model.cpp and llama-hparams.cpp for which
layers keep what.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from snug.domain.errors import ModelFileError
from snug.domain.footprint import Shape
from snug.models.cursor import Cursor, Source
from snug.models.damage import Damage, GgufError
from snug.models.reader import MAGIC, MAX_KEY_BYTES, MAX_KEYS, MAX_TENSORS
from snug.models.shape import Numbers, shape_from
from snug.models.tables import INTEGERS, SCALARS, ValueType

_KEPT_ARRAY: Final = 1024
_KEPT_TEXT: Final = 256
_TOKENS: Final = "tokenizer.ggml.tokens"
_FIRST: Final = 64 * 1024
_FILE_PREFIX: Final = 4 * 2**20


class _Prefix(Source):
    """Bytes in memory as a file."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read_at(self, offset: int, count: int) -> bytes:
        """As `Source.read_at`."""
        return self._data[offset : offset + count]


def shape_of_prefix(data: bytes) -> Shape | None:
    """The sizes of the model whose file begins like this.

    Returns: None where more of the file is needed, or it does not tell.

    Raises:
        ModelFileError: it is no GGUF, or damaged.
    """
    if not data.startswith(MAGIC[: len(data)]):
        raise ModelFileError("The file is no GGUF model. Choose another one.")
    found: dict[str, Numbers] = {}
    cursor = Cursor(_Prefix(data), len(MAGIC))
    complete = False
    try:
        complete = _read(cursor, found)
    except GgufError as error:
        if error.problem.damage is not Damage.HEADER_CUT:
            raise
    tokens_reached = _TOKENS in found
    return shape_from(found) if complete or tokens_reached else None


def shape_of_file(path: Path) -> Shape | None:
    """The sizes of a model on this disk; None where its file does not tell. Reads up to 4 MiB."""
    try:
        with path.open("rb") as file:
            data = file.read(_FIRST)
            return shape_of_prefix(data) or shape_of_prefix(data + file.read(_FILE_PREFIX - _FIRST))
    except (OSError, ModelFileError):
        return None


def _read(cursor: Cursor, found: dict[str, Numbers]) -> bool:
    """Read keys into `found`. Returns: True once all are read."""
    cursor.where = "the first 24 bytes"
    if cursor.u32() not in (2, 3):
        raise ModelFileError("The file is of a GGUF version that Snug does not read.")
    tensors, keys = cursor.u64(), cursor.u64()
    if tensors > MAX_TENSORS or keys > MAX_KEYS:
        raise ModelFileError("The file's header makes no sense. Choose another one.")
    for number in range(keys):
        cursor.where = f"metadata key {number + 1:,}"
        length = cursor.u64()
        if not 0 < length <= MAX_KEY_BYTES:
            raise ModelFileError("The file's header makes no sense. Choose another one.")
        name = cursor.take(length).decode(errors="replace")
        _read_value(cursor, name, found)
    return True


def _read_value(cursor: Cursor, name: str, found: dict[str, Numbers]) -> None:
    kind = _kind(cursor.u32())
    if kind is ValueType.STRING:
        length = cursor.string_length()
        if length > _KEPT_TEXT:
            return cursor.skip(length)
        found[name] = cursor.take(length).decode(errors="replace")
    elif kind is ValueType.ARRAY:
        element, count = _kind(cursor.u32()), cursor.u64()
        if name == _TOKENS:
            found[name] = count  # told before the words themselves
        if element is ValueType.ARRAY:
            raise ModelFileError("The file's header makes no sense. Choose another one.")
        if element is ValueType.STRING:
            return cursor.skip_strings(count)
        layout = SCALARS[element]
        if count > _KEPT_ARRAY or (element not in INTEGERS and element is not ValueType.BOOL):
            return cursor.skip(count * layout.size)
        raw = cursor.take(count * layout.size)
        found[name] = tuple(int(value) for (value,) in layout.iter_unpack(raw))
    else:
        value = cursor.unpack(SCALARS[kind])
        if isinstance(value, int):
            found[name] = value
    return None


def _kind(number: int) -> ValueType:
    try:
        return ValueType(number)
    except ValueError:
        raise ModelFileError("The file's header makes no sense. Choose another one.") from None
