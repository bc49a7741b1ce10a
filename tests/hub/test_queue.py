"""What is chosen, queued, paused and resumed, and what it costs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from tests.hub.hub_server import Handler, HubServer, Repo, gguf_bytes
from tests.hub.misbehaviour import (
    BODY,
    HALF,
    OTHER,
    RESOLVE,
    after,
    first_half,
    states,
    wait_for_bytes,
)
from tests.hub.rooms import FILE, NAME, Rooms, sha

from snug.domain.download import (
    DownloadDone,
    DownloadState,
    DownloadStopped,
    FileRole,
)
from snug.domain.errors import (
    NotFoundError,
    SnugError,
    UserError,
)
from snug.hub.errors import AccessError, NetworkFault
from snug.hub.queue import Queue


@pytest.mark.parametrize(
    ("field", "value"),
    [("repository", 5), ("created_ms", float("inf")), ("id", "b" * 64), ("files", [7])],
)
def test_a_record_that_somebody_changed_is_passed_over(
    rooms: Rooms, field: str, value: object
) -> None:
    rooms.offer(BODY)
    path = rooms.models / "downloads" / f"{rooms.choose().id}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    assert rooms.downloads.all() == ()


def test_a_gated_repository_is_told_with_its_page(rooms: Rooms, hub: HubServer) -> None:
    rooms.offer(BODY, gated="manual")
    with pytest.raises(AccessError, match=f"{hub.url}/{NAME}"):
        rooms.run(rooms.choose())


def test_a_token_opens_a_gated_repository(hub: HubServer, tmp_path: Path) -> None:
    rooms = Rooms(hub, tmp_path, token="hf_mine")
    assert rooms.get(BODY, gated="auto") == BODY
    record = next((tmp_path / "downloads").glob("*.json")).read_text()
    assert "hf_mine" not in record
    assert not any("hf_mine" in str(entry) for entry in rooms.ledger.entries())


def test_a_file_that_another_snug_fetches_for_another_model_is_waited_for(
    rooms: Rooms, hub: HubServer
) -> None:
    projector = gguf_bytes(900, 8)
    hub.repos[NAME] = Repo(files={FILE: BODY, "mmproj-F16.gguf": projector}, tags=["gguf"])
    download = rooms.choose()
    with Queue(rooms.models / "downloads").held(sha(projector)) as free:
        assert free
        with pytest.raises(UserError, match="Another Snug"):
            rooms.run(download)
        assert states(rooms) == [DownloadState.QUEUED]
    rooms.run(download)
    assert Path(rooms.delivered[0].projector).read_bytes() == projector


def test_shards_and_the_matching_projector_come_together(rooms: Rooms, hub: HubServer) -> None:
    parts = {f"big-Q8_0-{n:05d}-of-00003.gguf": gguf_bytes(300_000, n) for n in (1, 2, 3)}
    projectors = {
        "mmproj-big-f32.gguf": gguf_bytes(1000, 7),
        "mmproj-big-F16.gguf": gguf_bytes(900, 8),
    }
    hub.repos[NAME] = Repo(files=parts | projectors | {"imatrix.gguf": BODY}, tags=["gguf"])
    found = rooms.catalogue.repository(NAME)
    assert [v.quantization for v in found.variants] == ["Q8_0"]
    download = rooms.choose("q8_0")
    rooms.run(download)
    (delivery,) = rooms.delivered
    first = sha(parts["big-Q8_0-00001-of-00003.gguf"])
    assert [Path(p).name for p in delivery.paths] == [
        f"{first}-{n:05d}-of-00003.gguf" for n in (1, 2, 3)
    ]
    assert [Path(p).read_bytes() for p in delivery.paths] == list(parts.values())
    assert Path(delivery.projector).read_bytes() == projectors["mmproj-big-F16.gguf"]
    assert [f.role for f in download.files].count(FileRole.PROJECTOR) == 1


def test_a_set_with_a_missing_shard_is_not_offered(rooms: Rooms, hub: HubServer) -> None:
    hub.repos[NAME] = Repo(files={"big-Q8_0-00001-of-00002.gguf": BODY}, tags=["gguf"])
    with pytest.raises(NotFoundError, match="no GGUF"):
        rooms.choose("Q8_0")


def test_without_a_checksum_nothing_is_downloaded(rooms: Rooms, hub: HubServer) -> None:
    described = {
        "id": NAME,
        "sha": "a" * 40,
        "siblings": [{"rfilename": FILE, "size": 100}],
        "tags": ["gguf"],
    }
    hub.answers["/api/models/"] = lambda handler: handler.json(described)
    with pytest.raises(UserError, match="checksum"):
        rooms.choose()


def test_an_unknown_quantization_lists_what_there_is(rooms: Rooms, hub: HubServer) -> None:
    hub.repos[NAME] = Repo(
        files={"a-Q4_K_M.gguf": gguf_bytes(10), "a-UD-Q2_K_XL.gguf": gguf_bytes(9)}, tags=["gguf"]
    )
    with pytest.raises(NotFoundError, match=r"UD-Q2_K_XL, Q4_K_M"):
        rooms.choose("Q5_K_M")


def test_the_queue_works_by_itself_one_after_the_other(rooms: Rooms) -> None:
    for number in range(3):
        rooms.offer(gguf_bytes(50_000, number), name=f"maker/m{number}-GGUF")
        rooms.choose(name=f"maker/m{number}-GGUF")
    done = threading.Semaphore(0)

    def sink(event: object) -> None:
        if isinstance(event, DownloadDone):
            done.release()

    rooms.downloads.start(sink)
    assert all(done.acquire(timeout=10) for _ in range(3))
    rooms.offer(gguf_bytes(50_000, 9), name="maker/late-GGUF")
    rooms.choose(name="maker/late-GGUF")
    assert done.acquire(timeout=10)
    assert states(rooms) == [DownloadState.DONE] * 4


@pytest.mark.alone
def test_closing_stops_at_once_and_the_next_start_goes_on(rooms: Rooms, hub: HubServer) -> None:
    reached = threading.Event()

    def half_and_wait(handler: Handler) -> None:
        first_half(handler)
        reached.set()
        hub.over.wait(20)

    rooms.offer(BODY)
    hub.answers[RESOLVE] = after(half_and_wait, lambda h: h.send_file(BODY, etag='"v1"'))
    download = rooms.choose()
    rooms.downloads.start(rooms.events.append)
    assert reached.wait(5)
    wait_for_bytes(rooms, download.id, HALF)
    began = time.monotonic()
    rooms.downloads.close()
    assert time.monotonic() - began < 0.5
    assert states(rooms) == [DownloadState.QUEUED]

    again = Rooms(hub, rooms.models)
    done = threading.Event()
    again.downloads.start(lambda e: done.set() if isinstance(e, DownloadDone) else None)
    assert done.wait(10)
    again.downloads.close()
    assert (rooms.models / f"{sha(BODY)}.gguf").read_bytes() == BODY
    assert hub.poured == len(BODY)


def test_cancel_deletes_what_came(rooms: Rooms, hub: HubServer) -> None:
    rooms.offer(BODY)
    hub.answers[RESOLVE] = first_half
    download = rooms.choose()
    with pytest.raises(NetworkFault):
        rooms.run(download)
    assert rooms.downloads.kept_bytes(download.id) == HALF
    rooms.downloads.cancel(download.id)
    assert rooms.left() == []
    assert rooms.downloads.all() == ()


def test_cancel_of_a_running_one_stops_it_first(rooms: Rooms, hub: HubServer) -> None:
    reached = threading.Event()

    def stall(handler: Handler) -> None:
        first_half(handler)
        reached.set()
        hub.over.wait(20)

    rooms.offer(BODY)
    hub.answers[RESOLVE] = stall
    download = rooms.choose()
    rooms.downloads.start(rooms.events.append)
    assert reached.wait(5)
    rooms.downloads.cancel(download.id)
    assert rooms.downloads.all() == ()
    assert rooms.left() == []
    assert any(isinstance(e, DownloadStopped) for e in rooms.events)


def test_a_second_snug_leaves_a_running_download_alone(rooms: Rooms, hub: HubServer) -> None:
    reached = threading.Event()

    def stall(handler: Handler) -> None:
        reached.set()
        hub.over.wait(20)

    rooms.offer(BODY)
    hub.answers[RESOLVE] = stall
    download = rooms.choose()
    rooms.downloads.start(rooms.events.append)
    assert reached.wait(5)
    with pytest.raises(UserError, match="Another Snug"):
        Rooms(hub, rooms.models).run(download)


def test_the_speed_cap_holds(rooms: Rooms) -> None:
    body = gguf_bytes(1_000_000)
    rooms.offer(body)
    download = rooms.choose()
    rooms.downloads.limit_speed(1_000_000)
    began = time.monotonic()
    rooms.run(download)
    assert 0.6 < time.monotonic() - began < 2.5


def test_a_queue_that_somebody_changed_writes_nowhere_else(rooms: Rooms, hub: HubServer) -> None:
    rooms.offer(BODY)
    download = rooms.choose()
    path = rooms.models / "downloads" / f"{download.id}.json"
    kept = json.loads(path.read_bytes())
    for change in (
        {"files": [{**kept["files"][0], "stored_as": "../../evil.gguf"}]},
        {"files": [{**kept["files"][0], "size_bytes": -1}]},
        {"commit": "main"},
        {"repository": "../x"},
        {"state": "odd"},
        {"files": []},
        {"id": "../x"},
    ):
        path.write_text(json.dumps(kept | change))
        assert rooms.downloads.all() == ()
    for damage in (b"", b"{", b"[" * 100_000, b"\xff"):
        path.write_bytes(damage)
        assert rooms.downloads.all() == ()


def test_a_hundred_interruptions_a_hundred_right_files_and_no_byte_twice(
    rooms: Rooms, hub: HubServer
) -> None:
    body = gguf_bytes(400_000)
    cuts = iter(range(1, 101))
    rooms.offer(body)

    def cut(handler: Handler) -> None:
        at = handler.first_byte()
        upto = min(len(body), at + 3_989)
        etag = '"v1"'
        if at == 0:
            handler.start(200, {"Content-Length": str(len(body)), "ETag": etag})
        else:
            handler.start(
                206,
                {
                    "Content-Length": str(len(body) - at),
                    "Content-Range": f"bytes {at}-{len(body) - 1}/{len(body)}",
                    "ETag": etag,
                },
            )
        handler.pour(body[at:upto] if next(cuts, None) else body[at:])

    hub.answers[RESOLVE] = cut
    assert Path(rooms.run(rooms.choose()).path).read_bytes() == body
    assert hub.poured == len(body)


def test_a_broken_file_in_the_models_folder_is_not_taken_for_the_download(
    rooms: Rooms,
) -> None:
    (rooms.models / f"{sha(BODY)}.gguf").write_bytes(OTHER)
    assert rooms.get(BODY) == BODY


def test_a_folder_that_cannot_be_written_is_told(rooms: Rooms, hub: HubServer) -> None:
    rooms.offer(BODY)
    download = rooms.choose()
    shutil.rmtree(rooms.models / "downloads")
    (rooms.models / "downloads").write_text("in the way")
    with pytest.raises(SnugError):
        rooms.run(download)


def test_a_download_costs_at_most_a_quarter_more_than_a_bare_client(
    rooms: Rooms, hub: HubServer
) -> None:
    """In processor time of the thread, which other programs on the machine do not change."""
    body = gguf_bytes(60_000_000)
    rooms.offer(body)
    url = f"{hub.url}{RESOLVE}/{'a' * 40}/{FILE}"

    def bare() -> float:
        began = time.thread_time()
        digest = hashlib.sha256()
        with urllib.request.urlopen(url) as reply, (rooms.models / "bare").open("wb") as out:
            while data := reply.read(262_144):
                digest.update(data)
                out.write(data)
            out.flush()
            os.fsync(out.fileno())
        return time.thread_time() - began

    def ours() -> float:
        download = rooms.choose()
        began = time.thread_time()
        rooms.run(download)
        elapsed = time.thread_time() - began
        rooms.downloads.cancel(download.id)
        (rooms.models / f"{sha(body)}.gguf").unlink()
        return elapsed

    ratio = min(bare() for _ in range(3)) / min(ours() for _ in range(3))
    print(f"throughput ratio {ratio:.2f}")
    assert ratio >= 0.8
