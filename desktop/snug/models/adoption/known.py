"""What the library holds already, as a look at other programs' folders compares it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from snug.models import starter
from snug.models.entries import places
from snug.models.index_codec import IndexEntry


@dataclass(frozen=True, slots=True)
class Known:
    """Files and contents.

    Attributes:
        files: device and inode of each file.
        digests: sha256 of each model.
    """

    files: frozenset[tuple[int, int]] = frozenset()
    digests: frozenset[str] = frozenset()


NOTHING: Final = Known()


def known_of(entries: Iterable[IndexEntry], beginner: Path | None) -> Known:
    """What entries hold, and the starter's file."""
    listed = tuple(entries)
    paths = [file.path for entry in listed for place in places(entry) for file in place.files]
    files: set[tuple[int, int]] = set()
    for path in (*paths, *([str(beginner)] if beginner is not None else [])):
        with suppress(OSError, ValueError):
            status = Path(path).stat()
            files.add((status.st_dev, status.st_ino))
    digests = {entry.model.sha256 for entry in listed}
    if beginner is not None:
        digests.add(starter.SHA256)
    return Known(frozenset(files), frozenset(digests - {""}))
