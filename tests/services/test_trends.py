"""The trending tracker with the real vault, against a Hub on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.hub.hub_server import HubServer, Repo, serving
from tests.hub.rooms import Rooms

from snug.domain.errors import EnvironmentFault, NotFoundError, SnugError
from snug.domain.hub import Category, Order, Query
from snug.domain.licence import LicenceClass
from snug.domain.trends import Direction, HubBusyError
from snug.hub.errors import StoppedError
from snug.hub.trending import HubTrending
from snug.services.looks import Look
from snug.services.trends import FEW, MAX_REQUESTS, GgufLooks, Trends
from snug.vault.vault import Vault

DAY_MS = 86_400_000
NOON = 20_000 * DAY_MS + DAY_MS // 2
TASKS = {
    "text-generation": 9,
    "image-text-to-text": 6,
    "automatic-speech-recognition": 6,
    "text-to-image": 6,
    "text-to-video": 6,
    "feature-extraction": 6,
}


class Desk:
    """The tracker on a vault and a Hub, with a clock to turn."""

    def __init__(self, folder: Path, hub: HubServer) -> None:
        self.hub = hub
        self.rooms = Rooms(hub, folder / "models")
        self.vault = Vault.open(folder / "vault", folder / "keys", keyring_allowed=False)
        self.now = NOON
        self.offline = False
        self.free_bytes: int | None = None
        self.trends = Trends(
            self.vault.catalogue,
            self.vault.conversations,
            lambda: HubTrending(self.rooms.gateway),
            lambda: self.offline,
            available_bytes=lambda: self.free_bytes,
            architectures=lambda: frozenset({"llama"}),
            clock_ms=lambda: self.now,
        )

    def offer(self, task: str, count: int, **more: Any) -> None:
        for n in range(count):
            values = {"gguf": {}, "card": {"license": "mit"}, "tags": [task]} | more
            self.hub.repos[f"{task}/m{n}"] = Repo(task=task, **values)

    def field(self) -> None:
        """Enough of every category."""
        for task, count in TASKS.items():
            self.offer(task, count)

    def asked(self) -> list[dict[str, list[str]]]:
        return [parse_qs(urlsplit(seen.path).query) for seen in self.hub.seen]

    def wait(self, *, minutes: float = 0, days: float = 0) -> None:
        self.now += round(minutes * 60_000 + days * DAY_MS)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with serving() as hub:
        made = Desk(tmp_path, hub)
        yield made
        made.rooms.downloads.close()
        made.vault.close()


def ids(look: Look) -> set[str]:
    return {one.id for one in look.repositories}


def test_a_look_is_two_requests_where_they_show_every_category(desk: Desk) -> None:
    desk.field()
    look = desk.trends.look()
    assert not look.kept
    assert look.time_ms == NOON
    assert len(look.repositories) == sum(TASKS.values())
    assert {one.category for one in look.repositories} >= set(Category) - {
        Category.CODE,
        Category.OTHER,
    }
    field, gguf = desk.asked()
    assert "filter" not in field
    assert gguf["filter"] == ["gguf"]
    assert field["limit"] == gguf["limit"] == ["100"]


def test_nothing_is_sent_but_the_query(desk: Desk) -> None:
    desk.field()
    desk.trends.look()
    for seen in desk.hub.seen:
        query = parse_qs(urlsplit(seen.path).query)
        assert set(query) <= {"sort", "limit", "expand", "filter"}
        sent = {name.lower() for name in seen.headers}
        assert sent <= {"host", "accept", "accept-encoding", "connection", "user-agent"}
        assert seen.headers.get("User-Agent", "snug").lower().startswith("snug")


def test_a_category_of_which_little_is_seen_is_asked_for_and_the_requests_are_bounded(
    desk: Desk,
) -> None:
    desk.offer("text-generation", 1)
    desk.offer("text-to-video", FEW - 1)
    desk.trends.look()
    asked = desk.asked()
    assert len(asked) == MAX_REQUESTS
    assert ["text-to-video"] in [one.get("pipeline_tag") for one in asked]


def test_a_category_asked_for_does_not_change_the_shares(desk: Desk) -> None:
    desk.offer("text-generation", 9)
    desk.hub.answers["/api/models"] = lambda handler: (
        handler.json([{"id": "v/extra", "pipeline_tag": "text-to-video"}])
        if "pipeline_tag=text-to-video" in handler.path
        else handler._listing()
    )
    look = desk.trends.look()
    assert "v/extra" in ids(look)
    assert [one.name for one in desk.trends.series("category")] == ["text"]


def test_within_five_minutes_the_kept_look_is_given(desk: Desk) -> None:
    desk.field()
    first = desk.trends.look()
    seen = len(desk.hub.seen)
    desk.wait(minutes=4)
    again = desk.trends.look()
    assert again.kept
    assert (again.time_ms, ids(again)) == (first.time_ms, ids(first))
    assert len(desk.hub.seen) == seen
    assert not desk.trends.look(forced=True).kept
    desk.wait(minutes=5)
    assert not desk.trends.look().kept


def test_by_itself_it_looks_once_a_day(desk: Desk) -> None:
    desk.field()
    assert desk.trends.is_due()
    desk.trends.look(automatic=True)
    desk.wait(minutes=300)
    assert not desk.trends.is_due()
    assert desk.trends.look(automatic=True).kept
    desk.wait(days=0.5)
    assert desk.trends.is_due()
    assert not desk.trends.look(automatic=True).kept


def test_a_hub_that_asks_for_fewer_requests_is_left_alone(desk: Desk) -> None:
    desk.field()
    desk.trends.look()
    desk.hub.answers["/api/models"] = lambda handler: handler.json(
        {}, 429, **{"Retry-After": "120"}
    )
    desk.wait(days=1)
    with pytest.raises(HubBusyError, match="fewer requests"):
        desk.trends.look()
    seen = len(desk.hub.seen)
    desk.hub.answers.clear()
    desk.wait(minutes=14)
    assert desk.trends.look(forced=True).kept
    assert not desk.trends.is_due()
    assert len(desk.hub.seen) == seen
    desk.wait(minutes=2)
    assert not desk.trends.look().kept


def test_the_wait_counts_for_a_first_look_too_and_without_a_time(desk: Desk) -> None:
    desk.hub.answers["/api/models"] = lambda handler: handler.json({}, 429)
    with pytest.raises(HubBusyError):
        desk.trends.look()
    with pytest.raises(NotFoundError, match="in 15 minutes"):
        desk.trends.look(forced=True)
    assert len(desk.hub.seen) == 1


def test_a_clock_set_back_does_not_wait_for_years(desk: Desk) -> None:
    desk.field()
    desk.trends.look()
    desk.now = NOON - 400 * DAY_MS
    assert not desk.trends.look().kept


def test_offline_gives_the_kept_look_and_opens_no_connection(desk: Desk) -> None:
    desk.offline = True
    with pytest.raises(NotFoundError, match="offline"):
        desk.trends.look()
    desk.offline = False
    desk.field()
    desk.trends.look()
    seen = len(desk.hub.seen)
    desk.offline = True
    desk.wait(days=3)
    look = desk.trends.look(forced=True)
    assert look.kept
    assert look.time_ms == NOON
    assert len(desk.hub.seen) == seen
    assert desk.trends.series("category")


def test_a_page_that_fails_keeps_nothing_and_one_that_rounds_off_costs_only_itself(
    desk: Desk,
) -> None:
    desk.offer("text-generation", 9)
    desk.hub.answers["/api/models"] = lambda handler: (
        handler.json({}, 500) if "filter=gguf" in handler.path else handler._listing()
    )
    with pytest.raises(EnvironmentFault):
        desk.trends.look()
    assert desk.trends.last() is None
    desk.hub.answers["/api/models"] = lambda handler: (
        handler.json({}, 500) if "pipeline_tag=" in handler.path else handler._listing()
    )
    assert len(desk.trends.look().repositories) == 9


def test_an_empty_answer_is_no_look(desk: Desk) -> None:
    with pytest.raises(EnvironmentFault, match="lists nothing"):
        desk.trends.look()
    assert desk.trends.last() is None


def test_a_look_can_be_stopped(desk: Desk) -> None:
    reached, stop = threading.Event(), threading.Event()

    def hang(handler: Any) -> None:
        reached.set()
        desk.hub.over.wait(30)

    desk.hub.answers["/api/models"] = hang
    caught: list[SnugError] = []

    def look() -> None:
        try:
            desk.trends.look(stop)
        except SnugError as error:
            caught.append(error)

    thread = threading.Thread(target=look)
    thread.start()
    assert reached.wait(10)
    stop.set()
    thread.join(5)
    assert isinstance(caught[0], StoppedError)


def test_a_licence_is_inherited_from_what_the_look_itself_shows(desk: Desk) -> None:
    desk.field()
    desk.hub.repos["maker/base"] = Repo(card={"license": "llama3.2"}, gguf={})
    desk.hub.repos["q/quantized"] = Repo(tags=["gguf", "base_model:quantized:maker/base"])
    look = desk.trends.look()
    quantized = next(one for one in look.repositories if one.id == "q/quantized")
    assert quantized.licence.licence_class is LicenceClass.RESTRICTED
    assert quantized.licence.inherited_from == "maker/base"
    assert desk.trends.made_from("maker/base") == ("q/quantized",)
    assert len(desk.hub.seen) == 2


def test_over_days_the_series_tell_what_rises(desk: Desk) -> None:
    for videos in (5, 5, 20, 30):
        desk.hub.repos.clear()
        desk.field()
        desk.offer("text-to-video", videos, card={"license": "cc-by-nc-4.0"})
        desk.trends.look()
        desk.wait(days=1)
    found = {one.name: one for one in desk.trends.series("category", days=30)}
    assert found["video"].direction is Direction.RISING
    assert found["text"].direction is Direction.FALLING
    assert [point.count for point in found["video"].points] == [5 + 1, 5 + 1, 20, 30]
    assert found["video"].days == 4
    assert len(desk.trends.look_times()) == 4
    licences = {one.name: one.direction for one in desk.trends.series("licence")}
    assert licences == {"research": Direction.RISING, "commercial": Direction.FALLING}
    (recent, *_) = desk.trends.series("category", days=2)
    assert recent.days == 1
    assert recent.direction is Direction.UNKNOWN


def test_kept_models_are_filtered_by_everything_a_query_has(desk: Desk) -> None:
    desk.field()
    desk.hub.repos["q/small"] = Repo(
        tags=["gguf"], gguf={"architecture": "llama", "total": 10**9, "context_length": 9}
    )
    desk.hub.repos["q/big"] = Repo(
        tags=["gguf"], gguf={"architecture": "odd", "total": 10**11, "context_length": 99}
    )
    desk.trends.look()
    kept, every = desk.trends.kept, sum(TASKS.values()) + 2

    def found(query: Query) -> set[str]:
        return {one.id for one in kept(query)}

    assert desk.trends.count(Query()) == every
    assert len(kept(Query(), limit=10)) == 10
    assert len(kept(Query(), offset=40, limit=50)) == every - 40
    assert found(Query(text="small")) == {"q/small"}
    assert found(Query(architecture="odd")) == {"q/big"}
    assert found(Query(supported_only=True)) == {"q/small"}
    assert found(Query(min_context=10)) == {"q/big"}
    desk.free_bytes = 8 * 10**9
    assert found(Query(fits_only=True)) == {"q/small"}
    assert found(Query(fits_only=True, max_size_bytes=10)) == set()
    assert found(Query(min_size_bytes=10**10)) == {"q/big"}
    assert found(Query(category=Category.VIDEO, order=Order.NEWEST)) == {
        f"text-to-video/m{n}" for n in range(6)
    }
    assert desk.trends.architectures() == (("llama", 1), ("odd", 1))
    assert desk.trends.model("Q/Small") is not None


def test_what_a_search_found_is_kept_with_only_the_sizes_that_are_wanted(desk: Desk) -> None:
    desk.rooms.offer(b"GGUF" + bytes(996), name="s/x", file="x-Q4_0.gguf")
    desk.hub.repos["s/x"].files["x-Q8_0.gguf"] = b"GGUF" + bytes(1996)
    desk.trends.keep([desk.rooms.catalogue.repository("s/x")])
    (found,) = desk.trends.kept(Query(max_size_bytes=1500))
    assert [one.quantization for one in found.variants] == ["Q4_0"]
    (found,) = desk.trends.kept(Query())
    assert len(found.variants) == 2


def test_looks_at_gguf_models_are_kept_with_the_others(desk: Desk) -> None:
    looks = GgufLooks(desk.vault.catalogue)
    assert looks.last() is None
    desk.rooms.offer(b"GGUF" + bytes(996), name="s/x", file="x-Q4_0.gguf")
    look = Look(NOON, (desk.rooms.catalogue.repository("s/x"),))
    looks.keep(look)
    assert looks.last() == Look(NOON, look.repositories, kept=True)
    desk.wait(days=1)
    desk.field()
    desk.trends.look()
    last = looks.last()
    assert last is not None
    assert ids(last) == {"s/x"}
    assert last.repositories[0].variants == look.repositories[0].variants
