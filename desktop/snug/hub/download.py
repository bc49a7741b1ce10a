"""The queue of downloads: one after the other, kept on disk, paused and resumed at will."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from snug.domain.conversation import now_ms
from snug.domain.download import (
    Download,
    DownloadDone,
    DownloadEvent,
    DownloadState,
    DownloadStopped,
)
from snug.domain.errors import DiskFullError, EnvironmentFault, NotFoundError, SnugError, UserError
from snug.domain.model import ModelFile
from snug.hub.errors import AccessError, NetworkFault, OfflineError, StoppedError
from snug.hub.gateway import Gateway
from snug.hub.meter import SpeedLimit
from snug.hub.queue import Queue
from snug.hub.runner import Admit, Holds, Pace, Runner, Sink

FOLDER: Final = "downloads"
_LOOK_AGAIN_S: Final = 5.0  # at the folder, where another process may have changed something
_UNFINISHED: Final = (DownloadState.QUEUED, DownloadState.RUNNING)


class Downloads:
    """All downloads of a models folder. Any thread, any number of processes.

    `run` downloads on the calling thread (the terminal); `start` begins a thread of its own that
    works off the queue (the window).
    """

    def __init__(
        self,
        models: Path,
        gateway: Gateway,
        admit: Admit,
        *,
        pace: Pace | None = None,
        free_bytes: Callable[[Path], int] | None = None,
        holds: Holds = lambda _: True,
    ) -> None:
        """Prepare; nothing runs yet. Args: as `Runner`."""
        self._queue = Queue(models / FOLDER)
        self._gateway = gateway
        self._again_s = (pace or Pace()).again_s
        self._speed = SpeedLimit()
        self._runner = Runner(
            models,
            models / FOLDER,
            gateway,
            admit,
            pace=pace,
            limit=self._speed,
            free_bytes=free_bytes,
            holds=holds,
        )
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._running: dict[str, threading.Event] = {}
        self._not_before: dict[str, float] = {}  # what the network failed, by time.monotonic
        self._thread: threading.Thread | None = None
        self._closing = False
        self._changes = 0

    def all(self) -> tuple[Download, ...]:
        """Every download, also finished ones, oldest first."""
        return self._queue.all()

    def kept_bytes(self, identifier: str) -> int:
        """How much of a download is on this disk. Raises: NotFoundError."""
        return self._runner.kept_bytes(self._queue.get(identifier))

    def add(self, download: Download) -> Download:
        """Put a download into the queue; one that was begun before goes on where it stopped.

        Raises:
            DiskFullError, EnvironmentFault: the queue cannot be written.
        """
        known = next((d for d in self._queue.all() if d.id == download.id), None)
        if known is not None and known.state is not DownloadState.DONE:
            download = replace(known, state=DownloadState.QUEUED, problem="")
        self._queue.put(download)
        self._notify()
        return download

    def pause(self, identifier: str) -> None:
        """Stop it; what came is kept. Raises: NotFoundError."""
        with self._lock:
            stop = self._running.get(identifier)
        if stop is not None:
            stop.set()
            return
        download = self._queue.get(identifier)
        if download.state in _UNFINISHED:
            self._queue.put(replace(download, state=DownloadState.PAUSED, problem=""))

    def resume(self, identifier: str) -> None:
        """Put a paused or failed one into the queue again, and try one that waits now.

        Raises:
            NotFoundError.
        """
        download = self._queue.get(identifier)
        waits = download.state is DownloadState.QUEUED and download.problem
        if waits or download.state in (DownloadState.PAUSED, DownloadState.FAILED):
            with self._lock:
                self._not_before.pop(identifier, None)
            self._queue.put(replace(download, state=DownloadState.QUEUED, problem=""))
            self._notify()

    def cancel(self, identifier: str) -> None:
        """Stop it and delete what came; of a finished one only the record. Raises: NotFoundError.

        Returns when it is gone, at most some 0.3 s later.
        """
        with self._lock:
            stop = self._running.get(identifier)
            if stop is not None:
                stop.set()
                self._wake.wait_for(lambda: identifier not in self._running, 5.0)
        download = self._queue.get(identifier)
        with self._queue.held(identifier) as free:
            if not free:
                raise UserError("Another Snug is busy with this download; stop it there.")
            self._queue.remove(identifier)
            shared = {file.sha256 for other in self._queue.all() for file in other.files}
            for file in download.files:
                if file.sha256 not in shared and download.state is not DownloadState.DONE:
                    self._runner.discard(file)

    def limit_speed(self, bytes_per_second: int) -> None:
        """The most that all downloads take; 0 for no limit. Counts at once."""
        self._speed.set(bytes_per_second)

    def wake(self) -> None:
        """Look at the queue now: the offline switch was turned off, or the network is back."""
        with self._lock:
            self._not_before.clear()
        self._notify()

    def run(self, identifier: str, sink: Sink, stop: threading.Event | None = None) -> ModelFile:
        """Download on the calling thread until it is in the library.

        Args:
            stop: pauses it when set.

        Raises:
            StoppedError: it was paused; what came is kept.
            SnugError: it cannot go on; the text says why. It can be resumed.
        """
        return self._run_held(identifier, sink, stop or threading.Event(), by_itself=False)

    def _run_held(
        self, identifier: str, sink: Sink, stop: threading.Event, by_itself: bool
    ) -> ModelFile:
        busy = UserError("Another Snug is downloading this already; wait until it is done.")
        with self._lock:
            if identifier in self._running:
                raise busy
            self._running[identifier] = stop
        try:
            with contextlib.ExitStack() as held:
                # Several models may share a projector: two writers would spoil each other's file.
                files = (file.sha256 for file in self._queue.get(identifier).files)
                for name in dict.fromkeys((identifier, *files)):
                    if not held.enter_context(self._queue.held(name)):
                        raise busy
                return self._run(self._queue.get(identifier), sink, stop, by_itself)
        finally:
            with self._lock:
                del self._running[identifier]
                self._wake.notify_all()

    def start(self, sink: Sink) -> None:
        """Work off the queue on a thread of its own, now and whenever something is added.

        Args:
            sink: called on that thread; must not raise.
        """
        with self._lock:
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(
                    target=self._work, args=(sink,), name="hub-downloads", daemon=True
                )
                self._thread.start()

    def close(self, timeout_s: float = 5.0) -> None:
        """Stop everything; what runs goes on at the next start."""
        with self._lock:
            self._closing = True
            for stop in self._running.values():
                stop.set()
            self._wake.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout_s)

    def _run(
        self, download: Download, sink: Sink, stop: threading.Event, by_itself: bool
    ) -> ModelFile:
        download = replace(download, state=DownloadState.RUNNING, problem="", needs_access=False)
        self._queue.put(download)
        try:
            model = self._runner.run(download, stop, self._watching(download.id, stop, sink))
        except StoppedError:
            # Closing is no wish to pause: it goes on at the next start.
            state = DownloadState.QUEUED if self._closing else DownloadState.PAUSED
            self._end(replace(download, state=state), sink)
            raise
        except SnugError as error:
            state = _state_after(error, by_itself)
            closed = isinstance(error, AccessError)
            ended = replace(download, state=state, problem=error.message, needs_access=closed)
            self._end(ended, sink)
            raise
        except KeyboardInterrupt:
            self._end(replace(download, state=DownloadState.PAUSED), sink)
            raise
        self._queue.put(replace(download, state=DownloadState.DONE, finished_ms=now_ms()))
        sink(DownloadDone(download.id, model))
        return model

    def _watching(self, identifier: str, stop: threading.Event, sink: Sink) -> Sink:
        """The same sink, which also sees that another process paused this download."""

        def watched(event: DownloadEvent) -> None:
            with contextlib.suppress(NotFoundError):
                if self._queue.get(identifier).state is DownloadState.PAUSED:
                    stop.set()
            sink(event)

        return watched

    def _end(self, download: Download, sink: Sink) -> None:
        try:
            self._queue.put(download)
        except EnvironmentFault:
            pass  # A full disk: it stands there as running, and so goes on at the next start.
        sink(DownloadStopped(download.id, download.state, download.problem))

    def _work(self, sink: Sink) -> None:
        busy_elsewhere: set[str] = set()
        while not self._closing:
            seen = self._changes
            waiting = [d for d in self._queue.all() if d.state in _UNFINISHED]
            todo = [d for d in waiting if d.id not in busy_elsewhere and self._is_due(d.id)]
            if not todo or self._gateway.offline:
                self._wait_for_change(seen, self._next_look_s())
                busy_elsewhere.clear()
                continue
            try:
                self._run_held(todo[0].id, sink, threading.Event(), by_itself=True)
            except OfflineError:
                continue  # told through the sink; the switch is looked at anew
            except NetworkFault:
                # Told through the sink; meanwhile the others' turn comes.
                with self._lock:
                    self._not_before[todo[0].id] = time.monotonic() + self._again_s
            except SnugError:
                # Told through the sink. Where another process has it, the next one's turn comes.
                busy_elsewhere.add(todo[0].id)

    def _is_due(self, identifier: str) -> bool:
        with self._lock:
            return self._not_before.get(identifier, 0.0) <= time.monotonic()

    def _next_look_s(self) -> float:
        with self._lock:
            soonest = min(self._not_before.values(), default=time.monotonic() + _LOOK_AGAIN_S)
        return min(_LOOK_AGAIN_S, max(0.01, soonest - time.monotonic()))

    def _wait_for_change(self, seen: int, timeout_s: float) -> None:
        with self._lock:
            self._wake.wait_for(lambda: self._closing or self._changes != seen, timeout_s)

    def _notify(self) -> None:
        with self._lock:
            self._changes += 1
            self._wake.notify_all()


def _state_after(error: SnugError, by_itself: bool) -> DownloadState:
    """Where a download stands that could not go on.

    What will pass by itself stays in the queue where the queue works by itself; from the terminal
    it waits for the person, so that a window does not go on behind their back.
    """
    if isinstance(error, NetworkFault | OfflineError):
        return DownloadState.QUEUED if by_itself else DownloadState.PAUSED
    return DownloadState.PAUSED if isinstance(error, DiskFullError) else DownloadState.FAILED
