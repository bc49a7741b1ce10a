"""A real vault below the real services; only engine and library are stand-ins."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tests.ui.fake_engine import FakeEngine
from tests.ui.fakes import RESOURCES, STARTER, FakeLibrary, text_parts

from snug.domain.conversation import ConversationSettings, Message, Role, Status, new_id, now_ms
from snug.domain.errors import SnugError
from snug.domain.unlocking import NOTHING, Secret
from snug.services.bundle import Profile, Services
from snug.services.conversations import ConversationService
from snug.services.keeping import Keeping
from snug.services.keys import KeyService
from snug.services.models import ModelService
from snug.services.organiser import Organiser
from snug.services.preferences import Preferences
from snug.services.temporary import SplitStore, TemporaryChats
from snug.vault.conversations import Conversations
from snug.vault.keys import key_home
from snug.vault.vault import Vault


@dataclass(slots=True)
class Vaulted:
    """Builds and shuts down as `app.py` does for the window."""

    root: Path
    vaults: list[Vault] = field(default_factory=list)
    engines: list[FakeEngine] = field(default_factory=list)
    conversations: list[ConversationService] = field(default_factory=list)
    script: list[str | float] = field(default_factory=lambda: ["Hello", " there."])
    builds: int = 0

    def build(self, secret: Secret) -> Services:
        vault = Vault.open(self.root / "vault", self.root / "keys", secret, keyring_allowed=False)
        self.builds += 1
        self.vaults.append(vault)
        engine = FakeEngine()
        engine.script = list(self.script)
        self.engines.append(engine)
        models = ModelService(FakeLibrary([STARTER]), vault.conversations, engine)
        temporary = TemporaryChats(self._memory)
        store = SplitStore(vault.conversations, temporary)
        conversations = ConversationService(store, models, engine, temporary.keeps)
        self.conversations.append(conversations)
        return Services(
            profile=Profile("0.1.0", self.root, RESOURCES, "", offline=True),
            conversations=conversations,
            models=models,
            preferences=Preferences(vault.conversations),
            organiser=Organiser(vault.organising, conversations),
            temporary=temporary,
            keys=KeyService(vault.keys),
            keeping=Keeping(vault, vault.keys),
        )

    def shutdown(self) -> None:
        while self.conversations:
            self.conversations.pop().stop_all()
        while self.engines:
            self.engines.pop().close()
        while self.vaults:
            self.vaults.pop().close()

    def kinds(self) -> tuple[str, ...]:
        try:
            home = key_home(self.root / "vault", self.root / "keys")
        except SnugError:
            return ()
        return tuple(kind.value for kind in home.kinds)

    def prepare(self, passphrase: str | None, *turns: str) -> str:
        """Make the vault with one conversation of these turns, each side in turn; its id."""
        services = self.build(Secret(passphrase) if passphrase else NOTHING)
        made = services.conversations.create(ConversationSettings(), "Planted")
        parent: str | None = None
        for number, text in enumerate(turns):
            role = Role.ASSISTANT if number % 2 else Role.USER
            message = Message(
                new_id(),
                made.id,
                parent,
                role,
                text_parts(text),
                Status.COMPLETE,
                created_ms=now_ms(),
            )
            self.vaults[-1].conversations.add_message(message, durable=True)
            parent = message.id
        self.shutdown()
        return made.id

    def _memory(self) -> Conversations:
        self.vaults.insert(0, Vault.temporary())
        return self.vaults[0].conversations
