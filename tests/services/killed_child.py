"""Child of test_killed: answers for ever; tells on stdout, only from the sink, what it showed.

The answer is scripted and fast, or, with "starter" as the second argument, the real engine's.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.services.scripted import ScriptedEngine

from snug.domain.conversation import ConversationSettings
from snug.domain.events import Event, TextDelta
from snug.domain.sampling import Sampling
from snug.engine.host import EngineHost
from snug.models.library import Library
from snug.models.starter import find_starter
from snug.services.conversations import ConversationService
from snug.services.models import ModelService
from snug.services.protocols import Engine
from snug.vault.vault import Vault

QUESTION = "Write a very long story about a lighthouse keeper and her dog."  # 500 tokens and more


def main(folder: Path, real: bool) -> None:
    vault = Vault.open(folder / "vault", folder / "keys", keyring_allowed=False)
    words = tuple(f"w{number} " for number in range(1_000_000))
    engine: Engine = (
        EngineHost() if real else ScriptedEngine(words, lambda _number: time.sleep(0.0005))
    )
    models = ModelService(Library(folder / "models", find_starter), vault.conversations, engine)
    service = ConversationService(vault.conversations, models, engine)

    def show(event: Event) -> None:
        if isinstance(event, TextDelta):
            sys.stdout.write(event.text)
            sys.stdout.flush()

    settings = ConversationSettings(sampling=Sampling(temperature=0.0))
    service.send(service.create(settings).id, QUESTION, show).wait(300)


if __name__ == "__main__":
    main(Path(sys.argv[1]), real="starter" in sys.argv[2:])
