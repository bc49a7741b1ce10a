"""A place in a file that only moves forward, within bounds.

Reads in pieces of 256 KiB, so that a header's many small fields cost few system calls, and checks
every step against the file's end and the header's limit before it is made.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Final

from snug.models.damage import CUT_SHORT, GET_AGAIN, Damage, GgufError

MAX_HEADER_BYTES: Final = 256 * 1024 * 1024
MAX_STRING_BYTES: Final = 16 * 1024 * 1024
MAX_STRINGS: Final = 8 * 1024 * 1024
_PIECE_BYTES: Final = 256 * 1024
_U32: Final = struct.Struct("<I")
_U64: Final = struct.Struct("<Q")


class Source:
    """A file's bytes by position."""

    def __init__(self, file: io.FileIO, size: int) -> None:
        self._file = file
        self.size = size

    def read_at(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes from `offset`; fewer only at the end.

        Raises:
            GgufError: the disk fails.
        """
        try:
            self._file.seek(offset)
            data = self._file.read(count) or b""
            while len(data) < count and (more := self._file.read(count - len(data))):
                data += more
        except OSError as error:
            raise GgufError(
                Damage.UNREADABLE,
                f"The disk reports an error at byte {offset:,}: {error.strerror or error}. "
                "Check the disk, or get the file again.",
            ) from error
        return data


class Cursor:
    """Reads little-endian fields one after another.

    Attributes:
        where: what is being read, for the sentence when the file ends there.
    """

    def __init__(self, source: Source, offset: int, end: int | None = None) -> None:
        """Begin at `offset`; nothing from `end` on is read, as if the file ended there."""
        self.where = ""
        self._source = source
        self._end = source.size if end is None else min(end, source.size)
        self._base = offset
        self._piece = b""
        self._at = 0
        self._strings_left = MAX_STRINGS

    @property
    def position(self) -> int:
        """Bytes from the start of the file."""
        return self._base + self._at

    def u32(self) -> int:
        """The next 4 bytes as an unsigned number."""
        return int(self.unpack(_U32))

    def u64(self) -> int:
        """The next 8 bytes as an unsigned number."""
        return int(self.unpack(_U64))

    def unpack(self, layout: struct.Struct) -> int | float:
        """The next field of a one-field layout."""
        self._need(layout.size)
        value: int | float = layout.unpack_from(self._piece, self._at)[0]
        self._at += layout.size
        return value

    def take(self, count: int) -> bytes:
        """The next `count` bytes; the caller has compared the count with a limit."""
        self._need(count)
        start = self._at
        self._at += count
        return self._piece[start : self._at]

    def skip(self, count: int) -> None:
        """Step over `count` bytes without reading them."""
        self._check(count)
        self._at += count

    def string_length(self) -> int:
        """The length that stands before a string.

        Raises:
            GgufError: longer than 16 MiB.
        """
        length = self.u64()
        if length > MAX_STRING_BYTES:
            raise self._too_long(length)
        return length

    def strings(self, count: int) -> Iterator[bytes]:
        """The next `count` strings, one by one; the cursor is of no use until all are taken."""
        self._spend(count)
        unpack = _U64.unpack_from
        while count:
            self._need(8)
            piece, at, last = self._piece, self._at, len(self._piece) - 8
            while count and at <= last:
                (length,) = unpack(piece, at)
                if at + 8 + length > last + 8:
                    break
                yield piece[at + 8 : at + 8 + length]
                at += 8 + length
                count -= 1
            self._at = at
            if count:  # The next one reaches beyond the piece.
                yield self.take(self.string_length())
                count -= 1

    def skip_strings(self, count: int) -> None:
        """Step over `count` strings."""
        self._spend(count)
        self._check(8 * count)  # Their lengths alone: a claim that cannot be true costs no time.
        unpack = _U64.unpack_from
        while count:
            self._need(8)
            piece, at, last = self._piece, self._at, len(self._piece) - 8
            # The one hot loop of the room: a vocabulary has some 300,000 strings.
            while count and at <= last:
                (length,) = unpack(piece, at)
                if length > MAX_STRING_BYTES:
                    raise self._too_long(length)
                at += 8 + length
                count -= 1
            self.skip(at - self._at)

    def _spend(self, count: int) -> None:
        self._strings_left -= count
        if self._strings_left < 0:
            raise GgufError(
                Damage.HEADER_TOO_LARGE,
                f"The header claims more than {MAX_STRINGS:,} strings. {GET_AGAIN}",
            )

    def _need(self, count: int) -> None:
        """Have the next `count` bytes in the piece."""
        if self._at + count <= len(self._piece):
            return
        self._check(count)
        self._base += self._at
        self._at = 0
        self._piece = self._source.read_at(self._base, max(count, _PIECE_BYTES))
        if len(self._piece) < count:
            raise self._cut()

    def _check(self, count: int) -> None:
        end = self.position + count
        if end > self._end:
            raise self._cut()
        if end > MAX_HEADER_BYTES:
            raise GgufError(
                Damage.HEADER_TOO_LARGE,
                f"The file's header is larger than {MAX_HEADER_BYTES:,} bytes. {GET_AGAIN}",
            )

    def _cut(self) -> GgufError:
        return GgufError(
            Damage.HEADER_CUT,
            f"The file ends at {self._source.size:,} bytes, within {self.where}. {CUT_SHORT}",
        )

    def _too_long(self, length: int) -> GgufError:
        return GgufError(
            Damage.STRING_TOO_LONG,
            f"In {self.where} there is a text of {length:,} bytes; "
            f"at most {MAX_STRING_BYTES:,} are plausible. {GET_AGAIN}",
        )
