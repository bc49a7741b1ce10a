"""The offline switch while something runs, and the wall in Python itself."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.hub.hub_server import Handler, HubServer, gguf_bytes
from tests.hub.misbehaviour import (
    BODY,
    HALF,
    RESOLVE,
    after,
    first_half,
    states,
    wait_for_bytes,
)
from tests.hub.rooms import PATIENT, Rooms

from snug.domain.download import DownloadDone, DownloadState, DownloadStopped
from snug.domain.ledger import Outcome
from snug.hub.errors import OfflineError
from snug.hub.gateway import Gateway
from snug.hub.ledger import MemoryLedger
from snug.hub.origins import Policy


class Switch:
    """The offline switch."""

    on = False

    def __call__(self) -> bool:
        return self.on


@pytest.fixture
def switch() -> Switch:
    return Switch()


@pytest.fixture
def switched(hub: HubServer, tmp_path: Path, switch: Switch) -> Rooms:
    return Rooms(hub, tmp_path / "models", offline=switch)


def stalled(hub: HubServer, reached: threading.Event) -> None:
    """The first request for the file gets half of it and then silence."""

    def half(handler: Handler) -> None:
        first_half(handler)
        reached.set()
        hub.over.wait(20)

    hub.answers[RESOLVE] = after(half, lambda handler: handler.send_file(BODY, etag='"v1"'))


@pytest.mark.alone
def test_going_offline_ends_a_request_under_way_within_300_ms(
    hub: HubServer, switch: Switch
) -> None:
    reached = threading.Event()

    def drip(handler: Handler) -> None:
        handler.start(200, {"Content-Length": "1000"})
        handler.wfile.write(b"x")
        reached.set()
        hub.over.wait(20)

    hub.answers["/x"] = drip
    ledger = MemoryLedger()
    gateway = Gateway(ledger, Policy(hub.url), offline=switch, limits=PATIENT)
    ended: list[float] = []

    def ask() -> None:
        with pytest.raises(OfflineError):
            gateway.fetch(f"{hub.url}/x", "try")
        ended.append(time.monotonic())

    asking = threading.Thread(target=ask)
    asking.start()
    assert reached.wait(5)
    began = time.monotonic()
    switch.on = True
    asking.join(5)
    assert ended[0] - began < 0.3
    assert ledger.entries()[-1].outcome is Outcome.STOPPED


def test_a_running_download_waits_while_offline_and_goes_on_by_itself(
    switched: Rooms, hub: HubServer, switch: Switch
) -> None:
    reached, stopped, done = threading.Event(), threading.Event(), threading.Event()
    events: list[object] = []

    def sink(event: object) -> None:
        events.append(event)
        if isinstance(event, DownloadStopped):
            stopped.set()
        if isinstance(event, DownloadDone):
            done.set()

    switched.offer(BODY)
    stalled(hub, reached)
    download = switched.choose()
    switched.downloads.start(sink)
    assert reached.wait(5)
    wait_for_bytes(switched, download.id, HALF)
    switch.on = True
    assert stopped.wait(5)
    (waiting,) = switched.downloads.all()
    assert waiting.state is DownloadState.QUEUED
    assert "offline" in waiting.problem
    asked = len(hub.seen)
    assert not done.wait(0.3)
    assert len(hub.seen) == asked  # nothing was asked meanwhile
    switch.on = False
    switched.downloads.wake()
    assert done.wait(10)
    switched.downloads.close()
    assert hub.poured == len(BODY)  # no byte twice
    assert states(switched) == [DownloadState.DONE]


def test_in_the_terminal_offline_pauses_with_words(
    switched: Rooms, hub: HubServer, switch: Switch
) -> None:
    switched.offer(BODY)
    download = switched.choose()
    switch.on = True
    with pytest.raises(OfflineError, match="offline"):
        switched.run(download)
    (paused,) = switched.downloads.all()
    assert paused.state is DownloadState.PAUSED
    assert "offline" in paused.problem


def test_one_that_the_network_fails_lets_the_others_pass_and_is_tried_again(
    rooms: Rooms, hub: HubServer
) -> None:
    """A queue that works by itself gives nothing up for the network's sake."""
    rooms.offer(BODY)
    hub.answers[RESOLVE] = lambda handler: handler.json({}, 503)
    first = rooms.choose()
    other = gguf_bytes(50_000, 7)
    rooms.offer(other, name="maker/other-GGUF")
    rooms.choose(name="maker/other-GGUF")
    done: dict[str, threading.Event] = {first.id: threading.Event()}
    second = threading.Event()

    def sink(event: object) -> None:
        if isinstance(event, DownloadDone):
            done.get(event.id, second).set()

    rooms.downloads.start(sink)
    assert second.wait(10)
    waiting = next(d for d in rooms.downloads.all() if d.id == first.id)
    assert (waiting.state, "503" in waiting.problem) == (DownloadState.QUEUED, True)
    hub.answers.clear()
    rooms.downloads.resume(first.id)  # "try now", instead of after a minute
    assert done[first.id].wait(10)


def test_another_process_can_pause_what_runs_here(rooms: Rooms, hub: HubServer) -> None:
    rooms.offer(BODY)
    rooms.downloads.limit_speed(1_000_000)
    download = rooms.choose()
    stopped = threading.Event()
    rooms.downloads.start(lambda e: stopped.set() if isinstance(e, DownloadStopped) else None)
    deadline = time.monotonic() + 10
    while rooms.downloads.kept_bytes(download.id) < 100_000:
        assert time.monotonic() < deadline
    other = Rooms(hub, rooms.models)
    while not stopped.is_set():  # the state is written when it begins; then ours counts
        other.downloads.pause(download.id)
        stopped.wait(0.1)
        assert time.monotonic() < deadline
    assert states(rooms) == [DownloadState.PAUSED]
    assert 0 < rooms.downloads.kept_bytes(download.id) < len(BODY)


WALLED = """
import socket, sys
from snug.hub.gateway import Gateway
from snug.hub.ledger import MemoryLedger
from snug.hub.origins import Policy
from snug.hub.wall import build_wall
build_wall(lambda: "offline" in sys.argv)
def attempt(what):
    try:
        what()
        return "passed"
    except PermissionError as error:
        return "wall" if "gateway" in str(error) else "other"
    except OSError:
        return "passed"
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
plain, far = socket.socket(), ("192.0.2.1", 9)
print(attempt(lambda: plain.connect(far)), attempt(lambda: plain.connect_ex(far)),
      attempt(lambda: udp.sendto(b"x", far)), attempt(lambda: udp.sendmsg([b"x"], [], 0, far)),
      attempt(lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::1", 9))),
      attempt(lambda: socket.getaddrinfo("example.org", 443)),
      attempt(lambda: socket.gethostbyname("example.org")))
print(attempt(lambda: socket.socket(socket.AF_UNIX).connect("/nothing/here")),
      attempt(lambda: socket.socket().connect(("127.0.0.1", 9))),
      attempt(lambda: socket.getaddrinfo("localhost", 9)),
      attempt(lambda: socket.getaddrinfo(None, 9)))
asked = []
def look_up(host, *a, **k):
    asked.append(host)
    raise OSError("no network in this test")
real, socket.getaddrinfo = socket.getaddrinfo, look_up
try:
    Gateway(MemoryLedger(), Policy()).fetch("https://huggingface.co/x", "try")
except Exception as error:
    print(type(error).__name__, asked)
"""


def walled(*arguments: str) -> list[list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", WALLED, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return [line.split() for line in done.stdout.splitlines()]


def test_row_59_pythons_own_sockets_stop_at_the_wall_unless_the_gateway_asks() -> None:
    away, here, gateway = walled()
    assert away == ["wall"] * 7
    assert here == ["passed"] * 4
    assert gateway == ["NetworkFault", "['huggingface.co']"]  # it got as far as the look-up


def test_a_library_that_would_go_out_by_itself_meets_the_wall() -> None:
    program = (
        "from snug.hub.wall import build_wall\n"
        "build_wall()\n"
        "import urllib.request\n"
        "urllib.request.urlopen('http://192.0.2.1/', timeout=5)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert "did not come from its own gateway" in done.stderr


def test_the_gateway_passes_the_wall(hub: HubServer) -> None:
    program = (
        "import sys\n"
        "from snug.hub.gateway import Gateway\n"
        "from snug.hub.ledger import MemoryLedger\n"
        "from snug.hub.origins import Policy\n"
        "from snug.hub import wall\n"
        "wall._stays_here = lambda *_: False  # as if the server were far away\n"
        "wall.build_wall(lambda: 'offline' in sys.argv)\n"
        "gateway = Gateway(MemoryLedger(), Policy(sys.argv[1]))\n"
        "print(gateway.fetch(sys.argv[1] + '/x', 'try').status)\n"
    )
    hub.answers["/x"] = lambda handler: handler.json({})

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, hub.url, *more],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    assert run().stdout.split() == ["200"]
    assert "NetworkFault" in run("offline").stderr  # offline not even the gateway may
    assert len(hub.seen) == 1
