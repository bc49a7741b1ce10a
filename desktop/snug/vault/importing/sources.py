"""Where the files of an import are: a file, a zip, or a folder."""

from __future__ import annotations

import contextlib
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, TypeAlias

from snug.domain.errors import UserError
from snug.vault.file_kinds import what_to_do_with

_WANTED = (".json", ".jsonl", ".chat")
_MOST = 200_000  # files
_MOST_BYTES = 16 * 1024**3  # of one file in a zip
_MOST_RATIO = 200  # times smaller than what it unfolds to; chats are about 5 times
_IMPORT = "conversations import"
_MUCH = 64 * 1024**2
_THREAD = ("messages.jsonl", "thread.json")  # Jan: one says nothing without the other


File: TypeAlias = IO[bytes]


@dataclass(slots=True)
class Source:
    """One file of an import.

    Attributes:
        name: its path, for messages; relative inside a zip or folder.
        position: how far it was read, in bytes.
    """

    name: str
    bytes: int
    _open: Callable[[], AbstractContextManager[File]]
    position: int = 0

    @contextlib.contextmanager
    def open(self) -> Iterator[Reading]:
        """Open it. Raises: OSError, or BadZipFile where it is damaged."""
        with self._open() as file:
            yield Reading(self, file)

    @property
    def folder(self) -> str:
        """The folder that holds it; "" for none."""
        return str(PurePosixPath(self.name).parent).removeprefix(".")

    @property
    def base(self) -> str:
        """Its name alone."""
        return PurePosixPath(self.name).name


class Reading:
    """An open file of an import, which notes how far it was read."""

    def __init__(self, source: Source, file: File) -> None:
        self._source = source
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """As of a file."""
        return self._noted(self._file.read(size))

    def readline(self, size: int = -1) -> bytes:
        """As of a file."""
        return self._noted(self._file.readline(size))

    def _noted(self, data: bytes) -> bytes:
        self._source.position = self._file.tell()
        return data


@contextlib.contextmanager
def opened(path: Path) -> Iterator[list[Source]]:
    """The files that an import may find chats in, in the order of their names.

    Raises:
        UserError: there is nothing at `path`, or it cannot be opened.
    """
    if path.is_dir():
        yield list(_in_folder(path))
        return
    if path.name in _THREAD and all((path.parent / name).is_file() for name in _THREAD):
        yield [_file(path.parent / name, name) for name in _THREAD]
        return
    hint = what_to_do_with(path)
    if hint and _IMPORT not in hint:
        raise UserError(f"{path} cannot be imported. {hint}")
    try:
        with path.open("rb") as file:
            packed = zipfile.is_zipfile(file)
        if not packed:
            yield [_file(path, path.name)]
            return
        with zipfile.ZipFile(path) as archive:
            yield list(_in_zip(archive, path))
    except (OSError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path} cannot be read: {reason}.") from error


def _in_folder(folder: Path) -> Iterator[Source]:
    found = 0
    for place, folders, files in os.walk(folder):  # does not follow links
        folders.sort()
        for name in sorted(files):
            path = Path(place) / name
            if path.suffix.lower() not in _WANTED or path.is_symlink() or not path.is_file():
                continue
            found += 1
            if found > _MOST:
                raise UserError(f"{folder} holds more than {_MOST:,} files. Choose one in it.")
            relative = path.relative_to(folder).as_posix()
            yield _file(path, relative)


def _file(path: Path, name: str) -> Source:
    return Source(name, path.stat().st_size, lambda: path.open("rb"))


def _in_zip(archive: zipfile.ZipFile, path: Path) -> Iterator[Source]:
    members = [info for info in archive.infolist() if not info.is_dir()]
    if len(members) > _MOST:
        raise UserError(f"{path} holds more than {_MOST:,} files.")
    for info in sorted(members, key=lambda info: info.filename):
        if PurePosixPath(info.filename).suffix.lower() not in _WANTED:
            continue
        unfolds = info.file_size > _MUCH and info.file_size > _MOST_RATIO * info.compress_size
        if unfolds or info.file_size > _MOST_BYTES:
            raise UserError(
                f"{path} is no export: {info.filename} in it would unfold to "
                f"{info.file_size:,} bytes."
            )
        if info.flag_bits & 1:
            raise UserError(f"{path} is locked with a password. Unpack it first.")
        yield Source(
            info.filename,
            info.file_size,
            partial(_member, archive, info),
        )


@contextlib.contextmanager
def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[File]:
    with archive.open(info) as file:
        yield file
