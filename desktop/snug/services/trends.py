"""What is trending on the Hub: one look a day, all looks kept, and what rises and falls.

A look reads two pages of the Hub: what is trending at all, which the shares are counted on, and
what is trending as GGUF, which Snug can run. A category of which they show too little is asked for
by its task. So a look is two requests, and at most eight; nothing but the query is sent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final, Protocol

from snug.domain.conversation import now_ms
from snug.domain.errors import EnvironmentFault, NotFoundError, SnugError
from snug.domain.hub import Category, Query, Repository
from snug.domain.licence import NOT_STATED, LicenceFacts, resolve
from snug.domain.trends import (
    DAY_MS,
    Dimension,
    Filter,
    HubBusyError,
    Page,
    Scope,
    Series,
    Tally,
    day_of,
    largest_that_fits,
    series_of,
)
from snug.services.ledger import Settings
from snug.services.looks import Look

PAGE: Final = 100  # models on each of the two pages
FEW: Final = 5  # of a category; with fewer on the two pages it is asked for
TOP_UP: Final = 20
MAX_REQUESTS: Final = 8
MIN_PAUSE_S: Final = 300.0  # between two looks by hand
# How long the Hub is left alone at least where it asks for it; the gateway reads at most 300 s.
BUSY_S: Final = 900.0
_WAIT: Final = "hub.trends.wait_until_ms"
# The Hub's task that stands for a category; in this order while requests are left.
_TASKS: Final = (
    (Category.VISION_LANGUAGE, "image-text-to-text"),
    (Category.SPEECH, "automatic-speech-recognition"),
    (Category.IMAGE, "text-to-image"),
    (Category.VIDEO, "text-to-video"),
    (Category.EMBEDDING, "feature-extraction"),
    (Category.TEXT, "text-generation"),
)
_ALL: Final = (Scope.FIELD, Scope.RUNNABLE, Scope.CATEGORY)


class TrendingPages(Protocol):
    """What the Hub room does for looks. Any thread; the call blocks."""

    def page(
        self, *, gguf: bool, task: str, limit: int, stop: threading.Event | None
    ) -> tuple[Repository, ...]:
        """One request: trending repositories as a listing tells them, without files.

        Raises: HubBusyError (429), SnugError.
        """


class Catalogue(Protocol):
    """Where models and looks are kept. Any thread. Raises (all): EnvironmentFault."""

    def keep(self, repositories: Sequence[Repository], time_ms: int) -> None:
        """Store or update models."""

    def models(self, wanted: Filter, offset: int, limit: int) -> tuple[Repository, ...]:
        """A page of those that fit."""

    def count(self, wanted: Filter) -> int:
        """How many fit."""

    def model(self, identifier: str) -> Repository | None:
        """One by its name."""

    def architectures(self) -> tuple[tuple[str, int], ...]:
        """Those of the kept models with how many there are of each."""

    def made_from(self, identifier: str) -> tuple[str, ...]:
        """Kept models with a GGUF that were made from this one."""

    def keep_look(self, time_ms: int, pages: Sequence[Page], *, whole: bool) -> None:
        """Keep a look."""

    def last_look(self, scopes: Sequence[Scope]) -> tuple[int, tuple[Repository, ...]] | None:
        """The newest look at one of these pages."""

    def look_times(self, scope: Scope, since_ms: int) -> tuple[int, ...]:
        """When that page was looked at."""

    def tallies(self, by: Dimension, scope: Scope, since_day: str) -> tuple[Tally, ...]:
        """One for each day with a look."""


class Trends:
    """The trending tracker. Any thread; `look` blocks, so it is not the window's to call."""

    def __init__(
        self,
        catalogue: Catalogue,
        settings: Settings,
        pages: Callable[[], TrendingPages],
        offline: Callable[[], bool],
        *,
        available_bytes: Callable[[], int | None] = lambda: None,
        architectures: Callable[[], frozenset[str]] = frozenset,
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        """Prepare; nothing is asked.

        Args:
            pages: opens the Hub room at the first look.
            available_bytes: memory that is free for a model, for `Query.fits_only`.
            architectures: those this build runs, for `Query.supported_only`; empty where they are
                not known, and then every GGUF of a fitting category counts.
        """
        self._catalogue = catalogue
        self._settings = settings
        self._pages = pages
        self._offline = offline
        self._available_bytes = available_bytes
        self._architectures = architectures
        self._clock_ms = clock_ms
        self._looking = threading.Lock()

    # -- looking ------------------------------------------------------------------------------

    def look(
        self,
        stop: threading.Event | None = None,
        *,
        forced: bool = False,
        automatic: bool = False,
    ) -> Look:
        """Ask the Hub what is trending in every category, and keep it.

        Returns:
            The kept look, marked as such, when offline, within five minutes of the last one, on
            the same day where it is `automatic`, or while the Hub wants to be left alone.

        Args:
            forced: asks again within the five minutes; never against the Hub's own wish.
            automatic: nobody pressed a button.

        Raises:
            NotFoundError: nothing may be asked, and there was no look yet.
            HubBusyError, SnugError: the Hub cannot be asked.
        """
        with self._looking:
            refusal = self._refusal(forced, automatic)
            if refusal:
                kept = self.last()
                if kept is None:
                    raise NotFoundError(refusal)
                return kept
            try:
                pages = self._ask(stop)
            except HubBusyError as error:
                wait_ms = round(1000 * max(BUSY_S, error.wait_s))
                self._settings.set_setting(_WAIT, str(self._clock_ms() + wait_ms))
                raise
            time_ms = self._clock_ms()
            self._catalogue.keep_look(time_ms, pages, whole=True)
            kept = self.last()
            return replace(kept, kept=False) if kept else Look(time_ms, ())

    def is_due(self) -> bool:
        """Whether an automatic look would ask the Hub: online, not yet today, not asked to wait."""
        return not self._refusal(forced=False, automatic=True)

    def last(self) -> Look | None:
        """The newest look at all categories, from the vault; None where there was none."""
        found = self._catalogue.last_look((Scope.FIELD,))
        return Look(*found, kept=True) if found else None

    # -- kept models --------------------------------------------------------------------------

    def keep(self, repositories: Iterable[Repository]) -> None:
        """Store or update models, such as what a search found."""
        self._catalogue.keep(tuple(repositories), self._clock_ms())

    def kept(self, query: Query, offset: int = 0, limit: int = 50) -> tuple[Repository, ...]:
        """A page of the kept models that fit; their files too, where they are known."""
        wanted = self._filter(query)
        found = self._catalogue.models(wanted, max(0, offset), max(0, limit))
        if not wanted.max_bytes and not wanted.min_bytes:
            return found
        return tuple(_within(one, wanted) for one in found)

    def count(self, query: Query) -> int:
        """How many kept models fit."""
        return self._catalogue.count(self._filter(query))

    def model(self, identifier: str) -> Repository | None:
        """A kept model; None where it was never seen."""
        return self._catalogue.model(identifier)

    def architectures(self) -> tuple[tuple[str, int], ...]:
        """What a filter by architecture can offer: names, and how many models are kept of each."""
        return self._catalogue.architectures()

    def made_from(self, identifier: str) -> tuple[str, ...]:
        """Kept models that Snug can run and that were made from this one."""
        return self._catalogue.made_from(identifier)

    # -- trends -------------------------------------------------------------------------------

    def series(
        self, by: Dimension | str, days: int = 30, *, runnable: bool = False
    ) -> tuple[Series, ...]:
        """What rises and falls, largest first; works from what is kept.

        Args:
            by: "category", "family" or "licence".
            days: how far back.
            runnable: count what is trending as GGUF instead of all that is trending.
        """
        since = day_of(self._clock_ms() - (max(1, days) - 1) * DAY_MS)
        scope = Scope.RUNNABLE if runnable else Scope.FIELD
        return series_of(self._catalogue.tallies(Dimension(by), scope, since))

    def look_times(self, days: int = 30) -> tuple[int, ...]:
        """When there was a look, oldest first, UTC milliseconds."""
        return self._catalogue.look_times(Scope.FIELD, self._clock_ms() - days * DAY_MS)

    @property
    def offline(self) -> bool:
        """Whether nothing may be asked."""
        return self._offline()

    # -- inside -------------------------------------------------------------------------------

    def _refusal(self, forced: bool, automatic: bool) -> str:
        """Why the Hub is not asked now, for a person who has no look yet; "" where it may be."""
        if self._offline():
            return (
                "Snug is offline and has not looked at the Hub yet, so there is nothing to show. "
                "Look once while online."
            )
        now = self._clock_ms()
        waiting = self._settings.setting(_WAIT) or "0"
        left_ms = int(waiting) - now if waiting.isdecimal() else 0
        # A clock that was set back must not keep the Hub waiting for years.
        if 0 < left_ms <= DAY_MS:
            minutes = -(-left_ms // 60_000)
            return f"The Hub asked for fewer requests. Look again in {minutes} minutes."
        times = self._catalogue.look_times(Scope.FIELD, now - DAY_MS)
        last = max((time for time in times if time <= now), default=0)
        if last and automatic and day_of(last) == day_of(now):
            return "There was a look today."
        if last and not forced and now - last < MIN_PAUSE_S * 1000:
            return "There was a look within the last five minutes."
        return ""

    def _ask(self, stop: threading.Event | None) -> list[Page]:
        source = self._pages()
        field = source.page(gguf=False, task="", limit=PAGE, stop=stop)
        if not field:
            raise EnvironmentFault("The Hub lists nothing as trending. Try again later.")
        runnable = source.page(gguf=True, task="", limit=PAGE, stop=stop)
        pages = [Page(Scope.FIELD, field), Page(Scope.RUNNABLE, runnable)]
        requests = len(pages)
        for category, task in _TASKS:
            seen = {
                one.id for page in pages for one in page.repositories if one.category == category
            }
            if len(seen) >= FEW or requests >= MAX_REQUESTS:
                continue
            requests += 1
            try:
                more = source.page(gguf=False, task=task, limit=TOP_UP, stop=stop)
            except HubBusyError:
                raise
            except SnugError:
                if stop is not None and stop.is_set():
                    raise
                continue  # The two pages are what counts; this one only rounds the list off.
            pages.append(Page(Scope.CATEGORY, more))
        return _with_licences(pages)

    def _filter(self, query: Query) -> Filter:
        architectures = frozenset({query.architecture}) if query.architecture else frozenset()
        if query.supported_only and not architectures:
            known = self._architectures()
            architectures = known | {""} if known else known  # "": a GGUF that does not tell
        largest = query.max_size_bytes
        if query.fits_only:
            fitting = largest_that_fits(self._available_bytes())
            largest = min(largest, fitting) if largest and fitting else largest or fitting
        return Filter(
            query,
            architectures,
            min_bytes=query.min_size_bytes,
            max_bytes=largest,
            runnable=True if query.supported_only or query.fits_only else None,
        )


class GgufLooks:
    """The `Looks` of listings of GGUF models, kept with all others. Any thread."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def keep(self, look: Look) -> None:
        """Keep a look and its models."""
        page = Page(Scope.RUNNABLE, look.repositories)
        self._catalogue.keep_look(look.time_ms, (page,), whole=False)

    def last(self) -> Look | None:
        """The last look at GGUF models, marked as kept; None where there was none."""
        found = self._catalogue.last_look((Scope.RUNNABLE,))
        if found is None:
            return None
        time_ms, repositories = found
        # A look at all categories showed more than what Snug runs.
        runnable = tuple(one for one in repositories if one.variants or one.architecture)
        return Look(time_ms, runnable, kept=True)


def _with_licences(pages: Iterable[Page]) -> list[Page]:
    """Licences inherited from base models that the look itself shows; nothing more is asked."""
    pages = list(pages)
    facts = {
        one.id.casefold(): LicenceFacts(
            one.licence.id, one.licence.name, one.licence.link, one.base_models
        )
        for page in pages
        for one in page.repositories
    }

    def judged(one: Repository) -> Repository:
        if one.licence.id not in NOT_STATED or not one.base_models:
            return one
        return replace(one, licence=resolve(one.id, lambda name: facts.get(name.casefold())))

    return [
        replace(page, repositories=tuple(judged(one) for one in page.repositories))
        for page in pages
    ]


def _within(repository: Repository, wanted: Filter) -> Repository:
    """With only the quantizations that are as large as wanted."""
    variants = tuple(
        variant
        for variant in repository.variants
        if wanted.min_bytes <= variant.size_bytes
        and (not wanted.max_bytes or variant.size_bytes <= wanted.max_bytes)
    )
    return replace(repository, variants=variants)
