"""Entries of the library's index: where a model's content lies now, and how entries change.

One content is one entry, however many places it lies in; the first place that is still as it was
stands for the model.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from snug.domain.model import ModelFile
from snug.models import starter
from snug.models.damage import quoted, quoted_path
from snug.models.digest import stamp_of
from snug.models.files import FileStamp
from snug.models.index_codec import IndexContent, IndexEntry
from snug.models.names import unique_name

CHANGED_NOTE: Final = "The file has changed since it was imported; it is checked at its next use."
_MAX_PLACES: Final = 32


def named(entries: Iterable[IndexEntry], name: str) -> IndexEntry | None:
    """The entry of that name, upper and lower case being the same."""
    wanted = name.casefold()
    return next((entry for entry in entries if entry.model.name.casefold() == wanted), None)


def places(entry: IndexEntry) -> Iterator[IndexEntry]:
    """The entry as it would be in each of its places, its own first."""
    yield entry
    for files in entry.others:
        model = replace(entry.model, path=files[0].path)
        rest = tuple(other for other in (entry.files, *entry.others) if other != files)
        yield replace(entry, model=model, files=files, others=rest)


def standing(entry: IndexEntry) -> IndexEntry | None:
    """The entry at the first place that is as it was, else where there is a file; None if gone."""
    there = None
    for place in places(entry):
        stamps = now(place.files)
        if stamps == place.files:
            return place
        if there is None and None not in stamps:
            there = place
    return there


def now(files: tuple[FileStamp, ...]) -> tuple[FileStamp | None, ...]:
    """How files look at this moment; None for one that is gone."""
    return tuple(stamp_of(Path(file.path)) for file in files)


def listed(entry: IndexEntry) -> ModelFile | None:
    """The model as a list shows it; None where its file is gone."""
    place = standing(entry)
    if place is None:
        return None
    others = tuple(files[0].path for files in place.others if now(files) == files)
    model = replace(place.model, other_paths=others)
    stamps = [stamp for stamp in now(place.files) if stamp is not None]
    if tuple(stamps) == place.files:
        return model
    size_bytes = sum(stamp.size_bytes for stamp in stamps)
    return replace(model, size_bytes=size_bytes, sha256="", note=CHANGED_NOTE)


def missing_words(entry: IndexEntry) -> str:
    """That a model's file is gone, or one of its parts, and what to do."""
    gone = [f.path for f, stamp in zip(entry.files, now(entry.files), strict=True) if stamp is None]
    what = f"The file of {quoted(entry.model.name)}"
    if len(entry.files) > 1:
        what = f"A part of {quoted(entry.model.name)} ({len(gone)} of {len(entry.files)} files)"
    return (
        f"{what} is no longer at {quoted_path(gone[0] if gone else entry.model.path)}. "
        "Put it back, or remove the model and import it from where it is now."
    )


def replaced_note(imported_ms: int) -> str:
    """That another file lies in the place of the one that was imported."""
    day = datetime.datetime.fromtimestamp(imported_ms / 1000, datetime.UTC).date()
    since = f" on {day.isoformat()}" if imported_ms else ""
    return f"The file was replaced after it was imported{since}; Snug has checked the new one."


def with_model(content: IndexContent, new: IndexEntry) -> IndexContent:
    """The content with a model added, or with one more place of a model that is known."""
    for old in content.entries:
        if old.model.sha256 == new.model.sha256:
            return exchanged(content, old.model.name, _merged(old, new))
    kept = [_without_place(entry, new.model.path) for entry in content.entries]
    others = tuple(entry for entry in kept if entry is not None)
    taken = [starter.ALIAS, starter.NAME, *(entry.model.name for entry in others)]
    model = replace(new.model, name=unique_name(new.model.name, taken))
    return replace(content, entries=(*others, replace(new, model=model)))


def without(content: IndexContent, name: str) -> IndexContent:
    """The content without a model."""
    return replace(content, entries=tuple(e for e in content.entries if e.model.name != name))


def exchanged(content: IndexContent, name: str, new: IndexEntry) -> IndexContent:
    """The content with another entry in the place of one."""
    entries = tuple(new if entry.model.name == name else entry for entry in content.entries)
    return replace(content, entries=entries)


def _merged(old: IndexEntry, new: IndexEntry) -> IndexEntry:
    """One entry of two with the same content: the old name, the better word on where it is from."""
    place = standing(old)
    there = place is not None and now(place.files) == place.files
    kept = place if place is not None and there else replace(new, imported_ms=old.imported_ms)
    # What changed is another content by now; what is gone may come back.
    known = [
        files
        for files in (old.files, *old.others, new.files)
        if files != kept.files and now(files) in (files, (None,) * len(files))
    ]
    source, commit = old.model.source, old.model.commit
    if source == "import":
        source, commit = new.model.source, new.model.commit
    model = replace(
        kept.model,
        name=old.model.name,
        source=source,
        commit=commit,
        licence=old.model.licence or new.model.licence,
        projector=old.model.projector or new.model.projector,
    )
    return replace(kept, model=model, others=tuple(dict.fromkeys(known))[:_MAX_PLACES])


def _without_place(entry: IndexEntry, path: str) -> IndexEntry | None:
    """The entry without a place where other content lies now; None where it was the only one."""
    left = [place for place in places(entry) if place.model.path != path]
    if not left:
        return None
    others = tuple(files for files in left[0].others if files[0].path != path)
    return replace(left[0], others=others)
