"""A model's card: where it comes from, what it was made of, what it may be used for, what to mind.

Whatever a stranger wrote stands here as it was read; who shows it must make it safe to show.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from snug.domain.hub import RemoteFile
from snug.domain.licence import Licence, LicenceClass, LicenceFacts

NOT_STATED: Final = "Not stated."


class Relation(StrEnum):
    """What was done with a base model."""

    QUANTIZED = "quantized"
    FINETUNE = "finetune"
    MERGE = "merge"
    ADAPTER = "adapter"
    UNKNOWN = "unknown"


class PageState(StrEnum):
    """What came of looking at a repository."""

    READ = "read"
    GATED = "gated"
    MISSING = "missing"
    UNREACHABLE = "unreachable"


class TemplateState(StrEnum):
    """What comparing a model's chat template with its base model's came to."""

    IDENTICAL = "identical"
    DIFFERENT = "different"
    OWN_MISSING = "own_missing"
    BASE_UNKNOWN = "base_unknown"
    BASE_GATED = "base_gated"
    BASE_MISSING = "base_missing"
    BASE_SILENT = "base_silent"  # it is there, and has no template
    NOT_LOOKED = "not_looked"


class Severity(StrEnum):
    """How much a warning should worry."""

    NOTE = "note"
    WARNING = "warning"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Base:
    """A model that another one was made from, as its page states."""

    repository: str
    relation: Relation = Relation.UNKNOWN


@dataclass(frozen=True, slots=True)
class Ancestor:
    """One step back in how a model came about.

    Attributes:
        repository: "owner/name".
        relation: what was done with it.
        into: what was made from it: a repository, or "" for the model itself.
        commit: what its page was read at; "" where it was not read.
        licence: as it states it itself; "" where it states none or was not read.
        state: what came of looking at it.
    """

    repository: str
    relation: Relation
    into: str = ""
    commit: str = ""
    licence: str = ""
    state: PageState = PageState.UNREACHABLE


@dataclass(frozen=True, slots=True)
class Quote:
    """What a page says, in its own words.

    Attributes:
        source: the repository, or "the model's file".
        heading: of the section.
        cut: there is more of it on the page.
    """

    source: str
    heading: str
    text: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Stated:
    """A value and who states it."""

    value: str
    source: str


@dataclass(frozen=True, slots=True)
class RepositoryPage:
    """What one repository tells of itself.

    Attributes:
        files: its models and projectors.
        pickles: names of files that may run programs when another tool loads them.
        template: the chat template; "" where there is none.
        problem: why something could not be read, for a person; "" otherwise.
        read_ms: when it was read, where it is a kept one; 0 for what was read just now.
    """

    repository: str
    state: PageState
    commit: str = ""
    facts: LicenceFacts = field(default_factory=LicenceFacts)
    bases: tuple[Base, ...] = ()
    datasets: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    training: tuple[Quote, ...] = ()
    files: tuple[RemoteFile, ...] = ()
    pickles: tuple[str, ...] = ()
    template: str = ""
    architecture: str = ""
    parameter_count: int = 0
    context_length: int = 0
    gated: bool = False
    problem: str = ""
    read_ms: int = 0


@dataclass(frozen=True, slots=True)
class FileOrigin:
    """What a GGUF file tells of where it comes from: its general.* keys.

    Attributes:
        quantized_by: who made this file, where that is not the author.
        repository: "owner/name" on the Hub of the file's own, as it states.
        licence_id, licence_name, licence_link: as of `LicenceFacts`.
    """

    name: str = ""
    author: str = ""
    organization: str = ""
    quantized_by: str = ""
    description: str = ""
    repository: str = ""
    licence_id: str = ""
    licence_name: str = ""
    licence_link: str = ""
    bases: tuple[Base, ...] = ()
    datasets: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A licence that the person was shown and accepted by choosing the download.

    Attributes:
        text_sha256: of the licence's text that was shown; "" where only its name was.
        time_ms: UTC milliseconds since the epoch.
    """

    repository: str
    commit: str
    licence_id: str
    licence_name: str
    licence_class: LicenceClass
    text_sha256: str
    gated: bool
    time_ms: int


@dataclass(frozen=True, slots=True)
class TemplateComparison:
    """A chat template beside the one of the base model.

    Attributes:
        base, commit: the repository that it was compared with, and at which state.
        lines: a unified diff, from the base to the model; empty unless DIFFERENT.
        added, removed: lines in the model's alone, and in the base's alone.
        cut: the diff was too long to be kept whole.
    """

    state: TemplateState
    base: str = ""
    commit: str = ""
    lines: tuple[str, ...] = ()
    added: int = 0
    removed: int = 0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Caution:
    """Something to mind before using a model."""

    severity: Severity
    text: str


@dataclass(frozen=True, slots=True)
class OwnResult:
    """What was measured on this machine with an evaluation of the person's.

    Attributes:
        score: with its unit, as it is shown: "71.4 %".
    """

    name: str
    score: str
    time_ms: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """What using a model here taught.

    Attributes:
        tokens_per_second: of the last answers; None where there was none.
        memory_factor: bytes a load took ÷ bytes projected; None where none was measured.
    """

    tokens_per_second: float | None = None
    memory_factor: float | None = None


@dataclass(frozen=True, slots=True)
class CardFile:
    """A file of the model; `sha256` is "" where it is not known."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """All that is known of a model.

    Attributes:
        title: the library's name, or the repository's.
        repository, commit: where it comes from and which state of it; "" where unknown.
        authors: who made it, with who says so.
        files: of the model; for a repository, of each quantization.
        downloaded_ms: when it was verified here; 0 where it was not downloaded by Snug.
        licence_source: who states the licence.
        acceptance: what the person accepted; None where nothing had to be.
        template: the model's own chat template; "" for none.
        looked_up: pages on the Hub were read, now or before; False for what only the file and the
            download record tell.
        gaps: what could not be read, in sentences.
    """

    title: str
    licence: Licence
    comparison: TemplateComparison
    repository: str = ""
    commit: str = ""
    authors: tuple[Stated, ...] = ()
    ancestors: tuple[Ancestor, ...] = ()
    files: tuple[CardFile, ...] = ()
    downloaded_ms: int = 0
    source: str = ""
    datasets: tuple[Stated, ...] = ()
    training: tuple[Quote, ...] = ()
    languages: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    architecture: str = ""
    quantization: str = ""
    parameter_count: int = 0
    context_length: int = 0
    licence_source: str = ""
    gated: bool = False
    acceptance: Acceptance | None = None
    template: str = ""
    cautions: tuple[Caution, ...] = ()
    results: tuple[OwnResult, ...] = ()
    measured: Measured = field(default_factory=Measured)
    looked_up: bool = False
    gaps: tuple[str, ...] = ()


def needs_acceptance(licence: Licence, gated: bool) -> bool:
    """Whether a person should say yes to a licence before the model is fetched."""
    return gated or licence.licence_class is not LicenceClass.COMMERCIAL
