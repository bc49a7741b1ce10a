"""Downloads that are interrupted at random points: right files, and nothing fetched twice.

What counts as fetched is what reached the process: a piece of up to 256 KiB may be in its memory
when it is killed.
"""

from __future__ import annotations

import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.hub.hub_server import Handler, HubServer, Repo, gguf_bytes
from tests.hub.rooms import FILE, sha

from snug.domain.download import Delivery, Download, DownloadFile, DownloadState
from snug.domain.model import ModelFile
from snug.hub.download import Downloads
from snug.hub.gateway import Gateway
from snug.hub.ledger import MemoryLedger
from snug.hub.origins import Policy
from snug.hub.runner import Pace

PIECE = 256 * 1024
HEADERS = 1024  # of one answer, at most
CHILD = Path(__file__).with_name("downloading_child.py")
PATIENT = Pace(first_wait_s=0.01, longest_wait_s=0.05, attempts=200)


@dataclass
class Case:
    """One file on its way, and where it is to be cut."""

    number: int
    body: bytes
    cut: int
    models: Path
    server: HubServer

    @property
    def name(self) -> str:
        return f"maker/m{self.number}-GGUF"

    @property
    def download(self) -> Download:
        digest = sha(self.body)
        file = DownloadFile(FILE, len(self.body), digest, f"{digest}.gguf")
        return Download(digest, self.name, "a" * 40, "Q4_K_M", self.name, (file,), created_ms=1)

    @property
    def part(self) -> Path:
        return self.models / "downloads" / f"{sha(self.body)}.part"

    def offer(self, server: HubServer) -> None:
        server.repos[self.name] = Repo(files={FILE: self.body}, tags=["gguf"])

    def starts(self, server: HubServer) -> list[int]:
        """Where each request for the file began."""
        return [
            int(seen.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
            for seen in server.seen
            if seen.path.startswith(f"/{self.name}/")
        ]


@dataclass
class Client:
    """Downloads in this process, with what came to them written down."""

    ledger: MemoryLedger
    downloads: Downloads


def connected(case: Case) -> Client:
    ledger = MemoryLedger()
    gateway = Gateway(ledger, Policy(case.server.url))

    def admit(delivery: Delivery) -> ModelFile:
        return ModelFile("m", delivery.paths[0], 0, delivery.download.id, "", "", 0)

    return Client(ledger, Downloads(case.models, gateway, admit, pace=PATIENT))


def first_answer(case: Case, then: Callable[[Handler], None]) -> Callable[[Handler], None]:
    """The file up to the cut, then something goes wrong; later requests are met."""
    answered = threading.Event()

    def answer(handler: Handler) -> None:
        if answered.is_set():
            return handler.send_file(case.body, etag='"v1"')
        answered.set()
        handler.start(200, {"Content-Length": str(len(case.body)), "ETag": '"v1"'})
        handler.pour(case.body[: case.cut])
        return then(handler)

    return answer


def kill(case: Case) -> int:
    """kill -9 of the process. Returns: bytes that came twice."""
    reached, hold = threading.Event(), threading.Event()

    def wait(_: Handler) -> None:
        reached.set()
        hold.wait(30)

    case.server.answers[f"/{case.name}/"] = first_answer(case, wait)
    client = connected(case)
    client.downloads.add(case.download)
    child = subprocess.Popen(
        [sys.executable, CHILD, case.models, case.server.url, case.download.id]
    )
    assert reached.wait(20)
    deadline = time.monotonic() + 20
    while not case.part.exists() or case.part.stat().st_size < case.cut - PIECE:
        assert child.poll() is None
        assert time.monotonic() < deadline
    child.send_signal(signal.SIGKILL)
    child.wait(10)
    hold.set()
    kept = case.part.stat().st_size if case.part.exists() else 0
    client.downloads.run(case.download.id, lambda event: None)
    assert case.starts(case.server)[1] == kept  # nothing on the disk is fetched again
    return case.cut - kept


def drop(case: Case) -> int:
    """The connection is lost, by an end or by a reset."""

    def hang_up(handler: Handler) -> None:
        if case.number % 2:
            linger = struct.pack("ii", 1, 0)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            handler.connection.close()

    case.server.answers[f"/{case.name}/"] = first_answer(case, hang_up)
    client = connected(case)
    client.downloads.add(case.download)
    client.downloads.run(case.download.id, lambda event: None)
    return came_twice(client, case)


def restart(case: Case) -> int:
    """The server ends in the middle, and another one comes in its place."""
    reached = threading.Event()
    port = case.server.server_address[1]
    with ExitStack() as stack:
        stack.callback(case.server.over.set)
        case.server.answers[f"/{case.name}/"] = first_answer(case, lambda _: reached.set())
        client = connected(case)
        client.downloads.add(case.download)
        running = threading.Thread(
            target=client.downloads.run, args=(case.download.id, lambda event: None)
        )
        running.start()
        assert reached.wait(10)
    case.server.shutdown()
    case.server.server_close()
    again = HubServer(port=port)
    # Before it serves: who asks a server that does not know the file yet is told it is gone.
    again.answers[f"/{case.name}/"] = lambda handler: handler.send_file(case.body, etag='"v1"')
    serving_again = threading.Thread(target=again.serve_forever, args=(0.02,))
    serving_again.start()
    try:
        running.join(20)
        assert not running.is_alive()
    finally:
        again.over.set()
        again.shutdown()
        serving_again.join(5)
        again.server_close()
    return came_twice(client, case)


def came_twice(client: Client, case: Case) -> int:
    entries = client.ledger.entries()
    received = sum(entry.bytes_received for entry in entries)
    return max(0, received - len(case.body) - HEADERS * len(entries))


def interrupt(count: int, folder: Path) -> None:
    """That many downloads, each interrupted once at a random point."""
    for number in range(count):
        chance = random.Random(number)
        body = gguf_bytes(chance.randrange(300_000, 2_000_000), seed=number)
        models = folder / f"models-{number}"
        models.mkdir()
        how = (kill, drop, restart)[number % 3]
        server = HubServer()
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            case = Case(number, body, chance.randrange(1, len(body)), models, server)
            case.offer(server)
            twice = how(case)
            assert twice <= PIECE, (how.__name__, number, twice)
            assert (models / f"{sha(body)}.gguf").read_bytes() == body
            (record,) = connected(case).downloads.all()
            assert record.state is DownloadState.DONE
            assert not list(models.rglob("*.part"))
        finally:
            server.over.set()
            server.shutdown()
            thread.join(5)
            server.server_close()


def test_ten_interrupted_downloads_ten_right_files_and_nothing_twice(tmp_path: Path) -> None:
    interrupt(10, tmp_path)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_hundred_interrupted_downloads_a_hundred_right_files_and_nothing_twice(
    tmp_path: Path,
) -> None:
    interrupt(100, tmp_path)
