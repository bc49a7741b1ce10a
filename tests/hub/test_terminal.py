"""The Hub's commands as outsiders use them: real processes, a real server, a real library."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.hub.hub_server import Handler, HubServer, Repo, serving
from tests.models.gguf_maker import named, shards

SNUG = Path(sys.executable).parent / "snug"
MODEL = named("Tiny Test").build()
OTHER = named("Other Test", quantization=1).build()
BIG = named("Big Test").build() + bytes(3_000_000)
CANARY = "hf_canaryCANARYcanary"


class Snug:
    """Runs `snug` on one data folder against one server."""

    def __init__(self, hub: HubServer, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "SNUG_DATA_DIR": str(folder / "data"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "HF_ENDPOINT": hub.url,
            "HF_TOKEN": "",
        }

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SNUG, *arguments],
            env=self.environment | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def document(self, *arguments: str, **env: str) -> Any:
        done = self.run(*arguments, "--json", **env)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def fill(hub: HubServer) -> None:
    hub.repos["maker/tiny-GGUF"] = Repo(
        files={"tiny-F32.gguf": MODEL, "tiny-F16.gguf": OTHER},
        tags=["gguf", "base_model:quantized:maker/tiny"],
    )
    hub.repos["maker/tiny"] = Repo(card={"license": "apache-2.0"})
    hub.repos["maker/sees-GGUF"] = Repo(
        files={"sees-Q4_K_M.gguf": OTHER + b"\0" * 32},
        card={"license": "llama3.2"},
        tags=["gguf"],
        task="image-text-to-text",
        gated="manual",
        trending=9,
    )


@pytest.fixture
def snug(hub: HubServer, tmp_path: Path) -> Snug:
    fill(hub)
    return Snug(hub, tmp_path)


def test_from_trending_to_a_model_in_the_library_with_every_request_in_the_ledger(
    snug: Snug,
) -> None:
    listed = snug.document("models", "trending")
    assert [one["repo"] for one in listed] == ["maker/sees-GGUF", "maker/tiny-GGUF"]
    sees, tiny = listed
    assert (sees["category"], sees["gated"]) == ("vision-language", True)
    assert (sees["licence"], sees["licence_class"]) == ("llama3.2", "restricted")
    assert (tiny["licence"], tiny["licence_class"]) == ("apache-2.0", "commercial")
    assert tiny["licence_from"] == "maker/tiny"
    assert {f["quantization"]: f["fit"] for f in tiny["files"]} == {"F32": "fits", "F16": "fits"}

    model = snug.document("models", "get", "maker/tiny-GGUF:F32")
    assert model["source"] == "maker/tiny-GGUF"
    assert Path(model["path"]).read_bytes() == MODEL
    assert Path(model["path"]).name == f"{model['sha256']}.gguf"
    assert next(m["name"] for m in snug.document("models", "list")) == model["name"]

    # Once in the library it is found without the network; so is the last look.
    assert snug.document("--offline", "models", "get", "maker/tiny-GGUF:F32") == model
    again = snug.run("models", "trending", "--offline", "--json", "--category", "text")
    assert [one["repo"] for one in json.loads(again.stdout)] == ["maker/tiny-GGUF"]
    assert "Offline" in again.stderr

    entries = snug.document("ledger")
    assert {e["host"] for e in entries} == {snug.environment["HF_ENDPOINT"].split("/")[-1]}
    assert all(e["bytes_sent"] > 50 and e["outcome"] == "done" for e in entries)
    assert sum(e["bytes_received"] for e in entries) > len(MODEL)
    assert "download maker/tiny-GGUF" in [e["reason"] for e in entries]


def test_wrong_names_are_told_in_one_line_with_what_there_is(snug: Snug) -> None:
    unknown = snug.run("models", "get", "maker/tiny-GGUF:Q9_Z")
    assert unknown.returncode == 1
    assert "F16" in unknown.stderr
    assert "F32" in unknown.stderr
    missing = snug.run("models", "show", "maker/nothing")
    assert missing.returncode == 1
    assert "no such model" in missing.stderr
    senseless = snug.run("models", "get", "https://evil.example/../../x")
    assert senseless.returncode == 1
    for done in (unknown, missing, senseless):
        assert len(done.stderr.strip().splitlines()[-1:]) == 1
        assert "Traceback" not in done.stderr


def test_offline_opens_no_socket_and_says_so(snug: Snug, hub: HubServer) -> None:
    for arguments in (("models", "search", "x"), ("models", "show", "maker/tiny-GGUF")):
        done = snug.run(*arguments, SNUG_OFFLINE="1")
        assert done.returncode == 1
        assert "offline" in done.stderr
    assert hub.seen == []
    refused = snug.document("ledger")
    assert {e["outcome"] for e in refused} == {"refused"}


def test_row_34_the_token_reaches_the_hub_and_nothing_on_disk(snug: Snug, hub: HubServer) -> None:
    without = snug.run("models", "get", "maker/sees-GGUF:Q4_K_M")
    assert without.returncode == 1
    assert f"{hub.url}/maker/sees-GGUF" in without.stderr
    done = snug.run("models", "get", "maker/sees-GGUF:Q4_K_M", HF_TOKEN=CANARY)
    assert CANARY not in done.stdout + done.stderr
    assert any(s.headers.get("Authorization") == f"Bearer {CANARY}" for s in hub.seen)
    asked = [s for s in hub.seen if s.path.startswith("/api/")]
    assert all("Authorization" not in s.headers for s in asked)
    hits = [
        path
        for path in snug.folder.rglob("*")
        if path.is_file() and CANARY.encode() in path.read_bytes()
    ]
    assert hits == []


def test_kill_minus_nine_while_downloading_and_the_same_command_finishes(tmp_path: Path) -> None:
    with serving() as hub:
        hub.repos["maker/big-GGUF"] = Repo(files={"big-F32.gguf": BIG}, tags=["gguf"])
        snug = Snug(hub, tmp_path)
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
        part = next((tmp_path / "data" / "models" / "downloads").glob("*.part"))
        while part.stat().st_size < 1_000_000:
            assert running.poll() is None
        running.send_signal(signal.SIGKILL)
        running.wait(10)
        kept = part.stat().st_size

        hub.answers["/maker/big-GGUF/resolve"] = lambda handler: handler.send_file(BIG, etag='"x"')
        hub.poured = 0
        model = snug.document("models", "get", "maker/big-GGUF:F32")
        assert Path(model["path"]).read_bytes() == BIG
        assert hub.poured == len(BIG) - kept


def test_a_split_model_is_one_model(snug: Snug, hub: HubServer, tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    folder.mkdir()
    hub.repos["maker/split-GGUF"] = Repo(
        files={f"x/split-F32-{p.name[5:]}": p.read_bytes() for p in shards(folder)}, tags=["gguf"]
    )
    model = snug.document("models", "get", "maker/split-GGUF:f32")
    assert model["size_bytes"] == sum(p.stat().st_size for p in folder.iterdir())
    assert snug.document("models", "check", model["path"])["ok"]


def test_content_that_is_here_already_is_not_fetched(
    snug: Snug, hub: HubServer, tmp_path: Path
) -> None:
    (tmp_path / "mine.gguf").write_bytes(MODEL)
    mine = snug.document("models", "import", str(tmp_path / "mine.gguf"))
    assert snug.document("models", "get", "maker/tiny-GGUF:F32") == mine
    assert not any("/resolve/" in seen.path for seen in hub.seen)


def test_sizes_and_filters_on_the_command_line(snug: Snug) -> None:
    found = snug.document("models", "search", "tiny", "--max-size", "1GB", "--limit", "1")
    assert [one["repo"] for one in found] == ["maker/tiny-GGUF"]
    assert snug.document("models", "search", "tiny", "--max-size", "10") == []
    assert snug.document("models", "search", "", "--licence-class", "research") == []
    wrong = snug.run("models", "search", "tiny", "--max-size", "large")
    assert wrong.returncode == 2
    plain = snug.run("models", "show", "maker/tiny-GGUF")
    assert "Commercial use is allowed" in plain.stdout
    assert "F16" in plain.stdout


def test_show_tells_what_to_expect_of_each_quantization_and_which_to_take(
    snug: Snug, hub: HubServer
) -> None:
    found = snug.document("models", "show", "maker/tiny-GGUF")
    assert [file["quantization"] for file in found["files"]] == ["F16", "F32"]
    assert [file["recommended"] for file in found["files"]].count(True) == 1
    for file in found["files"]:
        assert file["exact"]
        assert file["supported"]
        assert file["fit"] == "fits"
        assert file["context_length"] >= 512
        assert file["quality"] == "near-lossless"
        assert file["tokens_per_second"] is None
        assert file["needed_bytes"] > file["size_bytes"]
    plain = snug.run("models", "show", "maker/tiny-GGUF")
    assert "QUANTIZATION" in plain.stdout
    assert "almost as the original" in plain.stdout
    assert "is recommended" in plain.stdout
    assert "nothing was measured on this machine yet" in plain.stdout
    assert "first bytes of maker/tiny-GGUF" in [e["reason"] for e in snug.document("ledger")]


def test_the_licences_text_is_printed_as_it_stands(snug: Snug, hub: HubServer) -> None:
    hub.repos["maker/tiny"].files = {"LICENSE": b"Apache\x1b[31m\nTerms\n"}
    plain = snug.run("models", "show", "maker/tiny-GGUF", "--licence")
    assert plain.stdout == "Apache[31m\nTerms\n"
    found = snug.document("models", "show", "maker/tiny-GGUF", "--licence")
    assert (found["licence"], found["licence_from"]) == ("apache-2.0", "maker/tiny")
    assert found["text"] == "Apache[31m\nTerms\n"
    missing = snug.run("models", "show", "maker/sees-GGUF", "--licence")
    assert missing.returncode == 1
    assert "huggingface.co/maker/sees-GGUF" in missing.stderr


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("trending --gated yes", ["maker/sees-GGUF"]),
        ("search GGUF --gated no", ["maker/tiny-GGUF"]),
        ("trending --min-context 9000", []),
        ("search tiny --architecture llama --fits --supported", ["maker/tiny-GGUF"]),
        ("search GGUF --min-size 1GB", []),
        ("trending --sort newest --licence-class restricted", ["maker/sees-GGUF"]),
    ],
)
def test_every_filter_is_an_option(snug: Snug, options: str, expected: list[str]) -> None:
    listed = snug.document("models", *options.split())
    assert [one["repo"] for one in listed] == expected


def test_sizes_that_exclude_each_other_are_told_in_one_line(snug: Snug) -> None:
    wrong = snug.run("models", "trending", "--min-size", "2GB", "--max-size", "1GB")
    assert wrong.returncode == 1
    assert wrong.stderr.strip().splitlines()[-1].startswith("The smallest size is above")
