"""A card in plain words: the same rows for the window, the terminal and the report."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Final

from snug.domain.licence import LicenceClass, common_name
from snug.domain.model_card import (
    NOT_STATED,
    Acceptance,
    Ancestor,
    ModelCard,
    PageState,
    Relation,
    TemplateComparison,
    TemplateState,
)

CLASS_WORDS: Final = {
    LicenceClass.COMMERCIAL: "Commercial use allowed",
    LicenceClass.RESTRICTED: "Allowed with restrictions",
    LicenceClass.RESEARCH: "Not for commercial use",
    LicenceClass.UNKNOWN: "Not clear",
}
_UNMEASURED: Final = "Not measured here yet."
_RELATIONS: Final = {
    Relation.QUANTIZED: "quantized from",
    Relation.FINETUNE: "fine-tuned from",
    Relation.MERGE: "merged from",
    Relation.ADAPTER: "an adapter for",
    Relation.UNKNOWN: "made from",
}
_STATES: Final = {
    PageState.GATED: "gated",
    PageState.MISSING: "not on the Hub any more, or private",
    PageState.UNREACHABLE: "not looked up",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a section; `mono` for what is compared letter by letter."""

    name: str
    value: str
    mono: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A titled group of rows."""

    title: str
    rows: tuple[Row, ...]


def sections(card: ModelCard) -> tuple[Section, ...]:
    """Where it comes from, its licence, its data, and how it runs here."""
    return (
        Section("Where it comes from", _provenance(card)),
        Section("Licence", _licence(card)),
        Section("Data it was trained on", _data(card)),
        Section("The model", _model(card)),
        Section("On this computer", _here(card)),
    )


def template_sentence(card: ModelCard) -> str:
    """What comparing the chat template came to."""
    return comparison_sentence(card.comparison)


def comparison_sentence(found: TemplateComparison) -> str:
    """What a comparison came to, in a sentence or two."""
    base = found.base
    at = f" (commit {found.commit[:12]})" if found.commit else ""
    match found.state:
        case TemplateState.IDENTICAL:
            return f"The same as that of {base}{at}."
        case TemplateState.DIFFERENT:
            return (
                f"Differs from that of {base}{at}: {_count(found.added, 'line')} added, "
                f"{found.removed} removed. Quantizers often mend templates; read what changed."
            )
        case TemplateState.OWN_MISSING:
            return "It has no chat template that could be read."
        case TemplateState.BASE_UNKNOWN:
            return "It names no base model, so there is nothing to compare its template with."
        case TemplateState.BASE_GATED:
            return (
                f"Not compared: {base} is gated. Accept its conditions on its page and give Snug "
                "a token to see the difference."
            )
        case TemplateState.BASE_MISSING:
            return f"Not compared: {base} is not on the Hub any more, or is private."
        case TemplateState.BASE_SILENT:
            return f"Not compared: {base} publishes no chat template."
        case TemplateState.NOT_LOOKED:
            return f"Not compared: the template of {base} could not be looked up."


def ancestor_words(one: Ancestor) -> str:
    """One step of how a model came about."""
    parts = [_STATES[one.state]] if one.state in _STATES else []
    if one.commit:
        parts.insert(0, f"commit {one.commit[:12]}")
    if one.licence:
        parts.append(f"licence {common_name(one.licence)}")
    start = f"{one.into} is " if one.into else ""
    more = f" ({', '.join(parts)})" if parts else ""
    return f"{start}{_RELATIONS[one.relation]} {one.repository}{more}"


def acceptance_words(one: Acceptance) -> str:
    """What was accepted and when."""
    name = one.licence_name or common_name(one.licence_id) or "no stated licence"
    text = f"; text shown: SHA-256 {one.text_sha256}" if one.text_sha256 else "; by its name"
    commit = f" at commit {one.commit[:12]}" if one.commit else ""
    return f"{name}{commit}, on {moment(one.time_ms)}{text}"


def moment(time_ms: int) -> str:
    """A time for a person, in UTC."""
    try:
        found = datetime.datetime.fromtimestamp(time_ms / 1000, datetime.UTC)
    except (OverflowError, OSError, ValueError):
        return "an unknown day"
    return found.strftime("%Y-%m-%d %H:%M UTC")


def size_words(size_bytes: int) -> str:
    """A size in decimal units."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:.1f} {name}"
    return f"{size_bytes} bytes"


def _provenance(card: ModelCard) -> tuple[Row, ...]:
    makers = [f"{one.value} (says {one.source})" for one in card.authors]
    rows = [Row("Made by", ", ".join(makers) or NOT_STATED)]
    chain = [ancestor_words(one) for one in card.ancestors] or [NOT_STATED]
    rows += [Row("Origin" if i == 0 else "", words) for i, words in enumerate(chain)]
    rows.append(Row("Repository", card.repository or "None known."))
    if card.repository:
        rows.append(Row("Commit", card.commit or "Not known.", mono=bool(card.commit)))
    got = f" {moment(card.downloaded_ms)}." if card.downloaded_ms else ""
    rows.append(Row("Source", f"{card.source}{got}"))
    return tuple(rows)


def _licence(card: ModelCard) -> tuple[Row, ...]:
    licence = card.licence
    name = licence.name or common_name(licence.id)
    source = f" (says {card.licence_source})" if name and card.licence_source else ""
    rows = [
        Row("Licence", f"{name}{source}" if name else NOT_STATED),
        Row("Use", f"{CLASS_WORDS[licence.licence_class]}. {licence.reason}"),
    ]
    if licence.link:
        rows.append(Row("Its text", licence.link))
    if card.acceptance is not None:
        rows.append(Row("You accepted", acceptance_words(card.acceptance)))
    return tuple(rows)


def _data(card: ModelCard) -> tuple[Row, ...]:
    by_source: dict[str, list[str]] = {}
    for one in card.datasets:
        by_source.setdefault(one.source, []).append(one.value)
    rows = [
        Row("" if number else "Data sets", f"{', '.join(names)} (says {source})")
        for number, (source, names) in enumerate(by_source.items())
    ]
    if not rows:
        rows.append(Row("Data sets", NOT_STATED))
    if not card.training:
        rows.append(Row("Training", NOT_STATED))
    for number, quote in enumerate(card.training):
        more = " […]" if quote.cut else ""
        rows.append(
            Row(
                "" if number else "Training",
                f"{quote.source}, “{quote.heading}”: {quote.text}{more}",
            )
        )
    return tuple(rows)


def _model(card: ModelCard) -> tuple[Row, ...]:
    facts = [card.architecture, card.quantization]
    if card.parameter_count:
        facts.append(f"{_count_words(card.parameter_count)} parameters")
    if card.context_length:
        facts.append(f"trained for {card.context_length:,} tokens of context")
    return (
        Row("Kind", ", ".join(fact for fact in facts if fact) or NOT_STATED),
        Row("Tasks", ", ".join(card.tasks) or NOT_STATED),
        Row("Languages", ", ".join(card.languages) or NOT_STATED),
    )


def _here(card: ModelCard) -> tuple[Row, ...]:
    speed, factor = card.measured.tokens_per_second, card.measured.memory_factor
    rows = [
        Row(one.name, f"{one.score}, {moment(one.time_ms)}. {one.detail}".strip())
        for one in card.results
    ]
    if not rows:
        rows.append(Row("Own evaluation", _UNMEASURED))
    fast = f"{speed:.1f} tokens per second in its last answer." if speed is not None else ""
    took = f"A load took {factor:.2f} times what was projected." if factor is not None else ""
    rows.append(Row("Speed", fast or _UNMEASURED))
    rows.append(Row("Memory", took or _UNMEASURED))
    return tuple(rows)


def _count_words(number: int) -> str:
    for size, name in ((10**9, "billion"), (10**6, "million")):
        if number >= size:
            return f"{number / size:.3g} {name}"
    return f"{number:,}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
