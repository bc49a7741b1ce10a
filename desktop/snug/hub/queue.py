"""The downloads on disk: one small JSON file each, written in one step, without any secret.

Each file is also the record of where a model came from once it is done. What is read back is
checked like anything from outside: a queue that somebody changed cannot write elsewhere.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from snug.domain.download import Download, DownloadFile, DownloadState, FileRole
from snug.domain.errors import DiskFullError, EnvironmentFault, NotFoundError, UserError
from snug.domain.hub import parse_reference
from snug.domain.remote_names import shown

_MAX_BYTES: Final = 4 * 1024 * 1024
_MAX_SIZE: Final = 2**53
_ID: Final = re.compile(r"[0-9a-f]{64}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_STORED: Final = re.compile(r"[0-9a-f]{64}(?:-\d{5}-of-\d{5})?\.gguf")

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Queue:
    """The folder of downloads. Any thread, any number of processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> tuple[Download, ...]:
        """Every download that can be read, oldest first."""
        found = (self._read(path) for path in self.folder.glob("*.json"))
        return tuple(sorted((d for d in found if d is not None), key=lambda d: d.created_ms))

    def get(self, identifier: str) -> Download:
        """One download. Raises: NotFoundError."""
        found = (
            self._read(self.folder / f"{identifier}.json") if _ID.fullmatch(identifier) else None
        )
        if found is None:
            raise NotFoundError("There is no such download any more.")
        return found

    def put(self, download: Download) -> None:
        """Keep a download. Raises: DiskFullError, EnvironmentFault."""
        path = self.folder / f"{download.id}.json"
        temporary = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
        data = json.dumps(asdict(download), ensure_ascii=True, indent=1).encode()
        with disk_errors():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                with os.fdopen(
                    os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"
                ) as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise

    def remove(self, identifier: str) -> None:
        """Forget a download; harmless where it is gone."""
        with disk_errors():
            (self.folder / f"{identifier}.json").unlink(missing_ok=True)

    @contextlib.contextmanager
    def held(self, identifier: str) -> Iterator[bool]:
        """Hold a download for this process; False where another one has it. A kill frees it."""
        with disk_errors():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(
                self.folder / f"{identifier}.lock",
                os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0),
                0o600,
            )
        try:
            try:
                _try_lock(descriptor)
                free = True
            except OSError:
                free = False
            yield free
        finally:
            os.close(descriptor)

    def _read(self, path: Path) -> Download | None:
        try:
            if path.stat().st_size > _MAX_BYTES:
                return None
            found = _decoded(json.loads(path.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError, UserError):
            return None
        except (AttributeError, OverflowError, RecursionError):
            return None  # a value of another type, an endless number, nested without end
        return found if path.stem == found.id else None


@contextlib.contextmanager
def disk_errors() -> Iterator[None]:
    """Turn what the disk reports into an error for the person."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(
                "The disk has no room left. What was downloaded is kept; free some space, then "
                "resume."
            ) from error
        raise EnvironmentFault(
            f"The models folder cannot be read or written: {error.strerror or error}. "
            "Check its disk and permissions."
        ) from error


def _decoded(raw: Any) -> Download:
    """Raises: ValueError, KeyError, TypeError, UserError where it makes no sense."""
    reference = parse_reference(raw["repository"])
    files = tuple(_decoded_file(file) for file in raw["files"])
    if not files or not _COMMIT.fullmatch(raw["commit"]) or not _ID.fullmatch(raw["id"]):
        raise ValueError("no download")
    return Download(
        id=raw["id"],
        repository=reference.repository,
        commit=raw["commit"],
        quantization=shown(raw["quantization"]),
        title=shown(raw["title"]),
        files=files,
        gated=bool(raw["gated"]),
        licence=shown(raw["licence"]),
        licence_class=shown(raw["licence_class"]),
        created_ms=int(raw["created_ms"]),
        finished_ms=int(raw["finished_ms"]),
        state=DownloadState(raw["state"]),
        problem=shown(raw["problem"], 500),
        needs_access=bool(raw.get("needs_access", False)),  # younger than the first queues
    )


def _decoded_file(raw: Any) -> DownloadFile:
    size = int(raw["size_bytes"])
    sound = _ID.fullmatch(raw["sha256"]) and _STORED.fullmatch(raw["stored_as"])
    if not sound or not 0 < size <= _MAX_SIZE or not isinstance(raw["path"], str):
        raise ValueError("no file")
    return DownloadFile(raw["path"], size, raw["sha256"], raw["stored_as"], FileRole(raw["role"]))
