"""The report and the bill of materials: complete, repeatable, deaf to what strangers wrote."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from tests.services.card_rooms import COMMIT, MODEL, POISONED, QUANT, REPOSITORY, SHA, Bench

from snug.domain.licence import Licence, LicenceClass, classify, known_identifiers
from snug.domain.model_card import (
    Acceptance,
    Ancestor,
    CardFile,
    Caution,
    Measured,
    ModelCard,
    OwnResult,
    PageState,
    Quote,
    Relation,
    Severity,
    Stated,
    TemplateComparison,
    TemplateState,
)
from snug.domain.template_diff import compare_templates
from snug.services.bom import spdx_id

NOW = 1_764_000_000_000
ALLOWED_TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "p", "span", "ul"),
    *("li", "b", "table", "tr", "th", "td", "code", "br", "pre", "ins", "del", "footer"),
}
EVIL = (
    '<script>alert(1)</script><img src=x onerror=alert(1)>"\'><a href="javascript:x">'
    "</title></style></pre>&lt;b&gt;\u202etxt.exe\U000e0041\x1b[31m\x00\ud800"
)


class Page(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(name, value) for name, value in attrs}

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def evil_card(evil: str = EVIL) -> ModelCard:
    """A card each of whose texts is hostile."""
    return ModelCard(
        title=evil,
        licence=Licence(evil, LicenceClass.UNKNOWN, evil, evil, evil, evil),
        comparison=TemplateComparison(
            TemplateState.DIFFERENT, evil, evil, ("--- " + evil, "+++ x", "+" + evil), 1, 0
        ),
        repository=evil,
        commit=evil,
        authors=(Stated(evil, evil),),
        ancestors=(Ancestor(evil, Relation.MERGE, evil, evil, evil, PageState.READ),),
        files=(CardFile(evil, 3, evil),),
        downloaded_ms=2**62,
        source=evil,
        datasets=(Stated(evil, evil),),
        training=(Quote(evil, evil, evil, cut=True),),
        languages=(evil,),
        tasks=(evil,),
        architecture=evil,
        quantization=evil,
        licence_source=evil,
        acceptance=Acceptance(evil, evil, evil, evil, LicenceClass.UNKNOWN, evil, True, 1),
        template=evil,
        cautions=(Caution(Severity.DANGER, evil),),
        results=(OwnResult(evil, evil, 1, evil),),
        measured=Measured(3.0, 1.1),
        gaps=(evil,),
    )


def validate(text: str) -> dict[str, Any]:
    """The document, after the official schema of CycloneDX 1.6 found nothing."""
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert problem is None, problem
    document: dict[str, Any] = json.loads(text)
    return document


def test_the_report_is_one_document_that_loads_and_runs_nothing() -> None:
    bench = Bench()
    text = bench.cards.report(bench.cards.of_model(MODEL), NOW)
    page = Page(text)
    assert page.tags <= ALLOWED_TAGS
    assert {name for name, _ in page.attributes} <= {
        *("lang", "charset", "http-equiv", "content", "name", "class", "colspan"),
    }
    assert re.search(r"src=|href=|url\(|@import|<script|<link|<iframe", text, re.I) is None
    assert "default-src 'none'" in text


def test_the_report_says_where_from_licence_checksum_data_and_who_made_it() -> None:
    bench = Bench()
    words = "".join(Page(bench.cards.report(bench.cards.of_model(MODEL), NOW)).words)
    for wanted in (
        *("Tiny Q4_K_M", "quant/tiny-GGUF", COMMIT, SHA, "Apache 2.0", "quantized from maker/tiny"),
        *("Two million dialogues.", "maker/chats", "Commercial use allowed"),
        *("Not measured here yet.", "Made by Snug 1.2.3 on 2025-11-24 16:00 UTC."),
        "The same as that of maker/tiny",
    ):
        assert wanted in words, wanted


def test_hostile_text_in_every_field_stays_text_in_the_report() -> None:
    page = Page(Bench().cards.report(evil_card(), NOW))
    assert page.tags <= ALLOWED_TAGS
    assert not any(name.startswith("on") or name in ("src", "href") for name, _ in page.attributes)
    words = "".join(page.words)
    assert words.count("<script>alert(1)</script>") >= 15
    for hidden in ("\u202e", "\U000e0041", "\x1b", "\x00", "\ud800"):
        assert hidden not in words
    assert "⟨U+202E⟩" in words
    words.encode()


def test_hostile_text_stays_text_in_markdown() -> None:
    text = Bench().cards.report_markdown(evil_card("<b>|x|\n# h\n[a](http://x)\n```\n- `"), NOW)
    text.encode()
    for line in text.split("\n"):
        if line.startswith("    "):
            continue  # the template's, as code
        bare = re.sub(r"\\.", "", line)
        assert "<b>" not in bare
        assert "](" not in bare
        assert "`" not in bare
    assert text.count("\n# ") == 0
    assert not any(line.startswith("```") for line in text.split("\n"))


@pytest.mark.parametrize("kind", ["report", "report_markdown", "bom"])
def test_the_same_card_gives_the_same_bytes(kind: str) -> None:
    one, other = Bench(), Bench()
    made = [getattr(b.cards, kind)(b.cards.of_model(MODEL), NOW) for b in (one, other)]
    assert made[0] == made[1]
    assert getattr(one.cards, kind)(one.cards.of_model(MODEL), NOW + 86_400_000) != made[0]


def test_a_long_difference_does_not_take_the_second_side() -> None:
    long = "\n".join(f"line {n}" for n in range(400))
    card = replace(
        Bench().cards.of_model(MODEL), comparison=compare_templates(long, "x", "m/x", COMMIT)
    )
    text = Bench().cards.report(card, NOW)
    assert text.count("<ins>") + text.count("<del>") == 10
    assert "391 more lines" in text
    assert "line 399" in Bench().cards.report_markdown(card, NOW)


def test_the_bill_of_materials_is_valid_and_holds_what_counts() -> None:
    bench = Bench()
    document = validate(bench.cards.bom(bench.cards.of_model(MODEL), NOW))
    model = document["metadata"]["component"]
    assert model["type"] == "machine-learning-model"
    assert model["hashes"] == [{"alg": "SHA-256", "content": SHA}]
    assert model["version"] == COMMIT
    assert model["licenses"] == [{"license": {"id": "Apache-2.0", "acknowledgement": "concluded"}}]
    assert [one["name"] for one in model["pedigree"]["ancestors"]] == [
        *("maker/tiny", "maker/tiny-base"),
    ]
    assert model["externalReferences"][1]["url"].endswith(f"quant/tiny-GGUF/tree/{COMMIT}")
    assert model["modelCard"]["modelParameters"]["task"] == "text-generation"
    assert [one["type"] for one in document["components"]] == ["file", "data", "data"]
    assert document["metadata"]["timestamp"] == "2025-11-24T16:00:00Z"


def test_the_serial_number_belongs_to_the_files_and_the_commit() -> None:
    cards = Bench().cards
    card = cards.of_model(MODEL)
    serial = json.loads(cards.bom(card, NOW))["serialNumber"]
    assert json.loads(cards.bom(card, NOW + 1))["serialNumber"] == serial
    for other in (
        replace(card, commit="9" * 40),
        replace(card, files=(replace(card.files[0], sha256="9" * 64),)),
    ):
        assert json.loads(cards.bom(other, NOW))["serialNumber"] != serial


def test_the_bill_of_a_hostile_card_is_valid_and_shows_what_is_hidden() -> None:
    text = Bench().cards.bom(evil_card(), NOW)
    validate(text)
    text.encode()
    assert "\u202e" not in text
    assert "javascript:" not in json.dumps(json.loads(text)["metadata"]["component"].get(
        "externalReferences", []
    ))  # fmt: skip


def test_the_bill_of_an_empty_card_is_valid() -> None:
    nothing = ModelCard("x", classify(""), TemplateComparison(TemplateState.OWN_MISSING))
    document = validate(Bench().cards.bom(nothing, NOW))
    assert document["metadata"]["component"]["licenses"] == []


def test_every_licence_of_the_hubs_list_gives_a_valid_bill() -> None:
    cards, card = Bench().cards, Bench().cards.of_model(MODEL)
    named = 0
    for identifier in sorted(known_identifiers()):
        document = validate(cards.bom(replace(card, licence=classify(identifier)), NOW))
        (licence,) = document["metadata"]["component"]["licenses"]
        assert licence["license"].get("id", "") == spdx_id(identifier)
        named += "id" in licence["license"]
    assert named >= 40


def test_a_repository_lists_the_files_of_all_its_quantizations() -> None:
    bench = Bench()
    bench.pages.known["quant/tiny-GGUF"] = replace(QUANT, template=POISONED)
    card = bench.cards.of_repository(REPOSITORY)
    document = validate(bench.cards.bom(card, NOW))
    limits = document["metadata"]["component"]["modelCard"]["considerations"]
    assert any("web address" in one for one in limits["technicalLimitations"])
