"""Deletes the files of a removed model: those in Snug's own folder, and never what lies elsewhere.

The index names what is to go before anything goes, so that a crash leaves either all of a model or
nothing: what was left over is deleted when the library is next looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from snug.domain.errors import EnvironmentFault
from snug.models.entries import places
from snug.models.files import FileStamp
from snug.models.index_codec import IndexContent, IndexEntry


class Index(Protocol):
    """What this needs of the library's index."""

    def read(self) -> IndexContent:
        """What it holds now."""

    def update(self, change: Callable[[IndexContent], IndexContent]) -> IndexContent:
        """Change it in one step."""


def owned(path: Path, folder: Path) -> bool:
    """Whether a file lies in Snug's own folder; a link there is Snug's, what it points to not."""
    try:
        return path.parent.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):
        return False


def paths_used(entries: Iterable[IndexEntry]) -> set[str]:
    """The files of all models, in all places; several may share a projector."""
    used: set[str] = set()
    for entry in entries:
        used.update(file.path for place in places(entry) for file in place.files)
        used.add(entry.model.projector)
    return used


def stamps_to_leave(entry: IndexEntry, folder: Path) -> tuple[FileStamp, ...]:
    """How the files look now that go with a model, in all of its places."""
    paths = dict.fromkeys(Path(file.path) for place in places(entry) for file in place.files)
    if entry.model.projector:
        paths[Path(entry.model.projector)] = None
    stamps = (_own_stamp(path) for path in paths if owned(path, folder))
    return tuple(stamp for stamp in stamps if stamp is not None)


def delete_leaving(index: Index, folder: Path) -> None:
    """Delete what the index says is to go, then strike it off.

    A file that was put in such a place meanwhile is another one, and stays.

    Raises:
        EnvironmentFault: a file or the index cannot be changed; it is tried again next time.
    """
    content = index.read()
    leaving = content.leaving
    used = paths_used(content.entries)
    try:
        for stamp in leaving:
            path = Path(stamp.path)
            if owned(path, folder) and _own_stamp(path) == stamp and stamp.path not in used:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise EnvironmentFault(
            f"The model's file cannot be deleted: {error.strerror or error}. "
            "Check the folder's permissions."
        ) from error
    index.update(
        lambda content: replace(
            content, leaving=tuple(stamp for stamp in content.leaving if stamp not in leaving)
        )
    )


def _own_stamp(path: Path) -> FileStamp | None:
    """How the name in Snug's folder looks, a link as the link that it is."""
    try:
        status = path.lstat()
    except (OSError, ValueError):
        return None
    return FileStamp(str(path), status.st_size, status.st_mtime_ns)
