"""What the names of model files tell, and how they are shown. A name is never a path of ours.

Source: the naming convention in ggml's gguf.md, and the Hub's rule that the last quantization
label in a name counts.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

MAX_SHOWN: Final = 120
MAX_SHARDS: Final = 1000

_LABEL: Final = re.compile(
    r"(?<![A-Z0-9])(?:UD-)?"
    r"(?:IQ[1-4]_(?:XXS|XS|NL|S|M)(?:_XL|_L)?"
    r"|Q[1-8]_K(?:_(?:XXL|XL|L|M|S|XS))?"
    r"|Q[1-8]_[01](?:_[48]_[48])?"
    r"|TQ[12]_0|MXFP4(?:_MOE)?|NVFP4|BF16|FP?16|FP?32)"
    r"(?![A-Z0-9])"
)
_SHARD: Final = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$", re.IGNORECASE)
_PROJECTOR: Final = re.compile(r"(?:^|[-_.])mmproj(?:[-_.]|$)", re.IGNORECASE)
_NO_MODEL: Final = re.compile(
    r"^(?:mtp|ggml-vocab)[-_.]|(?:^|[-_.])imatrix(?:[-_.]|$)|[-_.](?:lora|vocab)\.gguf$",
    re.IGNORECASE,
)
# Control, format (direction, zero width), surrogate, private, unassigned; line, paragraph.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Shard:
    """One of the files of a split model: `stem-00001-of-00003.gguf`."""

    stem: str
    number: int
    count: int


def quantization_of(path: str) -> str:
    """The label in a path (`Q4_K_M`, `UD-Q4_K_XL`, `BF16`), the file's name first; "" for none."""
    return label_in(file_name(path)) or label_in(path)


def label_in(text: str) -> str:
    """The last quantization label in a text, which counts on the Hub; "" for none."""
    labels = _LABEL.findall(text[-1024:].upper())
    return str(labels[-1]).replace("FP16", "F16").replace("FP32", "F32") if labels else ""


def shard_of(path: str) -> Shard | None:
    """Which part of a split model a path names; None for a file that stands alone."""
    match = _SHARD.search(path)
    if match is None:
        return None
    number, count = int(match.group(1)), int(match.group(2))
    if not 1 <= number <= count <= MAX_SHARDS:
        return None
    return Shard(path[: match.start()], number, count)


def is_gguf(path: str) -> bool:
    """By its ending only."""
    return path.lower().endswith(".gguf")


def is_projector(path: str) -> bool:
    """A file that lets a model see or hear, and is none itself."""
    return is_gguf(path) and _PROJECTOR.search(file_name(path)) is not None


def is_model(path: str) -> bool:
    """A GGUF that is no projector, draft head, vocabulary, importance matrix or adapter."""
    return is_gguf(path) and not is_projector(path) and _NO_MODEL.search(file_name(path)) is None


def file_name(path: str) -> str:
    """What follows the last slash."""
    return path.rsplit("/", 1)[-1]


def shown(text: str, length: int = MAX_SHOWN) -> str:
    """One line for a person: no control, invisible or direction-changing character, cut short."""
    line = clean_text(text[: 4 * length])
    return f"{line[: length - 1]}…" if len(line) > length else line


def clean_text(text: str) -> str:
    """One line without control, invisible or direction-changing characters."""
    seen = (
        " " if ch.isspace() else "" if unicodedata.category(ch) in _UNSEEN else ch
        for ch in unicodedata.normalize("NFC", text)
    )
    return " ".join("".join(seen).split())
