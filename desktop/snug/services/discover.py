"""Looking for models: what the vault keeps at once, and the Hub's answer when it comes."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from typing import Final

from snug.domain.conversation import now_ms
from snug.domain.errors import SnugError, UserError
from snug.domain.hub import Fit, Query, Reference, Repository, fit_of, parse_reference
from snug.services.finding import Hub, Network, Trends

PAGE: Final = 50
FRESH_MS: Final = 10 * 60_000  # a look that young is not made again by itself
_MAX_ASKED: Final = 20  # each found one costs the Hub a request for its files
_ADDRESS: Final = re.compile(r"^(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Listing:
    """The first page of what fits a query, and how many there are in all."""

    count: int
    rows: tuple[Repository, ...]


class Discover:
    """Finds repositories. Any thread; `refresh` waits for the network, the rest for the vault."""

    def __init__(self, hub: Hub, trends: Trends, network: Network | None, offline: bool) -> None:
        """Prepare; nothing is asked.

        Args:
            network: says whether a connection may be made; None where only `offline` counts.
            offline: Snug was started so.
        """
        self.hub = hub
        self._trends = trends
        self._network = network
        self._offline = offline
        self._available: int | None = None
        self._looked_ms: int | None = None

    @property
    def offline(self) -> bool:
        """Nothing may be asked."""
        return self._offline or (self._network is not None and self._network.offline)

    @property
    def looked_ms(self) -> int:
        """When the Hub was asked for what is trending; 0 for never. Raises: SnugError."""
        if self._looked_ms is None:
            last = self._trends.last()
            self._looked_ms = last.time_ms if last is not None else 0
        return self._looked_ms

    @property
    def is_fresh(self) -> bool:
        """The Hub was asked for what is trending a short while ago. Raises: SnugError."""
        return now_ms() - self.looked_ms < FRESH_MS

    @property
    def available_bytes(self) -> int | None:
        """Memory free for a model, as last measured; None before, and where it is not known."""
        return self._available

    def measure(self) -> int | None:
        """Measure what is free; may take a second."""
        self._available = self.hub.available_bytes()
        return self._available

    def first(self, query: Query) -> Listing:
        """The first page, from the vault alone. Raises: SnugError."""
        asked = self._bounded(query)
        if asked is None:
            return Listing(0, ())
        return Listing(self._trends.count(asked), self._trends.kept(asked, 0, PAGE))

    def rows(self, query: Query, offset: int) -> tuple[Repository, ...]:
        """A later page, from the vault alone. Raises: SnugError."""
        asked = self._bounded(query)
        return () if asked is None else self._trends.kept(asked, offset, PAGE)

    def refresh(
        self, query: Query, stop: threading.Event | None = None, *, automatic: bool = False
    ) -> None:
        """Ask the Hub, and keep what it says; `first` tells it then.

        Args:
            automatic: nobody pressed a button; then the Hub is asked less often.

        Raises:
            SnugError: the Hub cannot be asked; what is kept is still there.
        """
        if self.offline:
            raise UserError("Snug is offline. This is what was kept.")
        if query.text:
            found = self.hub.search(replace(query, limit=_MAX_ASKED), stop)
            self._trends.keep(found.repositories)
        else:
            look = self._trends.look(stop, automatic=automatic)
            self._looked_ms = look.time_ms

    def fit(self, repository: Repository) -> Fit:
        """Whether any of its quantizations runs here, as far as is known."""
        return best_fit(repository, self._available)

    def _bounded(self, query: Query) -> Query | None:
        """With the memory of this machine as the bound, where only what fits is wanted.

        As it was measured: the vault is read on the window's thread, which must not wait for the
        devices. None where nothing can fit.
        """
        if not query.fits_only or self._available is None:
            return query
        room = largest_fitting(self._available)
        bound = min(query.max_size_bytes or room, room)
        if bound < max(1, query.min_size_bytes):
            return None
        return replace(query, max_size_bytes=bound, fits_only=False)


def best_fit(repository: Repository, available_bytes: int | None) -> Fit:
    """Of its quantizations; without any, of a guess from the number of weights at 4.8 bits each."""
    sizes = [variant.size_bytes for variant in repository.variants if variant.size_bytes > 0]
    if not sizes and repository.parameter_count:
        sizes = [round(repository.parameter_count * 0.6)]
    fits = {fit_of(size, available_bytes) for size in sizes}
    return next((fit for fit in (Fit.FITS, Fit.TIGHT, Fit.NO) if fit in fits), Fit.UNKNOWN)


def largest_fitting(available_bytes: int) -> int:
    """The largest file in bytes that still fits, to a megabyte."""
    low, high = 0, available_bytes
    while high - low > 1_000_000:
        middle = (low + high) // 2
        low, high = (middle, high) if fit_of(middle, available_bytes) is Fit.FITS else (low, middle)
    return low


def reference_in(text: str) -> Reference | None:
    """What a typed or pasted text refers to; None where it is only a part of a name.

    Takes `OWNER/REPO`, `OWNER/REPO:QUANT`, and the addresses of a repository's pages.
    """
    wanted = text.strip()
    address = _ADDRESS.sub("", wanted)
    if address != wanted:
        parts = re.split(r"[?#]", address)[0].split("/")
        address = "/".join(parts[:2])
    if address.count("/") != 1:
        return None
    try:
        return parse_reference(address)
    except SnugError:
        return None


def is_address(text: str) -> bool:
    """The text is the address of a page of the Hub, not a name."""
    return _ADDRESS.match(text.strip()) is not None
