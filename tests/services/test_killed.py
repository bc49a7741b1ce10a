"""kill -9 while an answer streams: everything that was shown is on the disk."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from tests.services.killed_child import QUESTION
from tests.services.scripted import Listener, ScriptedEngine

from snug.domain.conversation import Status
from snug.models.library import Library
from snug.models.starter import find_starter
from snug.services.conversations import ConversationService
from snug.services.models import ModelService
from snug.vault.vault import Vault

_ROOT = Path(__file__).parents[2]


def _kill_once(folder: Path, shown_bytes: int, *options: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.services.killed_child", str(folder), *options],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    shown = child.stdout.read(shown_bytes)
    child.kill()
    # Not `communicate`: it passes over what the first read has already taken from the pipe.
    shown += child.stdout.read()
    child.stdout.close()
    child.wait(30)
    vault = Vault.open(folder / "vault", folder / "keys", keyring_allowed=False)
    try:
        newest = vault.conversations.summaries()[0].id
        question, answer = vault.conversations.conversation(newest).messages
        assert question.text == QUESTION
        assert answer.status is Status.INTERRUPTED
        # The pipe may end amid a character, the journal does not.
        assert answer.text.encode().startswith(shown)
        engine = ScriptedEngine(("the end.",))
        models = ModelService(Library(folder / "models", find_starter), vault.conversations, engine)
        service = ConversationService(vault.conversations, models, engine)
        assert service.resume(newest, answer.id, Listener()).wait(30)
        after = vault.conversations.conversation(newest).messages[1]
        assert after.text == answer.text + "the end."
        assert after.status is Status.COMPLETE
    finally:
        vault.close()


def _kill_often(folder: Path, times: int) -> None:
    moments = random.Random(7)
    for _ in range(times):
        _kill_once(folder, moments.randrange(1, 6_000))


def test_kill_loses_nothing_that_was_shown(tmp_path: Path) -> None:
    _kill_often(tmp_path, 6)


def test_kill_amid_a_real_answer_loses_nothing_that_was_shown(tmp_path: Path) -> None:
    for shown_bytes in (1, 90):
        _kill_once(tmp_path, shown_bytes, "starter")


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_hundred_kills_lose_nothing_that_was_shown(tmp_path: Path) -> None:
    _kill_often(tmp_path, 100)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_hundred_kills_amid_real_answers_lose_nothing_that_was_shown(tmp_path: Path) -> None:
    moments = random.Random(11)
    for _ in range(100):
        _kill_once(tmp_path, moments.randrange(1, 600), "starter")
