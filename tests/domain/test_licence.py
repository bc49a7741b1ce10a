"""What a licence allows: never commercial by guess, and the base model's where none is stated."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snug.domain.licence import (
    LicenceClass,
    LicenceFacts,
    classify,
    common_name,
    known_identifiers,
    resolve,
    strictest_of,
)

COMMERCIAL = LicenceClass.COMMERCIAL
RESTRICTED = LicenceClass.RESTRICTED
RESEARCH = LicenceClass.RESEARCH
UNKNOWN = LicenceClass.UNKNOWN

# Source: the Hub's list of licence identifiers, as its documentation and the forms of its site
# give it; with "unknown" and "other" 83.
HUBS_LIST = set(
    re.findall(
        r"\S+",
        """
apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0
bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear
c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0
cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0
cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl
ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl
lgpl-2.1 lgpl-3.0 isc h-research intel-research lppl-1.3c ms-pl apple-ascl apple-amlr mpl-2.0
odc-by odbl openmdw-1.0 openmdw-1.1 openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib
pddl lgpl-lr deepfloyd-if-license fair-noncommercial-research-license llama2 llama3 llama3.1
llama3.2 llama3.3 llama4 grok2-community gemma unknown other
""",
    )
)


def test_every_identifier_of_the_hub_is_judged() -> None:
    assert len(HUBS_LIST) == 83
    assert known_identifiers() == HUBS_LIST - {"unknown", "other"}


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("apache-2.0", COMMERCIAL),
        ("MIT", COMMERCIAL),
        ("agpl-3.0", COMMERCIAL),
        ("cc-by-sa-4.0", COMMERCIAL),
        ("openmdw-1.0", COMMERCIAL),
        ("cc-by-nd-4.0", RESTRICTED),
        ("llama3.3", RESTRICTED),
        ("gemma", RESTRICTED),
        ("openrail++", RESTRICTED),
        ("grok2-community", RESTRICTED),
        ("cc-by-nc-4.0", RESEARCH),
        ("deepfloyd-if-license", RESEARCH),
        ("apple-amlr", RESEARCH),
        ("h-research", RESEARCH),
        ("fair-noncommercial-research-license", RESEARCH),
        ("cc", UNKNOWN),
        ("other", UNKNOWN),
        ("unknown", UNKNOWN),
        ("", UNKNOWN),
        ("apache", UNKNOWN),
    ],
)
def test_known_identifiers(identifier: str, expected: LicenceClass) -> None:
    assert classify(identifier).licence_class is expected


def test_every_non_commercial_identifier_is_for_research() -> None:
    for identifier in HUBS_LIST:
        if "-nc" in identifier or "research" in identifier or "noncommercial" in identifier:
            assert classify(identifier).licence_class is RESEARCH, identifier


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("llama-3-community-license", RESTRICTED),
        ("qwen", RESTRICTED),
        ("qwen-research", RESEARCH),
        ("mnpl-0.1", RESEARCH),
        ("MRL-0.1", RESEARCH),
        ("exaone", RESEARCH),
        ("stabilityai-ai-community", RESTRICTED),
        ("Cohere CC-BY-NC 4.0", RESEARCH),
        ("lfm1.0", RESTRICTED),
        ("nvidia-open-model-license", RESTRICTED),
        ("modified-mit", UNKNOWN),
        ("apache-2.0", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_a_name_of_the_makers_own_is_never_commercial(name: str, expected: LicenceClass) -> None:
    assert classify("other", name).licence_class is expected


@given(st.text(max_size=60), st.text(max_size=60))
def test_only_the_table_says_commercial(identifier: str, name: str) -> None:
    judged = classify(identifier, name)
    assert judged.reason
    if judged.licence_class is COMMERCIAL:
        assert judged.id in known_identifiers()


def test_a_silent_repository_has_the_licence_of_its_base() -> None:
    pages = {
        "q/gguf": LicenceFacts(base_models=("m/tuned",)),
        "m/tuned": LicenceFacts("unknown", base_models=("m/base",)),
        "m/base": LicenceFacts("llama3.1"),
    }
    found = resolve("q/gguf", pages.get)
    assert (found.id, found.licence_class, found.inherited_from) == (
        "llama3.1",
        RESTRICTED,
        "m/base",
    )
    assert "m/base" in found.reason


def test_what_a_repository_states_itself_counts() -> None:
    pages = {
        "q/gguf": LicenceFacts("mit", base_models=("m/base",)),
        "m/base": LicenceFacts("gemma"),
    }
    assert resolve("q/gguf", pages.get).id == "mit"


def test_at_most_three_hops_and_no_cycle() -> None:
    chain = {f"m/{n}": LicenceFacts(base_models=(f"m/{n + 1}",)) for n in range(9)}
    chain["m/4"] = LicenceFacts("mit")
    asked: list[str] = []

    def facts(name: str) -> LicenceFacts | None:
        asked.append(name)
        return chain.get(name)

    assert resolve("m/0", facts).licence_class is UNKNOWN
    assert asked == ["m/0", "m/1", "m/2", "m/3"]
    assert resolve("m/1", chain.get).licence_class is COMMERCIAL
    circle = {"a/a": LicenceFacts(base_models=("b/b",)), "b/b": LicenceFacts(base_models=("A/A",))}
    assert resolve("a/a", circle.get).licence_class is UNKNOWN


def test_of_several_bases_the_strictest_counts() -> None:
    pages = {
        "q/merge": LicenceFacts(base_models=("m/free", "m/nc", "m/llama")),
        "m/free": LicenceFacts("mit"),
        "m/nc": LicenceFacts("cc-by-nc-4.0"),
        "m/llama": LicenceFacts("llama2"),
    }
    assert resolve("q/merge", pages.get).licence_class is RESEARCH
    pages["m/nc"] = LicenceFacts()
    assert resolve("q/merge", pages.get).licence_class is UNKNOWN


def test_makers_who_say_other_are_not_freed_by_their_base() -> None:
    pages = {
        "m/tuned": LicenceFacts("other", base_models=("m/base",)),
        "m/base": LicenceFacts("apache-2.0"),
    }
    assert resolve("m/tuned", pages.get).licence_class is UNKNOWN
    pages["m/base"] = LicenceFacts("gemma")
    assert resolve("m/tuned", pages.get).licence_class is RESTRICTED


def test_bases_that_were_not_looked_at_are_not_spoken_for() -> None:
    names = tuple(f"m/{number}" for number in range(5))
    pages = {name: LicenceFacts("mit") for name in names}
    pages["m/merged"] = LicenceFacts(base_models=names)
    assert resolve("m/merged", pages.get).licence_class is UNKNOWN
    pages["m/merged"] = LicenceFacts(base_models=names[:4])
    assert resolve("m/merged", pages.get).licence_class is COMMERCIAL


def test_of_several_licences_at_once_the_strictest_counts() -> None:
    assert strictest_of(["apache-2.0", "cc-by-nc-4.0"]) == "cc-by-nc-4.0"
    assert strictest_of(["unknown", "mit"]) == "mit"
    assert strictest_of([]) == ""


def test_a_licence_has_the_name_that_people_know() -> None:
    assert common_name("Apache-2.0") == "Apache 2.0"
    assert common_name("cc-by-sa-3.0") == "cc-by-sa-3.0"
