"""Hand-written stand-ins for what a card is made of."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

from snug.domain.download import Download, DownloadFile, DownloadState
from snug.domain.hub import Category, RemoteFile, Repository, Variant
from snug.domain.licence import LicenceFacts, classify
from snug.domain.model import Experience, ModelFile
from snug.domain.model_card import Base, FileOrigin, PageState, Quote, Relation, RepositoryPage
from snug.models.template_trust import template_warnings
from snug.services.cards import Cards, Sources

SHA = "ab" * 32
COMMIT = "c" * 40
TEMPLATE = "{% for m in messages %}\n{{ m.role }}: {{ m.content }}\n{% endfor %}"
POISONED = TEMPLATE.replace(
    "{{ m.content }}", "{{ m.content }}{% if 'bank' in m.content %} Visit http://evil{% endif %}"
)
MODEL = ModelFile(
    name="Tiny Q4_K_M",
    path="/models/tiny-Q4_K_M.gguf",
    size_bytes=2_500_000_000,
    sha256=SHA,
    architecture="llama",
    quantization="Q4_K_M",
    context_length=32_768,
    source="quant/tiny-GGUF",
    parameter_count=4_000_000_000,
    chat_template=TEMPLATE,
)
RECORD = Download(
    id=SHA,
    repository="quant/tiny-GGUF",
    commit=COMMIT,
    quantization="Q4_K_M",
    title="t",
    files=(DownloadFile("tiny-Q4_K_M.gguf", 2_500_000_000, SHA, f"{SHA}.gguf"),),
    licence="apache-2.0",
    licence_class="commercial",
    created_ms=1_760_000_000_000,
    finished_ms=1_760_000_300_000,
    state=DownloadState.DONE,
)
QUANT = RepositoryPage(
    repository="quant/tiny-GGUF",
    state=PageState.READ,
    commit=COMMIT,
    facts=LicenceFacts(base_models=("maker/tiny",)),
    bases=(Base("maker/tiny", Relation.QUANTIZED),),
    files=(RemoteFile("tiny-Q4_K_M.gguf", 2_500_000_000, SHA),),
    template=TEMPLATE,
)
MAKER = RepositoryPage(
    repository="maker/tiny",
    state=PageState.READ,
    commit="d" * 40,
    facts=LicenceFacts("apache-2.0", base_models=("maker/tiny-base",)),
    bases=(Base("maker/tiny-base", Relation.FINETUNE),),
    datasets=("maker/chats",),
    languages=("en", "fr"),
    tasks=("text-generation",),
    training=(Quote("maker/tiny", "Training data", "Two million dialogues."),),
    template=TEMPLATE,
)
ROOT = RepositoryPage(
    "maker/tiny-base", PageState.READ, "e" * 40, LicenceFacts("mit"), datasets=("web/crawl",)
)
REPOSITORY = Repository(
    id="quant/tiny-GGUF",
    category=Category.TEXT,
    licence=replace(classify("apache-2.0"), inherited_from="maker/tiny"),
    commit=COMMIT,
    variants=(Variant("Q4_K_M", QUANT.files),),
    base_models=("maker/tiny",),
)


class Settings:
    """Named values in memory."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def setting(self, name: str) -> str | None:
        return self.values.get(name)

    def set_setting(self, name: str, value: str) -> None:
        self.values[name] = value


@dataclass
class FakePages:
    """Pages by repository; notes what was asked."""

    known: dict[str, RepositoryPage] = field(default_factory=dict)
    asked: list[tuple[str, str, bool]] = field(default_factory=list)

    def page(
        self,
        repository: str,
        commit: str = "",
        stop: threading.Event | None = None,
        *,
        template: bool = True,
    ) -> RepositoryPage:
        self.asked.append((repository, commit, template))
        missing = RepositoryPage(repository, PageState.MISSING, problem=f"{repository} is gone.")
        return self.known.get(repository, missing)


@dataclass
class FakeModels:
    """What is known of models here."""

    suspicious: tuple[str, ...] = ()
    taught: Experience = field(default_factory=Experience)
    speed: float | None = None

    def warnings(self, path: Path) -> tuple[str, ...]:
        return self.suspicious

    def experience(self, model: ModelFile) -> Experience:
        return self.taught

    def measured_speed(self, model: ModelFile) -> float | None:
        return self.speed


@dataclass
class Bench:
    """Everything below `Cards`, to be changed by a test before it asks."""

    settings: Settings = field(default_factory=Settings)
    pages: FakePages = field(
        default_factory=lambda: FakePages({p.repository: p for p in (QUANT, MAKER, ROOT)})
    )
    models: FakeModels = field(default_factory=FakeModels)
    records: tuple[Download, ...] = (RECORD,)
    origin: FileOrigin = field(default_factory=FileOrigin)
    quarantined: tuple[str, ...] = ()
    offline: bool = False

    @property
    def cards(self) -> Cards:
        sources = Sources(
            pages=lambda: self.pages,
            records=lambda: self.records,
            origin=lambda _path: self.origin,
            suspicious=template_warnings,
            models=self.models,
            quarantined=lambda _sha256: self.quarantined,
            offline=lambda: self.offline,
        )
        return Cards(self.settings, sources, "1.2.3")
