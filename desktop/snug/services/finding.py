"""What a front end needs for finding, judging and getting a model, as Protocols.

The services behind them join the Hub, the vault and the library; a front end knows only these.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from snug.domain.download import Download, DownloadEvent
from snug.domain.hub import Query, Repository, Variant
from snug.domain.offer import Offer
from snug.services.looks import Look


class Hub(Protocol):
    """The Hub now. Any thread; all but `offers` and `available_bytes` wait for the network."""

    def search(self, query: Query, stop: threading.Event | None = None) -> Look:
        """Repositories whose name holds the text. Raises: SnugError."""

    def show(self, reference: str, stop: threading.Event | None = None) -> Repository:
        """One repository with its files. Raises: UserError, NotFoundError, SnugError."""

    def offers(self, repository: Repository) -> tuple[Offer, ...]:
        """Its quantizations by size, at most one recommended. No network."""

    def examine(
        self, repository: Repository, stop: threading.Event | None = None
    ) -> tuple[Repository, tuple[Offer, ...]]:
        """The same with the exact KV cache, from one file's header. Raises: SnugError."""

    def licence_text(self, repository: Repository, stop: threading.Event | None = None) -> str:
        """The licence in full. Raises: SnugError."""

    def available_bytes(self) -> int | None:
        """Memory that is free for a model now; None where it is not known."""


class Trends(Protocol):
    """What was seen on the Hub, kept in the vault. Any thread."""

    def look(self, stop: threading.Event | None = None, *, automatic: bool = False) -> Look:
        """Ask the Hub for what is trending, and keep it; the kept one where it is too early.

        Args:
            automatic: nobody pressed a button.

        Raises:
            SnugError: the Hub cannot be asked.
        """

    def last(self) -> Look | None:
        """The newest look, from the vault; None where there was none."""

    def kept(self, query: Query, offset: int = 0, limit: int = 50) -> tuple[Repository, ...]:
        """Kept repositories, without the network; a page takes at most 20 ms."""

    def count(self, query: Query) -> int:
        """How many `kept` would give in all."""

    def keep(self, repositories: tuple[Repository, ...]) -> None:
        """Store or update them. Raises: SnugError."""


class Downloads(Protocol):
    """The queue. Any thread; `choose` writes to disk and vault."""

    def all(self) -> tuple[Download, ...]:
        """Everything that is queued, running, stopped or done."""

    def choose(self, repository: Repository, variant: Variant) -> Download:
        """Put a quantization into the queue. Raises: SnugError."""

    def start(self) -> None:
        """Work off the queue from now on. Returns at once."""

    def listen(self, callback: Callable[[DownloadEvent], None]) -> Callable[[], None]:
        """Be told what happens, on the download's thread; returns what ends it."""


class Network(Protocol):
    """The one way out. Any thread."""

    @property
    def offline(self) -> bool:
        """No connection is made."""

    def was_used(self) -> bool:
        """A request was made since Snug was started."""
