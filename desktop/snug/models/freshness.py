"""Looks at models' files again: those that changed, and those of a folder whose index is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from snug.domain.errors import ModelFileError
from snug.domain.model import ModelFile
from snug.models import starter
from snug.models.damage import quoted
from snug.models.digest import sha256_of
from snug.models.entries import exchanged, listed, missing_words, now, replaced_note, standing
from snug.models.index_codec import READING, IndexEntry
from snug.models.inspection import inspect, told
from snug.models.names import unique_name
from snug.models.removal import Index
from snug.models.summary import read_again, summarize

_MAX_FOUND: Final = 1000


def verified(index: Index, entry: IndexEntry) -> ModelFile:
    """The model of an entry, after another check where its files changed.

    Raises:
        ModelFileError: it is gone, or what lies there now is damaged.
        EnvironmentFault: the index cannot be written.
    """
    place = standing(entry)
    if place is None:
        raise ModelFileError(missing_words(entry))
    model = place.model
    unchanged = now(place.files) == place.files
    if unchanged and model.sha256 and place.reading >= READING:
        if place is not entry:
            index.update(lambda content: exchanged(content, model.name, place))
        return listed(place) or model
    found = inspect(Path(model.path))
    if found.problems:
        raise ModelFileError(
            f"The file of {quoted(model.name)} has changed since it was imported. "
            f"{told(found.problems)}"
        )
    digest = model.sha256 if unchanged and model.sha256 else sha256_of(found.files)
    if digest == model.sha256:
        checked = read_again(model, found)
    else:
        was_known = bool(model.sha256)
        checked = replace(
            summarize(found, source="import" if was_known else model.source),
            name=model.name,
            sha256=digest,
            note=replaced_note(entry.imported_ms) if was_known else model.note,
        )
    others = place.others if digest == model.sha256 else ()
    fresh = IndexEntry(checked, found.files, entry.imported_ms, others)
    index.update(lambda content: exchanged(content, model.name, fresh))
    return listed(fresh) or checked


def lying_in(folder: Path) -> tuple[IndexEntry, ...]:
    """Entries for the sound models that lie in the folder itself.

    Not hashed here, which could take minutes, but when they are first used.
    """
    entries: list[IndexEntry] = []
    taken: list[str] = [starter.ALIAS, starter.NAME]
    for path in sorted(folder.rglob("*.gguf"))[:_MAX_FOUND]:
        found = inspect(path)
        if found.problems:
            continue
        model = summarize(found)
        taken.append(name := unique_name(model.name, taken))
        entries.append(IndexEntry(replace(model, name=name), found.files))
    return tuple(entries)
