"""Rows of the list of threats at their full number: 21 (a full disk), 25 (30 s), 29 (memory)."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.hub.hub_server import Handler, HubServer, gguf_bytes
from tests.hub.misbehaviour import BODY, RESOLVE, after, first_half
from tests.hub.rooms import Rooms
from tests.hub.test_download import small_disk

from snug.domain.download import DownloadProgress, DownloadState, DownloadWaiting
from snug.domain.errors import DiskFullError
from snug.hub.gateway import Limits
from snug.hub.wire import Patience

FIFTY_MB = 50_000_000


def test_row_21_fifty_megabytes_on_a_disk_of_twenty(hub: HubServer, tmp_path: Path) -> None:
    """Refused before the first byte; where the disk fills meanwhile, the part and the rest stay."""
    body = gguf_bytes(FIFTY_MB)
    with small_disk(tmp_path / "disk", 20) as disk:
        vault = disk / "vault.db"
        vault.write_bytes(b"conversations" * 1000)
        honest = Rooms(hub, disk / "models")
        honest.offer(body)
        with pytest.raises(DiskFullError, match=r"GB free, and 0\.1 GB are needed"):
            honest.run(honest.choose())
        assert hub.poured == 0

        blind = Rooms(hub, disk / "models", free_bytes=lambda _: 10**12)
        with pytest.raises(DiskFullError, match="no room left"):
            blind.run(blind.choose())
        (download,) = blind.downloads.all()
        kept = blind.downloads.kept_bytes(download.id)
        assert 10_000_000 < kept < 21_000_000
        assert download.state in (DownloadState.PAUSED, DownloadState.RUNNING)
        assert vault.read_bytes() == b"conversations" * 1000

        hub.poured = 0
        elsewhere = tmp_path / "roomy"
        (elsewhere / "downloads").mkdir(parents=True)
        for path in (disk / "models" / "downloads").iterdir():
            (elsewhere / "downloads" / path.name).write_bytes(path.read_bytes())
        roomy = Rooms(hub, elsewhere)
        assert Path(roomy.run(roomy.choose()).path).read_bytes() == body
        assert hub.poured == FIFTY_MB - kept  # it goes on from what was kept


ENDLESS = """
import resource, sys
from pathlib import Path
from snug.domain.download import Download, DownloadFile
from snug.domain.errors import SnugError
from snug.hub.access import open_hub
from snug.hub.ledger import MemoryLedger
access = open_hub(Path(sys.argv[1]), MemoryLedger(), lambda delivery: None, endpoint=sys.argv[2])
size = int(sys.argv[3])
file = DownloadFile("m.gguf", size, "a" * 64, "a" * 64 + ".gguf")
access.downloads.add(Download("a" * 64, "m/x", "b" * 40, "Q4_0", "m/x", (file,), created_ms=1))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    access.downloads.run("a" * 64, lambda event: None)
except SnugError as error:
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(grown // 1024, type(error).__name__)
"""


def test_row_29_an_endless_download_costs_less_than_64_mb(hub: HubServer, tmp_path: Path) -> None:
    """200 MB are taken, as announced, and not a byte more; then the checksum is wrong."""
    piece = BODY[:1_000_000]

    def endless(handler: Handler) -> None:
        handler.start(200, {"ETag": '"x"'})
        while True:
            handler.pour(piece)

    hub.answers["/m/x/resolve"] = endless
    done = subprocess.run(
        [sys.executable, "-c", ENDLESS, str(tmp_path), hub.url, "200000000"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=os.environ | {"HF_TOKEN": ""},
    )
    grown, error = done.stdout.split()
    assert int(grown) < 64
    assert error == "WrongContentError"
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.soak
@pytest.mark.timeout(200)
def test_row_25_thirty_seconds_without_a_byte_and_one_byte_a_second(
    hub: HubServer, tmp_path: Path
) -> None:
    """The real limit: slow is waited for, silence of 30 s is retried, and goes on from there."""
    rooms = Rooms(hub, tmp_path, limits=Limits(patience=Patience()))
    asked: list[float] = []

    def drip_then_silence(handler: Handler) -> None:
        first_half(handler)
        for at in range(35):
            handler.wfile.write(BODY[len(BODY) // 2 + at :][:1])
            if hub.over.wait(1.0):
                return
        asked.append(time.monotonic())
        hub.over.wait(60)

    def rest(handler: Handler) -> None:
        asked.append(time.monotonic())
        handler.send_file(BODY, etag='"v1"')

    hub.answers[RESOLVE] = after(drip_then_silence, rest)
    assert rooms.get(BODY) == BODY
    silent_s = asked[1] - asked[0]
    assert 28 < silent_s < 33, silent_s
    waits = [e for e in rooms.events if isinstance(e, DownloadWaiting)]
    assert len(waits) == 1
    assert "sent nothing for 30 s" in waits[0].reason
    assert any(isinstance(e, DownloadProgress) for e in rooms.events)
    assert hub.poured == len(BODY) - 35


@pytest.mark.alone
def test_a_speed_limit_does_not_hold_up_the_stop(rooms: Rooms) -> None:
    rooms.offer(BODY)
    rooms.downloads.limit_speed(20_000)  # a piece takes 13 s
    download = rooms.choose()
    ended = threading.Event()
    rooms.downloads.start(lambda event: None)
    deadline = time.monotonic() + 10
    while rooms.downloads.kept_bytes(download.id) < 10_000:
        assert time.monotonic() < deadline

    def close() -> None:
        rooms.downloads.close()
        ended.set()

    began = time.monotonic()
    threading.Thread(target=close).start()
    assert ended.wait(5)
    assert time.monotonic() - began < 0.5


def test_a_kill_between_the_last_byte_and_the_library_costs_no_second_download(
    rooms: Rooms, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in the folder is hashed anew and then taken in; nothing is fetched."""
    rooms.offer(BODY)
    download = rooms.choose()

    def killed(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rooms.downloads._runner, "_admit", killed)
    with pytest.raises(KeyboardInterrupt):
        rooms.run(download)
    assert rooms.delivered == []
    again = Rooms(hub, rooms.models)
    assert Path(again.run(download).path).read_bytes() == BODY
    assert hub.poured == len(BODY)
    assert len(again.delivered) == 1
