"""The shut-in engine dies while it answers: what was shown is kept, and the next answer comes."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.listener import PATIENCE_S, Listener

from snug.domain.conversation import ConversationSettings, Status
from snug.domain.events import TextDelta
from snug.domain.sampling import Sampling
from snug.engine.crashes import CrashLimits
from snug.engine.isolated import IsolatedEngine
from snug.models.library import Library
from snug.models.starter import find_starter
from snug.services.conversations import ConversationService
from snug.services.models import ModelService
from snug.vault.vault import Vault

STORY = "Tell me a long story about a lighthouse."
SIGNALS = (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT)
_FIFTY = pytest.param(50, marks=[pytest.mark.soak, pytest.mark.timeout(900)])


@pytest.fixture
def engine() -> Iterator[IsolatedEngine]:
    engine = IsolatedEngine(crash_limits=CrashLimits(waits_s=(0.0,), crashes=10**6))
    yield engine
    engine.close()


@pytest.mark.parametrize("kills", [3, _FIFTY])
def test_what_was_shown_is_on_the_disk_and_the_next_answer_comes(
    tmp_path: Path, engine: IsolatedEngine, kills: int
) -> None:
    vault = Vault.open(tmp_path / "vault", tmp_path / "keys", keyring_allowed=False)
    models = ModelService(Library(tmp_path / "models", find_starter), vault.conversations, engine)
    models.set_context_length(1024)
    service = ConversationService(vault.conversations, models, engine)
    chance = random.Random(14)
    lost = answered = 0
    try:
        for number in range(kills):
            long = ConversationSettings(sampling=Sampling(temperature=0.0, max_tokens=300))
            chat = service.create(long).id
            shown = Listener()
            run = service.send(chat, STORY, shown)
            tokens = chance.randint(1, 60)
            shown.wait_until(
                lambda events, tokens=tokens: (
                    sum(  # type: ignore[misc]
                        event.tokens for event in events if isinstance(event, TextDelta)
                    )
                    >= tokens
                )
            )
            assert engine.child_pid is not None
            os.kill(engine.child_pid, SIGNALS[number % len(SIGNALS)])
            assert run.wait(PATIENCE_S)
            kept = service.conversation(chat).message(run.answer_id)
            assert kept.status is Status.FAILED
            assert "Everything up to here was kept" in kept.error
            lost += kept.text != shown.text or not shown.text
            again = Listener()
            short = ConversationSettings(sampling=Sampling(temperature=0.0, max_tokens=24))
            assert service.send(service.create(short).id, "What is 2+2?", again).wait(PATIENCE_S)
            answered += "4" in again.text
    finally:
        service.stop_all()
        vault.close()
    assert (lost, answered) == (0, kills)
