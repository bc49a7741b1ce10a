"""Downloads on servers that misbehave: a file is verified and there, or not there at all."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.hub.hub_server import Handler, HubServer, gguf_bytes
from tests.hub.misbehaviour import (
    BODY,
    HALF,
    OTHER,
    RESOLVE,
    after,
    first_half,
    states,
)
from tests.hub.rooms import FILE, NAME, Rooms, sha

from snug.domain.download import (
    DownloadDone,
    DownloadProgress,
    DownloadState,
    DownloadWaiting,
)
from snug.domain.errors import (
    DiskFullError,
    EnvironmentFault,
    ModelFileError,
)
from snug.hub.errors import AnswerError, NetworkFault, StoppedError
from snug.hub.fetch import WrongContentError


def test_a_file_is_verified_stored_by_its_hash_and_handed_over(rooms: Rooms) -> None:
    assert rooms.get(BODY) == BODY
    (delivery,) = rooms.delivered
    assert delivery.paths == (str(rooms.models / f"{sha(BODY)}.gguf"),)
    assert rooms.left() == [f"{sha(BODY)}.gguf"]
    (record,) = rooms.downloads.all()
    assert record.state is DownloadState.DONE
    assert (record.repository, record.commit) == (NAME, "a" * 40)
    assert record.finished_ms >= record.created_ms > 0
    assert isinstance(rooms.events[-1], DownloadDone)
    progress = [e for e in rooms.events if isinstance(e, DownloadProgress)]
    assert progress[-1].done_bytes == progress[-1].total_bytes == len(BODY)


def test_row_25_a_stall_at_half_is_retried_and_goes_on_from_there(
    impatient: Rooms, hub: HubServer
) -> None:
    def stall(handler: Handler) -> None:
        first_half(handler)
        hub.over.wait(20)

    hub.answers[RESOLVE] = after(stall, lambda h: h.send_file(BODY, etag='"v1"'))
    assert impatient.get(BODY) == BODY
    assert hub.poured == len(BODY)  # no byte twice
    assert [type(e) for e in impatient.events].count(DownloadWaiting) == 1


def test_a_retry_does_not_read_back_what_it_wrote(
    rooms: Rooms, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    def counted(descriptor: int, count: int) -> bytes:
        data = os.pread(descriptor, count, os.lseek(descriptor, 0, os.SEEK_CUR))
        os.lseek(descriptor, len(data), os.SEEK_CUR)
        read.append(len(data))
        return data

    monkeypatch.setattr("snug.hub.fetch.os.read", counted)
    hub.answers[RESOLVE] = after(first_half, lambda h: h.send_file(BODY, etag='"v1"'))
    assert rooms.get(BODY) == BODY
    assert hub.poured == len(BODY)
    assert sum(read) == 0


@pytest.mark.alone
def test_row_25_one_byte_a_second_shows_progress_and_stops_within_300_ms(
    rooms: Rooms, hub: HubServer
) -> None:
    begun = threading.Event()

    def drip(handler: Handler) -> None:
        handler.start(200, {"Content-Length": str(len(BODY))})
        for at in range(len(BODY)):
            handler.wfile.write(BODY[at : at + 1])
            if at == 2:
                begun.set()
            if hub.over.wait(0.25 if at < 4 else 1.0):
                return

    rooms.offer(BODY)
    hub.answers[RESOLVE] = drip
    stop = threading.Event()
    ended: list[float] = []

    def run() -> None:
        with pytest.raises(StoppedError):
            rooms.run(download, stop)
        ended.append(time.monotonic())

    download = rooms.choose()
    running = threading.Thread(target=run)
    running.start()
    assert begun.wait(5)
    began = time.monotonic()
    rooms.downloads.pause(download.id)
    running.join(5)
    assert ended[0] - began < 0.3
    assert states(rooms) == [DownloadState.PAUSED]
    assert any(isinstance(e, DownloadProgress) and e.done_bytes > 0 for e in rooms.events)


def test_a_server_that_never_comes_back_pauses_the_download_with_the_reason(
    rooms: Rooms, hub: HubServer
) -> None:
    rooms.offer(BODY)
    hub.answers[RESOLVE] = lambda handler: handler.json({}, 503)
    with pytest.raises(NetworkFault):
        rooms.run(rooms.choose())
    (download,) = rooms.downloads.all()
    assert download.state is DownloadState.PAUSED
    assert "503" in download.problem
    del hub.answers[RESOLVE]
    rooms.downloads.resume(download.id)
    rooms.run(download)
    assert states(rooms) == [DownloadState.DONE]


def test_row_26_one_flipped_byte_in_64_mb_is_rejected_and_deleted(
    rooms: Rooms, hub: HubServer
) -> None:
    body = gguf_bytes(64_000_000)
    wrong = bytearray(body)
    wrong[40_000_000] ^= 1
    rooms.offer(body)
    hub.answers[RESOLVE] = lambda handler: handler.send_file(bytes(wrong))
    with pytest.raises(WrongContentError, match="SHA-256"):
        rooms.run(rooms.choose())
    assert rooms.left() == []
    assert rooms.delivered == []
    assert states(rooms) == [DownloadState.FAILED]


def span(handler: Handler, first: int, last: int, total: int | str, body: bytes, etag: str) -> None:
    handler.start(
        206,
        {
            "Content-Length": str(len(body)),
            "Content-Range": f"bytes {first}-{last}/{total}",
            "ETag": etag,
        },
    )
    handler.pour(body)


END = len(BODY) - 1
SECOND_ANSWERS: dict[str, Callable[[Handler], None]] = {
    "as it should": lambda h: h.send_file(BODY, etag='"v1"'),
    "range ignored": lambda h: h.send_file(BODY, ranges=False, etag='"v1"'),
    "wrong start": lambda h: (
        span(h, 0, END, len(BODY), BODY, '"v1"') if h.first_byte() else h.send_file(BODY)
    ),
    "wrong total": lambda h: (
        span(h, h.first_byte(), 9, 10, BODY[h.first_byte() :], '"v1"')
        if h.first_byte()
        else h.send_file(BODY)
    ),
    "changed etag, range all the same": lambda h: (
        span(h, h.first_byte(), END, len(BODY), OTHER[h.first_byte() :], '"v2"')
        if h.first_byte()
        else h.send_file(BODY)
    ),
    "changed etag, If-Range heeded": lambda h: h.send_file(BODY, etag='"v2"'),
    "not satisfiable": lambda h: (
        h.start(416, {"Content-Length": "0"}) if h.first_byte() else h.send_file(BODY)
    ),
    "no range in a 206": lambda h: (
        h.start(206, {"Content-Length": "0"}) if h.first_byte() else h.send_file(BODY)
    ),
    "other bytes under the same etag": lambda h: (
        span(h, h.first_byte(), END, len(BODY), OTHER[h.first_byte() :], '"v1"')
        if h.first_byte()
        else h.send_file(BODY)
    ),
}


@pytest.mark.parametrize("behaviour", SECOND_ANSWERS)
def test_row_27_however_a_resume_is_answered_the_file_is_right(
    rooms: Rooms, hub: HubServer, behaviour: str
) -> None:
    hub.answers[RESOLVE] = after(first_half, SECOND_ANSWERS[behaviour])
    assert rooms.get(BODY) == BODY
    resumed = hub.seen[-1] if behaviour == "as it should" else hub.seen[2]
    assert resumed.headers["Range"] == f"bytes={HALF}-"
    assert resumed.headers["If-Range"] == '"v1"'


def test_row_29_an_endless_body_is_cut_at_what_was_announced(rooms: Rooms, hub: HubServer) -> None:
    def endless(handler: Handler) -> None:
        handler.start(200, {"ETag": '"x"'})
        handler.pour(BODY)
        while True:
            handler.pour(b"x" * 65536)

    hub.answers[RESOLVE] = endless
    assert rooms.get(BODY) == BODY


def test_row_29_another_length_than_announced_is_told_at_once(rooms: Rooms, hub: HubServer) -> None:
    rooms.offer(BODY)
    hub.answers[RESOLVE] = lambda handler: handler.send_file(BODY + b"more")
    with pytest.raises(AnswerError, match="replaced"):
        rooms.run(rooms.choose())
    assert rooms.ledger.entries()[-1].bytes_received <= 64 * 1024


def test_row_32_main_changes_and_the_chosen_commit_is_delivered(
    rooms: Rooms, hub: HubServer
) -> None:
    repo = rooms.offer(BODY)
    download = rooms.choose()

    def replaced(handler: Handler) -> None:
        repo.publish("b" * 40, {FILE: OTHER})
        first_half(handler)

    hub.answers[RESOLVE] = after(
        replaced, lambda h: (hub.answers.clear(), h.send_file(repo.at("a" * 40)[FILE]))
    )
    assert Path(rooms.run(download).path).read_bytes() == BODY
    assert rooms.downloads.all()[0].commit == "a" * 40


@pytest.mark.parametrize(
    ("beginning", "words"),
    [
        (b"<!DOCTYPE html><html>", "web page"),
        (b"  <html>", "web page"),
        (b"\x80\x04\x95\0\0", "pickle"),
        (b"PK\x03\x04\x14\0", "zip"),
        (b"version https://git-lfs.github.com/spec/v1", "pointer"),
        (b"\0" * 16, "no GGUF"),
        (b"GGU", "no GGUF"),
    ],
)
def test_row_33_what_is_no_gguf_is_stopped_within_64_kb(
    rooms: Rooms, hub: HubServer, beginning: bytes, words: str
) -> None:
    rooms.offer(BODY)
    hub.answers[RESOLVE] = lambda h: h.send_file((beginning + b"!" * len(BODY))[: len(BODY)])
    with pytest.raises(AnswerError, match=words):
        rooms.run(rooms.choose())
    assert rooms.left() == []
    assert states(rooms) == [DownloadState.FAILED]
    entry = [e for e in rooms.ledger.entries() if e.reason.startswith("download")][-1]
    assert entry.bytes_received <= 64 * 1024


def hostile_names() -> Iterator[str]:
    for core in ("../../evil", "/etc/evil", "a/../../evil", "CON", "evil\u202egpj", "x" * 290):
        yield f"{core}-Q4_K_M.gguf"
    for core in ("..\\..\\evil", "C:\\evil", "nul\0evil", "evil\nline", "\u200bevil", ".evil"):
        yield f"{core}-Q4_K_M.gguf"
    for number in range(88):
        yield f"{'../' * (number % 9)}%2e%2e%2f{chr(0x80 + number)}evil {number}-Q4_K_M.gguf"


def test_row_31_a_hundred_hostile_names_and_nothing_outside_the_folder(
    hub: HubServer, tmp_path: Path
) -> None:
    names = list(hostile_names())
    assert len(names) == 100
    models = tmp_path / "deep" / "down" / "models"
    rooms = Rooms(hub, models)
    for number, name in enumerate(names):
        body = gguf_bytes(200, seed=number)
        rooms.offer(body, file=name)
        hub.answers[RESOLVE] = lambda handler, body=body: handler.send_file(body)
        download = rooms.choose()
        assert Path(rooms.run(download).path) == models / f"{sha(body)}.gguf"
        shown = rooms.catalogue.repository(NAME).variants[0].name
        assert shown.isprintable()
        assert "/" not in shown
        assert len(shown) <= 120
    outside = [p for p in tmp_path.rglob("*") if p.is_file() and models not in p.parents]
    assert outside == []
    assert len(rooms.left()) == 100


def test_row_21_too_little_room_is_said_before_a_byte_is_fetched(
    hub: HubServer, tmp_path: Path
) -> None:
    rooms = Rooms(hub, tmp_path, free_bytes=lambda _: int(len(BODY) * 1.09))
    rooms.offer(BODY)
    with pytest.raises(DiskFullError, match="free"):
        rooms.run(rooms.choose())
    assert hub.poured == 0
    assert states(rooms) == [DownloadState.PAUSED]


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_row_21_a_disk_that_fills_meanwhile_keeps_the_part_and_goes_on_later(
    hub: HubServer, tmp_path: Path
) -> None:
    body = gguf_bytes(12_000_000)
    with small_disk(tmp_path / "disk", 20) as disk:
        rooms = Rooms(hub, disk / "models", free_bytes=lambda _: 10**12)
        (disk / "other").write_bytes(bytes(14_000_000))
        rooms.offer(body)
        download = rooms.choose()
        with pytest.raises(DiskFullError, match="no room"):
            rooms.run(download)
        kept = rooms.downloads.kept_bytes(download.id)
        assert 1_000_000 < kept < len(body)
        (disk / "other").unlink()
        hub.poured = 0
        assert Path(rooms.run(download).path).read_bytes() == body
        assert hub.poured == len(body) - kept


def test_what_the_library_refuses_is_not_left_behind(rooms: Rooms) -> None:
    rooms.refuse = "The file has no tensors."
    rooms.offer(BODY)
    with pytest.raises(ModelFileError):
        rooms.run(rooms.choose())
    assert rooms.left() == []
    assert rooms.downloads.all()[0].problem == "The file has no tensors."


def test_a_library_that_cannot_be_written_costs_no_byte_twice(rooms: Rooms, hub: HubServer) -> None:
    rooms.refuse = EnvironmentFault("The model library is busy.")
    rooms.offer(BODY)
    download = rooms.choose()
    with pytest.raises(EnvironmentFault):
        rooms.run(download)
    assert rooms.left() == [f"{sha(BODY)}.part"]
    rooms.refuse, hub.poured = "", 0
    assert Path(rooms.run(download).path).read_bytes() == BODY
    assert hub.poured == 0


@pytest.mark.parametrize("held", [False, True])
def test_cancelling_deletes_what_a_kill_left_in_place_but_nothing_of_the_library(
    rooms: Rooms, held: bool
) -> None:
    rooms.offer(BODY)
    download = rooms.choose()
    name = f"{sha(BODY)}.gguf"
    (rooms.models / name).write_bytes(BODY)
    rooms.held = {name} if held else set()
    rooms.downloads.cancel(download.id)
    assert rooms.left() == ([name] if held else [])


def test_forgetting_a_finished_download_leaves_its_file(rooms: Rooms) -> None:
    rooms.get(BODY)
    rooms.downloads.cancel(sha(BODY))
    assert rooms.left() == [f"{sha(BODY)}.gguf"]
    assert rooms.downloads.all() == ()
