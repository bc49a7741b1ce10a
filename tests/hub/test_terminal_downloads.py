"""`snug models downloads`, `snug network` and what a token leaves behind, as outsiders use them."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hub.hub_server import Handler, HubServer, Repo
from tests.hub.test_terminal import BIG, CANARY, SNUG, Snug, fill

DIALECTS = (
    CANARY.encode(),
    CANARY.encode("utf-16-le"),
    CANARY.encode("utf-16-be"),
    base64.b64encode(CANARY.encode())[:-4],
)


@pytest.fixture
def snug(hub: HubServer, tmp_path: Path) -> Snug:
    fill(hub)
    hub.repos["maker/big-GGUF"] = Repo(files={"big-F32.gguf": BIG}, tags=["gguf"])
    return Snug(hub, tmp_path)


def run_with_input(snug: Snug, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SNUG, *arguments],
        env=snug.environment,
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def stalled_download(snug: Snug, hub: HubServer) -> subprocess.Popen[bytes]:
    """A download that has half of its file and then waits."""
    reached = threading.Event()

    def half(handler: Handler) -> None:
        handler.start(200, {"Content-Length": str(len(BIG)), "ETag": '"x"'})
        handler.pour(BIG[:1_500_000])
        reached.set()
        hub.over.wait(30)

    hub.answers["/maker/big-GGUF/resolve"] = half
    running = subprocess.Popen(
        [SNUG, "models", "get", "maker/big-GGUF:F32"],
        env=snug.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert reached.wait(30)
    part = next((snug.folder / "data" / "models" / "downloads").glob("*.part"))
    while part.stat().st_size < 1_000_000:
        assert running.poll() is None
    return running


def test_the_queue_is_listed_paused_resumed_and_cancelled(snug: Snug, hub: HubServer) -> None:
    assert snug.document("models", "downloads", "list") == []
    running = stalled_download(snug, hub)
    running.send_signal(signal.SIGINT)
    assert running.wait(10) == 130
    (listed,) = snug.document("models", "downloads")
    assert listed["state"] == "paused"
    assert 1_000_000 < listed["done_bytes"] < listed["total_bytes"] == len(BIG)
    short = listed["id"][:10]
    assert snug.document("models", "downloads", "resume", short)["state"] == "queued"
    assert snug.document("models", "downloads", "pause", short)["state"] == "paused"
    plain = snug.run("models", "downloads", "list")
    assert "paused" in plain.stdout
    assert "maker/big-GGUF F32" in plain.stdout
    assert snug.document("models", "downloads", "cancel", short)["state"] == "cancelled"
    assert snug.document("models", "downloads", "list") == []
    assert not list(snug.folder.rglob("*.part"))
    unknown = snug.run("models", "downloads", "pause", "zzz")
    assert unknown.returncode == 1
    assert "no such download" in unknown.stderr


def test_upstream_changes_are_asked_for_by_hand(snug: Snug, hub: HubServer) -> None:
    snug.document("models", "get", "maker/tiny-GGUF:F32")
    assert snug.document("models", "downloads", "upstream") == []
    changed = hub.repos["maker/tiny-GGUF"].files["tiny-F16.gguf"]
    hub.repos["maker/tiny-GGUF"].publish("b" * 40, {"tiny-F32.gguf": changed})
    (change,) = snug.document("models", "downloads", "upstream")
    assert (change["repo"], change["quantization"]) == ("maker/tiny-GGUF", "F32")
    assert change["new_bytes"] == len(changed)
    assert "replaced upstream" in snug.run("models", "downloads", "upstream").stdout


def test_the_kept_offline_switch_holds_for_every_command(snug: Snug, hub: HubServer) -> None:
    assert snug.document("network", "--switch-offline", "on")["offline"] is True
    asked = snug.run("models", "search", "tiny")
    assert asked.returncode == 1
    assert "offline" in asked.stderr
    assert hub.seen == []
    assert snug.document("network", "--switch-offline", "off")["offline"] is False
    assert snug.document("models", "search", "tiny")


def test_a_switch_in_one_process_ends_a_download_in_another(snug: Snug, hub: HubServer) -> None:
    running = stalled_download(snug, hub)
    snug.document("network", "--switch-offline", "on")
    assert running.wait(5) == 1
    (listed,) = snug.document("models", "downloads")
    assert listed["state"] == "paused"
    assert "offline" in listed["problem"]


def test_settings_of_the_network_are_kept_and_refused_where_senseless(snug: Snug) -> None:
    kept = snug.document("network", "--proxy", "http://me:secret@proxy:8080", "--max-speed", "5MB")
    assert (kept["proxy"], kept["speed_limit"]) == ("proxy:8080", 5_000_000)
    assert snug.document("network")["speed_limit"] == 5_000_000
    wrong = snug.run("network", "--mirror", "http://mirror.example")
    assert wrong.returncode == 1
    assert "not encrypted" in wrong.stderr


def test_row_34_a_kept_token_is_in_no_file_environment_command_line_or_log(
    snug: Snug, hub: HubServer
) -> None:
    """Kept in the vault here, as these processes have no keyring."""
    kept = run_with_input(snug, f"{CANARY}\n", "network", "--token", "--json")
    assert kept.returncode == 0, kept.stderr
    assert json.loads(kept.stdout)["token"] == "vault"
    assert "no keyring" in kept.stderr
    model = snug.document("models", "get", "maker/sees-GGUF:Q4_K_M")
    assert model["source"] == "maker/sees-GGUF"
    assert any(s.headers.get("Authorization") == f"Bearer {CANARY}" for s in hub.seen)
    running = stalled_download(snug, hub)
    try:
        assert list(processes_with_canary()) == []
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(10)
    hits = [
        path
        for path in snug.folder.rglob("*")
        if path.is_file() and any(form in path.read_bytes() for form in DIALECTS)
    ]
    assert hits == []
    assert CANARY not in kept.stdout + kept.stderr
    forgotten = snug.document("network", "--forget-token")
    assert forgotten["token"] == "none"


def processes_with_canary() -> Iterator[str]:
    """Processes of this machine whose environment or command line holds the token."""
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("environ", "cmdline"):
            try:
                found = (process / name).read_bytes()
            except OSError:
                continue
            if CANARY.encode() in found and int(process.name) != os.getpid():
                yield f"{process.name} {name}"


def test_row_34_what_snug_starts_does_not_inherit_a_token_from_the_environment(
    snug: Snug,
) -> None:
    program = (
        "import os, subprocess, sys\n"
        "from snug.app import main\n"
        "code = main(['network', '--json'])\n"
        "print(code, subprocess.run(['env'], capture_output=True, text=True).stdout)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=snug.environment | {"HF_TOKEN": CANARY},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert '"token": "environment"' in done.stdout
    assert "SNUG_DATA_DIR" in done.stdout
    assert CANARY not in done.stdout + done.stderr


def test_a_download_beside_another_one_is_paused_from_outside(snug: Snug, hub: HubServer) -> None:
    """The queue is shared: whoever works on it looks at what others wrote."""
    hub.answers["/maker/big-GGUF/resolve"] = lambda handler: slow(handler, hub)
    running = subprocess.Popen(
        [SNUG, "models", "get", "maker/big-GGUF:F32"],
        env=snug.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    folder = snug.folder / "data" / "models" / "downloads"
    deadline = time.monotonic() + 20
    while not any(p.stat().st_size > 100_000 for p in folder.glob("*.part")):
        assert time.monotonic() < deadline
    identifier = next(folder.glob("*.part")).stem
    snug.document("models", "downloads", "pause", identifier)
    assert running.wait(10) == 1
    (listed,) = snug.document("models", "downloads")
    assert listed["state"] == "paused"


def slow(handler: Handler, hub: HubServer) -> None:
    handler.start(200, {"Content-Length": str(len(BIG)), "ETag": '"x"'})
    for at in range(0, len(BIG), 20_000):
        handler.pour(BIG[at : at + 20_000])
        if hub.over.wait(0.05):
            return
