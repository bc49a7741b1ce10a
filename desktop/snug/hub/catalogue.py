"""Finding models: listings, one repository in full, and whose licence counts."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final, TypeVar

from snug.domain.hub import Category, Order, Query, Repository, Variant
from snug.domain.licence import NOT_STATED, LicenceFacts, resolve
from snug.hub.client import HubClient
from snug.hub.errors import AccessError, AnswerError, UnknownRepositoryError
from snug.hub.gateway import Gateway
from snug.hub.header import read_beginning
from snug.hub.licence_text import LicenceTexts
from snug.hub.reading import facts_of, repository_of

T = TypeVar("T")
Wanted = Callable[[Repository], bool]

_PAGE: Final = 100  # repositories in one listing, before filters
_AT_ONCE: Final = 4
_MAX_KNOWN: Final = 2000
# The Hub's tasks for a category, where they say it all; a listing takes one task. Text and code are
# told apart here, by tags and names.
_TASKS: Final = {
    Category.VISION_LANGUAGE: ("image-text-to-text", "any-to-any"),
    Category.SPEECH: ("automatic-speech-recognition", "text-to-speech", "audio-text-to-text"),
    Category.IMAGE: ("text-to-image", "image-to-image"),
    Category.VIDEO: ("text-to-video", "image-to-video"),
    Category.EMBEDDING: ("feature-extraction", "sentence-similarity", "text-ranking"),
}
_ORDERS: Final[dict[Order, Callable[[Repository], int]]] = {
    Order.TRENDING: lambda one: one.trending_score,
    Order.DOWNLOADS: lambda one: one.downloads,
    Order.NEWEST: lambda one: one.modified_ms,
}


class Catalogue:
    """Asks the Hub and reads its answers. Any thread; calls block.

    A listing names no sizes of files, whatever is asked: they come with a request for each
    repository. So all that a listing tells is filtered first, at most three repositories more are
    asked for than are wanted, and one that was asked for is asked again only once its commit is
    another.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._client = HubClient(gateway)
        self._texts = LicenceTexts(gateway, self._client)
        self._full_known: dict[tuple[str, str], Repository] = {}
        self._lock = threading.Lock()
        self._facts: dict[str, LicenceFacts | None] = {}

    @property
    def client(self) -> HubClient:
        """For others who ask the Hub: a second client would close this one's connections."""
        return self._client

    def prime(self, repositories: Iterable[Repository]) -> None:
        """Take over repositories that were looked at in full before, such as kept ones."""
        for one in repositories:
            self._keep(one)

    def list(
        self,
        query: Query,
        stop: threading.Event | None = None,
        *,
        worth: Wanted = lambda _: True,
        wanted: Wanted = lambda _: True,
    ) -> tuple[Repository, ...]:
        """The repositories that fit the query, each with its files, in the Hub's order.

        Args:
            worth: told by the listing alone, without files: whether it is worth a look.
            wanted: told with the files: whether it is wanted.

        Raises:
            OfflineError, NetworkFault, AnswerError, StoppedError.
        """
        listed = self._listed(query, stop)
        by_page = replace(query, licence_class=None)
        found = (one for one in listed if by_page.matches(one) and worth(one))
        return self._in_full(found, query, wanted, stop)

    def repository(self, identifier: str, stop: threading.Event | None = None) -> Repository:
        """One repository with its files, pinned to the commit they were read at.

        Raises:
            UnknownRepositoryError, AccessError, OfflineError, NetworkFault, AnswerError,
            StoppedError.
        """
        info = self._client.model_info(
            identifier, files=True, reason=f"details of {identifier}", stop=stop
        )
        found = repository_of(info)
        if found is None or not found.commit:
            raise AnswerError(f"The Hub's answer about {identifier} makes no sense.")
        self._remember(found.id, facts_of(info))
        full = self._with_licence(found, stop)
        self._keep(full)
        return full

    def beginning(
        self,
        repository: Repository,
        variant: Variant,
        parse: Callable[[bytes], T | None],
        stop: threading.Event | None = None,
    ) -> T | None:
        """What `parse` finds in the first bytes of a variant's (first) file.

        Raises: as `read_beginning`.
        """
        path = variant.files[0].path
        return read_beginning(
            self._gateway, repository.id, repository.commit or "main", path, parse, stop
        )

    def licence_text(self, repository: Repository, stop: threading.Event | None = None) -> str:
        """The licence's text. Raises: as `LicenceTexts.read`."""
        return self._texts.read(repository, stop)

    def _listed(self, query: Query, stop: threading.Event | None) -> tuple[Repository, ...]:
        """What the Hub lists: one request for each of the category's tasks, merged in order."""
        tasks = _TASKS.get(query.category, ("",)) if query.category else ("",)
        found: dict[str, Repository] = {}
        for task in tasks:
            infos = self._client.list_models(
                search=query.text,
                task=task,
                sort=query.order.value,
                limit=_PAGE if query.filters else query.limit,
                gated=query.gated,
                reason="search for models" if query.text else "look for trending models",
                stop=stop,
            )
            for info in infos:
                one = repository_of(info)
                if one is not None:
                    self._remember(one.id, facts_of(info))
                    found.setdefault(one.id.casefold(), one)
        if len(tasks) > 1:
            return tuple(sorted(found.values(), key=_ORDERS[query.order], reverse=True))
        return tuple(found.values())

    def _in_full(
        self,
        listed: Iterator[Repository],
        query: Query,
        wanted: Wanted,
        stop: threading.Event | None,
    ) -> tuple[Repository, ...]:
        """Look at the listed ones, a few at a time, until enough of them fit."""
        found: list[Repository] = []
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="hub-details") as pool:
            while len(found) < query.limit:
                size = min(2 * _AT_ONCE, max(_AT_ONCE, query.limit - len(found)))
                batch = [r for _, r in zip(range(size), listed, strict=False)]
                if not batch:
                    break
                jobs = [
                    pool.submit(contextvars.copy_context().run, self._full, one, query, stop)
                    for one in batch
                ]
                full = [one for job in jobs if (one := job.result()) is not None]
                found += [one for one in full if wanted(one)]
        return tuple(found[: query.limit])

    def _full(
        self, listed: Repository, query: Query, stop: threading.Event | None
    ) -> Repository | None:
        """One of a listing with licence and files; None where it does not fit the query."""
        judged = self._with_licence(listed, stop)
        if not query.matches(judged):
            return None
        full = self._known_full(judged)
        if full is None:
            try:
                full = self.repository(listed.id, stop)
            except (UnknownRepositoryError, AccessError, AnswerError):
                return query.sized(judged)  # Gone, closed or odd: what the listing said is true.
        return query.sized(
            replace(
                full,
                licence=judged.licence,
                gated=judged.gated,
                trending_score=listed.trending_score or full.trending_score,
                downloads=listed.downloads or full.downloads,
                likes=listed.likes or full.likes,
            )
        )

    def _known_full(self, listed: Repository) -> Repository | None:
        with self._lock:
            return self._full_known.get((listed.id.casefold(), listed.commit))

    def _keep(self, full: Repository) -> None:
        if not full.commit or not full.variants:
            return
        with self._lock:
            if len(self._full_known) >= _MAX_KNOWN:
                self._full_known.clear()
            self._full_known[(full.id.casefold(), full.commit)] = full

    def _with_licence(self, found: Repository, stop: threading.Event | None) -> Repository:
        """With its base model's licence where it states none itself."""
        if found.licence.id not in NOT_STATED and found.licence.id != "other":
            return found

        def look_up(identifier: str) -> LicenceFacts | None:
            return self._facts_of(identifier, stop)

        return replace(found, licence=resolve(found.id, look_up))

    def _facts_of(self, identifier: str, stop: threading.Event | None) -> LicenceFacts | None:
        key = identifier.casefold()
        with self._lock:
            if key in self._facts:
                return self._facts[key]
        try:
            info = self._client.model_info(
                identifier, files=False, reason=f"licence of {identifier}", stop=stop
            )
        except (UnknownRepositoryError, AccessError, AnswerError):
            self._remember(identifier, None)
            return None
        facts = facts_of(info)
        self._remember(identifier, facts)
        return facts

    def _remember(self, identifier: str, facts: LicenceFacts | None) -> None:
        with self._lock:
            if len(self._facts) >= _MAX_KNOWN:
                self._facts.clear()
            self._facts[identifier.casefold()] = facts
