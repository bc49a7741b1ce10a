"""Child of test_full_disk: answers on a small disk until that is full, makes room, and goes on."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.listener import Listener
from tests.services.scripted import ScriptedEngine

from snug.domain.conversation import Status
from snug.domain.events import Paused
from snug.models.library import Library
from snug.models.starter import find_starter
from snug.services.conversations import ConversationService
from snug.services.models import ModelService
from snug.vault.files import free_bytes
from snug.vault.vault import Vault

QUESTION = "How full is the disk?"
_WORDS = tuple(f"w{number} {'x' * 60} " for number in range(3_000))
_LEFT_BYTES = 150_000  # the disk is full soon after the answer has begun


def main(folder: Path) -> None:
    vault = Vault.open(folder / "vault", folder / "keys", keyring_allowed=False)
    engine = ScriptedEngine(_WORDS, lambda _number: time.sleep(0.0003))
    models = ModelService(Library(folder / "models", find_starter), vault.conversations, engine)
    service = ConversationService(vault.conversations, models, engine)
    chat = service.create().id
    free = free_bytes(folder)
    assert free is not None
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(free - _LEFT_BYTES))
    listener = Listener()
    run = service.send(chat, QUESTION, listener)
    print(listener.wait_for(Paused), flush=True)
    # What was shown before is kept, and can be read while the disk is full.
    question, answer = vault.conversations.conversation(chat).messages
    assert question.text == QUESTION
    assert answer.text == listener.text != ""
    ballast.unlink()
    assert run.wait(60)
    engine.close()
    vault.close()
    vault = Vault.open(folder / "vault", folder / "keys", keyring_allowed=False)
    answer = vault.conversations.conversation(chat).messages[1]
    assert answer.text == listener.text == "".join(_WORDS)
    assert answer.status is Status.COMPLETE
    assert vault.check().ok
    vault.close()
    print("nothing lost")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
