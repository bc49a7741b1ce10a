"""Facts of a card, each from the surest witness that there is: page, download record, file."""

from __future__ import annotations

from collections.abc import Iterable

from snug.domain.download import Download
from snug.domain.hub import Repository
from snug.domain.licence import NOT_STATED, Licence, classify
from snug.domain.model import ModelFile
from snug.domain.model_card import (
    CardFile,
    Caution,
    FileOrigin,
    PageState,
    Quote,
    RepositoryPage,
    Severity,
    Stated,
)
from snug.domain.remote_names import file_name, shown
from snug.services.lineage import Lineage

IN_FILE = "the model's file"


def source_of(model: ModelFile, record: Download | None, origin: FileOrigin) -> str:
    """The repository that a file comes from, as the surest of the witnesses says."""
    if record is not None:
        return record.repository
    return model.source if "/" in model.source else origin.repository


def source_words(model: ModelFile, record: Download | None) -> str:
    """How a model came here, in a sentence."""
    if record is not None:
        return "Downloaded from the Hugging Face Hub and verified."
    if model.source == "starter":
        return "Came with Snug."
    if "/" in model.source:
        return "Downloaded from the Hugging Face Hub; the record of it is gone."
    return "Added from a file on this computer."


def licence_of(
    model: ModelFile,
    record: Download | None,
    origin: FileOrigin,
    page: RepositoryPage | None,
    lineage: Lineage,
) -> tuple[Licence, str]:
    """The licence and who states it: the page, what was shown at the download, then the file."""
    if page is not None and page.state is not PageState.UNREACHABLE:
        found = lineage.licence_of(page.repository)
        if found.id not in NOT_STATED:
            return found, found.inherited_from or page.repository
    if record is not None and record.licence not in NOT_STATED:
        return classify(record.licence), f"{record.repository}, when it was downloaded"
    named = origin.licence_id or model.licence
    found = classify(named, origin.licence_name, origin.licence_link)
    if found.id not in NOT_STATED:
        return found, "Snug" if model.source == "starter" else IN_FILE
    inherited = lineage.licence_of_bases()
    if inherited.id not in NOT_STATED:
        return inherited, inherited.inherited_from
    return found, ""


def authors_of(origin: FileOrigin, source: str) -> tuple[Stated, ...]:
    """Who made it, with who says so; each once."""
    found = [Stated(one, IN_FILE) for one in (origin.author, origin.organization) if one]
    if origin.quantized_by:
        found.append(Stated(f"{origin.quantized_by} (quantized it)", IN_FILE))
    if source:
        found.append(Stated(source.partition("/")[0], "the Hub"))
    return tuple({one.value.casefold(): one for one in reversed(found)}.values())[::-1]


def files_of(model: ModelFile, record: Download | None) -> tuple[CardFile, ...]:
    """The files of a model here, by the names they have on the Hub."""
    if record is None:
        name = shown(file_name(model.path.replace("\\", "/")))
        return (CardFile(name, model.size_bytes, model.sha256),)
    return tuple(
        CardFile(shown(file_name(file.path)), file.size_bytes, file.sha256) for file in record.files
    )


def files_in(repository: Repository) -> tuple[CardFile, ...]:
    """The files of all quantizations of a repository."""
    models = (file for variant in repository.variants for file in variant.files)
    return tuple(
        CardFile(file.name, file.size_bytes, file.sha256)
        for file in (*models, *repository.projectors)
    )


def datasets_of(lineage: Lineage, origin: FileOrigin) -> tuple[Stated, ...]:
    """Data sets with who names them; the model's own page first."""
    found = [
        Stated(name, page.repository) for page in lineage.pages.values() for name in page.datasets
    ]
    found += [Stated(name, IN_FILE) for name in origin.datasets]
    return tuple({one.value.casefold(): one for one in reversed(found)}.values())[::-1]


def training_of(lineage: Lineage) -> tuple[Quote, ...]:
    """What the pages say of training; the model's own first."""
    return tuple(quote for page in lineage.pages.values() for quote in page.training)[:4]


def first_of(many: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The first that says anything."""
    return next((one for one in many if one), ())


def by_weight(found: Iterable[Caution]) -> tuple[Caution, ...]:
    """Each once, the gravest first."""
    order = (Severity.DANGER, Severity.WARNING, Severity.NOTE)
    return tuple(sorted(dict.fromkeys(found), key=lambda one: order.index(one.severity)))
