"""The one way out: who is talked to, for how long, and what is written down. Rows 25, 28, 30."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.hub.certificates import Authority, make_authority, self_signed
from tests.hub.hub_server import Handler, HubServer, serving
from tests.hub.rooms import PATIENT, Rooms

from snug.domain.errors import EnvironmentFault, SnugError, UserError
from snug.domain.ledger import Outcome
from snug.hub.client import HubClient
from snug.hub.errors import AnswerError, NetworkFault, OfflineError, RefusedError, StoppedError
from snug.hub.gateway import Gateway
from snug.hub.ledger import MemoryLedger
from snug.hub.origins import HUB, Policy
from snug.hub.proxy import proxy_for

TOKEN = "hf_secret"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("certificates"))


def secure(server: HubServer, authority: Authority, *also: str) -> Gateway:
    return Gateway(
        MemoryLedger(),
        Policy(server.url, also),
        token=lambda: TOKEN,
        trust=authority.trust,
        limits=PATIENT,
    )


def last_request(rooms: Rooms) -> tuple[Outcome, str]:
    newest = rooms.ledger.entries()[-1]
    return newest.outcome, newest.problem


def test_every_request_is_written_down_with_its_bytes(rooms: Rooms, hub: HubServer) -> None:
    hub.answers["/x"] = lambda handler: handler.json({"a": "b" * 1000})
    rooms.gateway.fetch(f"{hub.url}/x", "try something")
    (entry,) = rooms.ledger.entries()
    assert (entry.host, entry.reason) == (hub.url.removeprefix("http://"), "try something")
    assert entry.outcome is Outcome.DONE
    assert entry.status == 200
    assert entry.bytes_received > 1000
    sent = hub.seen[0]
    assert entry.bytes_sent == len(f"GET {sent.path} HTTP/1.1\r\n") + 2 + sum(
        len(f"{k}: {v}\r\n") for k, v in sent.headers.items()
    )


def test_nothing_about_the_machine_is_sent_and_no_cookie_comes_back(
    rooms: Rooms, hub: HubServer
) -> None:
    hub.answers["/x"] = lambda handler: handler.json({}, **{"Set-Cookie": "id=1"})
    rooms.gateway.fetch(f"{hub.url}/x", "first")
    rooms.gateway.fetch(f"{hub.url}/x", "second")
    headers = {k.lower(): v for k, v in hub.seen[1].headers.items()}
    assert set(headers) == {"host", "accept-encoding", "user-agent", "connection"}
    assert headers["user-agent"] == "snug"
    assert headers["accept-encoding"] == "identity"


def test_offline_refuses_before_any_socket(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = Rooms(hub, tmp_path, offline=True)
    opened: list[object] = []
    monkeypatch.setattr(socket, "socket", lambda *a, **k: opened.append(a))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: opened.append(a))
    for ask in (
        lambda: rooms.gateway.fetch(f"{hub.url}/x", "try"),
        lambda: rooms.catalogue.repository("maker/tiny-GGUF"),
    ):
        with pytest.raises(OfflineError, match="offline"):
            ask()
    assert opened == []
    assert [e.outcome for e in rooms.ledger.entries()] == [Outcome.REFUSED] * 2
    assert {e.bytes_sent for e in rooms.ledger.entries()} == {0}


@pytest.mark.parametrize("silent", ["before the answer", "in the middle"])
def test_row_25_a_server_that_falls_silent_is_left(
    impatient: Rooms, hub: HubServer, silent: str
) -> None:
    def stall(handler: Handler) -> None:
        if silent == "in the middle":
            handler.start(200, {"Content-Length": "1000"})
            handler.wfile.write(b"x" * 500)
        hub.over.wait(20)

    hub.answers["/x"] = stall
    began = time.monotonic()
    with pytest.raises(NetworkFault, match="sent nothing"):
        impatient.gateway.fetch(f"{hub.url}/x", "try")
    assert 0.3 < time.monotonic() - began < 1.5
    assert last_request(impatient)[0] is Outcome.FAILED


@pytest.mark.alone
def test_row_25_stop_ends_a_stalled_request_within_300_ms(rooms: Rooms, hub: HubServer) -> None:
    reached = threading.Event()

    def drip(handler: Handler) -> None:
        handler.start(200, {"Content-Length": "1000"})
        handler.wfile.write(b"x")
        reached.set()
        hub.over.wait(20)

    hub.answers["/x"] = drip
    stop = threading.Event()
    ended: list[float] = []

    def ask() -> None:
        with pytest.raises(StoppedError):
            rooms.gateway.fetch(f"{hub.url}/x", "try", stop=stop)
        ended.append(time.monotonic())

    asking = threading.Thread(target=ask)
    asking.start()
    assert reached.wait(5)
    began = time.monotonic()
    stop.set()
    asking.join(5)
    assert ended[0] - began < 0.3
    assert last_request(rooms)[0] is Outcome.STOPPED


def test_row_29_trailers_without_end_have_one(impatient: Rooms, hub: HubServer) -> None:
    """They come faster than they are read, so that nothing ever waits."""

    def endless(handler: Handler) -> None:
        handler.start(200, {"Transfer-Encoding": "chunked"})
        handler.wfile.write(b"2\r\n{}\r\n0\r\n")
        with contextlib.suppress(OSError):
            while not hub.over.is_set():
                handler.wfile.write(b"X: y\r\n" * 10_000)

    hub.answers["/x"] = endless
    began = time.monotonic()
    with pytest.raises(NetworkFault, match="too slowly"):
        impatient.gateway.fetch(f"{hub.url}/x", "try")
    assert time.monotonic() - began < 6


def test_row_25_a_document_that_drips_for_ever_has_an_end(impatient: Rooms, hub: HubServer) -> None:
    def drip(handler: Handler) -> None:
        handler.start(200, {"Content-Length": "1000"})
        while not hub.over.wait(0.1):
            handler.wfile.write(b"x")

    hub.answers["/x"] = drip
    began = time.monotonic()
    with pytest.raises(NetworkFault, match="too slowly"):
        impatient.gateway.fetch(f"{hub.url}/x", "try")
    assert time.monotonic() - began < 4.5


def test_nobody_there_is_a_sentence(tmp_path: Path) -> None:
    with serving() as gone:
        rooms = Rooms(gone, tmp_path)
    with pytest.raises(NetworkFault, match="cannot be reached"):
        rooms.gateway.fetch(f"{gone.url}/x", "try")


@pytest.mark.parametrize(
    "location",
    [
        "http://example.org/x",
        "https://example.org/x",
        "https://huggingface.co.evil.example/x",
        "https://huggingface.co@evil.example/x",
        "https://huggingface.co:8443/x",
        "https://evilhuggingface.co/x",
        "http://huggingface.co/x",
        "file:///etc/passwd",
        "ftp://huggingface.co/x",
        "http://127.0.0.1:1/x",
        "http://localhost:9/x",
        "http://[::1]:9/x",
        "https://127.0.0.1/x",
        "//evil.example/x",
        "https://\u0445uggingface.co/x",
        "javascript:alert(1)",
        "https:///x",
        "https://huggingface.co\\@evil.example/",
    ],
)
def test_row_28_a_redirect_elsewhere_is_refused(
    rooms: Rooms, hub: HubServer, location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.answers["/x"] = lambda handler: handler.start(
        302, {"Location": location.encode().decode("latin-1"), "Content-Length": "0"}
    )
    asked: list[object] = []
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *a, **k: asked.append(host) or real(host, *a, **k)
    )
    with pytest.raises(RefusedError, match="refused"):
        rooms.gateway.fetch(f"{hub.url}/x", "try")
    assert asked == ["127.0.0.1"]
    assert last_request(rooms)[0] is Outcome.REFUSED


def test_row_28_six_redirects_are_too_many_and_five_are_not(rooms: Rooms, hub: HubServer) -> None:
    def further(handler: Handler) -> None:
        number = int(handler.path.removeprefix("/x"))
        if number == 5:
            return handler.json({})
        return handler.start(302, {"Location": f"/x{number + 1}", "Content-Length": "0"})

    hub.answers["/x"] = further
    assert rooms.gateway.fetch(f"{hub.url}/x0", "try").status == 200
    with pytest.raises(RefusedError, match="too often"):
        rooms.gateway.fetch(f"{hub.url}/x-1", "try")


def test_row_28_the_token_never_reaches_a_second_origin(authority: Authority) -> None:
    with (
        serving(authority.server(), "localhost") as first,
        serving(authority.server(), "localhost") as second,
    ):
        second.answers["/file"] = lambda handler: handler.json({"is": "file"})
        first.answers["/x"] = lambda handler: handler.start(
            302, {"Location": f"{second.url}/file", "Content-Length": "0"}
        )
        gateway = secure(first, authority, second.url)
        document = gateway.fetch(f"{first.url}/x", "try", authorize=True)
        assert document.body == b'{"is": "file"}'
        assert first.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"
        assert "Authorization" not in second.seen[0].headers
        assert not any(TOKEN in str(seen) for seen in second.seen)
        assert TOKEN not in str(gateway.policy.__dict__)


def test_the_token_goes_nowhere_unless_asked_for(authority: Authority) -> None:
    with serving(authority.server(), "localhost") as server:
        server.answers["/x"] = lambda handler: handler.json({})
        secure(server, authority).fetch(f"{server.url}/x", "try")
        assert "Authorization" not in server.seen[0].headers


@pytest.mark.parametrize("kind", ["self-signed", "expired", "for another host"])
def test_row_30_a_bad_certificate_is_refused(
    authority: Authority, tmp_path: Path, kind: str
) -> None:
    context = {
        "self-signed": lambda: self_signed(tmp_path),
        "expired": lambda: authority.server(expired=True),
        "for another host": lambda: authority.server("example.org"),
    }[kind]()
    with serving(context, "localhost") as server:
        with pytest.raises(RefusedError, match="could not prove who it is"):
            secure(server, authority).fetch(f"{server.url}/x", "try", authorize=True)
        assert server.seen == []


def test_a_mirror_must_be_encrypted_unless_it_is_this_machine() -> None:
    for address in ("http://mirror.example", "ftp://x", "mirror.example", "https://a b"):
        with pytest.raises(UserError):
            Policy(address)
    Policy("http://127.0.0.1:8080")
    mirror = Policy("https://mirror.example/")
    assert mirror.check("https://files.mirror.example/x").origin.host == "files.mirror.example"
    assert mirror.check("https://cdn-lfs.hf.co/x?a=b").path == "/x?a=b"
    with pytest.raises(RefusedError):
        Policy(HUB).check("https://mirror.example/x")


def test_huggingface_hub_cannot_go_out_by_itself(rooms: Rooms, hub: HubServer) -> None:
    rooms.offer(b"GGUF" + bytes(100))
    assert rooms.catalogue.repository("maker/tiny-GGUF").commit
    before = len(hub.seen)

    from huggingface_hub import HfApi

    with pytest.raises(SnugError):
        HfApi(endpoint=hub.url).model_info("maker/tiny-GGUF")
    assert len(hub.seen) == before


def test_row_59_what_huggingface_hub_would_tell_by_itself_is_off(hub: HubServer) -> None:
    program = (
        "import sys; from snug.hub.gateway import Gateway; from snug.hub.ledger import *\n"
        "from snug.hub.origins import Policy; from snug.hub.catalogue import Catalogue\n"
        "from snug.domain.hub import Query\n"
        "ledger = MemoryLedger()\n"
        "Catalogue(Gateway(ledger, Policy(sys.argv[1]))).list(Query())\n"
        "from huggingface_hub import constants as c\n"
        "print(c.HF_HUB_DISABLE_TELEMETRY, c.HF_HUB_DISABLE_UPDATE_CHECK,\n"
        "      c.HF_HUB_DISABLE_IMPLICIT_TOKEN, c.HF_HUB_DISABLE_XET, len(ledger.entries()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, hub.url],
        env=os.environ | {"HF_TOKEN": TOKEN},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout.split() == ["True", "True", "True", "True", "1"]
    assert len(hub.seen) == 1
    assert TOKEN not in str(hub.seen)


def test_status_codes_become_sentences(rooms: Rooms, hub: HubServer) -> None:
    client = HubClient(rooms.gateway)
    for status, kind, words in (
        (429, NetworkFault, "fewer requests"),
        (503, NetworkFault, "fault of its own"),
        (400, AnswerError, "refused"),
    ):
        hub.answers["/api"] = lambda handler, status=status: handler.json({}, status)
        began = time.monotonic()
        with pytest.raises(kind, match=words):
            client.model_info("maker/tiny-GGUF", files=True, reason="try")
        assert time.monotonic() - began < 1  # the library's own retries would take a minute


def test_a_proxy_is_asked_for_a_way_through_and_never_sees_inside(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(authority.server("hub.example"), "hub.example") as server:
        server.answers["/hidden-path"] = lambda handler: handler.json({"through": "proxy"})
        port = server.server_address[1]
        heard: list[bytes] = []

        with socket.create_server(("127.0.0.1", 0)) as listening:

            def carry() -> None:
                client, _ = listening.accept()
                with client, socket.create_connection(("127.0.0.1", port)) as behind:
                    heard.append(client.recv(4096))
                    while b"\r\n\r\n" not in heard[0]:
                        heard[0] += client.recv(4096)
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    back = threading.Thread(target=pipe, args=(behind, client))
                    back.start()
                    pipe(client, behind)
                    back.join(5)

            def pipe(source: socket.socket, sink: socket.socket) -> None:
                while data := source.recv(4096):
                    heard.append(data)
                    sink.sendall(data)
                sink.shutdown(socket.SHUT_WR)

            proxy = threading.Thread(target=carry)
            proxy.start()
            address = f"http://user:pass@127.0.0.1:{listening.getsockname()[1]}"
            monkeypatch.setenv("HTTPS_PROXY", address)
            monkeypatch.setenv("NO_PROXY", "")
            gateway = secure(server, authority)
            assert gateway.fetch(f"{server.url}/hidden-path", "try").body == b'{"through": "proxy"}'
            proxy.join(5)
        assert heard[0].startswith(f"CONNECT hub.example:{port} HTTP/1.1".encode())
        assert b"Proxy-Authorization: Basic dXNlcjpwYXNz" in heard[0]
        assert not any(b"hidden-path" in piece or b"through" in piece for piece in heard[1:])


def test_loopback_needs_no_proxy_and_a_senseless_one_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    assert proxy_for(Policy("https://localhost:1").check("https://localhost:1/").origin) is None
    with pytest.raises(UserError, match="HTTPS_PROXY"):
        proxy_for(Policy(HUB).check(f"{HUB}/x").origin)


def test_the_chosen_proxy_comes_after_the_environments_and_before_the_systems(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    origin = Policy(HUB).check(f"{HUB}/x").origin
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert proxy_for(origin) is None
    monkeypatch.setenv("ALL_PROXY", "http://system:1")
    found = proxy_for(origin, "chosen.example:3128")
    assert found is not None
    assert (found.host, found.port) == ("chosen.example", 3128)
    monkeypatch.setenv("HTTPS_PROXY", "http://stated:1")
    found = proxy_for(origin, "chosen.example:3128")
    assert found is not None
    assert found.host == "stated"
    monkeypatch.setenv("NO_PROXY", "huggingface.co")
    assert proxy_for(origin, "chosen.example:3128") is None


def test_a_line_is_hung_up_although_the_ledger_cannot_be_written(
    rooms: Rooms, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung_up = threading.Event()

    def wait(handler: Handler) -> None:
        handler.start(200, {"Content-Length": "10"})
        handler.wfile.write(b"x")
        handler.wfile.flush()
        if handler.connection.recv(1) == b"":
            hung_up.set()

    hub.answers["/x"] = wait
    reply = rooms.gateway.open(f"{hub.url}/x", "try")

    def full(entry: object) -> None:
        raise EnvironmentFault("The disk is full.")

    monkeypatch.setattr(rooms.ledger, "record", full)
    with pytest.raises(EnvironmentFault):
        reply.close()
    assert hung_up.wait(5)
