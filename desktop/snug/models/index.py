"""The library's index on disk: `library.json` in the models folder.

Writing is atomic, and the same content is kept in a second file; so a damaged index is set aside
under another name and what it held comes back from the copy, and what neither holds from the
models that lie in the folder itself. What lies outside the folder is not in these files where
there is a better place for it (see `elsewhere`).
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from snug.domain.errors import DiskFullError, EnvironmentFault, NewerSchemaError
from snug.models.elsewhere import Elsewhere
from snug.models.index_codec import VERSION, Decoded, IndexContent, IndexEntry, decode, encode
from snug.models.lock import locked
from snug.models.names import unique_name

INDEX: Final = "library.json"
COPY: Final = "library.copy.json"
LOCK: Final = "library.lock"
MAX_INDEX_BYTES: Final = 64 * 1024 * 1024
_MAX_SET_ASIDE: Final = 1000

_Look = tuple[int, int, int]
Rebuild = Callable[[], tuple[IndexEntry, ...]]
Change = Callable[[IndexContent], IndexContent]


class LibraryIndex:
    """Reads and changes the index. Any thread, any number of processes."""

    def __init__(self, folder: Path, rebuild: Rebuild, elsewhere: Elsewhere | None = None) -> None:
        """Prepare; nothing is read yet.

        Args:
            folder: the models folder; made where it is missing.
            rebuild: finds the models that lie in the folder, when the index is lost.
            elsewhere: keeps what lies outside the folder; None leaves it in the index.
        """
        self._folder = folder
        self._rebuild = rebuild
        self._elsewhere = elsewhere or Elsewhere(folder, None)
        self._lock = threading.Lock()
        self._seen: tuple[_Look | None, str] = None, ""
        self._plain = IndexContent()
        self._content = IndexContent()

    def read(self) -> IndexContent:
        """What the index holds now; empty where there is none yet.

        Raises:
            EnvironmentFault: the folder cannot be read.
        """
        with self._lock, _disk_errors():
            now = self._look(), self._elsewhere.text()
            if now[0] is None or now != self._seen:
                decoded = self._load()
                if decoded is None or decoded.damaged:
                    with self._held():
                        self._repair()
                elif self._elsewhere.telling(decoded.content):
                    with self._held():
                        self._move_away()
                else:
                    self._take(decoded.content)
                    self._seen = now
            return self._content

    def update(self, change: Change) -> IndexContent:
        """Change the index in one step; `change` gets what is in it at that moment.

        Raises:
            EnvironmentFault, DiskFullError: it cannot be written; nothing was changed.
            NewerSchemaError: a newer Snug wrote it.
        """
        with self._lock, _disk_errors(), self._held():
            decoded = self._load()
            if decoded is None or decoded.damaged:
                self._repair()
            elif decoded.version > VERSION:
                raise NewerSchemaError(
                    f"A newer Snug wrote this model library (version {decoded.version}; "
                    f"this one knows {VERSION}). Update Snug to change it."
                )
            else:
                self._take(decoded.content)
            content = change(self._content)
            if content != self._content:
                self._store(content)
            return content

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self._folder / LOCK):
            yield

    def _take(self, plain: IndexContent) -> None:
        self._plain, self._content = plain, self._elsewhere.joined(plain)

    def _look(self) -> _Look | None:
        try:
            status = (self._folder / INDEX).stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns

    def _load(self) -> Decoded | None:
        """What the index file holds; None where it is damaged, empty where nothing was kept."""
        path = self._folder / INDEX
        if not path.exists():
            lost = (self._folder / COPY).exists()
            return None if lost else Decoded(IndexContent(), VERSION, 0)
        return _decode_file(path)

    def _repair(self) -> None:
        """Bring the index back; the lock is held."""
        decoded = self._load()
        if decoded is not None and not decoded.damaged:
            self._take(decoded.content)
            return  # Another process was faster.
        _set_aside(self._folder / INDEX)
        copy = _decode_file(self._folder / COPY)
        if copy is None:
            _set_aside(self._folder / COPY)
        known: dict[str, IndexEntry] = {}
        names: set[str] = set()
        # What is damaged may be wrong in more than what makes no sense: the copy comes first.
        entries = [found.content.entries for found in (copy, decoded) if found is not None]
        for entry in (*(e for some in entries for e in some), *self._rebuild()):
            if entry.model.path not in known:
                name = unique_name(entry.model.name, names)
                known[entry.model.path] = replace(entry, model=replace(entry.model, name=name))
                names.add(name)
        starter = next((d.content.starter for d in (copy, decoded) if d is not None), None)
        self._plain = IndexContent()
        plain = IndexContent(tuple(known.values()), starter)
        self._store(self._elsewhere.joined(plain))

    def _move_away(self) -> None:
        """Take out of the plain file what an earlier Snug wrote there; the lock is held."""
        decoded = self._load()
        if decoded is None or decoded.damaged or decoded.version > VERSION:
            return
        self._take(decoded.content)
        self._store(self._content)
        for damaged in self._folder.glob("library*.damaged-*.json"):
            damaged.unlink(missing_ok=True)

    def _store(self, content: IndexContent) -> None:
        plain, kept = self._elsewhere.parted(content, self._plain)
        first = self._elsewhere.grown(kept)  # so that a crash in between loses nothing
        if first:
            self._elsewhere.keep(kept)
        data = encode(plain)
        _write(self._folder / INDEX, data)
        self._seen, self._plain, self._content = (self._look(), kept), plain, content
        _write(self._folder / COPY, data)
        if not first:
            self._elsewhere.keep(kept)


def _decode_file(path: Path) -> Decoded | None:
    try:
        if path.stat().st_size > MAX_INDEX_BYTES:
            return None
        return decode(path.read_bytes())
    except (FileNotFoundError, IsADirectoryError, ValueError):
        return None


def _set_aside(path: Path) -> None:
    """Keep a damaged file under a name of its own."""
    for number in range(1, _MAX_SET_ASIDE):
        aside = path.with_name(f"{path.stem}.damaged-{number}.json")
        if not aside.exists():
            with contextlib.suppress(FileNotFoundError):
                path.rename(aside)
            return


def _write(path: Path, data: bytes) -> None:
    """Replace a file in one step: temporary file, mode, fsync, replace."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0)
    try:
        with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(
                "The disk has no room left for the model library's index. "
                "Free some space, then try again."
            ) from error
        raise EnvironmentFault(
            f"The model library's index cannot be read or written: {error.strerror or error}. "
            "Check the data folder's disk and permissions."
        ) from error
