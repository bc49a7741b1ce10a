"""Threats 17 and 23: kill -9 of the whole program loses nothing; of five starts one runs."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.program import BIN

from snug.domain.conversation import Role, Status
from snug.services.engine_settings import Host
from snug.vault.profiles import ProfileFolders
from snug.vault.vault import Vault

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]
Said = dict[str, dict[str, str]]  # conversation → what → text


class Desk:
    """A data folder, and what was acknowledged of it."""

    def __init__(self, folder: Path) -> None:
        self.vault = folder / "data" / "vault"
        self.keys = folder / "config" / "snug" / "keys"
        self.environment = os.environ | {
            "SNUG_DATA_DIR": str(folder / "data"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "QT_QPA_PLATFORM": "offscreen",
            "PYTHONPATH": f"{ROOT / 'desktop'}{os.pathsep}{ROOT}",
        }
        self.said: Said = {}
        self.windows = 0
        self.most = 0  # processes of one window
        self.early = 0  # kills before anything was acknowledged

    def start(self, *command: str | Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            env=self.environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def kill_window(self, dice: random.Random) -> None:
        """Start the window, let it write for a while, kill it or its guardian."""
        self.windows += 1
        host = Host.INSIDE if self.windows % 2 else Host.ISOLATED
        guardian = self.start(sys.executable, "-m", "tests.app.killed_child", host)
        assert guardian.stdout is not None
        first = b"" if dice.random() < 0.2 else guardian.stdout.readline()
        pause(guardian, dice.uniform(0.0, 2.5))
        family = [guardian.pid, *below(guardian.pid)]
        self.most = max(self.most, len(family))
        os.kill(family[min(1, len(family) - 1)] if dice.random() < 0.5 else family[0], 9)
        began = time.monotonic()
        assert guardian.wait(20) == -signal.SIGKILL
        gone(family, began)
        lines = (first + guardian.stdout.read()).splitlines()
        guardian.stdout.close()
        self.early += not lines
        self._check([json.loads(line) for line in lines])

    def kill_terminal(self, dice: random.Random) -> None:
        """Ask in the terminal, and kill it amid the answer."""
        asked = f"Tell me of {dice.random()}"
        program = self.start(BIN, "--offline", "chat", "--prompt", asked, "--max-tokens", "60")
        assert program.stdout is not None
        shown = program.stdout.read(dice.randrange(1, 60))
        family = [program.pid, *below(program.pid)]
        program.kill()
        began = time.monotonic()
        program.wait(20)
        gone(family, began)
        shown += program.stdout.read()
        program.stdout.close()
        vault = self._open()
        newest = vault.conversations.conversation(vault.conversations.summaries()[0].id)
        assert newest.messages[0].text == asked
        assert newest.messages[1].text.encode().startswith(shown.rstrip(b"\n"))
        vault.close()

    def _open(self) -> Vault:
        return Vault.open(self.vault, self.keys, keyring_allowed=False)

    def _check(self, lines: list[tuple[str, str, str]]) -> None:
        """Open the vault again and look for what was acknowledged."""
        said: Said = {}
        for chat, what, text in lines:
            of_chat = said.setdefault(chat, {})
            of_chat[what] = of_chat.get(what, "") + text if what == "answer" else text
        self.said |= said
        self.check(said)

    def check(self, said: Said) -> None:
        vault = self._open()
        with vault._database.reading() as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        titles = {s.id: s for s in vault.conversations.summaries(100_000)}
        for chat, of_chat in said.items():
            found = vault.conversations.conversation(chat)
            if "tag" in of_chat:
                assert titles[chat].tags == ("tagged",)
            if "asked" in of_chat:
                question, answer = found.messages
                assert (question.role, question.text) == (Role.USER, of_chat["asked"])
                assert answer.text.startswith(of_chat.get("answer", ""))
                assert "end" not in of_chat or answer.status is Status.COMPLETE
            # The last renaming may have come to the disk and not to the pipe.
            assert "title" not in of_chat or len(titles[chat].title) == len(of_chat["title"])
        vault.close()


def pause(process: subprocess.Popen[bytes], seconds: float) -> None:
    """The random moment at which it is killed."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def below(pid: int) -> list[int]:
    """All processes below one, its child first."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for child in map(int, task.read_text().split()):
                found += [child, *below(child)]
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(family: list[int], began: float) -> None:
    """No process of a killed program lives on for more than 2 s."""
    while any(map(alive, family)):
        assert time.monotonic() - began < 2.0, [pid for pid in family if alive(pid)]
        time.sleep(0.01)  # other processes wake nobody here


def kill_often(folder: Path, times: int, seed: int) -> None:
    desk = Desk(folder)
    dice = random.Random(seed)
    for number in range(times):
        if number % 4 == 3:
            desk.kill_terminal(dice)
        else:
            desk.kill_window(dice)
    desk.check(desk.said)
    asked = sum("asked" in of_chat for of_chat in desk.said.values())
    print(f"{times} kills, {desk.early} before a word; {len(desk.said)} chats, {asked} asked")
    print(f"at most {desk.most} processes at once")
    assert len(desk.said) >= times // 4
    assert asked >= times // 8


@pytest.mark.timeout(180)
def test_kill_9_of_the_whole_program_loses_nothing_and_leaves_no_process(tmp_path: Path) -> None:
    kill_often(tmp_path, times=4, seed=5)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_300_times_kill_9_of_the_whole_program(tmp_path: Path) -> None:
    kill_often(tmp_path, times=300, seed=6)


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


@pytest.mark.timeout(180)
def test_of_five_started_at_once_exactly_one_runs(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.environment |= {"HF_TOKEN": "hf_canary"}
    started = [desk.start(BIN, "--offline") for _ in range(5)]
    try:
        end = time.monotonic() + 90
        while sum(process.poll() is None for process in started) > 1:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert sorted(process.poll() or 0 for process in started) == [0] * 5
        (window,) = [process for process in started if process.poll() is None]
        started.append(desk.start(BIN, "--offline"))
        assert started[-1].wait(60) == 0  # it raises the first
        assert window.poll() is None
        for pid in (window.pid, *below(window.pid)):  # guardian, window, and what that started
            assert b"SNUG_DATA_DIR" in environment_of(pid) or pid != window.pid
            assert b"hf_canary" not in environment_of(pid)
        window.terminate()
        assert window.wait(30) == 0
    finally:
        end_all(started)


def end_all(started: list[subprocess.Popen[bytes]]) -> None:
    for process in started:
        process.kill()
        process.communicate(timeout=10)


@pytest.mark.timeout(180)
def test_each_profile_has_a_window_of_its_own_and_only_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    data = desk.vault.parent
    made = ProfileFolders(data, desk.keys).create()
    first = desk.start(sys.executable, "-m", "tests.app.killed_child", Host.INSIDE)
    second = desk.start(BIN, "--offline", "--profile", "Profile 2")
    started = [first, second]
    try:
        assert first.stdout is not None
        assert first.stdout.readline()  # it is open and writes
        until((data / "profiles" / made.id / "run" / "window.lock").exists)
        again = desk.start(BIN, "--offline", "--profile", "profile 2")
        started.append(again)
        assert again.wait(60) == 0
        assert first.poll() is None
        assert second.poll() is None
    finally:
        end_all(started)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)  # other processes wake nobody here
