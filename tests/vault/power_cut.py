"""A disk whose power can be cut: what was not synced is lost, torn, or there in another order."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import apsw

SECTOR = 512


@dataclass
class _Image:
    """A file as the platter holds it, and what is still on its way there."""

    durable: bytearray
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)  # None: cut off here
    synced: bool = True  # its name is in the folder for sure

    def sync(self) -> None:
        for offset, data in self.pending:
            _apply(self.durable, offset, data)
        self.pending.clear()
        self.synced = True


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


class Disk(apsw.VFS):
    """The real disk, with a note of what a power cut would leave of it.

    Registered under `name`; the encryption lies above it, as `multipleciphers-<name>`.

    Attributes:
        cut_after: writes and syncs until the power fails; every one after that fails too.
        honest: False forgets nothing at a sync that was never done: a disk that lies.
    """

    def __init__(self, name: str) -> None:
        self.cut_after: int | None = None
        self.honest = True
        self.images: dict[str, _Image] = {}
        super().__init__(name, "unix")

    @property
    def is_cut(self) -> bool:
        return self.cut_after is not None and self.cut_after < 0

    def spend(self) -> None:
        """One write or sync more."""
        if self.cut_after is not None:
            self.cut_after -= 1
            if self.cut_after < 0:
                raise apsw.IOError("the power is gone")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _File(self, name, flags)

    def xDelete(self, name: str, sync: bool) -> None:  # noqa: N802
        self.spend()
        super().xDelete(name, sync)
        self.images.pop(Path(name).name, None)

    def synced(self, name: str) -> None:
        """Somebody has synced a file past SQLite."""
        if name in self.images and self.honest:
            self.images[name].sync()

    def leave(self, folder: Path, chance: random.Random) -> None:
        """Write into `folder` what the platter may hold now: one of many possibilities."""
        for name, image in self.images.items():
            content = bytearray(image.durable)
            pending = [piece for operation in image.pending for piece in _sectors(*operation)]
            mood = chance.random()  # a disk that had written almost all, or almost nothing
            kept = [piece for piece in pending if chance.random() < mood]
            if chance.random() < 0.5:
                chance.shuffle(kept)
            for offset, data in kept:
                _apply(content, offset, data)
            if image.synced or kept or chance.random() < 0.5:
                (folder / name).write_bytes(content)


def _sectors(offset: int, data: bytes | None) -> list[tuple[int, bytes | None]]:
    if data is None:
        return [(offset, None)]
    ends = range(SECTOR - offset % SECTOR, len(data) + SECTOR, SECTOR)
    starts = [0, *(end for end in ends if end < len(data))]
    pieces = zip(starts, [*starts[1:], len(data)], strict=True)
    return [(offset + start, data[start:end]) for start, end in pieces]


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._name = Path(path).name if path else ""
        super().__init__("unix", name, flags)
        if self._name and self._name not in disk.images:
            content = Path(str(path)).read_bytes()
            disk.images[self._name] = _Image(bytearray(content), synced=bool(content))

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._note(offset, bytes(data))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._note(size, None)
        super().xTruncate(size)

    def _note(self, offset: int, data: bytes | None) -> None:
        if self._name:
            self._disk.images[self._name].pending.append((offset, data))
        self._disk.spend()  # the write that the power fails in may be there in part

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.spend()
        super().xSync(flags)
        self._disk.synced(self._name)
