"""Threats 50 and 61: what somebody writes lies in no file, whatever is done with it.

The real program, in a window and in the terminal, with the real starter model. Everything it may
write to is searched: data, configuration, caches, the folder for temporary files, the runtime
folder and what it printed; open, after a crash, and closed.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.app.words import PLACES, WORDS, files_of, found_in
from tests.cli.program import BIN
from tests.models.gguf_maker import named

from snug.vault import kv_states

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


class Desk:
    """A home folder of its own, and the programs that were started there."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.outside = folder / "outside"  # what the person keeps in the plain by choice
        for path in (self.home / "run", self.home / "tmp", self.outside):
            path.mkdir(parents=True, mode=0o700)
        self.passphrase = self.outside / "passphrase"
        self.passphrase.write_text(WORDS["passphrase"])
        self.environment = {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "HOME": str(self.home),
            "TMPDIR": str(self.home / "tmp"),
            "XDG_RUNTIME_DIR": str(self.home / "run"),
            "SNUG_PASSPHRASE_FILE": str(self.passphrase),
            "HF_TOKEN": WORDS["hub token"],
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "QT_QPA_PLATFORM": "offscreen",
            "PYTHONFAULTHANDLER": "1",
            "PYTHONPATH": f"{ROOT / 'desktop'}{os.pathsep}{ROOT}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def snug(self, *arguments: str, stdin: str = "") -> str:
        """One command of the terminal; what it says there is for the person's eyes."""
        with (self.outside / "terminal.log").open("ab") as log:
            done = subprocess.run(
                [BIN, "--offline", *arguments],
                env=self.environment,
                cwd=self.home,
                input=stdin,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                timeout=100,
                check=False,
            )
        assert done.returncode in (0, 1), arguments
        return done.stdout

    def open_window(self) -> subprocess.Popen[str]:
        with (self.home / "window.log").open("ab") as log:
            window = subprocess.Popen(
                [sys.executable, "-m", "tests.app.planted_child", self.outside],
                env=self.environment,
                cwd=self.home,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert window.stdout is not None
        line = window.stdout.readline()
        assert line == "ready\n", (self.home / "window.log").read_text()
        return window

    def found(self) -> dict[str, set[str]]:
        return found_in([self.home], WORDS)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def recovery_code(desk: Desk) -> str:
    init = ("vault", "init", "--passphrase-file", str(desk.passphrase), "--recovery", "--json")
    code: str = json.loads(desk.snug(*init))["recovery_code"]
    return code


def packed_chats(folder: Path) -> Path:
    """A zip of another program's chats."""
    chat = [{"role": "user", "content": WORDS["imported"]}, {"role": "assistant", "content": "So"}]
    with zipfile.ZipFile(folder / "chats.zip", "w") as archive:
        archive.writestr("chats.jsonl", json.dumps({"messages": chat}))
    return folder / "chats.zip"


@pytest.fixture(scope="module")
def window(desk: Desk, recovery_code: str) -> Iterator[subprocess.Popen[str]]:
    """The window, after words were left in the terminal and in it."""
    assert recovery_code
    client = desk.outside / WORDS["model folder"]
    client.mkdir()
    model = named("").write(client / f"{WORDS['model file']}.gguf")
    assert WORDS["model file"] in desk.snug("models", "import", str(model), "--json")
    desk.snug("network", "--proxy", f"http://me:{WORDS['proxy password']}@127.0.0.1:9")
    desk.snug("models", "search", WORDS["hub search"])
    asking = ("chat", "--max-tokens", "4", "--prompt", "-")
    desk.snug(*asking, "--no-save", stdin=WORDS["unsaved"])
    # Long enough for its KV state to be kept.
    desk.snug(*asking, stdin=f"{WORDS['terminal message']} {'of all the ships at sea ' * 60}")
    came = desk.snug("conversations", "import", str(packed_chats(desk.outside)), "--json")
    assert json.loads(came)["messages"] == 2
    desk.snug("profiles", "create")
    desk.snug("--profile", "Profile 2", *asking, stdin=WORDS["profile message"])
    desk.snug("conversations", "search", WORDS["terminal search"])
    opened = desk.open_window()
    yield opened
    opened.kill()
    opened.communicate(timeout=10)


def test_the_search_finds_words_that_lie_in_the_plain_in_any_encoding(tmp_path: Path) -> None:
    assert len(WORDS) == len(PLACES) >= 20
    (tmp_path / "plain").write_text(f"x{WORDS['title']}x")
    (tmp_path / "wide").write_bytes(WORDS["draft"].encode("utf-16-le"))
    for shift in range(3):
        coded = base64.b64encode(b"x" * shift + WORDS["folder"].encode() + b"yz")
        (tmp_path / f"coded{shift}").write_bytes(coded)
    (tmp_path / WORDS["tag"]).touch()
    found = found_in([tmp_path], WORDS)
    assert set(found) == {"title", "draft", "folder", "tag"}
    assert len(found["folder"]) == 3


@pytest.mark.timeout(300)
def test_no_planted_word_lies_in_a_file_while_the_window_is_open(
    desk: Desk, window: subprocess.Popen[str]
) -> None:
    assert desk.found() == {}
    assert {p.name for p in files_of([desk.home])} >= {"snug.db", "snug.db-wal", "library.json"}
    assert [p for p in files_of([desk.home]) if p.parent.name == kv_states.FOLDER]


def test_all_of_it_is_for_the_owner_alone_and_nothing_lies_among_temporary_files(
    desk: Desk, window: subprocess.Popen[str]
) -> None:
    data = desk.home / ".local" / "share" / "snug"
    everything = [data, *data.rglob("*")]
    assert len(everything) > 15
    assert not [path for path in everything if path.lstat().st_mode & 0o077]
    assert not list((desk.home / "tmp").iterdir())


def test_nothing_of_them_stands_in_the_processs_command_line_or_environment(
    desk: Desk, window: subprocess.Popen[str]
) -> None:
    folder = Path(f"/proc/{window.pid}")
    seen = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
    assert b"PYTHONFAULTHANDLER" in seen
    assert not [place for place, word in WORDS.items() if word.encode() in seen]


def test_nor_after_a_crash(desk: Desk, window: subprocess.Popen[str]) -> None:
    window.send_signal(signal.SIGSEGV)
    window.wait(20)
    assert "Fatal Python error" in (desk.home / "window.log").read_text()
    assert desk.found() == {}
    assert not list(desk.home.rglob("core*"))


def test_nor_after_the_next_start_and_the_recovery_code_neither(
    desk: Desk, window: subprocess.Popen[str], recovery_code: str
) -> None:
    window.wait(20)
    listed = desk.snug("conversations", "list", "--json")
    assert WORDS["title"] in listed  # it is there for whoever has the key
    assert WORDS["emptied"] not in listed
    assert WORDS["model file"] in desk.snug("models", "list", "--json")
    codes = {"code": recovery_code, "bare code": recovery_code.replace("-", "")}
    assert found_in([desk.home], WORDS | codes) == {}


def test_nor_after_a_backup_was_made_and_put_back_and_the_rest_salvaged(
    desk: Desk, window: subprocess.Popen[str]
) -> None:
    window.wait(20)
    made = json.loads(desk.snug("vault", "backup", "--json"))
    for command in (("restore", made["path"]), ("salvage",), ("verify",)):
        desk.snug("vault", *command)
    assert WORDS["title"] in desk.snug("conversations", "list", "--json")
    assert WORDS["model file"] in desk.snug("models", "list", "--json")
    assert [p for p in files_of([desk.home]) if p.suffix == ".snugbackup"]
    assert desk.found() == {}


def test_an_export_in_the_plain_is_found(desk: Desk, window: subprocess.Popen[str]) -> None:
    window.wait(20)
    desk.snug(
        "conversations", "export", "--all", "--format", "json", "--output", str(desk.home / "all")
    )
    found = desk.found()
    assert {"message", "edited", "title", "system", "folder", "tag"} <= set(found)
    assert {"temporary", "unsaved", "emptied", "hub token", "passphrase"}.isdisjoint(found)
