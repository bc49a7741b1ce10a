"""Takes one download from its first byte to the library, whatever the network does meanwhile."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from snug.domain.download import (
    Delivery,
    Download,
    DownloadEvent,
    DownloadFile,
    DownloadWaiting,
    FileRole,
)
from snug.domain.errors import DiskFullError, EnvironmentFault, SnugError
from snug.domain.model import ModelFile
from snug.hub.errors import NetworkFault, StoppedError
from snug.hub.fetch import Fetch, Place, WrongContentError
from snug.hub.gateway import Gateway
from snug.hub.halt import Halt
from snug.hub.meter import Meter, SpeedLimit
from snug.hub.queue import disk_errors

SPARE: Final = 1.10  # of the missing bytes must be free
_HASH_PIECE: Final = 1024 * 1024

Sink = Callable[[DownloadEvent], None]
Admit = Callable[[Delivery], ModelFile]
Holds = Callable[[Path], bool]


@dataclass(frozen=True, slots=True)
class Pace:
    """How a download behaves in time.

    Attributes:
        first_wait_s: before the second attempt; doubles with each that brings no byte.
        attempts: without a single new byte, before it gives up.
        progress_s: between two progress events.
        again_s: before the queue tries one anew that was given up for the network's sake.
    """

    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    attempts: int = 8
    progress_s: float = 0.25
    again_s: float = 60.0


class Runner:
    """Runs downloads into a models folder. Any thread; `run` blocks the calling one."""

    def __init__(
        self,
        models: Path,
        parts: Path,
        gateway: Gateway,
        admit: Admit,
        *,
        pace: Pace | None = None,
        limit: SpeedLimit | None = None,
        free_bytes: Callable[[Path], int] | None = None,
        holds: Holds = lambda _: True,
    ) -> None:
        """Prepare.

        Args:
            models: where verified files come to lie.
            parts: where unfinished ones gather; on the same disk.
            admit: takes verified files into the library; raises what is wrong with them.
            free_bytes: of the disk a folder is on.
            holds: whether the library has a file; what it has is never deleted here.
        """
        self._models = models
        self._parts = parts
        self._gateway = gateway
        self._admit = admit
        self._pace = pace or Pace()
        self._limit = limit or SpeedLimit()
        self._holds = holds
        self._free_bytes = free_bytes or (lambda folder: shutil.disk_usage(folder).free)

    def run(self, download: Download, stop: threading.Event, sink: Sink) -> ModelFile:
        """Fetch, verify, put in place, hand over to the library.

        Args:
            sink: called on this thread.

        Raises:
            StoppedError, OfflineError: it was stopped; what came is kept.
            SnugError: it cannot go on; the text says why.
        """
        with disk_errors():
            self._parts.mkdir(mode=0o700, parents=True, exist_ok=True)
        placed = {file for file in download.files if self._is_in_place(file, stop)}
        missing = [file for file in download.files if file not in placed]
        self._check_room(missing)
        meter = Meter(download.id, download.total_bytes, sink, self._pace.progress_s)
        before = sum(file.size_bytes for file in placed)
        for file in missing:
            self._fetch(download, file, before, meter, stop, sink)
            before += file.size_bytes
        self._put_in_place(missing)
        try:
            return self._admit(self._delivery(download))
        except EnvironmentFault:
            # Nothing is wrong with the file: it waits as a part until the library can be written.
            for file in missing:
                with contextlib.suppress(OSError):
                    self._final(file).replace(Place.of(self._parts, file.sha256).part)
            raise
        except SnugError:
            # Verified, but nothing this Snug can use: it must not be there.
            for file in missing:
                with contextlib.suppress(OSError):
                    self._final(file).unlink(missing_ok=True)
            for file in placed:
                self._leave(file)
            raise

    def kept_bytes(self, download: Download) -> int:
        """How much of a download is on this disk already."""
        return sum(
            min(file.size_bytes, max(self._final_size(file), self._part_size(file)))
            for file in download.files
        )

    def discard(self, file: DownloadFile) -> None:
        """Delete what is there of an unfinished file, also where a kill left it unadmitted."""
        Place.of(self._parts, file.sha256).clear()
        self._leave(file)

    def _leave(self, file: DownloadFile) -> None:
        """Delete a file that lies in place, unless the library has it."""
        with contextlib.suppress(OSError, SnugError):
            if not self._holds(self._final(file)):
                self._final(file).unlink(missing_ok=True)

    def _fetch(
        self,
        download: Download,
        file: DownloadFile,
        before: int,
        meter: Meter,
        stop: threading.Event,
        sink: Sink,
    ) -> None:
        """One file, attempt after attempt."""
        fetch = Fetch(self._gateway, download, file, self._parts)
        halt = Halt(stop, lambda: self._gateway.offline)
        barren = 0
        deceived = False
        while True:
            had = fetch.place.size()
            try:
                return fetch.run(stop, self._counting(before, meter, halt))
            except WrongContentError:
                # What an earlier run left may be to blame; what came in one piece is not.
                if not had or deceived:
                    raise
                deceived = True
            except NetworkFault as fault:
                barren = 0 if fetch.place.size() > had else barren + 1
                if barren >= self._pace.attempts:
                    raise
                delay = min(self._pace.first_wait_s * 2**barren, self._pace.longest_wait_s)
                delay = max(delay, fault.wait_s)
                sink(DownloadWaiting(download.id, fault.message, delay))
                halt.wait(delay)
                halt.check()

    def _counting(self, before: int, meter: Meter, halt: Halt) -> Callable[[int], None]:
        started = False

        def told(done: int) -> None:
            nonlocal started
            if started:
                self._limit.take(meter.at(before + done), halt)
            else:
                meter.start(before + done)
                started = True

        return told

    def _check_room(self, missing: list[DownloadFile]) -> None:
        needed = sum(max(0, file.size_bytes - self._part_size(file)) for file in missing)
        with disk_errors():
            free = self._free_bytes(self._parts)
        if needed * SPARE > free:
            raise DiskFullError(
                f"The disk has {free / 1e9:.1f} GB free, and {needed * SPARE / 1e9:.1f} GB are "
                "needed for this download. Free some space, then resume."
            )

    def _is_in_place(self, file: DownloadFile, stop: threading.Event) -> bool:
        """Whether the very file lies in the models folder already; a wrong one is deleted."""
        path = self._final(file)
        if self._final_size(file) != file.size_bytes:
            return False
        digest = hashlib.sha256()
        with disk_errors():
            with path.open("rb") as stream:
                while data := stream.read(_HASH_PIECE):
                    if stop.is_set():
                        raise StoppedError
                    digest.update(data)
            if digest.hexdigest() == file.sha256:
                return True
            path.unlink()
        return False

    def _put_in_place(self, files: list[DownloadFile]) -> None:
        """Rename verified parts; the first file of a model comes last, so it is never alone."""
        with disk_errors():
            for file in reversed(files):
                place = Place.of(self._parts, file.sha256)
                place.part.replace(self._final(file))
                place.etag.unlink(missing_ok=True)
            _sync_folder(self._models)

    def _delivery(self, download: Download) -> Delivery:
        paths = [
            str(self._models / file.stored_as)
            for file in download.files
            if file.role is not FileRole.PROJECTOR
        ]
        projectors = [f for f in download.files if f.role is FileRole.PROJECTOR]
        projector = str(self._models / projectors[0].stored_as) if projectors else ""
        return Delivery(download, tuple(paths), projector)

    def _part_size(self, file: DownloadFile) -> int:
        return Place.of(self._parts, file.sha256).size()

    def _final(self, file: DownloadFile) -> Path:
        return self._models / file.stored_as

    def _final_size(self, file: DownloadFile) -> int:
        try:
            return self._final(file).stat().st_size
        except OSError:
            return 0


def _sync_folder(folder: Path) -> None:
    """Make the new names themselves survive a power cut."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
