"""How a model came about: from page to page to what it was made from, a few steps far."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Final, Protocol

from snug.domain.licence import Licence, LicenceFacts, classify, resolve
from snug.domain.model_card import (
    Ancestor,
    Base,
    PageState,
    RepositoryPage,
    TemplateComparison,
    TemplateState,
)
from snug.domain.template_diff import compare_templates

MAX_STEPS: Final = 3
MAX_PAGES: Final = 6


class Pages(Protocol):
    """Looks at repositories; what cannot be read is told in the page. Any thread; blocks."""

    def page(
        self,
        repository: str,
        commit: str = "",
        stop: threading.Event | None = None,
        *,
        template: bool = True,
    ) -> RepositoryPage:
        """What a repository tells of itself. Raises: SnugError, where it was stopped."""


@dataclass(slots=True)
class Lineage:
    """The ancestors of a model, nearest first, and the pages that were read.

    Attributes:
        pages: by repository in lower case.
        template_from: the nearest ancestor that has a chat template, or the one that barred the
            way to it.
    """

    ancestors: list[Ancestor] = field(default_factory=list)
    pages: dict[str, RepositoryPage] = field(default_factory=dict)
    template_from: RepositoryPage | None = None

    def licence_of(self, repository: str) -> Licence:
        """The licence of a repository whose page was read, or of what it was made from."""
        return resolve(repository, self._facts)

    def licence_of_bases(self) -> Licence:
        """For a model without a page that says anything: of all its bases the strictest."""
        bases = tuple(one.repository for one in self.ancestors if not one.into)

        def facts(repository: str) -> LicenceFacts | None:
            return self._facts(repository) if repository else LicenceFacts(base_models=bases)

        return resolve("", facts, MAX_STEPS + 1)

    def _facts(self, repository: str) -> LicenceFacts | None:
        page = self.pages.get(repository.casefold())
        return page.facts if page is not None else None


def trace(
    start: RepositoryPage | None,
    bases: tuple[Base, ...],
    pages: Pages,
    stop: threading.Event | None,
) -> Lineage:
    """Walk from a model to what it was made from.

    Args:
        start: the model's own page; None where there is none.
        bases: what it was made from, as the page or the file states.
        pages: looks at repositories; of those that it cannot, only the names are told.
    """
    found = Lineage()
    name = start.repository if start is not None else ""
    if start is not None:
        found.pages[name.casefold()] = start
    waiting = deque((base, "", 1) for base in bases)
    seen = {name.casefold()}
    while waiting:
        base, into, step = waiting.popleft()
        key = base.repository.casefold()
        if key in seen:
            continue
        seen.add(key)
        page = None
        if len(found.pages) <= MAX_PAGES:
            look = found.template_from is None
            page = pages.page(base.repository, stop=stop, template=look)
            found.pages[key] = page
            if look and (page.template or page.state is not PageState.READ):
                found.template_from = page
            if step < MAX_STEPS:
                waiting.extend((further, page.repository, step + 1) for further in page.bases)
        found.ancestors.append(_ancestor(base, into, page))
    return found


def compare(own: str, lineage: Lineage) -> TemplateComparison:
    """A model's chat template beside that of the nearest ancestor that has one."""
    first = lineage.ancestors[0].repository if lineage.ancestors else ""
    if not own:
        return TemplateComparison(TemplateState.OWN_MISSING, first)
    if not first:
        return TemplateComparison(TemplateState.BASE_UNKNOWN)
    base = lineage.template_from
    if base is None:
        return TemplateComparison(TemplateState.BASE_SILENT, first)
    if base.template:
        return compare_templates(own, base.template, base.repository, base.commit)
    states = {
        PageState.GATED: TemplateState.BASE_GATED,
        PageState.MISSING: TemplateState.BASE_MISSING,
    }
    return TemplateComparison(states.get(base.state, TemplateState.NOT_LOOKED), base.repository)


def _ancestor(base: Base, into: str, page: RepositoryPage | None) -> Ancestor:
    if page is None:
        return Ancestor(base.repository, base.relation, into)
    facts = page.facts
    licence = classify(facts.id, facts.name)
    return Ancestor(
        repository=page.repository,
        relation=base.relation,
        into=into,
        commit=page.commit,
        licence=licence.name or licence.id,
        state=page.state,
    )
