"""Opens model files safely: regular files only, and one descriptor from first look to last.

A file can be replaced or still be growing while it is read, so everything is asked of the open
descriptor, and `GgufFile.unchanged` tells whether it stayed as it was.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from snug.models.cursor import Cursor, Source
from snug.models.damage import Damage, GgufError, quoted_path
from snug.models.reader import read_header
from snug.models.tables import ValueType


@dataclass(frozen=True, slots=True)
class FileStamp:
    """How a file looked at one moment: enough to notice that it changed.

    Attributes:
        path: absolute.
    """

    path: str
    size_bytes: int
    mtime_ns: int


class GgufFile:
    """An open GGUF file with its header.

    Use as a context manager. Belongs to one thread at a time.
    """

    def __init__(self, path: Path) -> None:
        """Open and read the header.

        Raises:
            GgufError: it is missing, no regular file, unreadable, or no sound GGUF header.
        """
        self._file = open_regular(path)
        try:
            status = os.fstat(self._file.fileno())
            self.stamp = FileStamp(str(absolute(path)), status.st_size, status.st_mtime_ns)
            self._source = Source(self._file, status.st_size)
            self.header = read_header(self._source)
        except BaseException:
            self._file.close()
            raise

    def strings(self, key: str) -> Iterator[bytes]:
        """The elements of a string array, one by one; nothing where the key holds none.

        Raises:
            GgufError: the file is cut short.
        """
        value = self.header.metadata.get(key)
        if value is None or value.element is not ValueType.STRING:
            return
        cursor = Cursor(self._source, value.offset)
        cursor.where = f'the array "{key}"'
        yield from cursor.strings(value.count)

    def integers(self, key: str) -> array[int]:
        """The elements of an array of 32-bit signed numbers; none where the key holds no such.

        Raises:
            GgufError: the file is cut short.
        """
        numbers = array("i")
        value = self.header.metadata.get(key)
        if value is not None and value.element is ValueType.INT32:
            cursor = Cursor(self._source, value.offset)
            cursor.where = f'the array "{key}"'
            numbers.frombytes(cursor.take(value.count * numbers.itemsize))
        if sys.byteorder == "big":
            numbers.byteswap()
        return numbers

    def unchanged(self) -> bool:
        """Whether the file still has the size and time that it was opened with."""
        status = os.fstat(self._file.fileno())
        return (status.st_size, status.st_mtime_ns) == (self.stamp.size_bytes, self.stamp.mtime_ns)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def absolute(path: Path) -> Path:
    """The path from the root, without "..", and with symbolic links left as they are."""
    return Path(os.path.abspath(path))  # noqa: PTH100 — absolute() keeps "..", resolve() no link.


def same_place(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same file; False where one leads nowhere."""
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False


def open_regular(path: Path) -> io.FileIO:
    """Open a file for reading, but only a regular one: a pipe would hang, a device never end.

    Raises:
        GgufError: it is missing, something else than a file, or may not be read.
    """
    try:
        # Looked at before it is opened, because opening alone can do something to a device.
        _refuse_special(path.stat().st_mode)
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
    except (FileNotFoundError, NotADirectoryError):
        raise GgufError(
            Damage.MISSING, f"There is no file {quoted_path(str(path))}. Check its name and folder."
        ) from None
    except PermissionError:
        raise GgufError(
            Damage.UNREADABLE, "Snug may not read this file. Change its permissions, or copy it."
        ) from None
    except (OSError, ValueError) as error:
        # ValueError: a NUL character in the path.
        raise GgufError(
            Damage.UNREADABLE, f"The file cannot be opened: {_reason(error)}."
        ) from None
    try:
        _refuse_special(os.fstat(descriptor).st_mode)
        return io.FileIO(descriptor, "r")
    except BaseException:
        with contextlib.suppress(OSError):
            os.close(descriptor)
        raise


def _refuse_special(mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    what = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
    raise GgufError(
        Damage.NOT_A_FILE, f"This is {what}, not a file. Choose a file that ends in .gguf."
    )


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
