"""What a model's licence lets a person do, judged from what its page on the Hub says.

Never "commercial" by guess: an identifier that is not in the table, a name of the maker's own, or
no word at all is UNKNOWN, or worse where the name itself says so. This is no legal advice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

MAX_HOPS: Final = 3
MAX_BASES: Final = 4
NOT_STATED: Final = frozenset({"", "unknown"})


class LicenceClass(StrEnum):
    """What use is allowed, from the freest to the one that is not known."""

    COMMERCIAL = "commercial"
    RESTRICTED = "restricted"
    RESEARCH = "research"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence and what it means.

    Attributes:
        id: the Hub's identifier; "" where none is stated.
        reason: one or two sentences in plain words.
        name: what the makers call a licence that is not in the Hub's list.
        link: where its text is, as the page states it; unchecked.
        inherited_from: the repository that states it, where this one says nothing.
    """

    id: str
    licence_class: LicenceClass
    reason: str
    name: str = ""
    link: str = ""
    inherited_from: str = ""


@dataclass(frozen=True, slots=True)
class LicenceFacts:
    """What one repository states: identifier, name, link, and the models it was made from."""

    id: str = ""
    name: str = ""
    link: str = ""
    base_models: tuple[str, ...] = ()


FactsOf = Callable[[str], LicenceFacts | None]

_FREE: Final = "Commercial use is allowed; keep the copyright notice and the licence's text."
_PUBLIC: Final = "Commercial use is allowed, without conditions."
_ATTRIBUTION: Final = "Commercial use is allowed; name the makers."
_COPYLEFT: Final = (
    "Commercial use is allowed; who passes it or a changed version on must do so under the same "
    "licence."
)
_NETWORK_COPYLEFT: Final = (
    "Commercial use is allowed; who passes it on, or offers it over a network, must do so under "
    "the same licence."
)
_RAIL: Final = (
    "Commercial use is allowed, but the licence forbids certain uses, and you pass them on."
)
_NON_COMMERCIAL: Final = "Commercial use is not allowed."
_RESEARCH: Final = "For research only; commercial use is not allowed."
_LLAMA: Final = (
    "Commercial use is allowed for most, with a policy of forbidden uses and a limit of 700 "
    "million monthly users."
)

# Source: the Hub's list of licence identifiers (hub-docs, repositories-licenses), each judged by
# its text. What is not here is UNKNOWN.
_GROUPS: Final[tuple[tuple[LicenceClass, str, str], ...]] = (
    (
        LicenceClass.COMMERCIAL,
        _FREE,
        "apache-2.0 mit afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause "
        "bsd-3-clause-clear ecl-2.0 isc ms-pl ncsa postgresql zlib ofl-1.1 lppl-1.3c "
        "openmdw-1.0 openmdw-1.1",
    ),
    (LicenceClass.COMMERCIAL, _PUBLIC, "cc0-1.0 unlicense wtfpl pddl cdla-permissive-2.0"),
    (
        LicenceClass.COMMERCIAL,
        _ATTRIBUTION,
        "cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 odc-by etalab-2.0 cdla-permissive-1.0",
    ),
    (
        LicenceClass.COMMERCIAL,
        _COPYLEFT,
        "gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 lgpl-lr mpl-2.0 epl-1.0 epl-2.0 "
        "gfdl cc-by-sa-3.0 cc-by-sa-4.0 odbl cdla-sharing-1.0",
    ),
    (LicenceClass.COMMERCIAL, _NETWORK_COPYLEFT, "agpl-3.0 osl-3.0 eupl-1.1 eupl-1.2"),
    (
        LicenceClass.RESTRICTED,
        _RAIL,
        "openrail openrail++ bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 "
        "bigcode-openrail-m",
    ),
    (LicenceClass.RESTRICTED, _LLAMA, "llama2 llama3 llama3.1 llama3.2 llama3.3 llama4"),
    (
        LicenceClass.RESTRICTED,
        "Commercial use is allowed, with Google's policy of forbidden uses, which may change.",
        "gemma",
    ),
    (
        LicenceClass.RESTRICTED,
        "A community licence: commercial use is limited by conditions. Read its text.",
        "grok2-community",
    ),
    (
        LicenceClass.RESTRICTED,
        "Commercial use is allowed, but no changed version may be passed on, and a quantized "
        "file may count as one.",
        "cc-by-nd-4.0",
    ),
    (LicenceClass.RESTRICTED, "Only computing with it is allowed. Read its text.", "c-uda"),
    (
        LicenceClass.RESTRICTED,
        "Apple's licence for sample code: use is allowed, with conditions and without any right "
        "to Apple's patents.",
        "apple-ascl",
    ),
    (
        LicenceClass.RESEARCH,
        _NON_COMMERCIAL,
        "cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 "
        "cc-by-nc-sa-3.0 cc-by-nc-sa-4.0",
    ),
    (
        LicenceClass.RESEARCH,
        _RESEARCH,
        "apple-amlr deepfloyd-if-license fair-noncommercial-research-license h-research "
        "intel-research",
    ),
    (
        LicenceClass.UNKNOWN,
        "Some Creative Commons licence, but the page does not say which; some forbid commercial "
        "use. Ask the makers.",
        "cc",
    ),
)
_TABLE: Final = {
    identifier: (kind, reason) for kind, reason, ids in _GROUPS for identifier in ids.split()
}

# Parts of names that makers give to licences of their own; the first that fits decides.
_NAMES: Final[tuple[tuple[LicenceClass, str, tuple[str, ...]], ...]] = (
    (
        LicenceClass.RESEARCH,
        "By its name, the makers' own licence forbids commercial use. Read its text.",
        (
            "non-commercial",
            "noncommercial",
            "non-production",
            "nonproduction",
            "research",
            "academic",
            "by-nc",
            "-nc-",
            "mnpl",
            "mrl",
            "exaone",
        ),
    ),
    (
        LicenceClass.RESTRICTED,
        "The makers' own licence, of a family that sets conditions on commercial use. "
        "Read its text.",
        (
            "llama",
            "gemma",
            "community",
            "openrail",
            "qwen",
            "qianwen",
            "deepseek",
            "falcon",
            "nvidia-open-model",
            "lfm",
            "jamba",
            "health-ai",
        ),
    ),
)
_STRICTEST_FIRST: Final = (
    LicenceClass.RESEARCH,
    LicenceClass.UNKNOWN,
    LicenceClass.RESTRICTED,
    LicenceClass.COMMERCIAL,
)


# What people call them; the others are best known by their identifiers.
_COMMON: Final = {
    "apache-2.0": "Apache 2.0",
    "mit": "MIT",
    "bsd-3-clause": "BSD 3-Clause",
    "cc-by-4.0": "CC BY 4.0",
    "cc-by-nc-4.0": "CC BY-NC 4.0",
    "gemma": "Gemma",
    "llama3": "Llama 3",
    "llama3.1": "Llama 3.1",
    "llama3.2": "Llama 3.2",
    "llama3.3": "Llama 3.3",
}


def common_name(identifier: str) -> str:
    """A licence as people know it: "Apache 2.0" for `apache-2.0`."""
    return _COMMON.get(identifier.casefold(), identifier)


def known_identifiers() -> frozenset[str]:
    """The identifiers that are judged by their text."""
    return frozenset(_TABLE)


def strictest_of(identifiers: Sequence[str]) -> str:
    """Of several licences that a page states at once, the one that allows least; "" for none."""
    stated = [one for one in identifiers if one.strip().lower() not in NOT_STATED]
    return min(stated, key=lambda one: _strictness(classify(one)), default="")


def classify(identifier: str, name: str = "", link: str = "") -> Licence:
    """Judge a licence by the Hub's identifier, and the makers' own name where that is "other"."""
    wanted = identifier.strip().lower()
    own = name.strip()
    if wanted in _TABLE:
        kind, reason = _TABLE[wanted]
        return Licence(wanted, kind, reason, own, link)
    if wanted in NOT_STATED:
        reason = "No licence is stated, so nothing is allowed for certain. Ask the makers."
        return Licence(wanted, LicenceClass.UNKNOWN, reason, own, link)
    said = f"-{'-'.join((own or wanted).lower().replace('_', '-').split())}-"
    for kind, reason, parts in _NAMES:
        if any(part in said for part in parts):
            return Licence(wanted, kind, reason, own, link)
    reason = "A licence of the makers' own, which Snug does not know. Read its text."
    return Licence(wanted, LicenceClass.UNKNOWN, reason, own, link)


def resolve(repository: str, facts_of: FactsOf, hops: int = MAX_HOPS) -> Licence:
    """The licence of a repository, or of what it was made from where it says nothing.

    Follows at most `hops` steps and each repository once. Of several base models the strictest
    licence counts.

    Args:
        facts_of: looks a repository up; None where it cannot.
    """
    found = _resolve(repository, facts_of, hops, {repository.casefold()})
    if not found.inherited_from:
        return found
    said = f"Its base model {found.inherited_from} states {found.name or found.id}."
    return replace(found, reason=f"{said} {found.reason}")


def _resolve(repository: str, facts_of: FactsOf, hops: int, seen: set[str]) -> Licence:
    facts = facts_of(repository) or LicenceFacts()
    own = classify(facts.id, facts.name, facts.link)
    if not _is_silent(own) or hops <= 0:
        return own
    found: list[Licence] = []
    for base in facts.base_models[:MAX_BASES]:
        if base.casefold() in seen:
            continue
        seen.add(base.casefold())
        inherited = _resolve(base, facts_of, hops - 1, seen)
        found.append(replace(inherited, inherited_from=inherited.inherited_from or base))
    if not found:
        return own
    strictest = min(found, key=_strictness)
    # A licence that is called "other" is the makers' own, so a base model cannot make it free; nor
    # can some of the bases speak for those that were not looked at.
    doubtful = own.id == "other" or len(facts.base_models) > MAX_BASES
    if doubtful and strictest.licence_class is LicenceClass.COMMERCIAL:
        return own
    return own if _is_silent(strictest) else strictest


def _strictness(licence: Licence) -> int:
    return _STRICTEST_FIRST.index(licence.licence_class)


def _is_silent(licence: Licence) -> bool:
    return licence.id in NOT_STATED or (licence.id == "other" and not licence.name)
