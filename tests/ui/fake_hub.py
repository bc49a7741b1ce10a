"""Hand-written stand-ins for finding and getting models: Hub, kept looks, queue, network, cards.

They count what they are asked, so that a test can say that nothing was asked at all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from snug.domain.conversation import now_ms
from snug.domain.download import Download, DownloadEvent, DownloadFile
from snug.domain.errors import EnvironmentFault, NotFoundError, SnugError
from snug.domain.hub import (
    Category,
    Fit,
    Order,
    Query,
    RemoteFile,
    Repository,
    Variant,
    fit_of,
)
from snug.domain.licence import LicenceClass, classify
from snug.domain.offer import Offer, Quality
from snug.services.looks import Look

GB = 1_000_000_000
DAY_MS = 86_400_000
_QUANTS = (
    ("Q2_K", 0.35, Quality.POOR),
    ("Q3_K_M", 0.45, Quality.REDUCED),
    ("Q4_K_M", 0.58, Quality.GOOD),
    ("Q5_K_M", 0.68, Quality.HIGH),
    ("Q6_K", 0.79, Quality.HIGH),
    ("Q8_0", 1.03, Quality.NEAR_LOSSLESS),
    ("F16", 1.95, Quality.NEAR_LOSSLESS),
)
_MAKERS = ("Qwen", "bartowski", "unsloth", "ibm-granite", "mistralai", "allenai", "google")
_NAMES = ("Qwen3", "Mistral-Small", "Granite-4", "OLMo-2", "Gemma-3", "Phi-4", "DeepSeek-R1")
_LICENCES = ("apache-2.0", "mit", "gemma", "cc-by-nc-4.0", "", "llama3.2", "apache-2.0")
_WEIGHTS = (0.6, 1.7, 4.0, 8.2, 14.8, 32.8, 70.6)


def repository(
    name: str = "Qwen/Qwen3-4B-GGUF",
    licence: str = "apache-2.0",
    weights: float = 4.0,
    *,
    files: bool = True,
    gated: bool = False,
    category: Category = Category.TEXT,
    number: int = 0,
) -> Repository:
    """A repository whose files are as large as its weights ask for; `weights` in 10⁹."""
    variants = tuple(
        Variant(
            quantization,
            (
                RemoteFile(
                    f"model-{quantization}.gguf",
                    round(weights * GB * share),
                    f"{number:08d}{position:02d}".ljust(64, "0"),
                ),
            ),
        )
        for position, (quantization, share, _) in enumerate(_QUANTS)
    )
    return Repository(
        id=name,
        category=category,
        licence=classify(licence),
        commit="c0ffee" if files else "",
        gated=gated,
        downloads=1_234_567 // (number + 1) + 17,
        likes=3_456 // (number + 1) + 2,
        trending_score=5_000 - number,
        context_length=(32_768, 131_072, 8_192)[number % 3],
        architecture="qwen3",
        parameter_count=round(weights * GB),
        variants=variants if files else (),
        modified_ms=now_ms() - (number % 400) * DAY_MS,
    )


def many(count: int) -> tuple[Repository, ...]:
    """So many different ones."""
    kinds = tuple(Category)
    return tuple(
        repository(
            f"{_MAKERS[n % 7]}/{_NAMES[(n // 7) % 7]}-{_WEIGHTS[n % 7]}B-{n:04d}-GGUF",
            _LICENCES[(n * 5) % 7],
            _WEIGHTS[n % 7],
            gated=n % 11 == 3,
            category=kinds[(n // 3) % len(kinds)] if n % 4 == 3 else Category.TEXT,
            number=n,
        )
        for n in range(count)
    )


class FakeTrends:
    """Kept looks in memory. `look_fails` makes the next looks raise."""

    def __init__(self, kept: tuple[Repository, ...] = ()) -> None:
        self.rows = {one.id: one for one in kept}
        self.found_now: tuple[Repository, ...] = ()
        self.looks = 0
        self.reads: list[tuple[int, int]] = []
        self.look_fails: SnugError | None = None
        self.last_look: Look | None = None

    def look(self, stop: threading.Event | None = None, *, automatic: bool = False) -> Look:
        self.looks += 1
        if self.look_fails is not None:
            raise self.look_fails
        self.keep(self.found_now)
        self.last_look = Look(now_ms(), self.found_now)
        return self.last_look

    def last(self) -> Look | None:
        return self.last_look

    # What the tab Trends reads; there is nothing in it.
    offline = False

    def series(self, *_wanted: object, **_more: object) -> tuple[()]:
        return ()

    def look_times(self, days: int = 30) -> tuple[int, ...]:
        return ()

    def is_due(self) -> bool:
        return False

    def made_from(self, identifier: str) -> tuple[str, ...]:
        return ()

    def kept(self, query: Query, offset: int = 0, limit: int = 50) -> tuple[Repository, ...]:
        self.reads.append((offset, limit))
        return self._fitting(query)[offset : offset + limit]

    def count(self, query: Query) -> int:
        return len(self._fitting(query))

    def keep(self, repositories: tuple[Repository, ...]) -> None:
        self.rows |= {one.id: one for one in repositories}

    def _fitting(self, query: Query) -> tuple[Repository, ...]:
        if replace(query, supported_only=False) == Query():  # as quick as an index
            return tuple(self.rows.values())
        found = [one for one in self.rows.values() if _fits(one, query)]
        if query.order is Order.NEWEST:
            found.sort(key=lambda one: -one.modified_ms)
        elif query.order is Order.DOWNLOADS:
            found.sort(key=lambda one: -one.downloads)
        return tuple(found)


def _fits(one: Repository, query: Query) -> bool:
    sizes = [v.size_bytes for v in one.variants]
    return (
        query.text.casefold() in one.id.casefold()
        and query.category in (None, one.category)
        and query.licence_class in (None, one.licence.licence_class)
        and query.gated in (None, one.gated)
        and one.context_length >= query.min_context
        and (not query.max_size_bytes or any(s <= query.max_size_bytes for s in sizes))
        and (not query.min_size_bytes or any(s >= query.min_size_bytes for s in sizes))
    )


class FakeHub:
    """The Hub, with what it holds; `fails` makes every request raise."""

    def __init__(self, holds: tuple[Repository, ...] = ()) -> None:
        self.holds = {one.id: one for one in holds}
        self.requests: list[str] = []
        self.fails: SnugError | None = None
        self.free_bytes: int | None = 8 * GB
        self.tokens_per_second: float | None = 14.2
        self.licence = "The licence in full.\nYou may read it."
        self.hold = threading.Event()
        self.hold.set()

    def search(self, query: Query, stop: threading.Event | None = None) -> Look:
        self._ask(f"search {query.text}")
        found = tuple(o for o in self.holds.values() if query.text.casefold() in o.id.casefold())
        return Look(now_ms(), found)

    def show(self, reference: str, stop: threading.Event | None = None) -> Repository:
        self._ask(f"show {reference}")
        if reference not in self.holds:
            raise NotFoundError(f"There is no {reference} on the Hub.")
        return self.holds[reference]

    def offers(self, one: Repository) -> tuple[Offer, ...]:
        return self._offers(one, exact=False)

    def examine(
        self, one: Repository, stop: threading.Event | None = None
    ) -> tuple[Repository, tuple[Offer, ...]]:
        self._ask(f"examine {one.id}")
        return one, self._offers(one, exact=True)

    def licence_text(self, one: Repository, stop: threading.Event | None = None) -> str:
        self._ask(f"licence {one.id}")
        return self.licence

    def available_bytes(self) -> int | None:
        return self.free_bytes

    def _ask(self, request: str) -> None:
        self.requests.append(request)
        self.hold.wait(10)
        if self.fails is not None:
            raise self.fails

    def _offers(self, one: Repository, *, exact: bool) -> tuple[Offer, ...]:
        quality = {name: value for name, _, value in _QUANTS}
        made = [
            Offer(
                variant=variant,
                fit=fit_of(variant.size_bytes, self.free_bytes),
                needed_bytes=round(variant.size_bytes * 1.1) + 400_000_000,
                context_length=one.context_length if exact else 16_384,
                tokens_per_second=self._speed(variant),
                quality=quality.get(variant.quantization, Quality.UNKNOWN),
                recommended=False,
                exact=exact,
                supported=True,
                reason="The largest of good quality that fits with room for a long conversation.",
            )
            for variant in one.variants
        ]
        fitting = [n for n, offer in enumerate(made) if offer.fit is Fit.FITS]
        if fitting:
            best = min(fitting[-1], 2)
            made[best] = replace(made[best], recommended=True)
        return tuple(made)

    def _speed(self, variant: Variant) -> float | None:
        if self.tokens_per_second is None:
            return None
        return self.tokens_per_second * 2.3 * GB / variant.size_bytes


class FakeDownloads:
    """A queue that only remembers; `fails` makes choosing raise."""

    def __init__(self, network: FakeNetwork) -> None:
        self.network = network
        self.starts = 0
        self.queue: list[Download] = []
        self.fails: SnugError | None = None
        self.listeners: list[Callable[[DownloadEvent], None]] = []

    def all(self) -> tuple[Download, ...]:
        return tuple(self.queue)

    def choose(self, one: Repository, variant: Variant) -> Download:
        if self.fails is not None:
            raise self.fails
        made = Download(
            id=variant.sha256,
            repository=one.id,
            commit=one.commit,
            quantization=variant.quantization,
            title=f"{one.id.partition('/')[2]} {variant.quantization}",
            files=(DownloadFile(variant.files[0].path, variant.size_bytes, variant.sha256, "x"),),
        )
        self.queue.append(made)
        return made

    def listen(self, callback: Callable[[DownloadEvent], None]) -> Callable[[], None]:
        self.listeners.append(callback)
        return lambda: self.listeners.remove(callback)

    def start(self) -> None:
        self.starts += 1

    # What the list of downloads reads.
    def listed(self) -> tuple[Download, ...]:
        return ()

    def progress(self, identifier: str) -> None:
        return None

    def waiting(self, identifier: str) -> None:
        return None

    def done_bytes(self, identifier: str) -> int:
        return 0

    def tell(self, event: DownloadEvent) -> None:
        """As the download's thread would."""
        for listener in list(self.listeners):
            listener(event)


@dataclass
class FakeNetwork:
    """The switch and what was used."""

    offline: bool = False
    used: bool = False
    has_token: bool = False

    def was_used(self) -> bool:
        return self.used

    # What the ledger and the settings read.
    forced_offline: bool = False
    endpoint_is_stated: bool = False
    endpoint: str = ""
    proxy_is_stated: bool = False
    proxy: str = ""
    speed_limit: int = 0
    token_place: str = ""

    def ledger(self) -> tuple[()]:
        return ()

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        return lambda: None


@dataclass
class FakeCards:
    """Which licences were accepted."""

    accepted: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def note_choice(self, one: Repository, shown_text: str = "") -> object | None:
        if one.licence.licence_class is LicenceClass.COMMERCIAL:
            return None
        self.accepted.append(one.id)
        self.texts.append(shown_text)
        return one.id

    def of_repository(self, one: Repository, stop: threading.Event | None = None) -> object:
        raise NotFoundError("There is no card in this test.")

    def needs_acceptance(self, one: Repository) -> bool:
        return one.id not in self.accepted


@dataclass
class Finding:
    """All of them together, for a test to steer."""

    hub: FakeHub
    trends: FakeTrends
    network: FakeNetwork
    downloads: FakeDownloads
    cards: FakeCards = field(default_factory=FakeCards)


def make_finding(count: int = 60) -> Finding:
    """With so many kept models, all of which the Hub holds too."""
    kept = many(count)
    network = FakeNetwork()
    return Finding(FakeHub(kept), FakeTrends(kept), network, FakeDownloads(network))


NO_CONNECTION = EnvironmentFault("The Hub does not answer. Check the connection and ask again.")
