"""Finding and getting models: the Hub, the library, the ledger and the kept looks together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from snug.domain.conversation import now_ms
from snug.domain.download import Delivery, Download, DownloadEvent, DownloadState
from snug.domain.errors import NotFoundError
from snug.domain.hub import Query, Reference, Repository, parse_reference
from snug.domain.ledger import LedgerEntry
from snug.domain.model import Device, DeviceKind, ModelFile
from snug.services.ledger import Settings, VaultLedger
from snug.services.looks import Look, Looks, TrendRow

if TYPE_CHECKING:  # The room costs 40 ms to import, and most commands do not need it.
    from snug.hub.access import HubAccess

EventSink = Callable[[DownloadEvent], None]


class ModelIntake(Protocol):
    """What the library does for downloads. Any thread."""

    def models(self) -> tuple[ModelFile, ...]:
        """All known models."""

    def import_file(self, path: Path, *, source: str, sha256: str) -> ModelFile:
        """Add a file where it lies; `sha256` "" computes it. Raises: ModelFileError."""


class HubService:
    """Everything a front end does with the Hub. Any thread; calls block, so not the window's.

    Attributes:
        chosen: called with what the person chose to download, before anything of it is fetched.
    """

    def __init__(
        self,
        store: Settings,
        library: ModelIntake,
        connect: Callable[[VaultLedger, Callable[[Delivery], ModelFile]], HubAccess],
        devices: Callable[[], tuple[Device, ...]],
        offline: Callable[[], bool],
    ) -> None:
        """Prepare; neither the room nor a connection is opened.

        Args:
            connect: builds the room at its first use, from the ledger and what takes in files.
            devices: what can compute here, for judging what fits.
        """
        self._library = library
        self._ledger = VaultLedger(store)
        self._looks = Looks(store)
        self._connect = connect
        self._devices = devices
        self._offline = offline
        self._lock = threading.Lock()
        self._access: HubAccess | None = None
        self.chosen: Callable[[Repository], None] = lambda _repository: None

    @property
    def access(self) -> HubAccess:
        """The room: its downloads can be paused, resumed and listed."""
        with self._lock:
            if self._access is None:
                self._access = self._connect(self._ledger, self._admit)
            return self._access

    def trending(self, query: Query, stop: threading.Event | None = None) -> Look:
        """What is trending now; when offline, what was at the last look.

        Raises:
            NotFoundError: offline, and there was no look yet.
            SnugError: the Hub cannot be asked.
        """
        if self._offline():
            last = self._looks.last()
            if last is None:
                raise NotFoundError(
                    "Snug is offline and has not looked at the Hub yet, so there is nothing to "
                    "show. Look once while online."
                )
            return replace(last, repositories=tuple(_filtered(last.repositories, query)))
        look = Look(now_ms(), self.access.catalogue.list(query, stop))
        if look.repositories and query == Query(limit=query.limit):
            self._looks.keep(look)
        return look

    def search(self, query: Query, stop: threading.Event | None = None) -> Look:
        """Repositories whose name holds the text. Raises: SnugError."""
        return Look(now_ms(), self.access.catalogue.list(query, stop))

    def show(self, reference: str, stop: threading.Event | None = None) -> Repository:
        """One repository with its files. Raises: UserError, NotFoundError, SnugError."""
        return self.access.catalogue.repository(parse_reference(reference).repository, stop)

    def history(self) -> dict[str, tuple[TrendRow, ...]]:
        """What was trending, by day, oldest first."""
        return self._looks.history()

    def choose(self, reference: str, stop: threading.Event | None = None) -> Download:
        """Look `owner/repo:QUANT` up and put it into the queue.

        Raises:
            NotFoundError: there is no such quantization; the text lists what there is.
            UserError, SnugError.
        """
        return self.access.downloads.add(self._plan(parse_reference(reference), stop))

    def get(
        self, reference: str, sink: EventSink, stop: threading.Event | None = None
    ) -> ModelFile:
        """Download a model on the calling thread, or find it in the library.

        Args:
            sink: progress, on the calling thread.
            stop: pauses it when set.

        Raises:
            as `choose`; StoppedError where it was paused.
        """
        wanted = parse_reference(reference)
        known = self._known(wanted)
        if known is not None:
            return known
        plan = self._plan(wanted, stop)
        for model in self._library.models():
            if model.sha256 == plan.id and len(plan.files) == 1:
                return model  # The same content is here under another name.
        download = self.access.downloads.add(plan)
        return self.access.downloads.run(download.id, sink, stop)

    def available_bytes(self) -> int | None:
        """Memory that is free for a model now; None where it is not known."""
        return available_bytes(self._devices())

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Every request that is remembered, oldest first."""
        return self._ledger.entries()

    def close(self) -> None:
        """Stop downloads; they go on at the next start."""
        with self._lock:
            access = self._access
        if access is not None:
            access.downloads.close()

    def _plan(self, wanted: Reference, stop: threading.Event | None) -> Download:
        from snug.hub.plan import plan_download  # late, as above

        repository = self.access.catalogue.repository(wanted.repository, stop)
        plan = plan_download(repository, repository.variant(wanted.quantization))
        self.chosen(repository)
        return plan

    def _admit(self, delivery: Delivery) -> ModelFile:
        """Take verified files into the library. A split model is hashed there as a whole."""
        download = delivery.download
        alone = len(delivery.paths) == 1
        model = self._library.import_file(
            Path(delivery.paths[0]),
            source=download.repository,
            sha256=download.files[0].sha256 if alone else "",
        )
        return model if model.licence else replace(model, licence=download.licence)

    def _known(self, wanted: Reference) -> ModelFile | None:
        """The model in the library that came from there; no connection is needed to find it."""
        models = {model.sha256: model for model in self._library.models()}
        for download in self.access.downloads.all():
            same = download.repository.casefold() == wanted.repository.casefold()
            if (
                same
                and wanted.quantization
                and download.state is DownloadState.DONE
                and download.quantization.casefold() == wanted.quantization.casefold()
                and download.files[0].sha256 in models
            ):
                return models[download.files[0].sha256]
        for model in models.values():
            same = model.source.casefold() == wanted.repository.casefold()
            if same and model.quantization.casefold() == wanted.quantization.casefold():
                return model
        return None


def available_bytes(devices: Iterable[Device]) -> int | None:
    """Memory that a model may use: main memory and that of real GPUs; None where nothing is."""
    found = [d.free_bytes for d in devices if d.kind in (DeviceKind.CPU, DeviceKind.GPU)]
    return sum(found) or None


def _filtered(repositories: Iterable[Repository], query: Query) -> list[Repository]:
    """What of a kept look fits a query."""
    found = []
    for one in repositories:
        if query.category not in (None, one.category):
            continue
        if query.licence_class not in (None, one.licence.licence_class):
            continue
        if query.max_size_bytes:
            variants = tuple(v for v in one.variants if v.size_bytes <= query.max_size_bytes)
            if not variants:
                continue
            one = replace(one, variants=variants)
        found.append(one)
    return found[: query.limit]
