"""Child of test_killed: answers for ever; tells on stdout, only from the sink, what it showed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.services.scripted import ScriptedEngine

from snug.domain.events import Event, TextDelta
from snug.models.library import Library
from snug.models.starter import find_starter
from snug.services.conversations import ConversationService
from snug.services.models import ModelService
from snug.vault.vault import Vault


def main(folder: Path) -> None:
    vault = Vault.open(folder / "vault", folder / "keys", keyring_allowed=False)
    words = tuple(f"w{number} " for number in range(1_000_000))
    engine = ScriptedEngine(words, lambda _number: time.sleep(0.0005))
    models = ModelService(Library(folder / "models", find_starter), vault.conversations, engine)
    service = ConversationService(vault.conversations, models, engine)

    def show(event: Event) -> None:
        if isinstance(event, TextDelta):
            sys.stdout.write(event.text)
            sys.stdout.flush()

    service.send(service.create().id, "Go on for ever", show).wait(300)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
