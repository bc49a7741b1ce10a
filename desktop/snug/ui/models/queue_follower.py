"""What the download buttons of a repository say: followed from the queue."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from snug.domain.download import (
    Download,
    DownloadDone,
    DownloadEvent,
    DownloadProgress,
    DownloadState,
    DownloadStopped,
    DownloadWaiting,
)
from snug.domain.hub import Repository, Variant
from snug.services.finding import Downloads
from snug.ui.models.offer_row import Getting
from snug.ui.tasks import Tasks


class QueueFollower(QObject):
    """Knows of each quantization of one repository how its download stands.

    Attributes:
        changed: the download of this quantization stands otherwise.
    """

    changed = Signal(str)

    def __init__(self, downloads: Downloads, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._downloads = downloads
        self._known: dict[str, Download] = {}
        self._words: dict[str, str] = {}
        self._end: Callable[[], None] | None = downloads.listen(tasks.sink(self._on_event, self))

    def leave(self) -> None:
        """Follow no more."""
        if self._end is not None:
            self._end()
            self._end = None

    def follow(self, repository: Repository) -> None:
        """Read how the downloads of a repository stand now. Raises: SnugError."""
        self._words = {}
        self._known = {
            one.id: one
            for one in self._downloads.all()
            if one.repository.casefold() == repository.id.casefold()
        }

    def add(self, download: Download) -> None:
        """One was just chosen."""
        self._known[download.id] = download
        self._tell(download)

    def getting(self, variant: Variant, otherwise: Getting) -> Getting:
        """What the button of a quantization is for; `otherwise` where nothing was begun."""
        download = self._of(variant)
        if download is None:
            return otherwise
        words = self._words.get(download.id) or self._state_words(download.state)
        failed = download.state is DownloadState.FAILED and download.id not in self._words
        return otherwise if failed else Getting(words, False, self.tr("See On this computer."))

    def _of(self, variant: Variant) -> Download | None:
        shas = {file.sha256 for file in variant.files if file.sha256}
        for download in self._known.values():
            same = download.quantization.casefold() == variant.quantization.casefold()
            if download.id in shas or (same and variant.quantization):
                return download
        return None

    def _on_event(self, event: DownloadEvent) -> None:
        download = self._known.get(event.id)
        if download is None:
            return
        match event:
            case DownloadProgress(done_bytes=done, total_bytes=total):
                percent = round(100 * done / total) if total else 0
                self._words[event.id] = self.tr("Downloading · {} %").format(percent)
            case DownloadWaiting():
                self._words[event.id] = self.tr("Trying again soon")
            case DownloadStopped(state=state):
                self._words[event.id] = self._state_words(state)
            case DownloadDone():
                self._words[event.id] = self._state_words(DownloadState.DONE)
        self._tell(download)

    def _tell(self, download: Download) -> None:
        self.changed.emit(download.quantization)

    def _state_words(self, state: DownloadState) -> str:
        return {
            DownloadState.QUEUED: self.tr("In the queue"),
            DownloadState.RUNNING: self.tr("Downloading…"),
            DownloadState.PAUSED: self.tr("Paused"),
            DownloadState.FAILED: self.tr("Stopped"),
            DownloadState.DONE: self.tr("On this computer"),
        }[state]
