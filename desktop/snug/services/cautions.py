"""What to mind before using a model, in sentences: gathered for its card."""

from __future__ import annotations

from collections.abc import Iterable

from snug.domain.licence import Licence, LicenceClass
from snug.domain.model_card import Acceptance, Caution, Severity, TemplateState


def of_licence(licence: Licence, accepted: Acceptance | None, gated: bool) -> Iterable[Caution]:
    """What a licence bars or leaves open."""
    if licence.licence_class is LicenceClass.UNKNOWN:
        yield Caution(Severity.WARNING, f"The licence is not clear. {licence.reason}")
    elif licence.licence_class is LicenceClass.RESEARCH:
        yield Caution(Severity.WARNING, licence.reason)
    elif licence.licence_class is LicenceClass.RESTRICTED:
        yield Caution(Severity.NOTE, licence.reason)
    if licence.inherited_from:
        sentence = (
            f"This repository states no licence of its own; the one shown is that of "
            f"{licence.inherited_from}."
        )
        yield Caution(Severity.NOTE, sentence)
    if gated:
        sentence = "It is gated: its makers hand it out only to who accepts their conditions."
        yield Caution(Severity.NOTE, sentence)
    if accepted is not None and accepted.licence_id != licence.id:
        yield Caution(
            Severity.WARNING,
            f"The licence has changed: you accepted {accepted.licence_id or 'none stated'}, and "
            f"now it is {licence.id or 'none stated'}. Read it again.",
        )


def of_template(sentences: Iterable[str], state: TemplateState) -> Iterable[Caution]:
    """Signs that a chat template was tampered with."""
    found = [Caution(Severity.DANGER, sentence) for sentence in sentences]
    yield from found
    if state is TemplateState.DIFFERENT and found:
        sentence = "Its chat template also differs from its base model's: see the comparison."
        yield Caution(Severity.DANGER, sentence)


def of_pickles(names: tuple[str, ...]) -> Iterable[Caution]:
    """Files in the repository that may run programs in other tools."""
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield Caution(
            Severity.NOTE,
            f"Beside the model lie files of a kind that can run programs when other tools load "
            f"them ({names[0]}{more}). Snug never loads them.",
        )


def of_difference(file_licence: Licence, page_licence: Licence) -> Iterable[Caution]:
    """The file and its page name different licences."""
    said, page = file_licence.id, page_licence.id
    plain = {"", "other", "unknown"}
    if said not in plain and page not in plain and said != page:
        yield Caution(
            Severity.WARNING,
            f"The file says its licence is {said}, its page says {page}. Take the stricter one.",
        )
