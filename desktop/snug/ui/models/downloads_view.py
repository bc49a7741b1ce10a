"""The downloads: what is on its way, what went wrong, what came."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from snug.domain.download import (
    Download,
    DownloadDone,
    DownloadEvent,
    DownloadProgress,
    DownloadState,
    DownloadWaiting,
    UpstreamChange,
)
from snug.domain.errors import SnugError
from snug.services.downloads import DownloadService
from snug.ui.bridge import Bridge
from snug.ui.chats.undo_bar import UndoBar
from snug.ui.look.banner import Banner, Level
from snug.ui.look.parts import flat, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import REFRESH_MS, SIZES
from snug.ui.models.download_row import DownloadRow
from snug.ui.models.download_words import Standing
from snug.ui.tasks import Tasks

_LOOK_MS = 500  # how often is seen whether a download fell silent
_SILENT_S = 1.0
_ACTIVE = (DownloadState.QUEUED, DownloadState.RUNNING)


class DownloadsView(QWidget):
    """Rows that change in place. Call `commit_removals` before the services end.

    Attributes:
        finished: a model is in the library now; a ModelFile.
        find_requested: the person wants to look for a model.
    """

    finished = Signal(object)
    find_requested = Signal()

    def __init__(
        self,
        downloads: DownloadService,
        theme: Theme,
        open_url: Callable[[QUrl], bool] = QDesktopServices.openUrl,
        *,
        hides_when_empty: bool = False,
    ) -> None:
        """Build it; `refresh` fills it.

        Args:
            hides_when_empty: where it is one part of a page, which then does without it.
        """
        super().__init__()
        self._hides_when_empty = hides_when_empty
        self.setObjectName("downloadsView")
        self.setAccessibleName(self.tr("Downloads"))
        self._downloads = downloads
        self._theme = theme
        self._open_url = open_url
        self._rows: dict[str, DownloadRow] = {}
        self._standings: dict[str, Standing] = {}
        self._hidden: set[str] = set()
        self._bridge = Bridge(self)
        self._tasks = Tasks(self._bridge, self)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(REFRESH_MS)
        self._soon.timeout.connect(self.refresh)
        self._heard_at: dict[str, float] = {}
        self._upstream: dict[str, str] = {}
        self._quiet = QTimer(self)
        self._quiet.setInterval(_LOOK_MS)
        self._quiet.timeout.connect(self._on_quiet_due)
        self._lay_out()
        self._end_listening = downloads.listen(self._bridge.sink(self._on_event, self))
        self._end_network = downloads.network.listen(
            partial(self._bridge.sink(self._on_network_changed, self), None)
        )
        self.destroyed.connect(self._end_listening)
        self.destroyed.connect(self._end_network)

    def _lay_out(self) -> None:
        self.problem = Banner(self._theme, "downloadProblem")
        self._list = flat(QVBoxLayout(), spacing=SIZES.gap_3)
        self._empty = self._make_empty()
        self._clear = push_button(
            "clearDownloads", self.tr("Clear what is done"), "link", self._on_clear_pressed
        )
        foot = flat(QHBoxLayout())
        foot.addStretch(1)
        foot.addWidget(self._clear)
        self._undo = UndoBar("downloadUndo")
        column = flat(QVBoxLayout(self), spacing=SIZES.gap_3)
        column.addWidget(self.problem)
        column.addLayout(self._list)
        column.addWidget(self._empty)
        column.addLayout(foot)
        column.addStretch(1)
        column.addWidget(self._undo)

    def _make_empty(self) -> QWidget:
        made = QWidget()
        made.setObjectName("noDownloads")
        column = flat(QVBoxLayout(made), spacing=SIZES.gap_3)
        column.addWidget(
            label(
                self.tr(
                    "Nothing is on its way. What you download is checked byte by byte and goes on "
                    "where it stopped, also after a restart."
                ),
                "body",
                "soft",
                wrap=True,
            )
        )
        find = push_button(
            "findModelButton", self.tr("Find a model"), "primary", self.find_requested.emit
        )
        row = flat(QHBoxLayout())
        row.addWidget(find)
        row.addStretch(1)
        column.addLayout(row)
        return made

    # -- showing ------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read the queue anew."""
        try:
            found = [d for d in self._downloads.listed() if d.id not in self._hidden]
            standings = [self._standing_of(download) for download in found]
        except SnugError as error:
            self.problem.tell(error.message, Level.DANGER)
            return
        active = [s for s in standings if s.download.state is not DownloadState.DONE]
        done = [s for s in standings if s.download.state is DownloadState.DONE]
        ordered = [*active, *sorted(done, key=lambda s: -s.download.finished_ms)]
        self._standings = {s.download.id: s for s in ordered}
        for gone in self._rows.keys() - self._standings.keys():
            row = self._rows.pop(gone)
            self._list.removeWidget(row)
            row.deleteLater()
        for place, standing in enumerate(ordered):
            self._show(standing, place)
        self._quiet.start()
        self._empty.setVisible(not ordered)
        self._clear.setVisible(bool(done))
        if self._hides_when_empty:
            self.setVisible(bool(ordered) or bool(self._hidden))

    def commit_removals(self) -> None:
        """Carry out what could still be undone; call when the window closes."""
        self._undo.commit()
        self._tasks.close()

    def _standing_of(self, download: Download) -> Standing:
        identifier = download.id
        done = download.state is DownloadState.DONE
        progress = self._downloads.progress(identifier)
        kept = download.total_bytes if done else self._downloads.done_bytes(identifier)
        return Standing(
            download,
            progress.done_bytes if progress is not None else kept,
            progress,
            self._downloads.waiting(identifier),
            self._downloads.network.offline,
            self._downloads.page_of(download) if download.needs_access and not done else "",
            self._upstream.get(identifier, ""),
        )

    def _show(self, standing: Standing, place: int) -> None:
        row = self._rows.get(standing.download.id)
        if row is None:
            row = DownloadRow(standing, self._theme)
            row.toggled.connect(self._on_row_toggled)
            row.cancelled.connect(self.cancel)
            row.check_requested.connect(self._on_check_requested)
            row.page_requested.connect(self._on_page_requested)
            row.token_given.connect(self._on_token_given)
            self._rows[standing.download.id] = row
        row.show_standing(standing)
        if self._list.indexOf(row) != place:
            self._list.insertWidget(place, row)

    def _on_event(self, event: DownloadEvent) -> None:
        standing = self._standings.get(event.id)
        if isinstance(event, DownloadProgress) and standing is not None and standing.is_running:
            self._standings[event.id] = moved = Standing(
                standing.download, event.done_bytes, event, None, standing.offline
            )
            self._rows[event.id].show_standing(moved)
            self._heard_at[event.id] = time.monotonic()
            return
        if isinstance(event, DownloadProgress | DownloadWaiting) and event.id in self._hidden:
            return
        if isinstance(event, DownloadDone):
            self.finished.emit(event.model)
        if not self._soon.isActive():
            self._soon.start()

    def _on_quiet_due(self) -> None:
        """Where nothing came for a while the last speed is true no longer."""
        if not any(standing.is_running for standing in self._standings.values()):
            self._quiet.stop()
        for identifier, standing in self._standings.items():
            silent = time.monotonic() - self._heard_at.get(identifier, 0.0) > _SILENT_S
            if standing.is_running and standing.progress is not None and silent:
                with contextlib.suppress(SnugError):
                    done = self._downloads.done_bytes(identifier)
                    still = replace(standing, done_bytes=done, progress=None)
                    self._standings[identifier] = still
                    self._rows[identifier].show_standing(still)

    def _on_network_changed(self, _: None) -> None:
        if not self._soon.isActive():
            self._soon.start()

    # -- doing --------------------------------------------------------------------------------

    def _on_row_toggled(self, identifier: str) -> None:
        standing = self._standings.get(identifier)
        if standing is None:
            return
        waits = standing.download.state is DownloadState.QUEUED and not standing.download.problem
        pauses = standing.is_running or waits
        change = self._downloads.pause if pauses else self._downloads.resume
        self._run(partial(change, identifier))

    def cancel(self, identifier: str) -> None:
        """Take a download out of view and pause it; for eight seconds it can be brought back."""
        standing = self._standings.get(identifier)
        if standing is None:
            return
        download = standing.download
        went_on = download.state in _ACTIVE
        self._undo.offer(
            self.tr("Cancelled {}").format(download.title),
            lambda: self._cancel_now(identifier),
            lambda: self._restore(identifier, went_on),
        )
        self._hidden.add(identifier)
        if went_on:
            self._run(partial(self._downloads.pause, identifier))
        self.refresh()

    def _cancel_now(self, identifier: str) -> None:
        self._run(
            partial(self._downloads.cancel, identifier), partial(self._shown_again, identifier)
        )

    def _restore(self, identifier: str, went_on: bool) -> None:
        self._hidden.discard(identifier)
        if went_on:
            self._run(partial(self._downloads.resume, identifier))
        self.refresh()

    def _shown_again(self, identifier: str) -> None:
        """It is gone; were the same model chosen again, it is to be seen."""
        self._hidden.discard(identifier)

    def _on_check_requested(self, identifier: str) -> None:
        """Ask the Hub; its answer stands in the row until the window closes."""
        download = self._standings[identifier].download

        def tell(change: UpstreamChange | None) -> None:
            same = self.tr("The Hub still offers this very file.")
            self._upstream[identifier] = change.words if change is not None else same
            self.refresh()

        self._tasks.run(
            self, lambda: self._downloads.replaced_since(download), tell, self._on_failed
        )

    def _on_page_requested(self, page: str) -> None:
        if not self._open_url(QUrl(page)):
            self.problem.tell(self.tr("No program opened {}").format(page), Level.WARN)

    def _on_token_given(self, identifier: str, token: str) -> None:
        def keep() -> None:
            if token:
                self._downloads.network.set_token(token)
            self._downloads.resume(identifier)

        self._run(keep)

    def _on_clear_pressed(self) -> None:
        self._run(self._downloads.clear_finished)

    def _run(self, work: Callable[[], None], then: Callable[[], None] | None = None) -> None:
        """Change the queue on another thread: it writes to the disk, or waits for a download."""

        def done(_: None) -> None:
            if then is not None:
                then()
            self.refresh()

        self._tasks.run(self, work, done, self._on_failed)

    def _on_failed(self, message: str) -> None:
        self._hidden.clear()
        self.problem.tell(message, Level.DANGER)
        self.refresh()
