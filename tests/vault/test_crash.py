from __future__ import annotations

import contextlib
import random
import subprocess
import time

import pytest
from tests.vault.conftest import Home
from tests.vault.helpers import run_child

from snug.domain.conversation import Status

# Says each piece of text on standard output only after the store has it.
_WRITE = """
import sys
from pathlib import Path
from snug.domain.conversation import Conversation, Message, Part, PartKind, Role, Status, new_id
from snug.vault.vault import Vault
vault = Vault.open(Path(sys.argv[1]), Path(sys.argv[2]), keyring_allowed=False)
store = vault.conversations
print("ready", flush=True)
sys.stdin.readline()
for turn in range(1000):
    chat = Conversation(new_id(), "", 0, 0)
    store.create(chat)
    question = Message(new_id(), chat.id, None, Role.USER, (Part(PartKind.TEXT, "question"),))
    store.add_message(question, durable=True)
    answer = Message(new_id(), chat.id, question.id, Role.ASSISTANT, (), Status.INTERRUPTED)
    store.add_message(answer, durable=False)
    whole = ""
    for number in range(40):
        piece = f"{number:04} "
        store.append_journal(answer.id, (Part(PartKind.TEXT, piece),))
        whole += piece
        print(chat.id, answer.id, number, flush=True)
    parts = (Part(PartKind.TEXT, whole),)
    store.finish_message(Message(answer.id, chat.id, question.id, Role.ASSISTANT, parts))
    print(chat.id, answer.id, "done", flush=True)
"""


def kill_while_writing(home: Home, delay_s: float) -> dict[tuple[str, str], str]:
    """Kill a writing process with SIGKILL; what it had said of each answer last."""
    child = run_child(_WRITE, str(home.folder), str(home.keys))
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == "ready\n"
    said: dict[tuple[str, str], str] = {}
    child.stdin.write("go\n")
    child.stdin.flush()
    end = time.monotonic() + delay_s
    while time.monotonic() < end:
        note(child.stdout.readline(), said)
    child.kill()
    # What was in the pipe counts as said. Not by communicate(), which passes over the buffer.
    for line in child.stdout:
        note(line, said)
    _, errors = child.communicate(timeout=60)
    assert errors == ""
    return said


def note(line: str, said: dict[tuple[str, str], str]) -> None:
    if line.endswith("\n"):
        conversation, answer, state = line.split()
        said[conversation, answer] = state


def check(home: Home, said: dict[tuple[str, str], str]) -> int:
    """Open the vault again and look for everything that was said; how much that was."""
    vault = home.open()
    pieces = 0
    for (conversation, answer), state in said.items():
        found = vault.conversations.conversation(conversation).message(answer)
        kept = [int(piece) for piece in found.text.split()]
        assert kept == list(range(len(kept)))
        said_pieces = 40 if state == "done" else int(state) + 1
        assert len(kept) >= said_pieces
        assert found.status is (Status.COMPLETE if state == "done" else found.status)
        assert found.status is Status.COMPLETE or len(kept) <= 40
        pieces += said_pieces
    hits = vault.conversations.search("question", limit=100_000)
    assert len(hits) >= len(said)
    vault.close()
    return pieces


def kill_and_check(home: Home, times: int, seed: int) -> None:
    home.open().close()
    dice = random.Random(seed)
    everything: dict[tuple[str, str], str] = {}
    for _ in range(times):
        said = kill_while_writing(home, dice.uniform(0.01, 0.25))
        assert said
        everything |= said
        check(home, said)
    assert check(home, everything) > times


def test_kill_9_while_writing_loses_nothing_that_was_acknowledged(home: Home) -> None:
    kill_and_check(home, times=10, seed=1)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_300_times_kill_9_lose_nothing(home: Home) -> None:
    kill_and_check(home, times=300, seed=2)


_FIRST_START = """
import sys
from pathlib import Path
from snug.vault.vault import Vault
print("ready", flush=True)
sys.stdin.readline()
Vault.open(Path(sys.argv[1]), Path(sys.argv[2]), keyring_allowed=False)
"""


def test_kill_9_during_the_first_start_leaves_a_vault_that_opens(home: Home) -> None:
    dice = random.Random(3)
    for attempt in range(8):
        started = Home(home.folder / str(attempt), home.keys)
        started.folder.parent.mkdir(exist_ok=True)
        child = run_child(_FIRST_START, str(started.folder), str(started.keys))
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == "ready\n"
        child.stdin.write("go\n")
        child.stdin.flush()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(dice.uniform(0, 0.02))
        child.kill()
        _, errors = child.communicate(timeout=60)
        assert errors == ""
        vault = started.open()
        assert vault.conversations.summaries() == ()
        vault.close()
