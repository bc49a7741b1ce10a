"""Snug's services on a throw-away vault, put together as the application does."""

from __future__ import annotations

from pathlib import Path

from snug import __version__
from snug.domain.conversation import ConversationSettings
from snug.domain.model import ModelFile
from snug.domain.sampling import Sampling
from snug.engine.hosts import build_engine
from snug.models.library import Library
from snug.models.starter import find_starter
from snug.paths import Paths, find_paths
from snug.services.bundle import Profile, Services
from snug.services.conversations import ConversationService
from snug.services.models import ModelService
from snug.services.preferences import Preferences
from snug.vault.vault import Vault

ROUNDS = 7
ANSWER_TOKENS = 128
STORY = "Write a very long story about a lighthouse keeper and her dog."


class BenchServices:
    """Services, and the starter. Nothing is guessed ahead, so that tokens cost what they cost."""

    def __init__(self, folder: Path) -> None:
        self.paths: Paths = find_paths(folder / "data")
        self.vault = Vault.open(self.paths.vault, folder / "keys", keyring_allowed=False)
        store = self.vault.conversations
        self._preferences = Preferences(store)
        self.engine = build_engine(self._preferences, lambda: False, self.vault.kv_states)
        library = Library(self.paths.models, find_starter)
        self.models = ModelService(library, store, self.engine)
        self.models.settings.choose_lookup(False)
        self.conversations = ConversationService(store, self.models, self.engine)
        self.model: ModelFile = library.resolve("starter")

    def conversation(self, max_tokens: int, system: str = "") -> str:
        """A new conversation, greedy and of a fixed length."""
        sampling = Sampling(temperature=0.0, max_tokens=max_tokens)
        settings = ConversationSettings("starter", system, sampling)
        return self.conversations.create(settings).id

    def services(self) -> Services:
        """What a window is given."""
        profile = Profile(
            __version__, self.paths.data, self.paths.resources, "", created=False, offline=True
        )
        return Services(profile, self.conversations, self.models, self._preferences)

    def close(self) -> None:
        """As the application closes."""
        self.conversations.stop_all()
        self.engine.close()
        self.vault.close()


def starter(folder: Path) -> ModelFile:
    """The starter model, where no services are needed."""
    return Library(find_paths(folder / "data").models, find_starter).resolve("starter")
