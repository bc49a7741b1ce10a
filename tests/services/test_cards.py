"""What a card says of a model, and what it admits that it does not know."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from tests.services.card_rooms import (
    COMMIT,
    MAKER,
    MODEL,
    POISONED,
    QUANT,
    RECORD,
    REPOSITORY,
    SHA,
    TEMPLATE,
    Bench,
)

from snug.domain.licence import LicenceClass, LicenceFacts, classify
from snug.domain.model import Experience
from snug.domain.model_card import (
    Base,
    FileOrigin,
    ModelCard,
    PageState,
    Relation,
    RepositoryPage,
    Severity,
    Stated,
    TemplateState,
)
from snug.services.acceptances import MAX_KEPT
from snug.services.card_words import sections, template_sentence
from snug.services.kept_pages import MAX_KEPT as PAGES_KEPT
from snug.services.kept_pages import KeptPages


def told(card: ModelCard) -> str:
    return "\n".join(caution.text for caution in card.cautions)


def rows(card: ModelCard, name: str) -> list[str]:
    return [row.value for section in sections(card) for row in section.rows if row.name == name]


def test_a_downloaded_model_knows_its_chain_commit_files_and_day() -> None:
    card = Bench().cards.of_model(MODEL)
    assert (card.repository, card.commit) == ("quant/tiny-GGUF", COMMIT)
    assert card.downloaded_ms == RECORD.finished_ms
    assert [(f.name, f.sha256) for f in card.files] == [("tiny-Q4_K_M.gguf", SHA)]
    assert [(a.repository, a.relation, a.into, a.commit) for a in card.ancestors] == [
        ("maker/tiny", Relation.QUANTIZED, "", "d" * 40),
        ("maker/tiny-base", Relation.FINETUNE, "maker/tiny", "e" * 40),
    ]
    assert rows(card, "Source") == [
        "Downloaded from the Hugging Face Hub and verified. 2025-10-09 08:58 UTC."
    ]


def test_data_sets_and_training_are_named_with_who_says_so() -> None:
    card = Bench().cards.of_model(MODEL)
    assert card.datasets == (
        Stated("maker/chats", "maker/tiny"),
        Stated("web/crawl", "maker/tiny-base"),
    )
    assert rows(card, "Training") == ["maker/tiny, “Training data”: Two million dialogues."]
    assert card.languages == ("en", "fr")


def test_the_pages_are_asked_at_the_pinned_commit_and_templates_until_one_is_found() -> None:
    bench = Bench()
    bench.cards.of_model(MODEL)
    assert bench.pages.asked == [
        ("quant/tiny-GGUF", COMMIT, True),
        ("maker/tiny", "", True),
        ("maker/tiny-base", "", False),
    ]


def test_offline_the_record_and_the_file_tell_what_they_know() -> None:
    origin = FileOrigin(
        author="Ada",
        licence_id="apache-2.0",
        bases=(Base("maker/tiny", Relation.QUANTIZED),),
        datasets=("maker/chats",),
        languages=("en",),
    )
    bench = Bench(offline=True, origin=origin)
    card = bench.cards.of_model(MODEL)
    assert bench.pages.asked == []
    assert not card.looked_up
    assert (card.licence.id, card.licence_source) == (
        "apache-2.0",
        "quant/tiny-GGUF, when it was downloaded",
    )
    assert card.authors == (Stated("Ada", "the model's file"), Stated("quant", "the Hub"))
    assert [a.state for a in card.ancestors] == [PageState.UNREACHABLE]
    assert card.comparison.state is TemplateState.NOT_LOOKED
    assert card.datasets == (Stated("maker/chats", "the model's file"),)
    assert card.gaps == ("Snug is offline, so this card holds only what this machine knows.",)


def test_what_was_read_online_is_kept_and_makes_the_card_as_rich_offline() -> None:
    bench = Bench()
    online = bench.cards.of_model(MODEL)
    asked = len(bench.pages.asked)
    bench.offline = True
    offline = bench.cards.of_model(MODEL)
    assert len(bench.pages.asked) == asked
    for field in ("ancestors", "datasets", "training", "licence", "comparison", "languages"):
        assert getattr(offline, field) == getattr(online, field), field
    assert online.gaps == ()
    (gap,) = offline.gaps
    assert gap.startswith("What the pages say was read on 20")


def test_a_page_that_cannot_be_reached_now_is_taken_as_it_was_and_the_reason_told() -> None:
    bench = Bench()
    bench.cards.of_model(MODEL)
    for name in tuple(bench.pages.known):
        fault = RepositoryPage(name, PageState.UNREACHABLE, problem="The Hub has a fault.")
        bench.pages.known[name] = fault
    card = bench.cards.of_model(MODEL)
    assert [a.repository for a in card.ancestors] == ["maker/tiny", "maker/tiny-base"]
    assert card.gaps[0] == "The Hub has a fault."


def test_kept_pages_are_bounded_and_damage_is_no_page() -> None:
    bench = Bench()
    store = bench.settings
    pages = KeptPages(store, lambda: bench.pages, lambda: bench.offline)
    for number in range(PAGES_KEPT + 6):
        name = f"m/x{number}"
        bench.pages.known[name] = replace(QUANT, repository=name)
        pages.page(name)
    bench.pages.known["m/big"] = replace(QUANT, repository="m/big", template="x" * 200_000)
    pages.page("m/big")
    bench.offline = True
    assert pages.page("m/x5").state is PageState.UNREACHABLE
    assert pages.page("m/big").state is PageState.UNREACHABLE
    assert pages.page("m/x6").template == TEMPLATE
    assert sum(bool(v) for k, v in store.values.items() if "page." in k) == PAGES_KEPT
    for damaged in ("{", "[]", '{"repository": 3}'):
        store.values["cards.page.m/x6@:t"] = damaged
        assert pages.page("m/x6").state is PageState.UNREACHABLE


def test_an_imported_file_stands_alone_and_nobody_vouches_for_it() -> None:
    model = replace(MODEL, source="import")
    card = Bench(records=()).cards.of_model(model)
    assert (card.repository, card.commit, card.ancestors) == ("", "", ())
    assert rows(card, "Data sets") == ["Not stated."]
    assert rows(card, "Training") == ["Not stated."]
    assert rows(card, "Languages") == ["Not stated."]
    assert rows(card, "Made by") == ["Not stated."]
    assert "Nobody vouches for this file" in told(card)
    assert card.licence.licence_class is LicenceClass.UNKNOWN
    assert card.comparison.state is TemplateState.BASE_UNKNOWN


def test_an_imported_file_with_the_checksum_of_its_page_is_vouched_for() -> None:
    origin = FileOrigin(repository="quant/tiny-GGUF")
    card = Bench(records=(), origin=origin).cards.of_model(replace(MODEL, source="import"))
    assert "Nobody vouches" not in told(card)


def test_a_file_takes_its_base_models_licence_where_it_names_none() -> None:
    origin = FileOrigin(bases=(Base("maker/tiny"),))
    card = Bench(records=(), origin=origin).cards.of_model(replace(MODEL, source="import"))
    assert (card.licence.id, card.licence.inherited_from) == ("apache-2.0", "maker/tiny")
    assert card.licence.reason.startswith("Its base model maker/tiny states apache-2.0.")
    assert "states no licence of its own" in told(card)


def test_of_several_bases_the_strictest_licence_counts() -> None:
    origin = FileOrigin(bases=(Base("maker/tiny"), Base("lab/research")))
    bench = Bench(records=(), origin=origin)
    facts = LicenceFacts("cc-by-nc-4.0")
    bench.pages.known["lab/research"] = RepositoryPage("lab/research", PageState.READ, facts=facts)
    card = bench.cards.of_model(replace(MODEL, source="import"))
    assert (card.licence.id, card.licence.inherited_from) == ("cc-by-nc-4.0", "lab/research")
    del bench.pages.known["lab/research"]
    card = Bench(records=(), origin=origin).cards.of_model(replace(MODEL, source="import"))
    assert card.licence.licence_class is LicenceClass.UNKNOWN


def test_the_same_template_is_said_plainly() -> None:
    card = Bench().cards.of_model(MODEL)
    assert template_sentence(card) == "The same as that of maker/tiny (commit dddddddddddd)."


def test_a_poisoned_template_is_warned_of_and_shown_as_a_difference() -> None:
    bench = Bench()
    bench.pages.known["quant/tiny-GGUF"] = replace(QUANT, template=POISONED)
    card = bench.cards.of_repository(REPOSITORY)
    dangers = [c.text for c in card.cautions if c.severity is Severity.DANGER]
    assert any("web address" in one for one in dangers)
    assert any("reacts to certain words" in one for one in dangers)
    assert any("differs from its base model's" in one for one in dangers)
    assert card.comparison.state is TemplateState.DIFFERENT
    assert (card.comparison.added, card.comparison.removed) == (1, 1)
    assert any(line.startswith("+") and "http://evil" in line for line in card.comparison.lines)


@pytest.mark.parametrize(
    ("state", "expected", "words"),
    [
        (PageState.GATED, TemplateState.BASE_GATED, "maker/tiny is gated"),
        (PageState.MISSING, TemplateState.BASE_MISSING, "not on the Hub any more"),
        (PageState.UNREACHABLE, TemplateState.NOT_LOOKED, "could not be looked up"),
    ],
)
def test_a_base_that_cannot_be_read_is_said_plainly(
    state: PageState, expected: TemplateState, words: str
) -> None:
    bench = Bench()
    bench.pages.known["maker/tiny"] = replace(MAKER, state=state, template="")
    card = bench.cards.of_model(MODEL)
    assert card.comparison.state is expected
    assert words in template_sentence(card)


def test_a_base_without_a_template_is_said_plainly() -> None:
    bench = Bench()
    bench.pages.known["maker/tiny"] = replace(MAKER, template="")
    assert "publishes no chat template" in template_sentence(bench.cards.of_model(MODEL))


def test_base_models_in_a_circle_end() -> None:
    bench = Bench()
    bench.pages.known["maker/tiny"] = replace(MAKER, bases=(Base("quant/tiny-GGUF"),))
    card = bench.cards.of_model(MODEL)
    assert [a.repository for a in card.ancestors] == ["maker/tiny"]


def test_of_many_base_models_a_few_pages_are_read_and_all_are_named() -> None:
    bench = Bench()
    many = tuple(Base(f"m/{n}", Relation.MERGE) for n in range(20))
    bench.pages.known["quant/tiny-GGUF"] = replace(QUANT, bases=many)
    card = bench.cards.of_model(MODEL)
    assert len(card.ancestors) == 20
    assert len(bench.pages.asked) <= 8


def test_a_file_replaced_upstream_is_told() -> None:
    bench = Bench()
    other = replace(QUANT.files[0], sha256="99" * 32)
    bench.pages.known["quant/tiny-GGUF"] = replace(QUANT, files=(other,))
    assert "replaced upstream" in told(bench.cards.of_model(MODEL))
    assert "replaced upstream" not in told(Bench().cards.of_model(MODEL))


def test_quarantine_pickles_and_what_was_never_verified_are_told_gravest_first() -> None:
    bench = Bench(quarantined=("It crashed three times.",))
    bench.pages.known["quant/tiny-GGUF"] = replace(QUANT, pickles=("a.bin", "b.pt"))
    card = bench.cards.of_model(MODEL)
    assert card.cautions[0].text == "In quarantine: It crashed three times."
    assert "(a.bin and 1 more)" in told(card)
    assert "not verified yet" in told(bench.cards.of_model(replace(MODEL, sha256="")))


def test_a_file_and_a_page_that_name_different_licences_are_told() -> None:
    bench = Bench(origin=FileOrigin(licence_id="mit"))
    assert "says its licence is mit, its page says apache-2.0" in told(bench.cards.of_model(MODEL))


def test_what_was_measured_here_is_told_and_else_that_nothing_was() -> None:
    bench = Bench()
    unmeasured = bench.cards.of_model(MODEL)
    for name in ("Own evaluation", "Speed", "Memory"):
        assert rows(unmeasured, name) == ["Not measured here yet."]
    bench.models.speed, bench.models.taught = 12.5, Experience(1.08, 4, 4)
    card = bench.cards.of_model(MODEL)
    assert rows(card, "Speed") == ["12.5 tokens per second in its last answer."]
    assert rows(card, "Memory") == ["A load took 1.08 times what was projected."]


# -- what was accepted ----------------------------------------------------------------------

GEMMA = replace(REPOSITORY, licence=classify("gemma"), gated=True)


def test_a_licence_that_is_not_plainly_commercial_or_a_gate_asks_for_a_yes_once() -> None:
    cards = Bench().cards
    assert not cards.needs_acceptance(REPOSITORY)
    assert cards.needs_acceptance(GEMMA)
    assert cards.needs_acceptance(replace(REPOSITORY, gated=True))
    cards.accept(GEMMA, "the licence's text")
    assert not cards.needs_acceptance(GEMMA)
    assert cards.needs_acceptance(replace(GEMMA, licence=classify("other", "New terms")))


def test_choosing_a_download_records_a_yes_only_where_one_is_needed() -> None:
    cards = Bench().cards
    assert cards.note_choice(REPOSITORY) is None
    assert cards.acceptances() == ()
    made = cards.note_choice(GEMMA, "text")
    assert made is not None
    assert cards.acceptances() == (made,)


def test_what_was_accepted_is_kept_with_the_texts_checksum_and_shown_on_the_card() -> None:
    bench = Bench()
    made = bench.cards.accept(GEMMA, "the licence's text")
    assert made.text_sha256 == hashlib.sha256(b"the licence's text").hexdigest()
    assert (made.repository, made.commit, made.licence_id, made.gated) == (
        "quant/tiny-GGUF",
        COMMIT,
        "gemma",
        True,
    )
    assert bench.cards.acceptance(GEMMA) == made
    assert bench.cards.accept(GEMMA, "the licence's text") == made
    assert bench.cards.acceptances() == (made,)
    card = bench.cards.of_model(MODEL)
    assert card.acceptance == made
    assert made.text_sha256 in rows(card, "You accepted")[0]
    assert "The licence has changed: you accepted gemma" in told(card)


def test_the_record_of_this_commit_counts_before_a_newer_one_of_another() -> None:
    cards = Bench().cards
    cards.accept(GEMMA)
    cards.accept(replace(GEMMA, commit="f" * 40, licence=classify("mit")))
    found = cards.acceptance(GEMMA)
    assert found is not None
    assert found.licence_id == "gemma"


def test_damaged_records_are_left_out() -> None:
    bench = Bench()
    bench.cards.accept(GEMMA)
    rows_kept = bench.settings.values["hub.acceptances"]
    bench.settings.values["hub.acceptances"] = rows_kept[:-1] + ', {"x": 1}, 3, null]'
    assert len(bench.cards.acceptances()) == 1
    for text in ("{}", "nonsense", "[[]]"):
        bench.settings.values["hub.acceptances"] = text
        assert bench.cards.acceptances() == ()


def test_a_thousand_records_are_kept_the_newest_ones() -> None:
    bench = Bench()
    bench.cards.accept(GEMMA)
    row = json.loads(bench.settings.values["hub.acceptances"])[0]
    many = [{**row, "commit": f"{number:040d}"} for number in range(MAX_KEPT)]
    bench.settings.values["hub.acceptances"] = json.dumps(many)
    bench.cards.accept(GEMMA)
    kept = bench.cards.acceptances()
    assert len(kept) == MAX_KEPT
    assert (kept[0].commit, kept[-1].commit) == (f"{1:040d}", COMMIT)


def test_a_repository_offline_says_what_the_listing_said() -> None:
    card = Bench(offline=True).cards.of_repository(REPOSITORY)
    assert [a.repository for a in card.ancestors] == ["maker/tiny"]
    assert card.template == ""
    assert card.comparison.state is TemplateState.OWN_MISSING
    assert card.files[0].sha256 == SHA


def test_the_page_is_the_surest_witness_of_the_licence() -> None:
    bench = Bench()
    bench.pages.known["quant/tiny-GGUF"] = replace(QUANT, facts=LicenceFacts("cc-by-nc-4.0"))
    card = bench.cards.of_model(MODEL)
    assert (card.licence.id, card.licence_source) == ("cc-by-nc-4.0", "quant/tiny-GGUF")
    assert card.template == TEMPLATE
