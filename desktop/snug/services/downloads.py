"""Downloads as a front end uses them: chosen, listed, paused, resumed, listened to.

The queue itself lives in the hub's room; this joins it with the network's settings and with the
library, to tell when a file that is here was replaced upstream.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from snug.domain.conversation import now_ms
from snug.domain.download import (
    Download,
    DownloadDone,
    DownloadEvent,
    DownloadListed,
    DownloadProgress,
    DownloadState,
    DownloadStopped,
    DownloadWaiting,
    UpstreamChange,
)
from snug.domain.errors import NotFoundError, SnugError, UserError
from snug.domain.hub import Repository, Variant
from snug.domain.model import ModelFile
from snug.services.hub import HubService
from snug.services.ledger import Settings
from snug.services.listeners import Listeners
from snug.services.network import Network

if TYPE_CHECKING:
    from snug.hub.download import Downloads

_CLEARED: Final = "downloads.cleared_ms"
AFTER_THE_WINDOW_S: Final = 2.0  # the first paint and the model come first
_HUB: Final = "https://huggingface.co"
Listener = Callable[[DownloadEvent], None]


class DownloadService:
    """The queue for a front end. Any thread; `choose`, `cancel` and `replaced` may wait.

    Attributes:
        network: what the downloads go by: the offline switch, the speed limit, the token.
    """

    def __init__(
        self,
        hub: HubService,
        network: Network,
        store: Settings,
        models: Callable[[], tuple[ModelFile, ...]],
    ) -> None:
        """Prepare; nothing runs before `start` or `choose`.

        Args:
            models: what is in the library.
        """
        self._hub = hub
        self.network = self._network = network
        self._store = store
        self._models = models
        self._lock = threading.Lock()
        self._listeners = Listeners[[DownloadEvent]]()
        self._progress: dict[str, DownloadProgress] = {}
        self._waiting: dict[str, DownloadWaiting] = {}
        self._starting: threading.Thread | None = None
        self._hurry = threading.Event()
        self._closed = False
        self._end_listening = network.listen(self._on_network_changed)

    # -- the queue ----------------------------------------------------------------------------

    def all(self) -> tuple[Download, ...]:
        """Every download, also finished ones (the record of where models came from)."""
        return self._downloads.all()

    def listed(self) -> tuple[Download, ...]:
        """What a person wants to see: unfinished ones, and what was finished since the clearing."""
        kept = self._store.setting(_CLEARED) or "0"
        cleared = int(kept) if kept.isascii() and kept.isdigit() else 0
        return tuple(
            d for d in self.all() if d.state is not DownloadState.DONE or d.finished_ms > cleared
        )

    def get(self, identifier: str) -> Download:
        """One download, also by the beginning of its id. Raises: NotFoundError."""
        found = [d for d in self.all() if identifier and d.id.startswith(identifier)]
        if len(found) != 1:
            raise NotFoundError(
                "There is no such download. List them with: snug models downloads list"
            )
        return found[0]

    def choose(self, repository: Repository, variant: Variant) -> Download:
        """Put a quantization into the queue, which begins to work by itself.

        Raises:
            UserError: the Hub tells no checksum of it.
            DiskFullError, EnvironmentFault: the queue cannot be written.
        """
        from snug.hub.plan import plan_download  # late: the room costs 40 ms to import

        download = self._downloads.add(plan_download(repository, variant))
        self.start(0)
        self._tell(DownloadListed(download.id))
        return download

    def pause(self, identifier: str) -> None:
        """Stop it; what came is kept. Raises: NotFoundError."""
        self._downloads.pause(identifier)
        self._tell(DownloadListed(identifier))

    def resume(self, identifier: str) -> None:
        """Go on with it where it stopped, in this process. Raises: NotFoundError."""
        self.requeue(identifier)
        self.start(0)

    def requeue(self, identifier: str) -> None:
        """Put it into the queue again, for whichever Snug works it off. Raises: NotFoundError."""
        self._downloads.resume(identifier)
        self._tell(DownloadListed(identifier))

    def cancel(self, identifier: str) -> None:
        """Stop it and delete what came. Waits some 0.3 s for a running one.

        Raises:
            NotFoundError: it is gone already.
            UserError: another Snug is busy with it.
        """
        self._downloads.cancel(identifier)
        self._forget(identifier)
        self._tell(DownloadListed(identifier))

    def clear_finished(self) -> None:
        """Take the finished ones out of `listed`; their records stay. Raises: EnvironmentFault."""
        self._store.set_setting(_CLEARED, str(now_ms()))

    # -- how far they are ---------------------------------------------------------------------

    def progress(self, identifier: str) -> DownloadProgress | None:
        """The newest word of a running download; None where it does not run here."""
        with self._lock:
            return self._progress.get(identifier)

    def waiting(self, identifier: str) -> DownloadWaiting | None:
        """Why a running download waits for its next attempt; None while bytes come."""
        with self._lock:
            return self._waiting.get(identifier)

    def done_bytes(self, identifier: str) -> int:
        """How much of a download is on this disk. Raises: NotFoundError."""
        return self._downloads.kept_bytes(identifier)

    def page_of(self, download: Download) -> str:
        """Address of the repository's page, where conditions are accepted."""
        return f"{self._network.endpoint or _HUB}/{download.repository}"

    def listen(self, callback: Listener) -> Callable[[], None]:
        """Call back with every event. Returns: ends it.

        Args:
            callback: called on the downloads' thread, or on that of whoever changes the queue;
                must return soon and not raise.
        """
        return self._listeners.add(callback)

    # -- running ------------------------------------------------------------------------------

    def start(self, delay_s: float = AFTER_THE_WINDOW_S) -> None:
        """Work off the queue from now on, on a thread of its own. Returns at once.

        Args:
            delay_s: leave the processor to others for so long, as while a window opens; 0 begins
                now, and ends the delay of an earlier call.
        """
        if not delay_s:
            self._hurry.set()
        with self._lock:
            if self._starting is None and not self._closed:
                self._starting = threading.Thread(
                    target=self._begin, args=(delay_s,), name="snug-downloads-start", daemon=True
                )
                self._starting.start()

    def close(self, timeout_s: float = 5.0) -> None:
        """Stop; what runs goes on at the next start."""
        self._end_listening()
        with self._lock:
            self._closed = True
            starting = self._starting
        self._listeners.clear()
        self._hurry.set()
        if starting is not None:
            starting.join(timeout_s)
        self._hub.close()

    @property
    def speed_limit(self) -> int:
        """The most bytes a second that downloads take; 0 for no limit."""
        return self._network.speed_limit

    def set_speed_limit(self, bytes_per_second: int) -> None:
        """Limit all downloads at once, and from now on. Raises: EnvironmentFault."""
        self._network.set_speed_limit(bytes_per_second)

    # -- replaced upstream --------------------------------------------------------------------

    def replaced(
        self, model: ModelFile, stop: threading.Event | None = None
    ) -> UpstreamChange | None:
        """Ask the Hub whether it holds another file now than the one that is here: one question.

        Raises:
            NotFoundError: it is not known where the model came from.
            SnugError: the Hub cannot be asked.
        """
        record = self._record_of(model)
        source = record.repository if record else model.source
        if "/" not in source:
            raise NotFoundError(
                f"Snug did not get {model.name} from the Hub, so there is nothing to compare."
            )
        return self._compared(model, record, self._hub.show(source, stop))

    def replaced_since(
        self, download: Download, stop: threading.Event | None = None
    ) -> UpstreamChange | None:
        """As `replaced`, for the model that this download brought.

        Raises:
            NotFoundError: it is in the library no longer.
        """
        for model in self._models():
            record = self._record_of(model)
            if record is not None and record.id == download.id:
                return self.replaced(model, stop)
        raise NotFoundError(f"{download.title} is not in your library any more.")

    def replaced_in(self, repository: Repository) -> tuple[UpstreamChange, ...]:
        """What of the library this repository, just looked at, holds otherwise now. No question."""
        found = (
            self._compared(model, self._record_of(model), repository) for model in self._models()
        )
        return tuple(change for change in found if change is not None)

    def all_replaced(self, told: Callable[[str], None]) -> tuple[UpstreamChange, ...]:
        """Ask for every model that came from the Hub, one question for each repository.

        Args:
            told: a sentence for each repository that could not be asked.

        Raises:
            OfflineError: as every question.
        """
        records = [(model, self._record_of(model)) for model in self._models()]
        sources = {(r.repository if r else m.source) for m, r in records}
        found: list[UpstreamChange] = []
        for source in sorted(s for s in sources if "/" in s):
            try:
                found += self.replaced_in(self._hub.show(source))
            except UserError as error:
                told(f"{source}: {error.message}")
                if self._network.offline:
                    raise
        return tuple(found)

    def _record_of(self, model: ModelFile) -> Download | None:
        name = Path(model.path).name
        for download in reversed(self.all()):
            if download.state is DownloadState.DONE and (
                download.id == model.sha256 or download.files[0].stored_as == name
            ):
                return download
        return None

    def _compared(
        self, model: ModelFile, record: Download | None, repository: Repository
    ) -> UpstreamChange | None:
        source = record.repository if record else model.source
        if source.casefold() != repository.id.casefold() or not repository.commit:
            return None
        quantization = record.quantization if record else model.quantization
        ours = record.weights if record else (model.sha256,)
        offered = [
            variant
            for variant in repository.variants
            if variant.quantization.casefold() == quantization.casefold()
        ]
        theirs = [tuple(file.sha256 for file in variant.files) for variant in offered]
        if ours in theirs:
            return None
        return UpstreamChange(
            repository=repository.id,
            quantization=quantization,
            got_ms=record.finished_ms if record else 0,
            changed_ms=repository.modified_ms,
            old_bytes=model.size_bytes,
            new_bytes=offered[0].size_bytes if offered else 0,
        )

    # -- events -------------------------------------------------------------------------------

    @property
    def _downloads(self) -> Downloads:
        return self._hub.access.downloads

    def _begin(self, delay_s: float) -> None:
        self._hurry.wait(delay_s)
        if self._closed:
            return
        # What keeps the room from opening (an address that is none) is told where it is used.
        with contextlib.suppress(SnugError):
            self._downloads.start(self._on_event)

    def _on_event(self, event: DownloadEvent) -> None:
        with self._lock:
            if isinstance(event, DownloadProgress):
                self._progress[event.id] = event
                self._waiting.pop(event.id, None)
            elif isinstance(event, DownloadWaiting):
                self._waiting[event.id] = event
        if isinstance(event, DownloadStopped | DownloadDone):
            self._forget(event.id)
        self._tell(event)

    def _forget(self, identifier: str) -> None:
        with self._lock:
            self._progress.pop(identifier, None)
            self._waiting.pop(identifier, None)

    def _tell(self, event: DownloadEvent) -> None:
        self._listeners.tell(event)

    def _on_network_changed(self) -> None:
        """Another limit, mirror or token, or offline no longer: it counts for what runs."""
        access = self._hub.opened
        if access is None:
            return
        access.downloads.limit_speed(self._network.speed_limit)
        with contextlib.suppress(SnugError):
            access.use_endpoint(self._network.endpoint)
        if not self._network.offline:
            access.downloads.wake()
