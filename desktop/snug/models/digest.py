"""The identity of a model: the SHA-256 of its content."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from snug.domain.errors import UserError
from snug.models.damage import Damage, GgufError
from snug.models.files import FileStamp, open_regular

Progress = Callable[[int, int], None]
Cancelled = Callable[[], bool]

_PIECE_BYTES: Final = 1024 * 1024


class ImportCancelledError(UserError):
    """The person stopped an import or a check."""


def sha256_of(
    files: Sequence[FileStamp],
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> str:
    """The SHA-256 of a model's files, one after the other, in hexadecimal digits.

    Args:
        files: as they looked when they were checked.
        progress: called with bytes done and bytes in all, about once a MiB.
        cancelled: asked about once a MiB; True stops the work.

    Raises:
        ImportCancelledError: `cancelled` said so.
        GgufError: a file is gone, unreadable, or no longer what it was.
    """
    digest = hashlib.sha256()
    total = sum(file.size_bytes for file in files)
    done = 0
    for file in files:
        before = done
        for piece in _pieces(file):
            if cancelled is not None and cancelled():
                raise ImportCancelledError("Stopped; nothing was changed.")
            digest.update(piece)
            done += len(piece)
            if progress is not None:
                progress(min(done, total), total)
        if done - before != file.size_bytes or stamp_of(Path(file.path)) != file:
            raise GgufError(
                Damage.CHANGED,
                "The file changed while it was read. "
                "Wait until its download is over, then try again.",
            )
    return digest.hexdigest()


def _pieces(file: FileStamp) -> Iterator[memoryview]:
    """A file's bytes in order, at most one piece more than it should have."""
    left = file.size_bytes
    buffer = memoryview(bytearray(_PIECE_BYTES))
    try:
        with open_regular(Path(file.path)) as raw:
            while left >= 0 and (count := raw.readinto(buffer)):
                yield buffer[:count]
                left -= count
    except OSError as error:
        raise GgufError(
            Damage.UNREADABLE,
            f"The disk reports an error: {error.strerror or error}. "
            "Check the disk, or get the file again.",
        ) from error


def stamp_of(path: Path) -> FileStamp | None:
    """How a file looks now; None where there is none."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return FileStamp(str(path), status.st_size, status.st_mtime_ns)
