"""Row 59 from outside: every call of the system that could reach a network, under strace.

It sees what Python's own hook cannot: Qt, llama.cpp, and every child process. A DNS query of the C
library would show as a connect to port 53.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.hub.hub_server import HubServer
from tests.hub.test_terminal import CANARY, SNUG, Snug, fill

SOAK_S = 600
REST_S = 10  # between two errands, as a person would
CALLS = "trace=connect,sendto,sendmsg,sendmmsg"
ADDRESS = re.compile(r"sa_family=AF_INET6?, .*?htons\((\d+)\).*?\"([^\"]+)\"")


def can_trace() -> bool:
    if shutil.which("strace") is None:
        return False
    tried = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False)
    return tried.returncode == 0


pytestmark = pytest.mark.skipif(not can_trace(), reason="needs strace, and the right to trace")


@pytest.fixture
def snug(hub: HubServer, tmp_path: Path) -> Snug:
    fill(hub)
    made = Snug(hub, tmp_path)
    made.environment |= {"QT_QPA_PLATFORM": "offscreen", "HTTPS_PROXY": ""}
    return made


class Traces:
    """Where each traced program wrote what it called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def command(self, *arguments: str) -> list[str]:
        self.count += 1
        log = self.folder / f"trace-{self.count}"
        return ["strace", "-f", "-qq", "-e", CALLS, "-o", str(log), str(SNUG), *arguments]

    def addresses(self) -> set[tuple[str, int]]:
        """Every internet address that any of them turned to."""
        texts = [log.read_text(errors="replace") for log in self.folder.glob("trace-*")]
        assert len(texts) == self.count
        assert any("AF_UNIX" in text or "AF_INET" in text for text in texts) or not texts
        return {(host, int(port)) for text in texts for port, host in ADDRESS.findall(text)}


def traced(snug: Snug, traces: Traces, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        traces.command(*arguments),
        env=snug.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@contextmanager
def window(snug: Snug, traces: Traces, folder: Path, *arguments: str) -> Iterator[None]:
    """A window that is open, with the starter model loaded, until the end of the block."""
    report = folder / "painted.json"
    running = subprocess.Popen(
        traces.command(*arguments),
        env=snug.environment | {"SNUG_STARTUP_PROBE": str(report)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not report.exists():
            assert running.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        try:
            running.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait(10)


def port_of(hub: HubServer) -> int:
    port: int = hub.server_address[1]
    return port


def test_row_59_offline_no_connect_leaves_the_machine_nor_reaches_it(
    snug: Snug, hub: HubServer, tmp_path: Path
) -> None:
    traces = Traces(tmp_path)
    with window(snug, traces, tmp_path, "--offline"):
        for arguments in (
            ("models", "trending"),
            ("models", "search", "tiny"),
            ("models", "get", "maker/tiny-GGUF:F32"),
            ("network",),
        ):
            traced(snug, traces, "--offline", *arguments)
    assert traces.addresses() == set()
    assert hub.seen == []


def test_online_nothing_but_the_hub_is_turned_to(
    snug: Snug, hub: HubServer, tmp_path: Path
) -> None:
    traces = Traces(tmp_path)
    got = traced(snug, traces, "models", "get", "maker/tiny-GGUF:F32")
    assert got.returncode == 0, got.stderr
    assert traces.addresses() == {("127.0.0.1", port_of(hub))}


@pytest.mark.soak
@pytest.mark.timeout(SOAK_S + 240)
def test_row_59_ten_minutes_of_use_and_no_connect_outside_the_list(
    snug: Snug, hub: HubServer, tmp_path: Path
) -> None:
    traces = Traces(tmp_path)
    errands = (
        ("models", "trending"),
        ("models", "show", "maker/tiny-GGUF"),
        ("models", "get", "maker/tiny-GGUF:F32"),
        ("chat", "starter", "--prompt", "Say hello.", "--max-tokens", "8", "--no-save"),
        ("models", "downloads", "upstream"),
        ("doctor",),
    )
    until = time.monotonic() + SOAK_S
    with window(snug, traces, tmp_path):
        turn = 0
        while time.monotonic() < until:
            done = traced(snug, traces, *errands[turn % len(errands)])
            assert CANARY not in done.stdout + done.stderr
            turn += 1
            hub.over.wait(REST_S)
    assert turn >= len(errands)
    assert traces.addresses() == {("127.0.0.1", port_of(hub))}


def test_a_download_that_was_left_goes_on_when_the_window_opens(
    snug: Snug, hub: HubServer, tmp_path: Path
) -> None:
    """The window itself works off the queue; what it turns to is the hub alone."""
    hub.repos["maker/tiny-GGUF"].gated = "manual"
    assert snug.run("models", "get", "maker/tiny-GGUF:F32").returncode == 1
    (left,) = snug.document("models", "downloads")
    assert left["state"] == "failed"
    hub.repos["maker/tiny-GGUF"].gated = False
    assert snug.document("models", "downloads", "resume", left["id"])["state"] == "queued"
    traces = Traces(tmp_path)
    with window(snug, traces, tmp_path):
        deadline = time.monotonic() + 30
        while snug.document("models", "downloads")[0]["state"] != "done":
            assert time.monotonic() < deadline
    assert traces.addresses() == {("127.0.0.1", port_of(hub))}
    assert any(m["source"] == "maker/tiny-GGUF" for m in snug.document("models", "list"))
