"""Finding models: listings, one repository in full, and whose licence counts."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from snug.domain.hub import Category, Query, Repository
from snug.domain.licence import NOT_STATED, LicenceFacts, resolve
from snug.hub.client import HubClient
from snug.hub.errors import AccessError, AnswerError, UnknownRepositoryError
from snug.hub.gateway import Gateway
from snug.hub.reading import facts_of, repository_of

_PAGE: Final = 100  # repositories in one listing, before filters
_AT_ONCE: Final = 4
_MAX_KNOWN: Final = 2000
# The Hub's task for a category where one says it all; the others are filtered here.
_TASKS: Final = {
    Category.VISION_LANGUAGE: "image-text-to-text",
    Category.IMAGE: "text-to-image",
    Category.VIDEO: "text-to-video",
}


class Catalogue:
    """Asks the Hub and reads its answers. Any thread; calls block."""

    def __init__(self, gateway: Gateway) -> None:
        self._client = HubClient(gateway)
        self._lock = threading.Lock()
        self._facts: dict[str, LicenceFacts | None] = {}

    @property
    def client(self) -> HubClient:
        """For others who ask the Hub: a second client would close this one's connections."""
        return self._client

    def list(self, query: Query, stop: threading.Event | None = None) -> tuple[Repository, ...]:
        """The repositories that fit the query, each with its files, in the Hub's order.

        Raises:
            OfflineError, NetworkFault, AnswerError, StoppedError.
        """
        what = "search for models" if query.text else "look for trending models"
        filtered = query.category is not None or query.licence_class is not None
        infos = self._client.list_models(
            search=query.text,
            task=_TASKS.get(query.category, "") if query.category else "",
            sort=query.order.value,
            limit=_PAGE if filtered or query.max_size_bytes else query.limit,
            reason=what,
            stop=stop,
        )
        for info in infos:
            self._remember(str(info.id), facts_of(info))
        listed = (repository_of(info) for info in infos)
        wanted = (r for r in listed if r is not None and _is_of(r, query.category))
        return self._in_full(wanted, query, stop)

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
        return self._with_licence(found, stop)

    def _in_full(
        self, listed: Iterator[Repository], query: Query, stop: threading.Event | None
    ) -> tuple[Repository, ...]:
        """Look at the listed ones, a few at a time, until enough of them fit."""
        found: list[Repository] = []
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="hub-details") as pool:
            while len(found) < query.limit:
                batch = [r for _, r in zip(range(2 * _AT_ONCE), listed, strict=False)]
                if not batch:
                    break
                jobs = [
                    pool.submit(contextvars.copy_context().run, self._full, one, query, stop)
                    for one in batch
                ]
                found += [one for job in jobs if (one := job.result()) is not None]
        return tuple(found[: query.limit])

    def _full(
        self, listed: Repository, query: Query, stop: threading.Event | None
    ) -> Repository | None:
        """One of a listing with licence and files; None where it does not fit the query."""
        judged = self._with_licence(listed, stop)
        if query.licence_class not in (None, judged.licence.licence_class):
            return None
        try:
            full = self.repository(listed.id, stop)
        except (UnknownRepositoryError, AccessError, AnswerError):
            return judged  # Gone, closed or odd in between: what the listing said is still true.
        variants = full.variants
        if query.max_size_bytes:
            variants = tuple(v for v in variants if v.size_bytes <= query.max_size_bytes)
            if not variants:
                return None
        return replace(
            full,
            variants=variants,
            licence=judged.licence,
            trending_score=full.trending_score or listed.trending_score,
            downloads=full.downloads or listed.downloads,
        )

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


def _is_of(repository: Repository, category: Category | None) -> bool:
    return category in (None, repository.category)
