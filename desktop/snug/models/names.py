"""Names of models and what file names tell: nothing here trusts a character of them.

A name can come from a stranger's file or file name, and is then shown in a window, printed in a
terminal and typed by a person; so it holds no control, invisible or direction-changing character
and nothing that means something in a path.

Source: GGUF naming convention, `BaseName-SizeLabel-FineTune-Version-Encoding[-Type][-Shard].gguf`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

MAX_NAME_LENGTH = 100
FALLBACK_NAME = "model"

# Control, format (direction, zero width), surrogate, private, unassigned; line, paragraph.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_PATH_CHARACTERS: Final = str.maketrans(dict.fromkeys('/\\:*?"<>|', "-"))
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)

_QUANTIZATION: Final = re.compile(
    r"(?<![A-Z0-9])(?:UD-)?"
    r"(?:IQ[1-4]_(?:XXS|XS|NL|S|M)(?:_XL|_L)?"
    r"|Q[1-8]_K(?:_(?:XXL|XL|L|M|S|XS))?"
    r"|Q[1-8]_[01](?:_[48]_[48])?"
    r"|TQ[12]_0|MXFP4(?:_MOE)?|NVFP4|BF16|FP?16|FP?32)"
    r"(?![A-Z0-9])"
)
_SHARD: Final = re.compile(r"-(\d{5})-of-(\d{5})$")


@dataclass(frozen=True, slots=True)
class ShardName:
    """A file name of the form `prefix-00001-of-00003.gguf`, numbers as written (from 1)."""

    prefix: str
    number: int
    count: int

    def sibling(self, number: int) -> str:
        """The file name of another shard, numbered from 1."""
        return f"{self.prefix}-{number:05d}-of-{self.count:05d}.gguf"


def clean_text(text: str) -> str:
    """One line without control, invisible or direction-changing characters."""
    seen = (
        " " if ch.isspace() else "" if unicodedata.category(ch) in _UNSEEN else ch
        for ch in unicodedata.normalize("NFC", text)
    )
    return " ".join("".join(seen).split())


def clean_name(text: str, length: int = MAX_NAME_LENGTH) -> str:
    """A library name: no path character, never empty, at most twice `length` bytes of UTF-8."""
    name = clean_text(text[:1024].translate(_PATH_CHARACTERS))
    name = name[:length].encode()[: 2 * length].decode(errors="ignore").strip(" .-")
    if _RESERVED.fullmatch(name):
        name = f"_{name}"
    return name or FALLBACK_NAME


def unique_name(name: str, taken: Collection[str]) -> str:
    """`name`, or `name (2)`, `name (3)` … where it is taken; upper and lower case are the same."""
    used = {other.casefold() for other in taken}
    candidate, number = name, 1
    while candidate.casefold() in used:
        number += 1
        candidate = f"{name} ({number})"
    return candidate


def quantization_label(file_name: str) -> str:
    """The quantization that a file name states (`Q4_K_M`, `UD-Q4_K_XL`, `BF16`); "" where none.

    The last match counts, as on the Hub.
    """
    labels = _QUANTIZATION.findall(stem(file_name)[-512:].upper())
    return labels[-1].replace("FP16", "F16").replace("FP32", "F32") if labels else ""


def shard_name(file_name: str) -> ShardName | None:
    """What a shard's file name says; None where it does not follow the convention."""
    match = _SHARD.search(stem(file_name)) if file_name.endswith(".gguf") else None
    if match is None:
        return None
    return ShardName(
        prefix=stem(file_name)[: match.start()],
        number=int(match.group(1)),
        count=int(match.group(2)),
    )


def stem(file_name: str) -> str:
    """The file name without `.gguf`."""
    return file_name[:-5] if file_name.lower().endswith(".gguf") else file_name


def title(file_name: str) -> str:
    """What a file name calls the model: without extension, shard and quantization."""
    name = _SHARD.sub("", stem(file_name))
    label = quantization_label(name)
    at = name.upper().rfind(label) if label else -1
    if at > 0 and at + len(label) == len(name):
        name = name[:at].rstrip("-_. ")
    return clean_name(name)
