"""Models that other programs keep here: finding them, taking them, checking and removing models.

Nothing is copied: a model that is taken stays in its program's folder and is used from there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from snug.domain.adoption import Adopted, Found, Program, Removed
from snug.domain.errors import UserError
from snug.domain.model import ModelFile

__all__ = ["Adopted", "Adoption", "Found", "Program", "Removed"]

Progress = Callable[[int, int], None]
Cancelled = Callable[[], bool]


class AdoptingLibrary(Protocol):
    """What the library does for other programs' models. Every method runs on the calling thread."""

    def look(
        self, paths: Sequence[Path] | None, programs: Sequence[Program] | None
    ) -> tuple[Found, ...]:
        """What programs keep here, or what lies at these paths."""

    def adopt(
        self, found: Found, *, progress: Progress | None, cancelled: Cancelled | None
    ) -> ModelFile:
        """Check a file and add it where it lies. Raises: ModelFileError, EnvironmentFault."""

    def verify(self, name: str, *, progress: Progress | None, cancelled: Cancelled | None) -> str:
        """What is wrong with a model's content; "" for nothing. Raises: NotFoundError."""

    def missing(self) -> tuple[ModelFile, ...]:
        """Models whose file is gone."""

    def take_out(self, name: str) -> Removed:
        """Forget a model, and delete its files where they are Snug's own."""

    def owns(self, model: ModelFile) -> bool:
        """Whether removing it deletes its file."""


class Adoption:
    """Any thread. `found` takes about 0.5 ms for each file; `adopt` and `verify` read all of it."""

    def __init__(self, library: AdoptingLibrary) -> None:
        self._library = library

    def found(
        self, programs: Sequence[Program] | None = None, paths: Sequence[Path] | None = None
    ) -> tuple[Found, ...]:
        """What other programs keep on this computer, by program and name.

        Looks at the first bytes of each file only. What cannot be taken has a `problem`.

        Args:
            programs: only these; None looks for all.
            paths: files or folders to look at instead.

        Raises:
            EnvironmentFault: the library cannot be read.
        """
        return self._library.look(paths, programs)

    def adopt(
        self,
        chosen: Iterable[Found | Path],
        progress: Progress | None = None,
        stop: threading.Event | None = None,
    ) -> tuple[Adopted, ...]:
        """Take models into the library where they lie, one after another; reads each in full.

        Args:
            chosen: as `found` gave them; a path is looked at first.
            progress: called with bytes read and bytes in all, about once a MiB.
            stop: looked at about once a MiB; what is taken by then stays.

        Returns:
            One for each: its entry, or why it was not taken.

        Raises:
            EnvironmentFault, DiskFullError: the library cannot be written.
        """
        found = [one for given in chosen for one in self._given(given)]
        total = sum(one.size_bytes for one in found if not one.problem)
        before = 0
        results: list[Adopted] = []
        for one in found:
            if stop is not None and stop.is_set():
                break
            told = _shifted(progress, before, total)
            results.append(self._adopt_one(one, told, stop))
            before += 0 if one.problem else one.size_bytes
        return tuple(results)

    def verify(
        self,
        model: ModelFile,
        progress: Progress | None = None,
        stop: threading.Event | None = None,
    ) -> str:
        """Read a model's content again.

        Returns:
            What is wrong, in a sentence that says what to do; "" where it is as it was added.

        Raises:
            UserError: `stop` was set, or the library has no such model.
        """
        return self._library.verify(model.name, progress=progress, cancelled=_asked(stop))

    def missing(self) -> tuple[ModelFile, ...]:
        """Models whose file is gone from its place; the note says what to do."""
        return self._library.missing()

    def remove(self, model: ModelFile) -> Removed:
        """Forget a model now; files of Snug's own go with it. Raises: as the library's."""
        return self._library.take_out(model.name)

    def deletes(self, model: ModelFile) -> bool:
        """Whether removing it deletes its file: it lies in Snug's own folder."""
        return self._library.owns(model)

    def _given(self, given: Found | Path) -> Sequence[Found]:
        if isinstance(given, Found):
            return (given,)
        looked = self.found(paths=(given,))
        return looked or (Found(Program.FOLDER, given, given.name, 0, problem=_nothing(given)),)

    def _adopt_one(
        self, one: Found, progress: Progress | None, stop: threading.Event | None
    ) -> Adopted:
        if one.problem:
            return Adopted(one.path, problem=one.problem)
        try:
            model = self._library.adopt(one, progress=progress, cancelled=_asked(stop))
        except UserError as error:
            return Adopted(one.path, problem=error.message)
        return Adopted(one.path, model)


def by_program(found: Iterable[Found]) -> Mapping[Program, tuple[Found, ...]]:
    """The same, program by program, in the order in which they came."""
    groups: dict[Program, list[Found]] = {}
    for one in found:
        groups.setdefault(one.program, []).append(one)
    return {program: tuple(ones) for program, ones in groups.items()}


def _shifted(progress: Progress | None, before: int, total: int) -> Progress | None:
    """Progress of one file as progress of all."""
    if progress is None:
        return None
    return lambda done, _of: progress(min(before + done, total), total)


def _asked(stop: threading.Event | None) -> Cancelled | None:
    return stop.is_set if stop is not None else None


def _nothing(path: Path) -> str:
    if not path.exists():
        return f"There is no file or folder {str(path)!r}. Check its name."
    return f"There is no GGUF model in {str(path)!r}. Choose a folder that holds .gguf files."
