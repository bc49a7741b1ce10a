"""Walks another program's folder within bounds, and never out of it.

Links are the way out: a folder that is one is not entered, a file that is one is taken only where
it ends in the same folder. What is left out is told, not passed over.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from snug.domain.adoption import Program

MAX_FILES: Final = 5_000
MAX_FOLDERS: Final = 20_000
MAX_DEPTH: Final = 12
_MAX_SMALL_BYTES: Final = 1024 * 1024
LEADS_OUT: Final = (
    "This is a link that leads out of the program's folder, so Snug left it alone. "
    "Add the file it points to instead."
)
UNFINISHED: Final = "The program has not finished downloading this file. Finish it there first."
# How programs call what they have not finished: LM Studio and browsers, the Hugging Face cache,
# Ollama, GPT4All.
_PARTIAL_ENDINGS: Final = (
    *(".part", ".partial", ".incomplete", ".tmp", ".download", ".crdownload", ".downloading"),
    "-partial",
)
_PARTIAL_BEGINNINGS: Final = ("incomplete-", "downloading_", "downloading-")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that a program's reader points to.

    Attributes:
        claims: are the program's and not believed: name, source, commit, licence, expected
            sha256, size in bytes and quantization; "" or 0 where it says nothing.
        problem: why it is left out, where that shows before the file is opened.
    """

    program: Program
    path: Path
    name: str = ""
    source: str = ""
    commit: str = ""
    licence: str = ""
    expected: str = ""
    size_bytes: int = 0
    quantization: str = ""
    projector: Path | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Walked:
    """A file in a folder; `problem` where it is to be left out."""

    path: Path
    problem: str = ""


def walk(root: Path, depth: int = MAX_DEPTH) -> Iterator[Walked]:
    """The files below a folder that may be models, in the order of their names.

    Yields what ends in .gguf and what is called an unfinished one; at most 5,000.
    """
    left = MAX_FILES
    folders = MAX_FOLDERS
    open_folders = [(root, depth)]
    inside = _resolved(root)
    while open_folders and left and folders:
        folder, below = open_folders.pop()
        folders -= 1
        entries = _entries(folder)
        for entry in entries:
            if not entry.is_symlink() and entry.is_dir(follow_symlinks=False):
                continue
            path = Path(entry.path)
            if is_partial(path.name):
                yield Walked(path, UNFINISHED)
            elif path.suffix.casefold() != ".gguf":
                continue
            elif entry.is_symlink() and not leads_into(path, inside):
                yield Walked(path, LEADS_OUT)
            else:
                yield Walked(path)
            left -= 1
            if not left:
                return
        if below:
            inner = [e for e in entries if e.is_dir(follow_symlinks=False)]
            open_folders += [(Path(entry.path), below - 1) for entry in reversed(inner)]


def is_partial(name: str) -> bool:
    """Whether a file is called an unfinished model, as programs call them."""
    lower = name.casefold()
    return (lower.endswith(_PARTIAL_ENDINGS) and ".gguf" in lower) or (
        lower.startswith(_PARTIAL_BEGINNINGS) and ".gguf" in lower
    )


def leads_into(path: Path, folder: Path | None) -> bool:
    """Whether a path, its links followed, lies in a folder that is already resolved."""
    target = _resolved(path)
    return folder is not None and target is not None and target.is_relative_to(folder)


def small_bytes(path: Path, inside: Path, limit: int = _MAX_SMALL_BYTES) -> bytes:
    """A small file of a program's, whole; empty where it is large, gone, or leads out."""
    try:
        if not leads_into(path, inside) or not path.is_file() or path.stat().st_size > limit:
            return b""
        with path.open("rb") as file:
            return file.read(limit)
    except (OSError, ValueError):
        return b""


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except (OSError, ValueError):
        return []  # Another user's, or gone meanwhile.


def _resolved(path: Path) -> Path | None:
    try:
        return path.resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None
