"""The models on this disk: imported where they lie, found by name, never trusted by name.

Implements the services' `ModelLibrary`. Every method may be called on any thread; those that hash
(`import_file`, `check`, `resolve` of a changed file) take seconds for a large model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from snug.domain.adoption import Found, Program, Removed
from snug.domain.errors import EnvironmentFault, ModelFileError, UserError
from snug.domain.licence import strictest_of
from snug.domain.model import Adapter, ModelFile
from snug.models import starter
from snug.models.adapters import open_adapter
from snug.models.beginner import Beginner
from snug.models.damage import quoted
from snug.models.digest import Cancelled, Progress, sha256_of
from snug.models.elsewhere import Elsewhere, Keeper
from snug.models.entries import (
    CHANGED_NOTE,
    listed,
    missing_words,
    named,
    standing,
    with_model,
    without,
)
from snug.models.files import same_place
from snug.models.freshness import lying_in, verified
from snug.models.index import LibraryIndex
from snug.models.index_codec import IndexEntry
from snug.models.inspection import Inspection, inspect, problems, sound
from snug.models.reference import entry_of_repository, not_found, path_of
from snug.models.removal import delete_leaving, owned, paths_used, stamps_to_leave
from snug.models.summary import summarize
from snug.models.template_trust import template_warnings
from snug.models.verifying import starter_problem, verify_entry

if TYPE_CHECKING:
    from snug.models.adoption.places import Machine

__all__ = ["CHANGED_NOTE", "Library"]


class Library:
    """The models folder's index, plus the starter model.

    Models are taken in where they lie; only files inside the folder are Snug's own to delete.
    """

    def __init__(
        self,
        folder: Path,
        find_starter: Callable[[], Path | None] = starter.find_starter,
        machine: Callable[[], Machine] | None = None,
        keeper: Keeper | None = None,
    ) -> None:
        """Prepare; nothing is read yet.

        Args:
            folder: where the index and downloaded models lie.
            find_starter: tells where the starter model's file is, or None.
            machine: what other programs' places depend on; None for this one.
            keeper: keeps where models lie outside the folder; None writes it into the index.
        """
        self._machine = machine
        self._folder = folder.absolute()
        self._find_starter = find_starter
        self._index = LibraryIndex(
            self._folder, lambda: lying_in(self._folder), Elsewhere(self._folder, keeper)
        )
        self._beginner = Beginner(find_starter, self._index)

    def models(self) -> tuple[ModelFile, ...]:
        """All known models whose file is there, the starter last.

        Raises:
            EnvironmentFault: the index cannot be read.
        """
        shown = (listed(entry) for entry in self._entries())
        known = sorted((m for m in shown if m is not None), key=lambda m: m.name.casefold())
        beginner = self._beginner.entry()
        return (*known, beginner.model) if beginner is not None else tuple(known)

    def missing(self) -> tuple[ModelFile, ...]:
        """Models whose file is gone from every place; the note says what to do.

        Raises:
            EnvironmentFault: the index cannot be read.
        """
        gone = (entry for entry in self._entries() if standing(entry) is None)
        return tuple(replace(entry.model, note=missing_words(entry)) for entry in gone)

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
            return self._beginner.resolve()
        entries = self._entries()
        entry = named(entries, wanted) or entry_of_repository(entries, wanted)
        if entry is not None:
            return verified(self._index, entry)
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
        commit: str = "",
        licence: str = "",
        projector: str = "",
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
    ) -> ModelFile:
        """Check a file and add it to the library where it lies, without copying.

        The same content gives the same entry again, whatever its name and place.

        Args:
            path: the file; the first one of a split model.
            source: "import", or the repository "owner/name" it came from.
            sha256: of the content, where the caller has just verified it; "" computes it.
            commit, licence: what the repository says; of two licences the stricter counts.
            projector: path of the file with which it sees pictures; it goes with the model.
            progress: called with bytes read and in all.
            cancelled: asked about once a MiB; True stops it.

        Raises:
            ModelFileError: it is not there, damaged, or no model to talk to.
            ImportCancelledError: `cancelled` said so.
            EnvironmentFault, DiskFullError: the index cannot be written.
        """
        found = sound(path)
        known = self._known_place(found) if source == "import" else None
        if known is not None:
            return known
        digest = sha256 or sha256_of(found.files, progress, cancelled)
        model = summarize(found, source=source)
        return self._take(
            replace(
                model,
                sha256=digest,
                commit=commit,
                licence=strictest_of((model.licence, licence)),
                projector=projector,
            ),
            found,
        )

    def adopt(
        self,
        found: Found,
        *,
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
    ) -> ModelFile:
        """Check a file of another program's and add it where it lies, with what is said of it.

        The hash that the program claims is compared with the content.

        Raises:
            As `import_file`; ModelFileError also where the content is not what the program says.
        """
        inspected = sound(found.path)
        digest = sha256_of(inspected.files, progress, cancelled)
        if found.expected and digest != found.expected:
            raise ModelFileError(
                f"The content of {quoted(found.name)} is not what {found.program.label} says: its "
                f"SHA-256 begins with {digest[:12]} and should begin with {found.expected[:12]}. "
                "The file is damaged or was exchanged; get it again there."
            )
        model = summarize(inspected, source=found.source or "import", name=found.name)
        return self._take(
            replace(
                model,
                sha256=digest,
                licence=strictest_of((model.licence, found.licence)),
                commit=found.commit,
                projector=str(found.projector or ""),
                program=found.program.label if found.program is not Program.FOLDER else "",
            ),
            inspected,
        )

    def look(
        self,
        paths: Sequence[Path] | None = None,
        programs: Sequence[Program] | None = None,
    ) -> tuple[Found, ...]:
        """What other programs keep on this computer, or what lies at these paths.

        Reads the first bytes of each file only; never raises for what lies there.

        Raises:
            EnvironmentFault: the index cannot be read.
        """
        # Late: readers of five programs, and the window's start looks for none.
        from snug.models.adoption.known import known_of
        from snug.models.adoption.looking import kind_of, look
        from snug.models.adoption.places import Machine, folders

        known = known_of(self._entries(), self._find_starter())
        if paths is not None:
            return tuple(one for path in paths for one in look({kind_of(path): (path,)}, known))
        wanted = folders((self._machine or Machine.here)())
        return look({p: wanted[p] for p in wanted if programs is None or p in programs}, known)

    def verify(
        self,
        name: str,
        *,
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
    ) -> str:
        """Read all of a model's content again and compare it with what was added.

        Returns:
            What is wrong, in sentences; "" where it is what it was.

        Raises:
            NotFoundError: the library has no model of that name.
            ImportCancelledError: `cancelled` said so.
        """
        if name.strip().casefold() in (starter.ALIAS, starter.NAME.casefold()):
            place = self._find_starter()
            return " ".join(self.check(place)) if place is not None else ""
        entry = self._entry(name)
        return verify_entry(self._index, entry, progress, cancelled)

    def remove(self, name: str) -> ModelFile:
        """As `take_out`, for those who only want to know which model it was."""
        return self.take_out(name).model

    def take_out(self, name: str) -> Removed:
        """Forget a model; its files are deleted where they lie inside the models folder.

        The index first says which files go, then they go: a crash in between leaves no half
        model, because the next start deletes the rest.

        Raises:
            NotFoundError: the library has no model of that name.
            UserError: it is the starter, which is part of Snug.
            EnvironmentFault: a file or the index cannot be changed.
        """
        if name.strip().casefold() in (starter.ALIAS, starter.NAME.casefold()):
            raise UserError("The starter model is a part of Snug and cannot be removed.")
        entry = self._entry(name)
        leaving = stamps_to_leave(entry, self._folder)
        self._index.update(
            lambda content: replace(
                without(content, entry.model.name), leaving=(*content.leaving, *leaving)
            )
        )
        delete_leaving(self._index, self._folder)
        return Removed(entry.model, len(leaving), sum(stamp.size_bytes for stamp in leaving))

    def owns(self, model: ModelFile) -> bool:
        """Whether removing a model deletes its file: it lies in Snug's own folder."""
        return owned(Path(model.path), self._folder)

    def holds(self, path: Path) -> bool:
        """Whether a model has this file, also as one of its places or as its projector.

        Raises:
            EnvironmentFault: the index cannot be read.
        """
        return str(path.absolute()) in paths_used(self._entries())

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
        if found or place is None or not same_place(path, place):
            return found
        return starter_problem(inspect(path).files)

    def _entries(self) -> tuple[IndexEntry, ...]:
        """What the index holds, after what a crash left of a removal was finished."""
        content = self._index.read()
        if content.leaving:
            with suppress(EnvironmentFault, UserError):
                delete_leaving(self._index, self._folder)
        return content.entries

    def _entry(self, name: str) -> IndexEntry:
        entry = named(self._entries(), name.strip())
        if entry is None:
            raise not_found(name.strip(), (model.name for model in self.models()))
        return entry

    def _known_place(self, found: Inspection) -> ModelFile | None:
        """The model whose content is known to lie in these very files."""
        for entry in self._entries():
            if entry.model.sha256 and found.files in (entry.files, *entry.others):
                return listed(entry)
        return None

    def _take(self, model: ModelFile, found: Inspection) -> ModelFile:
        """Put a model into the index, or give the entry with the same content."""
        beginner = self._beginner.entry()
        if model.sha256 == starter.SHA256 and beginner is not None:
            return beginner.model
        new = IndexEntry(model, found.files, time.time_ns() // 1_000_000)
        content = self._index.update(lambda content: with_model(content, new))
        entry = next(e for e in content.entries if e.model.sha256 == model.sha256)
        return listed(entry) or entry.model

    def _resolve_path(self, path: Path, entries: Iterable[IndexEntry]) -> ModelFile:
        for entry in entries:
            if same_place(path, Path(entry.model.path)):
                return verified(self._index, entry)
        place = self._find_starter()
        if place is not None and same_place(path, place):
            return self._beginner.resolve()
        return summarize(sound(path))
