"""A disk whose power fails: what was not synced is lost, torn or put down in another order.

The real disk does the work; beside it this one keeps what would be left. A sync of a file keeps its
content, a sync of the folder its names (also SQLite's first sync of a new log, which syncs the
folder too). Whatever was changed since may be there or not: each 512-byte sector of each write by
itself, so that any order and any tear comes about, each truncation, and the names of files up to
some moment, as a journalling file system does it.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import random
import threading
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import pytest

_SECTOR = 512
_KEPT = (0.0, 0.2, 0.5, 0.8, 0.97, 1.0)  # shares of what was not synced that is there all the same


@dataclass(frozen=True, slots=True)
class _Write:
    offset: int
    data: bytes

    def put(self, content: bytearray) -> None:
        if len(content) < self.offset:
            content.extend(bytes(self.offset - len(content)))
        content[self.offset : self.offset + len(self.data)] = self.data

    def sectors(self) -> list[_Write]:
        end = self.offset + len(self.data)
        cuts = [self.offset, *range(self.offset // _SECTOR * _SECTOR + _SECTOR, end, _SECTOR), end]
        return [
            _Write(start, self.data[start - self.offset : stop - self.offset])
            for start, stop in itertools.pairwise(cuts)
        ]


@dataclass(frozen=True, slots=True)
class _Truncation:
    size: int

    def put(self, content: bytearray) -> None:
        del content[self.size :]

    def sectors(self) -> list[_Truncation]:
        return [self]


@dataclass(eq=False, slots=True)
class _Content:
    """A file apart from its name: what is safe, and what was changed since."""

    safe: bytearray = field(default_factory=bytearray)
    unsynced: list[_Write | _Truncation] = field(default_factory=list)

    def sync(self) -> None:
        for change in self.unsynced:
            change.put(self.safe)
        self.unsynced.clear()

    def after_cut(self, dice: random.Random) -> bytes:
        share = dice.choice(_KEPT)
        torn = dice.random() < 0.7
        left = bytearray(self.safe)
        for change in self.unsynced:
            for piece in change.sectors() if torn else (change,):
                if dice.random() < share:
                    piece.put(left)
        return bytes(left)


class PowerCutDisk(apsw.VFS):
    """The VFS. Lies below the encryption, as `multipleciphers-<name>`.

    `watch` makes it see also what the program does beside SQLite: fsync and rename.

    Attributes:
        is_off: whether the power has failed.
    """

    def __init__(self, name: str) -> None:
        self._guard = threading.RLock()
        self._folder = Path("/")
        self._names: dict[str, _Content] = {}
        self._safe_names: dict[str, _Content] = {}
        self._moments: list[dict[str, _Content]] = []  # of the names, since the folder's sync
        self._left = 0
        self._syncs = 0
        self.is_off = False
        super().__init__(name, "unix")

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """See the program's own calls from now on."""
        self._real_fsync, self._real_replace = os.fsync, os.replace
        monkeypatch.setattr(os, "fsync", self._fsync)
        monkeypatch.setattr(os, "replace", self._replace)

    def power_on(self, folder: Path, changes: int) -> None:
        """Take all files in `folder` for safe; the power fails at the change number `changes`."""
        self._folder = folder
        self._names = {
            path.name: _Content(bytearray(path.read_bytes()))
            for path in folder.iterdir()
            if path.is_file()
        }
        self._sync_names()
        self._left = changes
        self._syncs = 0
        self.is_off = False

    def fail_sync(self, number: int) -> None:
        """Let the sync `number` from now on fail: what it was for is on the disk never more.

        It can still be read, and a later sync says that all is well, as Linux does it. 0: none.
        """
        self._syncs = number

    def _fails_now(self) -> bool:
        self._syncs -= 1
        return self._syncs == 0

    def image(self, folder: Path, dice: random.Random) -> None:
        """Write into `folder` what a power cut leaves: of what was safe all, of the rest some."""
        names = dice.choice([self._safe_names, *self._moments])
        for name, content in sorted(names.items()):
            (folder / name).write_bytes(content.after_cut(dice))

    # -- what happens on the disk -------------------------------------------------------------

    def change(self, to: _Content, what: _Write | _Truncation) -> None:
        with self._guard:
            self.check()
            to.unsynced.append(what)
            self._count()

    def sync(self, content: _Content, and_names: bool = False) -> None:
        with self._guard:
            self._count()
            if self._fails_now():
                content.unsynced.clear()
                raise apsw.IOError("the sync fails")
            content.sync()
            if and_names:
                self._sync_names()

    def check(self) -> None:
        if self.is_off:
            raise apsw.IOError("the power is off")

    def _count(self) -> None:
        self.check()
        self._left -= 1
        if self._left <= 0:
            self.is_off = True
        self.check()

    def _sync_names(self) -> None:
        self._safe_names = dict(self._names)
        self._moments = []

    def _rename(self, old: str, new: str | None) -> None:
        content = self._names.pop(old)
        if new is not None:
            self._names[new] = content
        self._moments.append(dict(self._names))

    # -- SQLite's calls -----------------------------------------------------------------------

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        with self._guard:
            if self.is_off:
                raise apsw.CantOpenError("the power is off")
            path = Path(name.filename() if isinstance(name, apsw.URIFilename) else str(name))
            assert path.parent == self._folder, path
            if path.name not in self._names:
                self._names[path.name] = _Content()
                self._moments.append(dict(self._names))
            return _PowerCutFile(self, self._names[path.name], name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        with self._guard:
            self._count()
            super().xDelete(filename, syncdir)
            self._rename(Path(filename).name, None)
            if syncdir:
                self._sync_names()

    # -- the program's own calls --------------------------------------------------------------

    def _fsync(self, descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        with self._guard:
            if self._folder not in (path, path.parent):
                self._real_fsync(descriptor)
                return
            if self.is_off:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            if path == self._folder:
                self._sync_names()
            elif path.name in self._names:
                if self._fails_now():
                    self._names[path.name].unsynced.clear()
                    raise OSError(errno.EIO, os.strerror(errno.EIO))
                self._names[path.name].sync()
                if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_RDWR:
                    # The program has written it all itself.
                    self._names[path.name].safe[:] = path.read_bytes()

    def _replace(self, old: Path, new: Path) -> None:
        with self._guard:
            here = Path(old).parent == self._folder
            if here and self.is_off:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            self._real_replace(old, new)
            if here:
                self._rename(Path(old).name, Path(new).name)


class _PowerCutFile(apsw.VFSFile):
    def __init__(
        self,
        disk: PowerCutDisk,
        content: _Content,
        name: str | apsw.URIFilename | None,
        flags: list[int],
    ) -> None:
        self._disk = disk
        self._content = content
        # As SQLite's own: the first sync of a new log makes its name safe too.
        self._names_too = bool(flags[0] & apsw.SQLITE_OPEN_WAL)
        super().__init__("unix", name, flags)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        self._disk.check()
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.change(self._content, _Write(offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._disk.change(self._content, _Truncation(size))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802
        # The real disk need not sync: no test cuts its power.
        self._disk.sync(self._content, self._names_too)
        self._names_too = False
