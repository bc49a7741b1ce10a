"""A first look at a file: its first bytes only, so that hundreds are looked at in a moment.

Tells what a file calls itself and, where the whole header is short, whether it is damaged. What is
taken into the library is inspected in full; this decides only what is shown in a list.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from snug.models.cursor import Source
from snug.models.files import FileStamp, absolute, open_regular
from snug.models.gguf import GgufHeader
from snug.models.reader import read_beginning
from snug.models.roles import FileRole, refusal, role_of
from snug.models.tensor_checks import check_tensors

# The general keys and the architecture's stand before the vocabulary in every file that llama.cpp
# and its converters write, and take a few KiB.
PEEK_BYTES: Final = 128 * 1024


@dataclass(frozen=True, slots=True)
class Peek:
    """What a first look tells.

    Attributes:
        identity: of the file on its disk, the same for all names of one file.
        problem: why it is no model to talk to, in a sentence; "" where nothing shows yet.
    """

    header: GgufHeader
    role: FileRole
    stamp: FileStamp
    identity: tuple[int, int]
    problem: str


def peek(path: Path) -> Peek:
    """Look at a file's first bytes.

    Raises:
        GgufError: it is missing, no regular file, no GGUF, or damaged within them.
    """
    with open_regular(path) as file:
        status = os.fstat(file.fileno())
        found = read_beginning(Source(file, status.st_size), PEEK_BYTES)
    header = found.header
    role = role_of(header)
    if role is FileRole.VOCABULARY and not found.whole:
        role = FileRole.CHAT  # Its tensors were not looked at.
    refused = refusal(role)
    if refused is None and found.whole:
        refused = next(check_tensors(header), None)
    return Peek(
        header,
        role,
        FileStamp(str(absolute(path)), status.st_size, status.st_mtime_ns),
        (status.st_dev, status.st_ino),
        refused.text if refused is not None else "",
    )
