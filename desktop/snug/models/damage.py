"""What can be wrong with a model file: one name for each kind, one sentence for the person.

The name lets a caller and a test tell kinds apart; the sentence gives the cause, the numbers and
what to do. Text that comes out of a file is cleaned before it stands in a sentence, because a
terminal obeys control characters.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from snug.domain.errors import ModelFileError
from snug.domain.remote_names import clean_text

GET_AGAIN = "The file is damaged; get it again."
CUT_SHORT = "The download was probably cut short; get it again."
NOT_FOR_US = "Snug cannot run it; choose another file of this model."


class Damage(StrEnum):
    """Every kind of problem a model file can have."""

    MISSING = "missing"
    NOT_A_FILE = "not-a-file"
    UNREADABLE = "unreadable"
    EMPTY = "empty"
    CHANGED = "changed"
    NOT_GGUF = "not-gguf"
    OLD_FORMAT = "old-format"
    BIG_ENDIAN = "big-endian"
    VERSION = "version"
    TOO_MANY_TENSORS = "too-many-tensors"
    TOO_MANY_KEYS = "too-many-keys"
    HEADER_CUT = "header-cut"
    HEADER_TOO_LARGE = "header-too-large"
    KEY_NAME = "key-name"
    KEY_TWICE = "key-twice"
    VALUE_TYPE = "value-type"
    STRING_TOO_LONG = "string-too-long"
    ARRAY_TOO_LONG = "array-too-long"
    ARRAY_NESTED = "array-nested"
    ALIGNMENT = "alignment"
    TENSOR_NAME = "tensor-name"
    TENSOR_TWICE = "tensor-twice"
    TENSOR_SHAPE = "tensor-shape"
    TENSOR_TOO_LARGE = "tensor-too-large"
    TENSOR_TYPE = "tensor-type"
    TENSOR_BLOCK = "tensor-block"
    TENSOR_MISALIGNED = "tensor-misaligned"
    TENSOR_OVERLAP = "tensor-overlap"
    TENSOR_GAP = "tensor-gap"
    DATA_CUT = "data-cut"
    ARCHITECTURE = "architecture"
    KEY_MISSING = "key-missing"
    KEY_TYPE = "key-type"
    KEY_RANGE = "key-range"
    NOT_FINITE = "not-finite"
    LAYER_ARRAY = "layer-array"
    HEADS = "heads"
    EXPERTS = "experts"
    ROPE = "rope"
    VOCABULARY = "vocabulary"
    VOCABULARY_TWICE = "vocabulary-twice"
    TEMPLATE = "template"
    PROJECTOR = "projector"
    ADAPTER = "adapter"
    VOCABULARY_ONLY = "vocabulary-only"
    IMPORTANCE_MATRIX = "importance-matrix"
    EMBEDDING = "embedding"
    SPEECH = "speech"
    DRAFT = "draft"
    NOT_FIRST_SHARD = "not-first-shard"
    SHARD_NAME = "shard-name"
    SHARD_MISSING = "shard-missing"
    SHARD_MISMATCH = "shard-mismatch"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a file.

    Attributes:
        damage: its kind.
        text: one or two sentences for the person: cause, numbers, what to do.
    """

    damage: Damage
    text: str


class GgufError(ModelFileError):
    """A model file that cannot be read any further.

    Attributes:
        problem: what is wrong, with its kind.
    """

    def __init__(self, damage: Damage, text: str) -> None:
        super().__init__(text)
        self.problem = Problem(damage, text)


def quoted(text: str | bytes) -> str:
    """A name out of a file, fit for a sentence: cleaned, at most 60 characters, in quotes."""
    if isinstance(text, bytes):
        text = text[:256].decode("utf-8", errors="replace")
    cleaned = clean_text(text[:256])
    return f'"{cleaned[:59]}…"' if len(cleaned) > 60 else f'"{cleaned}"'


def quoted_path(path: str) -> str:
    """A path fit for a sentence, in full, in quotes."""
    return '"' + "".join(ch if ch.isprintable() else "\ufffd" for ch in path) + '"'
