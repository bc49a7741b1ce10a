"""The Hugging Face cache: `models--owner--name/snapshots/<commit>/file`, links to `blobs/<hash>`.

A snapshot's links are the one kind that is followed, and only into the same repository's blobs.
Where links are not to be had (Windows), the snapshot holds the files themselves.

Source: huggingface_hub's documentation of its cache ("Understand caching").
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from snug.domain.adoption import Program
from snug.models.adoption.walking import (
    LEADS_OUT,
    MAX_FILES,
    UNFINISHED,
    Candidate,
    is_partial,
    leads_into,
)

_NAME: Final = re.compile(r"models--([A-Za-z0-9][\w.-]*?)--([\w.-]+)")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_INCOMPLETE: Final = ".incomplete"


def read_hugging_face(root: Path) -> Iterator[Candidate]:
    """The GGUF files of every repository, the newest snapshot first; each blob once."""
    left = MAX_FILES
    for repository in _folders(root):
        match = _NAME.fullmatch(repository.name)
        if match is None:
            continue
        source = f"{match[1]}/{match[2]}"
        for candidate in _of_repository(repository, source):
            yield candidate
            left -= 1
            if not left:
                return


def _of_repository(repository: Path, source: str) -> Iterator[Candidate]:
    blobs = repository / "blobs"
    seen: set[Path] = set()
    for snapshot in _newest_first(repository / "snapshots"):
        for folder, folders, names in os.walk(snapshot):  # follows no linked folder
            folders.sort()
            for name in sorted(names):
                path = Path(folder) / name
                if path.suffix.casefold() != ".gguf" or is_partial(name):
                    continue
                candidate = _in_snapshot(path, blobs.resolve(), seen)
                if candidate is not None:
                    yield replace(candidate, source=source, commit=snapshot.name)
    yield from _unfinished(blobs, source)


def _in_snapshot(path: Path, blobs: Path, seen: set[Path]) -> Candidate | None:
    """A snapshot's file, or the blob that its link means; None for a blob that was seen before."""
    if not path.is_symlink():
        return Candidate(Program.HUGGING_FACE, path)
    if not path.exists():
        return None  # What an unfinished download leaves is told by its blob.
    if not leads_into(path, blobs):
        return Candidate(Program.HUGGING_FACE, path, problem=LEADS_OUT)
    blob = path.resolve()
    if blob in seen:
        return None
    seen.add(blob)
    expected = blob.name if _SHA256.fullmatch(blob.name) else ""
    return Candidate(Program.HUGGING_FACE, path, expected=expected)


def _unfinished(blobs: Path, source: str) -> Iterator[Candidate]:
    """What the cache has begun to download. It may be any file; a model is large."""
    try:
        names = sorted(path for path in blobs.iterdir() if path.name.endswith(_INCOMPLETE))
    except OSError:
        return
    for path in names:
        yield Candidate(Program.HUGGING_FACE, path, name=source, source=source, problem=UNFINISHED)


def _newest_first(snapshots: Path) -> list[Path]:
    found = [path for path in _folders(snapshots) if _COMMIT.fullmatch(path.name)]
    return sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def _folders(folder: Path) -> list[Path]:
    try:
        found = sorted(folder.iterdir())
        return [path for path in found if path.is_dir() and not path.is_symlink()]
    except OSError:
        return []
