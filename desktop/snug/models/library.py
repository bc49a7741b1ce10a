"""The models on this disk: imported where they lie, found by name, never trusted by name.

Implements the services' `ModelLibrary`. Every method may be called on any thread; those that hash
(`import_file`, `check`, `resolve` of a changed file) take seconds for a large model.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from snug.domain.errors import EnvironmentFault, ModelFileError, NotFoundError, UserError
from snug.domain.model import Adapter, ModelFile
from snug.models import starter
from snug.models.adapters import open_adapter
from snug.models.damage import Problem, quoted, quoted_path
from snug.models.digest import Cancelled, Progress, sha256_of, stamp_of
from snug.models.index import LibraryIndex
from snug.models.index_codec import IndexContent, IndexEntry
from snug.models.inspection import Inspection, inspect, problems
from snug.models.names import unique_name
from snug.models.reference import entry_of_repository, not_found, path_of
from snug.models.summary import summarize
from snug.models.template_trust import template_warnings

CHANGED_NOTE: Final = "The file has changed since it was imported; it is checked at its next use."
_MAX_FOUND: Final = 1000


class Library:
    """The models folder's index, plus the starter model.

    Models are taken in where they lie; only files inside the folder are Snug's own to delete.
    """

    def __init__(
        self, folder: Path, find_starter: Callable[[], Path | None] = starter.find_starter
    ) -> None:
        """Prepare; nothing is read yet.

        Args:
            folder: where the index and downloaded models lie.
            find_starter: tells where the starter model's file is, or None.
        """
        self._folder = folder.absolute()
        self._find_starter = find_starter
        self._starter: IndexEntry | None = None
        self._index = LibraryIndex(self._folder, self._rebuild)

    def models(self) -> tuple[ModelFile, ...]:
        """All known models whose file is there, the starter last.

        Raises:
            EnvironmentFault: the index cannot be read.
        """
        listed = (_listed(entry) for entry in self._index.read().entries)
        known = sorted((m for m in listed if m is not None), key=lambda m: m.name.casefold())
        beginner = self._starter_entry()
        return (*known, beginner.model) if beginner is not None else tuple(known)

    def resolve(self, reference: str) -> ModelFile:
        """A library name, a path to a .gguf, `owner/repo:QUANT`, or `starter`.

        A path outside the library is checked but neither imported nor hashed: sha256 is "". A
        library file that changed is checked and hashed again, and its note says so.

        Raises:
            NotFoundError: nothing of that name; the text lists what there is.
            ModelFileError: the file is missing, cut short, or no GGUF.
            EnvironmentFault: the index cannot be read or written.
        """
        wanted = reference.strip()
        if wanted.casefold() in (starter.ALIAS, starter.NAME.casefold()):
            return self._resolve_starter()
        entries = self._index.read().entries
        entry = _named(entries, wanted) or entry_of_repository(entries, wanted)
        if entry is not None:
            return self._verified(entry)
        path = path_of(wanted)
        if path is not None:
            return self._resolve_path(path, entries)
        raise not_found(wanted, (model.name for model in self.models()))

    def import_file(
        self,
        path: Path,
        *,
        source: str = "import",
        sha256: str = "",
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
    ) -> ModelFile:
        """Check a file and add it to the library where it lies, without copying.

        The same content gives the same entry again, whatever its name and place.

        Args:
            path: the file; the first one of a split model.
            source: "import", or the repository "owner/name" it came from.
            sha256: of the content, where the caller has just verified it; "" computes it.
            progress: called with bytes read and bytes in all.
            cancelled: asked about once a MiB; True stops the import.

        Raises:
            ModelFileError: it is not there, damaged, or no model to talk to.
            ImportCancelledError: `cancelled` said so.
            EnvironmentFault, DiskFullError: the index cannot be written.
        """
        found = _sound(path)
        for entry in self._index.read().entries:
            if entry.files == found.files and entry.model.sha256 and source == "import":
                return entry.model
        digest = sha256 or sha256_of(found.files, progress, cancelled)
        beginner = self._starter_entry()
        if digest == starter.SHA256 and beginner is not None:
            return beginner.model
        model = replace(summarize(found, source=source), sha256=digest)
        new = IndexEntry(model, found.files, time.time_ns() // 1_000_000)
        content = self._index.update(lambda content: _with(content, new))
        return next(e.model for e in content.entries if e.model.sha256 == digest)

    def remove(self, name: str) -> ModelFile:
        """Forget a model; its files are deleted where they lie inside the models folder.

        Raises:
            NotFoundError: the library has no model of that name.
            UserError: it is the starter, which is part of Snug.
            EnvironmentFault: a file or the index cannot be changed.
        """
        wanted = name.strip()
        if wanted.casefold() in (starter.ALIAS, starter.NAME.casefold()):
            raise UserError("The starter model is a part of Snug and cannot be removed.")
        entry = _named(self._index.read().entries, wanted)
        if entry is None:
            raise not_found(wanted, (model.name for model in self.models()))
        for file in entry.files:
            self._delete_own(Path(file.path))
        self._index.update(lambda content: _without(content, entry.model.name))
        return entry.model

    def adapter(self, path: Path, model: ModelFile, scale: float = 1.0) -> Adapter:
        """A LoRA adapter, checked against the model. Raises: ModelFileError, UserError."""
        return open_adapter(path, Path(model.path), scale)

    def warnings(self, path: Path) -> tuple[str, ...]:
        """What is suspicious about a file's chat templates, in sentences; it may still be used."""
        header = inspect(path).header
        if header is None:
            return ()
        names = ("tokenizer.chat_template", "tokenizer.chat_template.tool_use")
        found = (w for name in names for w in template_warnings(header.text(name) or ""))
        return tuple(dict.fromkeys(found))

    def check(self, path: Path) -> tuple[str, ...]:
        """Everything that is wrong with a GGUF file, in sentences; empty when it is sound.

        The starter's content is compared with its known SHA-256, too.
        """
        found = problems(path)
        place = self._find_starter()
        if found or place is None or not _same_place(path, place):
            return found
        try:
            digest = sha256_of(inspect(path).files)
        except ModelFileError as error:
            return (error.message,)
        if digest == starter.SHA256:
            return ()
        return (
            f"The starter model is not the one that belongs to Snug: its SHA-256 is {digest}, "
            f"and should be {starter.SHA256}. Install Snug again.",
        )

    def _starter_entry(self) -> IndexEntry | None:
        """The starter, from its file's size and what the index remembers of its header."""
        place = self._find_starter()
        stamp = stamp_of(place) if place is not None else None
        if place is None or stamp is None or stamp.size_bytes != starter.SIZE_BYTES:
            return None
        for known in (self._starter, self._index.read().starter):
            if known is not None and known.files == (stamp,):
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

    def _resolve_starter(self) -> ModelFile:
        entry = self._starter_entry()
        if entry is not None:
            return entry.model
        place = self._find_starter()
        if place is None:
            raise NotFoundError(
                "This build of Snug has no starter model. Import a .gguf file to talk to."
            )
        _sound(place)
        stamp = stamp_of(place)
        raise ModelFileError(
            f"The starter model is damaged: {stamp.size_bytes if stamp else 0:,} bytes instead of "
            f"{starter.SIZE_BYTES:,}. Install Snug again."
        )

    def _resolve_path(self, path: Path, entries: Iterable[IndexEntry]) -> ModelFile:
        for entry in entries:
            if _same_place(path, Path(entry.model.path)):
                return self._verified(entry)
        place = self._find_starter()
        if place is not None and _same_place(path, place):
            return self._resolve_starter()
        return summarize(_sound(path))

    def _verified(self, entry: IndexEntry) -> ModelFile:
        """The model of an entry, after another check where its files changed."""
        model = entry.model
        stamps = tuple(stamp_of(Path(file.path)) for file in entry.files)
        if None in stamps:
            raise ModelFileError(
                f"The file of {quoted(model.name)} is no longer at {quoted_path(model.path)}. "
                "Put it back, or remove the model and import it from where it is now."
            )
        if stamps == entry.files and model.sha256:
            return model
        found = inspect(Path(model.path))
        if found.problems:
            raise ModelFileError(
                f"The file of {quoted(model.name)} has changed since it was imported. "
                f"{_told(found.problems)}"
            )
        digest = sha256_of(found.files)
        if digest == model.sha256:
            checked = model
        else:
            known = bool(model.sha256)
            checked = replace(
                summarize(found, source="import" if known else model.source),
                name=model.name,
                sha256=digest,
                note=_replaced_note(entry.imported_ms) if known else model.note,
            )
        fresh = IndexEntry(checked, found.files, entry.imported_ms)
        self._index.update(lambda content: _exchanged(content, model.name, fresh))
        return checked

    def _delete_own(self, path: Path) -> None:
        try:
            inside = path.parent.resolve().is_relative_to(self._folder.resolve())
            if inside:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise EnvironmentFault(
                f"The model's file cannot be deleted: {error.strerror or error}. "
                "Check the folder's permissions."
            ) from error

    def _rebuild(self) -> tuple[IndexEntry, ...]:
        """Entries for the sound models that lie in the folder itself.

        Not hashed here, which could take minutes, but when they are first used.
        """
        entries: list[IndexEntry] = []
        taken: list[str] = [starter.ALIAS, starter.NAME]
        for path in sorted(self._folder.rglob("*.gguf"))[:_MAX_FOUND]:
            found = inspect(path)
            if found.problems:
                continue
            model = summarize(found)
            name = unique_name(model.name, taken)
            taken.append(name)
            entries.append(IndexEntry(replace(model, name=name), found.files))
        return tuple(entries)


def _named(entries: Iterable[IndexEntry], name: str) -> IndexEntry | None:
    wanted = name.casefold()
    return next((entry for entry in entries if entry.model.name.casefold() == wanted), None)


def _listed(entry: IndexEntry) -> ModelFile | None:
    stamps = [stamp_of(Path(file.path)) for file in entry.files]
    present = [stamp for stamp in stamps if stamp is not None]
    if len(present) < len(stamps):
        return None
    if tuple(present) == entry.files:
        return entry.model
    size_bytes = sum(stamp.size_bytes for stamp in present)
    return replace(entry.model, size_bytes=size_bytes, sha256="", note=CHANGED_NOTE)


def _sound(path: Path) -> Inspection:
    found = inspect(path)
    if found.problems:
        raise ModelFileError(_told(found.problems))
    return found


def _told(found: tuple[Problem, ...]) -> str:
    more = len(found) - 1
    also = "" if not more else f" ({more} more: `snug models check` lists all.)"
    return found[0].text + also


def _same_place(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False


def _replaced_note(imported_ms: int) -> str:
    day = datetime.datetime.fromtimestamp(imported_ms / 1000, datetime.UTC).date()
    since = f" on {day.isoformat()}" if imported_ms else ""
    return f"The file was replaced after it was imported{since}; Snug has checked the new one."


def _with(content: IndexContent, new: IndexEntry) -> IndexContent:
    """The content with a model added, or found again."""
    source = new.model.source
    for old in content.entries:
        if old.model.sha256 != new.model.sha256:
            continue
        there = all(stamp_of(Path(file.path)) == file for file in old.files)
        kept = old if there else replace(new, imported_ms=old.imported_ms)
        source = old.model.source if source == "import" else source
        model = replace(kept.model, name=old.model.name, source=source)
        return _exchanged(content, old.model.name, replace(kept, model=model))
    others = tuple(e for e in content.entries if e.model.path != new.model.path)
    taken = [starter.ALIAS, starter.NAME, *(entry.model.name for entry in others)]
    model = replace(new.model, name=unique_name(new.model.name, taken))
    return replace(content, entries=(*others, replace(new, model=model)))


def _without(content: IndexContent, name: str) -> IndexContent:
    return replace(content, entries=tuple(e for e in content.entries if e.model.name != name))


def _exchanged(content: IndexContent, name: str, new: IndexEntry) -> IndexContent:
    entries = tuple(new if entry.model.name == name else entry for entry in content.entries)
    return replace(content, entries=entries)
