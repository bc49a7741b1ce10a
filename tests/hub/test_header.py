"""The first bytes of a model's file, over real ranges, also from servers that misread them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.hub.hub_server import Handler, HubServer, Repo, gguf_bytes
from tests.hub.rooms import FILE, NAME, Rooms
from tests.models.gguf_maker import named

from snug.domain.errors import ModelFileError
from snug.domain.hub import Repository
from snug.hub.errors import AccessError, AnswerError, NetworkFault, OfflineError, StoppedError
from snug.hub.header import STEPS
from snug.models.prefix import shape_of_prefix

BODY = gguf_bytes(9_000_000)


def needing(count: int) -> Callable[[bytes], int | None]:
    """A reader that is content with so many bytes, which must be the file's own."""

    def parse(data: bytes) -> int | None:
        assert BODY.startswith(data)
        return len(data) if len(data) >= count else None

    return parse


def looked_up(rooms: Rooms, body: bytes = BODY, **more: object) -> Repository:
    rooms.offer(body, **more)
    found = rooms.catalogue.repository(NAME)
    rooms.hub.poured = 0
    rooms.hub.seen.clear()
    return found


def test_64_kib_are_asked_for_at_the_pinned_commit(rooms: Rooms, hub: HubServer) -> None:
    found = looked_up(rooms)
    assert rooms.catalogue.beginning(found, found.variants[0], needing(1000)) == 64 * 1024
    (seen,) = hub.seen
    assert seen.path == f"/{NAME}/resolve/{found.commit}/{FILE}"
    assert seen.headers["Range"] == "bytes=0-65535"
    assert hub.poured == 64 * 1024
    assert rooms.ledger.entries()[-1].reason == f"first bytes of {NAME}"


def test_a_longer_header_goes_on_where_the_last_piece_ended(rooms: Rooms, hub: HubServer) -> None:
    found = looked_up(rooms)
    assert rooms.catalogue.beginning(found, found.variants[0], needing(700_000)) == 2**20
    assert [s.headers["Range"] for s in hub.seen] == [
        "bytes=0-65535",
        "bytes=65536-262143",
        "bytes=262144-1048575",
    ]
    assert hub.poured == 2**20


def test_no_more_than_4_mib_are_read(rooms: Rooms, hub: HubServer) -> None:
    found = looked_up(rooms)
    assert rooms.catalogue.beginning(found, found.variants[0], needing(5_000_000)) is None
    assert hub.poured == STEPS[-1] == 4 * 2**20


def test_a_small_file_is_read_once(rooms: Rooms, hub: HubServer) -> None:
    body = named("Tiny").build()
    found = looked_up(rooms, body)
    shape = rooms.catalogue.beginning(found, found.variants[0], shape_of_prefix)
    assert shape is not None
    assert shape.layers
    assert len(hub.seen) == 1


def test_a_server_that_ignores_ranges_is_read_as_far_as_needed(
    rooms: Rooms, hub: HubServer
) -> None:
    found = looked_up(rooms)
    hub.answers[f"/{NAME}/resolve"] = lambda handler: handler.send_file(BODY, ranges=False)
    assert rooms.catalogue.beginning(found, found.variants[0], needing(200_000)) == 256 * 1024


def another_part(handler: Handler) -> None:
    span = {"Content-Range": "bytes 7-70/9000", "Content-Length": "64"}
    handler.start(206, span)
    handler.pour(BODY[:64])


def no_span(handler: Handler) -> None:
    handler.start(206, {"Content-Length": "64"})
    handler.pour(BODY[:64])


def cut_off(handler: Handler) -> None:
    handler.start(206, {"Content-Length": "65536", "Content-Range": "bytes 0-65535/9000000"})
    handler.pour(BODY[:500])


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (another_part, AnswerError),
        (no_span, AnswerError),
        (cut_off, NetworkFault),
        (lambda handler: handler.json({}, 500), NetworkFault),
        (lambda handler: handler.json({}, 418), AnswerError),
        (lambda handler: handler.send_file(b"<html>" * 9000), ModelFileError),
    ],
)
def test_odd_servers_end_in_one_sentence(
    rooms: Rooms, hub: HubServer, answer: Callable[[Handler], None], error: type[Exception]
) -> None:
    found = looked_up(rooms)
    hub.answers[f"/{NAME}/resolve"] = answer
    with pytest.raises(error, match=r"\.$"):
        rooms.catalogue.beginning(found, found.variants[0], shape_of_prefix)


def test_an_endless_answer_is_left_after_what_was_asked(rooms: Rooms, hub: HubServer) -> None:
    found = looked_up(rooms)

    def endless(handler: Handler) -> None:
        handler.start(206, {"Content-Range": "bytes 0-65535/9000000"})
        while True:
            handler.wfile.write(BODY[:65536])

    hub.answers[f"/{NAME}/resolve"] = endless
    assert rooms.catalogue.beginning(found, found.variants[0], needing(10)) == 64 * 1024


def test_the_token_goes_along_only_where_the_hub_asks_for_it(
    hub: HubServer, tmp_path: Path
) -> None:
    known = Rooms(hub, tmp_path / "a", token="hf_x")
    found = looked_up(known, gated="manual")
    assert known.catalogue.beginning(found, found.variants[0], needing(70_000)) == 256 * 1024
    assert ["Authorization" in s.headers for s in hub.seen] == [False, True, True]
    stranger = Rooms(hub, tmp_path / "b")
    with pytest.raises(AccessError):
        stranger.catalogue.beginning(found, found.variants[0], needing(10))


def test_stopping_and_the_offline_switch(hub: HubServer, tmp_path: Path) -> None:
    rooms = Rooms(hub, tmp_path / "a")
    found = looked_up(rooms)
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoppedError):
        rooms.catalogue.beginning(found, found.variants[0], needing(10), stop)
    offline = Rooms(hub, tmp_path / "b", offline=True)
    hub.seen.clear()
    with pytest.raises(OfflineError):
        offline.catalogue.beginning(found, found.variants[0], needing(10))
    assert hub.seen == []


def test_a_name_that_would_leave_the_repository_is_only_a_name(
    rooms: Rooms, hub: HubServer
) -> None:
    hub.repos[NAME] = Repo(files={"../../x y?#-Q4_0.gguf": BODY}, tags=["gguf"])
    found = rooms.catalogue.repository(NAME)
    hub.seen.clear()
    assert rooms.catalogue.beginning(found, found.variants[0], needing(10)) == 64 * 1024
    assert "?" not in hub.seen[0].path
    assert "x%20y%3F%23-Q4_0.gguf" in hub.seen[0].path
