"""A disk on which one call fails: the n-th write, sync, read or opening."""

from __future__ import annotations

import threading
from enum import StrEnum
from pathlib import Path

import apsw


class Call(StrEnum):
    """What SQLite asks of a disk."""

    WRITE = "write"
    SYNC = "sync"
    READ = "read"
    OPEN = "open"


class NthFaultDisk(apsw.VFS):
    """The real disk but for some calls. Lies below the encryption, as `multipleciphers-<name>`.

    Attributes:
        opened: every file that SQLite opened.
        failed: how many calls have failed.
    """

    def __init__(self, name: str) -> None:
        self._guard = threading.Lock()
        self.opened: set[Path] = set()
        self.mend()
        super().__init__(name, "unix")

    def fail(self, call: Call, number: int, times: int, error: type[apsw.Error]) -> None:
        """Let the call `number` (from 1) of a kind fail, and those after it, `times` in all."""
        self._call, self._after, self._times, self._error = call, number - 1, times, error
        self.failed = 0

    def mend(self) -> None:
        """Nothing fails from now on."""
        self.fail(Call.WRITE, 1, 0, apsw.IOError)

    def count(self, call: Call) -> None:
        with self._guard:
            if call is not self._call:
                return
            if self._after:
                self._after -= 1
            elif self._times:
                self._times -= 1
                self.failed += 1
                raise self._error(f"the {call} fails")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        self.opened.add(Path(name.filename() if isinstance(name, apsw.URIFilename) else str(name)))
        self.count(Call.OPEN)
        return _NthFaultFile(self, name, flags)


class _NthFaultFile(apsw.VFSFile):
    def __init__(
        self, disk: NthFaultDisk, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> None:
        self._disk = disk
        super().__init__("unix", name, flags)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        self._disk.count(Call.READ)
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.count(Call.WRITE)
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.count(Call.SYNC)  # the real disk need not: no test cuts its power
