"""Names of models and what file names tell: nothing here trusts a character of them.

A name can come from a stranger's file or file name, and is then shown in a window, printed in a
terminal and typed by a person; so it holds no control, invisible or direction-changing character
and nothing that means something in a path.

Source: GGUF naming convention, `BaseName-SizeLabel-FineTune-Version-Encoding[-Type][-Shard].gguf`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from snug.domain.remote_names import clean_text, label_in, shard_of

MAX_NAME_LENGTH = 100
FALLBACK_NAME = "model"

_PATH_CHARACTERS: Final = str.maketrans(dict.fromkeys('/\\:*?"<>|', "-"))
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ShardName:
    """A file name of the form `prefix-00001-of-00003.gguf`, numbers as written (from 1)."""

    prefix: str
    number: int
    count: int

    def sibling(self, number: int) -> str:
        """The file name of another shard, numbered from 1."""
        return f"{self.prefix}-{number:05d}-of-{self.count:05d}.gguf"


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
    return label_in(stem(file_name))


def shard_name(file_name: str) -> ShardName | None:
    """What a shard's file name says; None where it does not follow the convention."""
    shard = shard_of(file_name) if file_name.endswith(".gguf") else None
    return ShardName(shard.stem, shard.number, shard.count) if shard is not None else None


def stem(file_name: str) -> str:
    """The file name without `.gguf`."""
    return file_name[:-5] if file_name.lower().endswith(".gguf") else file_name


def title(file_name: str) -> str:
    """What a file name calls the model: without extension, shard and quantization."""
    shard = shard_of(f"{stem(file_name)}.gguf")
    name = shard.stem if shard is not None else stem(file_name)
    label = quantization_label(name)
    at = name.upper().rfind(label) if label else -1
    if at > 0 and at + len(label) == len(name):
        name = name[:at].rstrip("-_. ")
    return clean_name(name)
