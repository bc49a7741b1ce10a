"""Model cards: what the Hub, the download record and the file itself tell, put together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from snug.domain.conversation import now_ms
from snug.domain.download import Download, DownloadState
from snug.domain.hub import Repository
from snug.domain.licence import classify
from snug.domain.model import Experience, ModelFile
from snug.domain.model_card import (
    Acceptance,
    Base,
    Caution,
    FileOrigin,
    Measured,
    ModelCard,
    OwnResult,
    PageState,
    RepositoryPage,
    Severity,
    needs_acceptance,
)
from snug.domain.remote_names import file_name
from snug.services import cautions
from snug.services.acceptances import Acceptances
from snug.services.card_facts import (
    authors_of,
    by_weight,
    datasets_of,
    files_in,
    files_of,
    first_of,
    licence_of,
    source_of,
    source_words,
    training_of,
)
from snug.services.card_words import moment
from snug.services.kept_pages import KeptPages
from snug.services.ledger import Settings
from snug.services.lineage import Lineage, Pages, compare, trace

_OFFLINE = "Snug is offline, so this card holds only what this machine knows."


class LocalModels(Protocol):
    """What is known of models here. Any thread; may read files."""

    def warnings(self, path: Path) -> tuple[str, ...]:
        """What is suspicious about a file's chat templates. Raises: ModelFileError."""

    def experience(self, model: ModelFile) -> Experience:
        """What loads of it taught."""

    def measured_speed(self, model: ModelFile) -> float | None:
        """Tokens per second of its last answers here; None where there was none."""


class Evaluations(Protocol):
    """Results of the person's own evaluations."""

    def of(self, sha256: str) -> tuple[OwnResult, ...]:
        """Of the model with this content, newest first."""


class NoEvaluations:
    """Until there are any."""

    def of(self, sha256: str) -> tuple[OwnResult, ...]:
        """None."""
        return ()


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a card's facts come from; every one may be asked on any thread.

    Attributes:
        pages: the Hub's pages; called at the first look that needs them.
        records: the downloads, finished ones too.
        origin: what a GGUF file says of itself.
        suspicious: what is suspicious about a chat template, in sentences.
        quarantined: why a model (by sha256) is not run, in sentences.
        offline: asked before each look.
    """

    pages: Callable[[], Pages]
    records: Callable[[], tuple[Download, ...]]
    origin: Callable[[Path], FileOrigin]
    suspicious: Callable[[str], tuple[str, ...]]
    models: LocalModels
    quarantined: Callable[[str], tuple[str, ...]] = lambda _sha256: ()
    offline: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class _Known:
    """What a card is made of."""

    origin: FileOrigin
    record: Download | None
    page: RepositoryPage | None
    lineage: Lineage


class Cards:
    """Makes cards, and keeps what was accepted. Any thread; calls block, so not the window's."""

    def __init__(
        self,
        store: Settings,
        sources: Sources,
        version: str,
        evaluations: Evaluations | None = None,
    ) -> None:
        """Prepare; nothing is read.

        Args:
            version: of Snug, for what is exported.
        """
        self._sources = sources
        self._version = version
        self._acceptances = Acceptances(store)
        self._pages = KeptPages(store, sources.pages, sources.offline)
        self._evaluations = evaluations or NoEvaluations()

    def of_repository(
        self, repository: Repository, stop: threading.Event | None = None
    ) -> ModelCard:
        """The card of a model that is not here yet. Raises: SnugError, where it was stopped."""
        page = self._pages.page(repository.id, repository.commit, stop)
        lineage = self._trace(page, FileOrigin(), repository, stop)
        licence = repository.licence
        template = page.template
        card = ModelCard(
            title=repository.id,
            licence=licence,
            comparison=compare(template, lineage),
            repository=repository.id,
            commit=repository.commit,
            authors=authors_of(FileOrigin(), repository.id),
            files=files_in(repository),
            source="The Hugging Face Hub; not downloaded.",
            architecture=repository.architecture,
            parameter_count=repository.parameter_count,
            context_length=repository.context_length,
            licence_source=licence.inherited_from or repository.id,
            gated=repository.gated,
            acceptance=self.acceptance(repository),
            template=template,
        )
        found = self._common(card, page, self._sources.suspicious(template))
        return self._filled(card, _Known(FileOrigin(), None, page, lineage), found)

    def of_model(self, model: ModelFile, stop: threading.Event | None = None) -> ModelCard:
        """The card of a model on this disk: from what is kept, and the Hub's pages when online.

        Raises:
            SnugError: it was stopped, or the file cannot be read.
        """
        source, commit, known = self._known(model, stop)
        origin, record, page, lineage = known.origin, known.record, known.page, known.lineage
        licence, licence_source = licence_of(model, record, origin, page, lineage)
        card = ModelCard(
            title=model.name,
            licence=licence,
            comparison=compare(model.chat_template, lineage),
            repository=source,
            commit=commit,
            authors=authors_of(origin, source),
            files=files_of(model, record),
            downloaded_ms=record.finished_ms if record is not None else 0,
            source=source_words(model, record),
            architecture=model.architecture,
            quantization=model.quantization,
            parameter_count=model.parameter_count,
            context_length=model.context_length,
            licence_source=licence_source,
            gated=(page is not None and page.gated) or (record is not None and record.gated),
            acceptance=self._acceptances.of(source, commit) if source else None,
            template=model.chat_template,
            results=self._evaluations.of(model.sha256) if model.sha256 else (),
            measured=self._measured(model),
        )
        suspicious = self._sources.models.warnings(Path(model.path))
        named = classify(origin.licence_id, origin.licence_name)
        found = (
            *self._of_file(model, record, page),
            *self._common(card, page, suspicious),
            *cautions.of_difference(named, licence),
        )
        return self._filled(card, known, found)

    def needs_acceptance(self, repository: Repository) -> bool:
        """Whether the person should say yes to its licence, and has not yet."""
        if not needs_acceptance(repository.licence, repository.gated):
            return False
        kept = self.acceptance(repository)
        return kept is None or (kept.licence_id, kept.licence_name) != (
            repository.licence.id,
            repository.licence.name,
        )

    def accept(self, repository: Repository, shown_text: str = "") -> Acceptance:
        """Record that the person accepted its licence by choosing to download it.

        Args:
            shown_text: the licence's text that was on the screen; "" where only its name was.

        Raises:
            SnugError: the vault cannot be written.
        """
        return self._acceptances.keep(repository, shown_text, now_ms())

    def note_choice(self, repository: Repository, shown_text: str = "") -> Acceptance | None:
        """Record that the person chose to download it, where that says yes to a licence.

        Nothing is recorded for a licence that is plainly commercial and a door that is open.

        Raises:
            SnugError: the vault cannot be written.
        """
        if not needs_acceptance(repository.licence, repository.gated):
            return None
        return self.accept(repository, shown_text)

    def acceptance(self, repository: Repository) -> Acceptance | None:
        """What was accepted of it, of this commit before any other; None where nothing was."""
        return self._acceptances.of(repository.id, repository.commit)

    def acceptances(self) -> tuple[Acceptance, ...]:
        """All that was accepted, oldest first."""
        return self._acceptances.all()

    def report(self, card: ModelCard, time_ms: int | None = None) -> str:
        """One page of self-contained HTML without scripts; prints on A4."""
        from snug.services import report  # late: few ask for one

        return report.html_page(card, self._version, now_ms() if time_ms is None else time_ms)

    def report_markdown(self, card: ModelCard, time_ms: int | None = None) -> str:
        """The same in Markdown, with the whole template comparison."""
        from snug.services import report  # late, as above

        return report.markdown(card, self._version, now_ms() if time_ms is None else time_ms)

    def bom(self, card: ModelCard, time_ms: int | None = None) -> str:
        """A CycloneDX 1.6 bill of materials, as JSON."""
        from snug.services import bom  # late, as above

        return bom.cyclonedx(card, self._version, now_ms() if time_ms is None else time_ms)

    # -- putting together ---------------------------------------------------------------------

    def _known(self, model: ModelFile, stop: threading.Event | None) -> tuple[str, str, _Known]:
        """The repository and commit that a file comes from, and what there is to read."""
        origin = self._sources.origin(Path(model.path))
        record = self._record(model)
        source = source_of(model, record, origin)
        commit = record.commit if record is not None else model.commit
        page = self._pages.page(source, commit, stop) if source else None
        lineage = self._trace(page, origin, None, stop)
        return source, commit, _Known(origin, record, page, lineage)

    def _common(
        self, card: ModelCard, page: RepositoryPage | None, suspicious: tuple[str, ...]
    ) -> tuple[Caution, ...]:
        """What there is to mind about any model."""
        return (
            *cautions.of_licence(card.licence, card.acceptance, card.gated),
            *cautions.of_template(suspicious, card.comparison.state),
            *cautions.of_pickles(page.pickles if page is not None else ()),
        )

    def _filled(self, card: ModelCard, known: _Known, found: Iterable[Caution]) -> ModelCard:
        """The card with what all its pages tell together, and what to mind."""
        origin, lineage = known.origin, known.lineage
        pages = tuple(lineage.pages.values())
        return replace(
            card,
            ancestors=tuple(lineage.ancestors),
            datasets=datasets_of(lineage, origin),
            training=training_of(lineage),
            languages=first_of((*(page.languages for page in pages), origin.languages)),
            tasks=first_of((*(page.tasks for page in pages), origin.tags)),
            cautions=by_weight(found),
            looked_up=any(page.state is PageState.READ for page in pages),
            gaps=self._gaps(pages),
        )

    def _trace(
        self,
        page: RepositoryPage | None,
        origin: FileOrigin,
        repository: Repository | None,
        stop: threading.Event | None,
    ) -> Lineage:
        bases = page.bases if page is not None else ()
        if not bases:
            bases = origin.bases
        if not bases and repository is not None:
            bases = tuple(Base(one) for one in repository.base_models)
        return trace(page, bases, self._pages, stop)

    def _record(self, model: ModelFile) -> Download | None:
        if not model.sha256:
            return None
        name = file_name(model.path.replace("\\", "/"))
        done = [one for one in self._sources.records() if one.state is DownloadState.DONE]
        for one in done:
            first = one.files[0]
            if model.sha256 == first.sha256 or (len(one.files) > 1 and name == first.stored_as):
                return one
        return None

    def _of_file(
        self, model: ModelFile, record: Download | None, page: RepositoryPage | None
    ) -> Iterable[Caution]:
        """What there is to mind about the file itself."""
        if model.note:
            yield Caution(Severity.NOTE, model.note)
        for reason in self._sources.quarantined(model.sha256) if model.sha256 else ():
            yield Caution(Severity.DANGER, f"In quarantine: {reason}")
        published = {file.sha256 for file in page.files if file.sha256} if page is not None else ()
        first = record.files[0].sha256 if record is not None else model.sha256
        if not model.sha256:
            sentence = "Its content was not verified yet; Snug does that at its first use."
            yield Caution(Severity.WARNING, sentence)
        elif record is None and model.source != "starter" and first not in published:
            yield Caution(
                Severity.NOTE,
                "Nobody vouches for this file: it was added from the disk, and its checksum was "
                "not compared with one that its makers published.",
            )
        if record is not None and published and first not in published:
            yield Caution(
                Severity.WARNING,
                "It was replaced upstream: the repository now holds another file than the one "
                "you have. Yours is unchanged.",
            )

    def _measured(self, model: ModelFile) -> Measured:
        learnt = self._sources.models.experience(model)
        return Measured(
            tokens_per_second=self._sources.models.measured_speed(model),
            memory_factor=learnt.memory_factor if learnt != Experience() else None,
        )

    def _gaps(self, pages: tuple[RepositoryPage, ...]) -> tuple[str, ...]:
        """What could not be read, and from when is what was kept."""
        said = [page.problem for page in pages if page.problem]
        kept = [page.read_ms for page in pages if page.read_ms]
        if kept:
            said.append(f"What the pages say was read on {moment(min(kept))}.")
        elif self._sources.offline():
            said.append(_OFFLINE)
        return tuple(dict.fromkeys(said))
