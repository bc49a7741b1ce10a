"""What the library knows of models outside Snug's own folder, kept apart from the rest.

Where somebody keeps files, and what they are called, can tell something (`…/Client Meyer/…`). So
the index in the models folder names only what lies in that folder; all else goes to a keeper, the
vault. What was once kept there stays there, its name too, until the model is removed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Final, Protocol

from snug.models import starter
from snug.models.entries import places
from snug.models.files import FileStamp
from snug.models.index_codec import IndexContent, IndexEntry, decode, encode
from snug.models.names import clean_name, title, unique_name

KEPT_AS: Final = "models.elsewhere"


class Keeper(Protocol):
    """Named texts that nobody reads without the key."""

    def setting(self, name: str) -> str | None:
        """What is kept under a name."""

    def set_setting(self, name: str, value: str) -> None:
        """Keep a text under a name."""


class Elsewhere:
    """Entries of models that lie, or also lie, outside a folder. Any thread; not a lock."""

    def __init__(self, folder: Path, keeper: Keeper | None) -> None:
        """Prepare; nothing is read yet.

        Args:
            folder: the models folder; what lies there may be written down in the plain.
            keeper: keeps the rest; with None all of it is written down in the plain.
        """
        self._folder = folder
        self._keeper = keeper
        self._seen: tuple[str, tuple[IndexEntry, ...]] = "", ()

    def text(self) -> str:
        """What is kept now, to be compared with what was kept; "" for nothing."""
        return (self._keeper.setting(KEPT_AS) or "") if self._keeper is not None else ""

    def joined(self, within: IndexContent) -> IndexContent:
        """All of the index: what the folder's own file says, and what is kept here."""
        kept = self._read()
        if not kept:
            return within
        own = list(within.entries)
        others: list[IndexEntry] = []
        for entry in kept:
            twin = next((one for one in own if _same(one, entry)), None)
            if twin is None:
                others.append(entry)
            else:
                own[own.index(twin)] = _with_places_of(entry, twin)
        return replace(within, entries=_distinct((*own, *others)))

    def telling(self, content: IndexContent) -> bool:
        """Whether something of this content belongs here and not into the plain."""
        return self._keeper is not None and any(map(self._outside, content.entries))

    def parted(self, content: IndexContent, before: IndexContent) -> tuple[IndexContent, str]:
        """What may stand in the plain, and the text of what is to be kept.

        Args:
            before: what stood in the plain until now; its names are kept there.
        """
        if self._keeper is None:
            return content, ""
        known = self._read()
        own: list[IndexEntry] = []
        kept: list[IndexEntry] = []
        for entry in content.entries:
            if self._outside(entry) or any(_same(entry, one) for one in known):
                kept.append(entry)
                own.extend(self._own_part(entry, before))
            else:
                own.append(entry)
        text = encode(IndexContent(tuple(kept))).decode("ascii") if kept else ""
        return replace(content, entries=_distinct(own)), text

    def keep(self, text: str) -> None:
        """Keep the text of `parted`."""
        if self._keeper is not None and text != self.text():
            self._keeper.set_setting(KEPT_AS, text)

    def grown(self, text: str) -> bool:
        """Whether this text holds more than what is kept: then it is to be kept first."""
        return len(text) >= len(self.text())

    def _read(self) -> tuple[IndexEntry, ...]:
        text = self.text()
        seen, entries = self._seen
        if text != seen:
            entries = ()
            with suppress(ValueError):  # "" is nothing; the vault lets no other text be damaged
                entries = decode(text.encode()).content.entries
            self._seen = text, entries
        return entries

    def _outside(self, entry: IndexEntry) -> bool:
        files = (file for place in (entry.files, *entry.others) for file in place)
        paths = (entry.model.path, entry.model.projector, *(file.path for file in files))
        return any(path and not self._inside(path) for path in paths)

    def _inside(self, path: str) -> bool:
        # By name alone: a link in the folder is seen there anyway.
        return PurePath(os.path.normpath(path)).is_relative_to(self._folder)

    def _own_part(self, entry: IndexEntry, before: IndexContent) -> tuple[IndexEntry, ...]:
        """The entry as it may stand in the plain: its places in the folder; none for none."""
        lying = [
            place
            for place in places(entry)
            if all(self._inside(path) for path in (place.model.path, *_paths(place.files)))
        ]
        if not lying:
            return ()
        first = lying[0]
        model = first.model
        stood = next((one.model.name for one in before.entries if _same(one, entry)), "")
        plain = replace(
            model,
            name=stood or clean_name(title(PurePath(model.path).name)),
            projector=model.projector if self._inside(model.projector) else "",
            program="",
            other_paths=(),
        )
        others = tuple(place.files for place in lying[1:])
        return (replace(first, model=plain, others=others),)


def _paths(files: Iterable[FileStamp]) -> Iterable[str]:
    return (file.path for file in files)


def _same(one: IndexEntry, other: IndexEntry) -> bool:
    """Whether two entries are of one content, as far as is known."""
    if one.model.sha256 and other.model.sha256:
        return one.model.sha256 == other.model.sha256
    return one.model.path in {files[0].path for files in (other.files, *other.others)}


def _with_places_of(entry: IndexEntry, twin: IndexEntry) -> IndexEntry:
    """The kept entry, with places that only the plain one knows."""
    known = (entry.files, *entry.others)
    paths = {files[0].path for files in known}
    new = [files for files in (twin.files, *twin.others) if files[0].path not in paths]
    return replace(entry, others=(*entry.others, *new)) if new else entry


def _distinct(entries: Iterable[IndexEntry]) -> tuple[IndexEntry, ...]:
    """The entries, each under a name of its own."""
    taken = [starter.ALIAS, starter.NAME]
    named: list[IndexEntry] = []
    for entry in entries:
        name = unique_name(entry.model.name, taken)
        taken.append(name)
        if name == entry.model.name:
            named.append(entry)
        else:
            named.append(replace(entry, model=replace(entry.model, name=name)))
    return tuple(named)
