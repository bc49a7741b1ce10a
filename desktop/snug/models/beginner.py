"""The starter model as an entry of the library, though it lies in a Python package.

Its header is read once and remembered in the index, because a start of Snug counts.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from snug.domain.errors import EnvironmentFault, ModelFileError, NotFoundError, UserError
from snug.domain.model import ModelFile
from snug.models import starter
from snug.models.digest import stamp_of
from snug.models.index_codec import READING, IndexEntry
from snug.models.inspection import inspect, sound
from snug.models.removal import Index
from snug.models.summary import summarize


class Beginner:
    """Any thread; methods take a few milliseconds."""

    def __init__(self, find_starter: Callable[[], Path | None], index: Index) -> None:
        self._find_starter = find_starter
        self._index = index
        self._starter: IndexEntry | None = None

    def entry(self) -> IndexEntry | None:
        """The starter, from its file's size and what the index remembers of its header."""
        place = self._find_starter()
        stamp = stamp_of(place) if place is not None else None
        if place is None or stamp is None or stamp.size_bytes != starter.SIZE_BYTES:
            return None
        for known in (self._starter, self._index.read().starter):
            if known is not None and known.files == (stamp,) and known.reading >= READING:
                self._starter = known
                return known
        found = inspect(place)
        if found.problems:
            return None
        model = replace(
            summarize(found, source=starter.ALIAS),
            name=starter.NAME,
            licence=starter.LICENCE,
            sha256=starter.SHA256,
            note=starter.NOTE,
        )
        entry = IndexEntry(model, found.files)
        self._starter = entry
        # Only a memory for the next start: a folder that cannot be written does no harm here.
        with suppress(EnvironmentFault, UserError):
            self._index.update(lambda content: replace(content, starter=entry))
        return entry

    def resolve(self) -> ModelFile:
        """The starter, or why there is none. Raises: NotFoundError, ModelFileError."""
        entry = self.entry()
        if entry is not None:
            return entry.model
        place = self._find_starter()
        if place is None:
            raise NotFoundError(
                "This build of Snug has no starter model. Import a .gguf file to talk to."
            )
        sound(place)
        stamp = stamp_of(place)
        raise ModelFileError(
            f"The starter model is damaged: {stamp.size_bytes if stamp else 0:,} bytes instead of "
            f"{starter.SIZE_BYTES:,}. Install Snug again."
        )
