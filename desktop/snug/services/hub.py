"""Finding and getting models: the Hub, the library, the ledger and the kept looks together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from snug.domain.conversation import now_ms
from snug.domain.download import Delivery, Download, DownloadEvent, DownloadState
from snug.domain.errors import NotFoundError, SnugError
from snug.domain.footprint import Shape
from snug.domain.hub import Fit, Query, Reference, Repository, Variant, parse_reference
from snug.domain.ledger import LedgerEntry
from snug.domain.model import Device, DeviceKind, ModelFile
from snug.domain.offer import Offer
from snug.services.judging import Judge, same_model
from snug.services.ledger import Settings, VaultLedger
from snug.services.looks import Look, Looks, NoLooks

if TYPE_CHECKING:  # The room costs 40 ms to import, and most commands do not need it.
    from snug.hub.access import HubAccess

EventSink = Callable[[DownloadEvent], None]
# Sizes of a model from the first bytes of its file; None asks for more of them.
HeaderParser = Callable[[bytes], "Shape | None"]
_MAX_SHAPES = 500
_MAX_MODELS = 3  # in one repository whose headers are read


class ModelIntake(Protocol):
    """What the library does for downloads. Any thread."""

    def models(self) -> tuple[ModelFile, ...]:
        """All known models."""

    def import_file(
        self,
        path: Path,
        *,
        source: str,
        sha256: str,
        commit: str,
        licence: str,
        projector: str,
    ) -> ModelFile:
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
        judge: Judge | None = None,
        parse_header: HeaderParser = lambda _: None,
        looks: Looks | None = None,
    ) -> None:
        """Prepare; neither the room nor a connection is opened.

        Args:
            judge: tells what fits; None judges by the devices alone.
            parse_header: reads a file's first bytes.
            connect: builds the room at its first use, from the ledger and what takes in files.
            devices: what can compute here, for judging what fits.
            looks: where what was trending is kept; None keeps nothing.
        """
        self._library = library
        self._ledger = VaultLedger(store)
        self._looks: Looks = looks or NoLooks()
        self._connect = connect
        self._devices = devices
        self._offline = offline
        self._judge = judge or Judge(devices, lambda: (), lambda _: True)
        self._parse_header = parse_header
        self._shapes: dict[tuple[str, str], dict[str, Shape]] = {}
        self._lock = threading.Lock()
        self._access: HubAccess | None = None
        self.chosen: Callable[[Repository], None] = lambda _repository: None

    @property
    def access(self) -> HubAccess:
        """The room: its downloads can be paused, resumed and listed."""
        with self._lock:
            if self._access is None:
                self._access = self._connect(self._ledger, self._admit)
                last = self._looks.last()
                self._access.catalogue.prime(last.repositories if last else ())
            return self._access

    @property
    def opened(self) -> HubAccess | None:
        """The room, where it is open already."""
        with self._lock:
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
            return replace(last, repositories=tuple(self._filtered(last.repositories, query)))
        look = self._look(query, stop)
        if look.repositories and query == Query(limit=query.limit):
            self._looks.keep(look)
        return look

    def search(self, query: Query, stop: threading.Event | None = None) -> Look:
        """Repositories whose name holds the text. Raises: SnugError."""
        return self._look(query, stop)

    def show(self, reference: str, stop: threading.Event | None = None) -> Repository:
        """One repository with its files. Raises: UserError, NotFoundError, SnugError."""
        return self.access.catalogue.repository(parse_reference(reference).repository, stop)

    def offers(self, repository: Repository) -> tuple[Offer, ...]:
        """One offer for each quantization, by size; at most one is recommended. No network.

        May wait for the engine: it is asked for the memory that is free.
        """
        with self._lock:
            shapes = dict(self._shapes.get((repository.id, repository.commit), {}))
        return self._judge.offers(repository, shapes)

    def examine(
        self, repository: Repository, stop: threading.Event | None = None
    ) -> tuple[Repository, tuple[Offer, ...]]:
        """With files where it came from a listing without, and the KV cache's exact size.

        Reads the first bytes of the smallest file over the network, once for each commit. Where
        that fails the offers stay estimates (`exact` is False).

        Raises:
            StoppedError. Also: as `show`, where the repository's files are not known yet.
        """
        if not repository.variants:
            found = self.show(repository.id, stop)
            repository = replace(found, trending_score=repository.trending_score)
        key = (repository.id, repository.commit)
        for variant in _one_of_each(repository.variants):
            with self._lock:
                known = same_model(variant) in self._shapes.get(key, {})
            shape = None if known else self._shape(repository, variant, stop)
            if shape is not None:
                with self._lock:
                    if len(self._shapes) >= _MAX_SHAPES:
                        self._shapes.clear()
                    self._shapes.setdefault(key, {})[same_model(variant)] = shape
        return repository, self.offers(repository)

    def licence_text(self, repository: Repository, stop: threading.Event | None = None) -> str:
        """The licence's text from the Hub, plain. Raises: NotFoundError, SnugError."""
        return self.access.catalogue.licence_text(repository, stop)

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

    def _look(self, query: Query, stop: threading.Event | None) -> Look:
        found = self.access.catalogue.list(
            query,
            stop,
            worth=lambda one: self._supported(one, query),
            wanted=lambda one: self._fits(one, query),
        )
        return Look(now_ms(), found)

    def _filtered(self, repositories: Iterable[Repository], query: Query) -> list[Repository]:
        """What of a kept look fits a query."""
        found = [query.sized(one) for one in repositories if query.matches(one)]
        return [
            one
            for one in found
            if one is not None and self._supported(one, query) and self._fits(one, query)
        ][: query.limit]

    def _supported(self, one: Repository, query: Query) -> bool:
        return not query.supported_only or self._judge.supports(one.architecture)

    def _fits(self, one: Repository, query: Query) -> bool:
        if not query.fits_only:
            return True
        return any(offer.fit is Fit.FITS for offer in self.offers(one))

    def _shape(
        self, repository: Repository, variant: Variant, stop: threading.Event | None
    ) -> Shape | None:
        try:
            return self.access.catalogue.beginning(repository, variant, self._parse_header, stop)
        except SnugError:
            if stop is not None and stop.is_set():
                raise
            return None  # An estimate serves as well; the ledger tells what went wrong.

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
        return self._library.import_file(
            Path(delivery.paths[0]),
            source=download.repository,
            sha256=download.files[0].sha256 if alone else "",
            commit=download.commit,
            licence=download.licence,
            projector=delivery.projector,
        )

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


def _one_of_each(variants: Iterable[Variant]) -> list[Variant]:
    """The smallest file of each model in a repository, of a few models at most."""
    first: dict[str, Variant] = {}
    for variant in sorted(variants, key=lambda v: v.size_bytes):
        first.setdefault(same_model(variant), variant)
    return list(first.values())[:_MAX_MODELS]
