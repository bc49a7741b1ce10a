"""Hand-written stand-ins behind the real Protocols, for tests of the window.

The services are the real ones; only the rooms below them are replaced: an in-memory store with a
real writing thread, an engine that plays scripted events on a thread of its own, a library of
three models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.ui.fake_engine import CPU, FakeEngine
from tests.ui.fake_hub import Finding
from tests.ui.fake_store import FakeStore, FakeWriter

from snug.domain.conversation import Conversation, Message, Part, PartKind, Role, Status
from snug.domain.errors import ModelFileError, NotFoundError
from snug.domain.model import ModelFile
from snug.services.branches import Branches
from snug.services.bundle import Profile, Services
from snug.services.conversations import ConversationService
from snug.services.first_models import FirstModels, TransferSpeed
from snug.services.models import ModelService
from snug.services.preferences import Preferences

__all__ = [
    "CPU",
    "LARGE",
    "RESOURCES",
    "SMALL",
    "STARTER",
    "FakeEngine",
    "FakeLibrary",
    "FakeStore",
    "FakeWriter",
    "Rooms",
    "make_rooms",
    "put_conversation",
    "text_parts",
]

RESOURCES = Path(__file__).parents[2] / "resources"
STARTER = ModelFile(
    name="SmolLM2-135M-Instruct",
    path="/models/SmolLM2-135M-Instruct.Q4_1.gguf",
    size_bytes=98_362_432,
    sha256="b1" * 32,
    architecture="llama",
    quantization="Q4_1",
    context_length=8192,
    licence="apache-2.0",
    source="starter",
    parameter_count=134_515_008,
    layers=30,
    note="good for trying the app, not for answers",
)
SMALL = ModelFile(
    name="Qwen2.5-1.5B-Instruct",
    path="/models/qwen2.5-1.5b-instruct-q4_k_m.gguf",
    size_bytes=1_117_320_736,
    sha256="c2" * 32,
    architecture="qwen2",
    quantization="Q4_K_M",
    context_length=32768,
    licence="apache-2.0",
    source="Qwen/Qwen2.5-1.5B-Instruct-GGUF",
    parameter_count=1_540_000_000,
    layers=28,
)
LARGE = ModelFile(
    name="Mistral-7B-Instruct-v0.3",
    path="/models/Mistral-7B-Instruct-v0.3.Q4_K_M.gguf",
    size_bytes=4_372_812_000,
    sha256="d3" * 32,
    architecture="llama",
    quantization="Q4_K_M",
    context_length=32768,
    licence="",
    source="import",
    parameter_count=7_250_000_000,
    layers=32,
)


class FakeLibrary:
    """Three models; files named `*broken*` are refused on import."""

    def __init__(self, models: Sequence[ModelFile] = (SMALL, LARGE, STARTER)) -> None:
        self.kept = list(models)

    def models(self) -> tuple[ModelFile, ...]:
        return tuple(self.kept)

    def resolve(self, reference: str) -> ModelFile:
        for model in self.kept:
            if reference in (model.name, model.path, model.source):
                return model
        raise NotFoundError(f"There is no model {reference} on this machine.")

    def import_file(self, path: Path) -> ModelFile:
        problems = self.check(path)
        if problems:
            raise ModelFileError(problems[0])
        model = replace(LARGE, name=path.stem, path=str(path), source="import")
        self.kept.insert(0, model)
        return model

    def remove(self, name: str) -> ModelFile:
        model = self.resolve(name)
        self.kept.remove(model)
        return model

    def warnings(self, path: Path) -> tuple[str, ...]:
        return ()

    def check(self, path: Path) -> tuple[str, ...]:
        if "broken" in path.name:
            return (f"{path.name} is not a GGUF file: its first four bytes are not GGUF.",)
        return ()


@dataclass(slots=True)
class Rooms:
    """The fakes below the services, for a test to steer."""

    store: FakeStore
    engine: FakeEngine
    library: FakeLibrary

    finding: Finding | None = None

    def services(self, data_dir: Path, created: bool = False, offline: bool = False) -> Services:
        """The real services over these rooms; with `finding`, its fakes as well."""
        models = ModelService(self.library, self.store, self.engine)
        profile = Profile(
            version="0.1.0",
            data_dir=data_dir,
            resources=RESOURCES,
            key_note="The key is in your desktop's keyring.",
            created=created,
            offline=offline,
        )
        preferences = Preferences(self.store)
        made = Services(
            profile=profile,
            conversations=ConversationService(self.store, models, self.engine),
            models=models,
            preferences=preferences,
            branches=Branches(self.store, self.store, self.engine),
        )
        finding = self.finding
        if finding is None:
            return made
        return replace(
            made,
            hub=finding.hub,  # type: ignore[arg-type]
            trends=finding.trends,
            downloads=finding.downloads,
            network=finding.network,
            cards=finding.cards,
            first_models=FirstModels(
                RESOURCES / "first_models.json",
                preferences,
                self.library.models,
                finding.hub.available_bytes,
                TransferSpeed(preferences),
            ),
        )

    def close(self) -> None:
        self.engine.close()
        self.store.close()


def make_rooms() -> Rooms:
    return Rooms(FakeStore(), FakeEngine(), FakeLibrary())


def put_conversation(
    store: FakeStore, title: str, updated_ms: int, *turns: tuple[Role, str]
) -> Conversation:
    """Store a finished conversation; its id is made of the title."""
    conversation_id = f"c-{title.casefold().replace(' ', '-')}"
    messages: list[Message] = []
    for number, (role, text) in enumerate(turns):
        messages.append(
            Message(
                id=f"{conversation_id}-{number}",
                conversation_id=conversation_id,
                parent_id=messages[-1].id if messages else None,
                role=role,
                parts=text_parts(text),
                status=Status.COMPLETE,
                model=STARTER.name if role is Role.ASSISTANT else "",
                created_ms=updated_ms,
            )
        )
    conversation = Conversation(
        id=conversation_id,
        title=title,
        created_ms=updated_ms,
        updated_ms=updated_ms,
        messages=tuple(messages),
        leaf_id=messages[-1].id if messages else None,
    )
    store.kept[conversation_id] = conversation
    return conversation


def text_parts(text: str) -> tuple[Part, ...]:
    return (Part(PartKind.TEXT, text),)
