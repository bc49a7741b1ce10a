"""Listings and pages of the Hub, also senseless ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.hub.hub_server import Handler, HubServer, Repo, gguf_bytes
from tests.hub.rooms import Rooms

from snug.domain.errors import SnugError
from snug.domain.hub import Category, Order, Query, Repository
from snug.domain.licence import LicenceClass
from snug.hub.errors import AnswerError, UnknownRepositoryError
from snug.hub.reading import facts_of, repository_of


def offer(hub: HubServer, name: str, **more: Any) -> Repo:
    files = more.pop("files", {"m-Q4_K_M.gguf": gguf_bytes(1000), "m-Q8_0.gguf": gguf_bytes(2000)})
    hub.repos[name] = Repo(files=files, tags=["gguf", *more.pop("tags", [])], **more)
    return hub.repos[name]


def names(found: tuple[Repository, ...]) -> list[str]:
    return [one.id for one in found]


def test_a_listing_asks_for_what_it_needs_and_no_more(rooms: Rooms, hub: HubServer) -> None:
    for number in range(5):
        offer(hub, f"m/{number}", trending=number, card={"license": "mit"})
    found = rooms.catalogue.list(Query(limit=3, order=Order.TRENDING))
    assert names(found) == ["m/4", "m/3", "m/2"]
    asked = parse_qs(urlsplit(hub.seen[0].path).query)
    assert asked["filter"] == ["gguf"]
    assert asked["sort"] == ["trendingScore"]
    assert asked["limit"] == ["3"]
    assert "siblings" not in asked["expand"]
    assert len(hub.seen) == 4  # the listing, and each of the three once
    assert {len(one.variants) for one in found} == {2}
    assert found[0].context_length == 8192
    assert found[0].trending_score == 4


def test_filters_by_licence_category_size_and_text(rooms: Rooms, hub: HubServer) -> None:
    offer(hub, "m/free-Coder", card={"license": "mit"}, trending=9)
    offer(hub, "m/free", card={"license": "apache-2.0"}, trending=8)
    offer(hub, "m/nc", card={"license": "cc-by-nc-4.0"}, trending=7)
    offer(hub, "m/sees", card={"license": "gemma"}, task="image-text-to-text", trending=6)
    offer(hub, "m/large", card={"license": "mit"}, files={"a-F16.gguf": gguf_bytes(9000)})
    look = rooms.catalogue.list
    assert names(look(Query(licence_class=LicenceClass.RESEARCH))) == ["m/nc"]
    assert names(look(Query(category=Category.CODE))) == ["m/free-Coder"]
    assert names(look(Query(category=Category.VISION_LANGUAGE))) == ["m/sees"]
    assert names(look(Query(text="large"))) == ["m/large"]
    small = look(Query(max_size_bytes=1500))
    assert "m/large" not in names(small)
    assert {v.quantization for one in small for v in one.variants} == {"Q4_K_M"}
    assert names(look(Query(licence_class=LicenceClass.COMMERCIAL, limit=1))) == ["m/free-Coder"]


def test_filters_by_gate_context_architecture_and_smallest_size(
    rooms: Rooms, hub: HubServer
) -> None:
    def told(context: Any, architecture: Any) -> dict[str, Any]:
        return {"context_length": context, "architecture": architecture, "total": 10**9}

    offer(hub, "m/open", gguf=told(4096, "llama"), trending=9)
    offer(hub, "m/gated", gguf=told(131072, "Qwen3"), gated="auto", trending=8)
    offer(hub, "m/silent", gguf={}, trending=7, files={"s-F16.gguf": gguf_bytes(5000)})
    look = rooms.catalogue.list
    assert names(look(Query(gated=True))) == ["m/gated"]
    assert parse_qs(urlsplit(hub.seen[0].path).query)["gated"] == ["true"]
    assert names(look(Query(gated=False))) == ["m/open", "m/silent"]
    assert names(look(Query(min_context=8192))) == ["m/gated"]
    assert names(look(Query(architecture="qwen3"))) == ["m/gated"]
    large = look(Query(min_size_bytes=1500))
    assert {v.quantization for one in large for v in one.variants} == {"Q8_0", "F16"}
    assert names(look(Query(min_size_bytes=3000))) == ["m/silent"]


def test_only_what_is_worth_it_is_asked_for_and_only_what_is_wanted_is_given(
    rooms: Rooms, hub: HubServer
) -> None:
    for number in range(30):
        offer(hub, f"m/{number:02}", trending=-number, card={"license": "mit"})
    found = rooms.catalogue.list(
        Query(limit=2, gated=False),
        worth=lambda one: int(one.id[2:]) % 2 == 0,
        wanted=lambda one: one.id != "m/02",
    )
    assert names(found) == ["m/00", "m/04"]
    asked = [urlsplit(seen.path).path.removeprefix("/api/models/m/") for seen in hub.seen[1:]]
    assert sorted(asked) == ["00", "02", "04", "06"]


def test_a_category_of_several_tasks_is_asked_for_task_by_task(
    rooms: Rooms, hub: HubServer
) -> None:
    for number in range(120):
        offer(hub, f"m/{number}", trending=1000)
    offer(hub, "m/ranks", task="text-ranking", trending=3, card={"license": "mit"})
    offer(hub, "m/hears", task="automatic-speech-recognition", trending=9)
    offer(hub, "m/embeds", task="sentence-similarity", trending=5, card={"license": "mit"})
    assert names(rooms.catalogue.list(Query(category=Category.EMBEDDING))) == [
        "m/embeds",
        "m/ranks",
    ]
    asked = [parse_qs(urlsplit(seen.path).query).get("pipeline_tag") for seen in hub.seen]
    assert asked[:3] == [["feature-extraction"], ["sentence-similarity"], ["text-ranking"]]
    assert len(hub.seen) == 5


def test_a_commit_that_is_known_is_not_asked_for_again(rooms: Rooms, hub: HubServer) -> None:
    for name in ("m/still", "m/moved"):
        offer(hub, name, card={"license": "mit"})
    first = rooms.catalogue.list(Query())
    hub.repos["m/moved"].publish("b" * 40, {"n-Q4_0.gguf": gguf_bytes(700)})
    hub.repos["m/still"].downloads = 77
    hub.seen.clear()
    again = {one.id: one for one in rooms.catalogue.list(Query())}
    assert [urlsplit(seen.path).path for seen in hub.seen] == [
        "/api/models",
        "/api/models/m/moved",
    ]
    assert again["m/still"].downloads == 77
    assert again["m/still"].variants == {one.id: one for one in first}["m/still"].variants
    assert again["m/moved"].variants[0].size_bytes == 700


def test_kept_repositories_spare_requests_too(rooms: Rooms, hub: HubServer, tmp_path: Path) -> None:
    offer(hub, "m/a", card={"license": "mit"})
    kept = rooms.catalogue.list(Query())
    later = Rooms(hub, tmp_path / "later")
    later.catalogue.prime(kept)
    hub.seen.clear()
    assert names(later.catalogue.list(Query())) == ["m/a"]
    assert len(hub.seen) == 1


def test_base_models_that_name_each_other_end_the_search(rooms: Rooms, hub: HubServer) -> None:
    offer(hub, "q/a", card={"base_model": ["q/b", "q/a", "../x", "q/A"]})
    hub.repos["q/b"] = Repo(card={"base_model": ["q/a", "q/c"]})
    hub.repos["q/c"] = Repo(card={"base_model": "q/b", "license": "cc-by-nc-4.0"})
    found = rooms.catalogue.repository("q/a")
    assert found.licence.licence_class is LicenceClass.RESEARCH
    assert found.licence.inherited_from == "q/c"
    hub.repos["q/c"].card = {"base_model": "q/b"}
    assert Rooms(hub, rooms.models / "x").catalogue.repository("q/a").licence.id == ""
    assert len(hub.seen) < 12


HOSTILE_REPOSITORY: dict[str, Any] = {
    "id": "m/odd",
    "sha": "a" * 40,
    "pipeline_tag": "text-generation" * 100_000,
    "tags": ["license:" + "x" * 1_000_000, 5, None, ["base_model:m/odd"]],
    "cardData": {"license": "y" * 1_000_000, "base_model": ["m/odd", 7], "license_link": 9},
    "gguf": {
        "context_length": -1,
        "architecture": "l\u202ella\x1b[31mma" * 100_000,
        "total": 1e999,
    },
    "gated": {"x": 1},
    "downloads": float("nan"),
    "likes": -5,
    "trendingScore": "many",
    "lastModified": "2026-99-99T00:00:00.000Z",
    "siblings": [
        {"rfilename": "a-Q4_K_M.gguf", "size": -7},
        {"rfilename": "b-Q4_0.gguf", "size": float("nan"), "lfs": {"size": 1e400}},
        {"rfilename": "\u202efugg.Q8_0.gguf", "size": 10**30},
        {"rfilename": "c" * 2000 + ".gguf", "size": 5},
        {"rfilename": None},
        7,
    ],
}


@pytest.mark.parametrize("left_out", ["", "lastModified", "siblings", "gguf", "sha"])
def test_hostile_values_raise_nothing_but_the_rooms_errors(
    rooms: Rooms, hub: HubServer, left_out: str
) -> None:
    document = {k: v for k, v in HOSTILE_REPOSITORY.items() if k != left_out}
    hub.answers["/api/models/m/odd"] = lambda handler: handler.json(document)
    hub.answers["/api/models"] = lambda handler: handler.json([document])
    for ask in (
        lambda: rooms.catalogue.list(Query()),
        lambda: rooms.catalogue.list(Query(min_context=1, architecture="x", gated=True)),
        lambda: (rooms.catalogue.repository("m/odd"),),
    ):
        try:
            found = ask()
        except SnugError:
            continue
        for one in found:
            assert one.context_length == one.downloads == one.likes == 0
            assert len(one.licence.id) <= 80
            assert len(one.architecture) <= 60
            assert one.architecture.isprintable()
            assert all(v.size_bytes == 0 for v in one.variants)
            assert all("\u202e" not in v.name for v in one.variants)


def test_a_licence_is_inherited_over_the_hub_and_asked_for_once(
    rooms: Rooms, hub: HubServer
) -> None:
    for number in range(4):
        offer(hub, f"q/{number}", tags=["base_model:quantized:m/tuned"])
    hub.repos["m/tuned"] = Repo(card={"base_model": ["m/base"]})
    hub.repos["m/base"] = Repo(
        card={"license": "other", "license_name": "x-research", "license_link": "https://x/y"}
    )
    first = rooms.catalogue.repository("q/0")
    assert first.licence.licence_class is LicenceClass.RESEARCH
    assert first.licence.inherited_from == "m/base"
    assert first.licence.link == "https://x/y"
    before = len(hub.seen)
    rooms.catalogue.repository("q/1")
    assert len(hub.seen) == before + 1


def test_a_base_model_that_is_gone_leaves_the_licence_unknown(rooms: Rooms, hub: HubServer) -> None:
    offer(hub, "q/a", tags=["base_model:m/gone"])
    assert rooms.catalogue.repository("q/a").licence.licence_class is LicenceClass.UNKNOWN


def test_a_repository_that_is_not_there(rooms: Rooms) -> None:
    with pytest.raises(UnknownRepositoryError, match="no such model"):
        rooms.catalogue.repository("m/nothing")


def test_one_odd_repository_does_not_hide_the_others(rooms: Rooms, hub: HubServer) -> None:
    offer(hub, "m/good", card={"license": "mit"}, trending=1)
    offer(hub, "m/odd", card={"license": "mit"}, trending=9)
    hub.answers["/api/models/m/odd"] = lambda handler: handler.json({"siblings": 5})
    found = rooms.catalogue.list(Query())
    assert names(found) == ["m/odd", "m/good"]
    assert found[0].variants == ()


SENSELESS: list[Any] = [
    None,
    5,
    "text",
    {},
    {"error": "x"},
    [None],
    [5],
    [{"id": None}],
    [{"id": "a/b", "cardData": 5}],
    [{"id": "a/b", "cardData": {"license": {"x": 1}}}],
    [{"id": "a/b", "lastModified": "yesterday"}],
    [{"id": "a/b", "siblings": "x"}],
    [{"id": "../../x"}],
    [{"id": "a/b", "gguf": [], "tags": {"a": 1}, "downloads": "many", "gated": {"x": 2}}],
    [{"id": "a/b", "downloads": 1e400, "likes": -5, "trendingScore": True}],
]


@pytest.mark.parametrize("document", SENSELESS)
def test_a_senseless_answer_is_a_sentence_or_nothing(
    rooms: Rooms, hub: HubServer, document: Any
) -> None:
    body = json.dumps(document).encode()

    def answer(handler: Handler) -> None:
        handler.start(200, {"Content-Length": str(len(body))})
        handler.wfile.write(body)

    hub.answers["/api/models"] = answer
    for ask in (
        lambda: rooms.catalogue.list(Query()),
        lambda: rooms.catalogue.repository("a/b"),
    ):
        assert outcome(ask).endswith(".")


def outcome(ask: Any) -> str:
    """The sentence, or one of our own where the answer was taken."""
    try:
        found = ask()
    except SnugError as error:
        return error.message
    return "A listing." if isinstance(found, tuple) else "odd"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["a/b", "x-Q4_K_M.gguf", "license:mit", "base_model:c/d", "f" * 64]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "sha",
                    "tags",
                    "siblings",
                    "rfilename",
                    "lfs",
                    "sha256",
                    "size",
                    "card_data",
                    "license",
                    "base_model",
                    "gguf",
                    "context_length",
                    "gated",
                    "downloads",
                    "likes",
                    "trending_score",
                    "pipeline_tag",
                    "last_modified",
                ]
            ),
            inner,
            max_size=8,
        )
    ),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSON)
def test_reading_never_raises(document: Any) -> None:
    facts_of(document)
    found = repository_of(document)
    if found is not None:
        assert found.downloads >= 0
        assert all(v.files for v in found.variants)
        assert all(len(f.sha256) in (0, 64) for v in found.variants for f in v.files)


HOSTILE_PROGRAM = """
import sys, threading
from pathlib import Path
from snug.domain.errors import SnugError
from snug.domain.hub import Query
from snug.hub.catalogue import Catalogue
from snug.hub.gateway import Gateway, Limits
from snug.hub.ledger import MemoryLedger
from snug.hub.origins import Policy
from snug.hub.wire import Patience

def high_water():
    text = Path("/proc/self/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) // 1024

catalogue = Catalogue(Gateway(MemoryLedger(), Policy(sys.argv[1]),
                              limits=Limits(Patience(idle_s=5.0), document_s=8.0)))
catalogue.list(Query())
for name in sys.argv[2:]:
    before = high_water()
    try:
        catalogue.repository(f"hostile/{name}")
        print(name, "answered")
    except SnugError as error:
        print(name, high_water() - before, type(error).__name__, error.message)
"""


def endless(handler: Handler) -> None:
    handler.start(200, {"Content-Type": "application/json"})
    while True:
        handler.wfile.write(b'["' + b"x" * 65536)


def gzip_bomb(handler: Handler) -> None:
    import gzip

    body = gzip.compress(bytes(200_000_000), 1)
    handler.start(200, {"Content-Encoding": "gzip", "Content-Length": str(len(body))})
    handler.wfile.write(body)


def ten_mb_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(320):
        handler.wfile.write(b"X-%d: " % number + b"y" * 32_000 + b"\r\n")
    handler.wfile.write(b"\r\n")


def one_long_header(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(160):
        handler.wfile.write(b"y" * 65536)


def huge_listing(handler: Handler) -> None:
    body = b"[" + b"{}," * 2_600_000 + b"{}]"
    handler.start(200, {"Content-Length": str(len(body))})
    handler.wfile.write(body)


def deep_listing(handler: Handler) -> None:
    body = b"[" * 250_000
    handler.start(200, {"Content-Length": str(len(body))})
    handler.wfile.write(body)


def endless_continue(handler: Handler) -> None:
    while True:
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")


HOSTILE = {
    "endless": endless,
    "gzip-bomb": gzip_bomb,
    "headers": ten_mb_headers,
    "long-header": one_long_header,
    "huge-listing": huge_listing,
    "deep-listing": deep_listing,
    "endless-continue": endless_continue,
}


def test_row_29_hostile_servers_cost_less_than_64_mb(hub: HubServer, tmp_path: Path) -> None:
    for name, answer in HOSTILE.items():
        hub.answers[f"/api/models/hostile/{name}"] = answer
    done = subprocess.run(
        [sys.executable, "-c", HOSTILE_PROGRAM, hub.url, *HOSTILE],
        env=os.environ | {"HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line.split(maxsplit=2) for line in done.stdout.splitlines()}
    assert set(rows) == set(HOSTILE)
    for name, row in rows.items():
        assert row[1] != "answered", name
        assert int(row[1]) < 64, row


def test_a_second_question_while_one_hangs(rooms: Rooms, hub: HubServer) -> None:
    offer(hub, "m/quick", card={"license": "mit"})
    offer(hub, "m/slow", card={"license": "mit"})
    reached = threading.Event()

    def hang(handler: Handler) -> None:
        reached.set()
        hub.over.wait(20)

    hub.answers["/api/models/m/slow"] = hang
    stop = threading.Event()
    failed: list[SnugError] = []

    def ask() -> None:
        try:
            rooms.catalogue.repository("m/slow", stop)
        except SnugError as error:
            failed.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    assert reached.wait(5)
    assert rooms.catalogue.repository("m/quick").variants
    stop.set()
    asking.join(5)
    assert failed


def test_the_answers_limit_is_told(rooms: Rooms, hub: HubServer) -> None:
    def large(handler: Handler) -> None:
        handler.start(200, {"Content-Length": "9000000"})
        handler.wfile.write(b"[" + b" " * 8_999_999)

    hub.answers["/api/models"] = large
    with pytest.raises(AnswerError, match="8,000,000"):
        rooms.catalogue.list(Query())
