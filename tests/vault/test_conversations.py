from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.vault.helpers import a_conversation, a_message, an_answer, text

from snug.domain.conversation import (
    Conversation,
    ConversationSettings,
    EarlierSummary,
    Message,
    Overflow,
    Part,
    PartKind,
    Role,
    Status,
    new_id,
)
from snug.domain.errors import NotFoundError
from snug.domain.events import Timings, Usage
from snug.domain.model import Adapter
from snug.domain.sampling import Sampling
from snug.services.protocols import ConversationStore
from snug.vault.conversations import Conversations
from snug.vault.rows import settings_from
from snug.vault.vault import Vault


def test_the_store_is_what_the_services_ask_for(vault: Vault) -> None:
    store: ConversationStore = vault.conversations  # mypy checks the shape
    for name in vars(ConversationStore):
        if not name.startswith("_"):
            assert hasattr(store, name)


def test_a_conversation_comes_back_as_it_was_created(store: Conversations) -> None:
    chosen = ConversationSettings("starter", "Be brief.", Sampling(temperature=0, seed=7))
    made = Conversation(new_id(), "Title", 1000, 2000, (), None, chosen, "draft")
    store.create(made)
    assert store.conversation(made.id) == made


def test_a_message_comes_back_with_everything_it_carries(store: Conversations) -> None:
    conversation = a_conversation(store)
    parts = (
        Part(PartKind.REASONING, "Let me see.\n"),
        Part(PartKind.TEXT, "Yes — 😀"),
        Part(PartKind.REASONING, "Or no?"),
        Part(PartKind.TEXT, "No."),
    )
    message = Message(
        new_id(),
        conversation,
        None,
        Role.ASSISTANT,
        parts,
        Status.FAILED,
        "model",
        1234,
        Usage(10, 4, 2),
        Timings(1.5, 0.25, 31.5),
        "out of memory",
    )
    store.add_message(message, durable=False)
    assert store.conversation(conversation).messages == (message,)


@given(words=st.text(st.characters(exclude_categories=["Cs"])))
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text_comes_back_to_the_letter(store: Conversations, words: str) -> None:
    conversation = a_conversation(store)
    parts = (Part(PartKind.REASONING, words), Part(PartKind.TEXT, words))
    message = Message(new_id(), conversation, None, Role.ASSISTANT, parts)
    store.add_message(message, durable=False)
    (found,) = store.conversation(conversation).messages
    assert (found.reasoning, found.text) == (words, words)


def test_half_a_character_is_kept_as_a_replacement_not_refused(store: Conversations) -> None:
    conversation = a_conversation(store)
    a_message(store, conversation, "a\ud83dz \U0001f600")
    assert store.conversation(conversation).messages[0].text == "a\ufffdz \U0001f600"


def test_messages_come_in_the_order_of_storing_whatever_the_clock_says(
    store: Conversations,
) -> None:
    conversation = a_conversation(store)
    stored: list[str] = []
    for created_ms in (5000, 1000, 9000, 2000):
        parent = stored[-1] if stored else None
        message = Message(new_id(), conversation, parent, Role.USER, text("x"))
        store.add_message(replace(message, created_ms=created_ms), durable=False)
        stored.append(message.id)
    assert [m.id for m in store.conversation(conversation).messages] == stored


def test_siblings_stay_beside_one_another(store: Conversations) -> None:
    conversation = a_conversation(store)
    first = a_message(store, conversation, "first")
    one = a_message(store, conversation, "one", first, Role.ASSISTANT)
    other = a_message(store, conversation, "other", first, Role.ASSISTANT)
    tree = store.conversation(conversation)
    assert [m.id for m in tree.siblings(tree.message(one.id))] == [one.id, other.id]
    assert [m.id for m in tree.active_path()] == [first.id, other.id]
    store.set_leaf(conversation, one.id)
    assert [m.id for m in store.conversation(conversation).active_path()] == [first.id, one.id]
    store.set_leaf(conversation, None)
    assert store.conversation(conversation).active_path() == ()


def test_the_first_question_names_the_conversation(store: Conversations) -> None:
    conversation = a_conversation(store)
    first = a_message(store, conversation, "How do tides work?\nIn detail.")
    a_message(store, conversation, "And the moon?", first)
    assert store.conversation(conversation).title == "How do tides work?"


def test_a_chosen_title_stays(store: Conversations) -> None:
    conversation = a_conversation(store, "Tides")
    a_message(store, conversation, "How do tides work?")
    assert store.conversation(conversation).title == "Tides"
    store.set_title(conversation, "Moon")
    assert store.conversation(conversation).title == "Moon"


def test_a_system_message_does_not_name_the_conversation(store: Conversations) -> None:
    conversation = a_conversation(store)
    a_message(store, conversation, "Be brief.", role=Role.SYSTEM)
    assert store.conversation(conversation).title == ""


def test_the_list_begins_with_what_changed_last(
    store: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(1000, 2000))
    monkeypatch.setattr("snug.vault.tables.now_ms", lambda: next(clock))
    old, new = a_conversation(store), a_conversation(store)
    assert [s.id for s in store.summaries()] == [new, old]
    message = a_message(store, old, "hello")
    assert [s.id for s in store.summaries()] == [old, new]
    a_message(store, new, "hello")
    store.finish_message(message)
    assert [s.id for s in store.summaries()] == [old, new]
    assert [s.id for s in store.summaries(limit=1, offset=1)] == [new]


def test_the_list_counts_all_messages_of_the_tree(store: Conversations) -> None:
    conversation = a_conversation(store)
    first = a_message(store, conversation, "one")
    a_message(store, conversation, "two", first)
    a_message(store, conversation, "three", first)
    (summary,) = store.summaries()
    assert (summary.message_count, summary.title) == (3, "one")


def test_a_draft_does_not_move_the_conversation(store: Conversations) -> None:
    conversation = a_conversation(store)
    before = store.conversation(conversation).updated_ms
    store.set_draft(conversation, "unsent")
    assert store.conversation(conversation).draft == "unsent"
    assert store.conversation(conversation).updated_ms == before


def test_the_journal_of_an_unfinished_answer_is_already_in_it(store: Conversations) -> None:
    conversation = a_conversation(store)
    question = a_message(store, conversation, "question")
    answer = an_answer(store, conversation, question)
    store.append_journal(
        answer.id, (Part(PartKind.REASONING, "Hm"), Part(PartKind.REASONING, "m."))
    )
    store.append_journal(answer.id, text("The "))
    store.append_journal(answer.id, (Part(PartKind.TEXT, "answer"), Part(PartKind.TEXT, "")))
    found = store.conversation(conversation).message(answer.id)
    assert found.parts == (Part(PartKind.REASONING, "Hmm."), Part(PartKind.TEXT, "The answer"))
    assert found.status is Status.INTERRUPTED


def test_two_journals_do_not_mix(store: Conversations) -> None:
    conversation = a_conversation(store)
    one, other = an_answer(store, conversation), an_answer(store, conversation)
    for step in range(3):
        store.append_journal(one.id, text(f"a{step}"))
        store.append_journal(other.id, text(f"b{step}"))
    tree = store.conversation(conversation)
    assert (tree.message(one.id).text, tree.message(other.id).text) == ("a0a1a2", "b0b1b2")


def test_the_finished_message_takes_the_place_of_its_journal(store: Conversations) -> None:
    conversation = a_conversation(store)
    answer = an_answer(store, conversation)
    store.append_journal(answer.id, text("The ans"))
    done = replace(answer, parts=text("The answer"), status=Status.COMPLETE, usage=Usage(1, 0, 2))
    store.finish_message(done)
    (found,) = store.conversation(conversation).messages
    assert (found.text, found.status, found.usage) == (
        "The answer",
        Status.COMPLETE,
        Usage(1, 0, 2),
    )
    store.append_journal(answer.id, text(" goes on"))
    assert store.conversation(conversation).messages[0].text == "The answer goes on"


def test_settings_of_a_conversation_can_change(store: Conversations) -> None:
    conversation = a_conversation(store)
    chosen = ConversationSettings("other", "", Sampling(top_k=3))
    store.set_settings(conversation, chosen)
    assert store.conversation(conversation).settings == chosen
    every = Sampling(
        temperature=1.5,
        mirostat=2,
        adaptive_target=0.2,
        dry_breakers=("\n", "—", "\ud800"),
        logit_bias=(("#5", -100.0), (" hello", 2)),
        ignore_eos=True,
        grammar='root ::= "é"',
    )
    adapters = (Adapter("/a.gguf", "1" * 64, 0.5), Adapter("/b.gguf", ""))
    store.set_settings(conversation, ConversationSettings(None, "", every, adapters))
    kept = store.conversation(conversation).settings
    assert kept.adapters == adapters
    assert kept.sampling == replace(every, dry_breakers=("\n", "—", "\ufffd"))
    store.set_settings(conversation, ConversationSettings())
    assert store.conversation(conversation).settings == ConversationSettings()


def test_settings_of_an_older_or_newer_version_are_read() -> None:
    older = '{"model": null, "system_prompt": "s", "sampling": {"temperature": 0.5, "top_k": 7}}'
    expected = Sampling(temperature=0.5, top_k=7)
    assert settings_from(older) == ConversationSettings(None, "s", expected)
    newer = older.replace('"top_k": 7', '"top_k": 7, "unheard_of": [1]').replace(
        "{", '{"x": 1, ', 1
    )
    assert settings_from(newer) == ConversationSettings(None, "s", expected)
    assert settings_from(older.replace("7", '"7"')) == ConversationSettings(None, "s", None)


def test_settings_of_the_application_are_kept(store: Conversations) -> None:
    assert store.setting("geometry") is None
    store.set_setting("geometry", "one")
    store.set_setting("geometry", "two")
    assert store.setting("geometry") == "two"


def test_an_unknown_id_is_not_found(store: Conversations) -> None:
    conversation = a_conversation(store)
    nowhere = Message(new_id(), "none", None, Role.USER, ())
    orphan = Message(new_id(), conversation, "none", Role.USER, ())
    for attempt in (
        lambda: store.conversation("none"),
        lambda: store.add_message(nowhere, durable=False),
        lambda: store.add_message(orphan, durable=False),
        lambda: store.append_journal("none", text("x")),
        lambda: store.finish_message(orphan),
        lambda: store.set_leaf("none", None),
        lambda: store.set_leaf(conversation, "none"),
        lambda: store.set_title("none", "x"),
        lambda: store.set_settings("none", ConversationSettings()),
        lambda: store.set_draft("none", "x"),
        lambda: store.delete("none"),
    ):
        with pytest.raises(NotFoundError):
            attempt()
    assert store.conversation(conversation).messages == ()


def test_a_parent_in_another_conversation_is_no_parent(store: Conversations) -> None:
    here, there = a_conversation(store), a_conversation(store)
    stranger = a_message(store, there, "stranger")
    with pytest.raises(NotFoundError):
        a_message(store, here, "child", stranger)
    with pytest.raises(NotFoundError):
        store.set_leaf(here, stranger.id)


def test_deleting_spares_the_others(store: Conversations) -> None:
    gone, stays = a_conversation(store), a_conversation(store)
    a_message(store, gone, "first apple")
    answer = an_answer(store, gone)
    store.append_journal(answer.id, text("partial"))
    a_message(store, stays, "second apple")
    store.delete(gone)
    assert [s.id for s in store.summaries()] == [stays]
    assert [hit.conversation_id for hit in store.search("apple")] == [stays]
    with pytest.raises(NotFoundError):
        store.conversation(gone)


def test_a_temporary_vault_is_a_store_like_any_other() -> None:
    vault = Vault.temporary()
    store = vault.conversations
    conversation = a_conversation(store)
    answer = an_answer(store, conversation, a_message(store, conversation, "question"))
    store.append_journal(answer.id, text("partial"))
    assert store.conversation(conversation).messages[1].text == "partial"
    assert [hit.title for hit in store.search("question")] == ["question"]
    store.delete(conversation)
    assert store.summaries() == ()
    vault.close()


@pytest.mark.alone
def test_a_batch_of_tokens_is_kept_within_2_ms(store: Conversations) -> None:
    conversation = a_conversation(store)
    answer = an_answer(store, conversation)
    rounds = []
    for _ in range(3):  # the best of three: other programs share the processor
        spans = []
        for _ in range(200):
            start = time.perf_counter()
            store.append_journal(answer.id, text(" token" * 16))
            spans.append(time.perf_counter() - start)
        rounds.append(sorted(spans)[int(len(spans) * 0.95)])
    assert min(rounds) < 0.002


@pytest.mark.alone
def test_200_conversations_are_listed_and_one_opened_within_30_ms(store: Conversations) -> None:
    for _ in range(200):
        conversation = a_conversation(store)
        a_message(store, conversation, "hello " * 50)
    parent = None
    for _ in range(200):
        parent = a_message(store, conversation, "hello " * 50, parent, Role.ASSISTANT)
    spans = []
    for _ in range(5):
        start = time.perf_counter()
        assert len(store.summaries()) == 200
        assert len(store.conversation(conversation).messages) == 201
        spans.append(time.perf_counter() - start)
    assert min(spans) < 0.030


def test_a_pin_is_kept_until_it_is_taken_off(store: Conversations) -> None:
    talk = a_conversation(store)
    message = a_message(store, talk, "Keep this")
    store.set_pinned(talk, message.id, True)
    assert [m.pinned for m in store.conversation(talk).messages] == [True]
    store.set_pinned(talk, message.id, False)
    assert [m.pinned for m in store.conversation(talk).messages] == [False]
    with pytest.raises(NotFoundError):
        store.set_pinned(talk, "nobody", True)


def test_a_newer_summary_up_to_the_same_message_replaces_the_older(store: Conversations) -> None:
    talk = a_conversation(store)
    message = a_message(store, talk, "Hi")
    store.add_summary(talk, EarlierSummary(message.id, "one", "model", 5))
    store.add_summary(talk, EarlierSummary(message.id, "two", "model", 6))
    assert store.conversation(talk).summaries == (EarlierSummary(message.id, "two", "model", 6),)
    store.delete(talk)


@pytest.mark.parametrize("overflow", list(Overflow))
def test_what_to_do_with_a_full_context_is_kept(store: Conversations, overflow: Overflow) -> None:
    settings = ConversationSettings(overflow=overflow)
    talk = a_conversation(store)
    store.set_settings(talk, settings)
    assert store.conversation(talk).settings == settings


@pytest.mark.parametrize("unknown", ['"shift"', "null", "[1]", "7"])
def test_a_choice_of_a_newer_version_means_dropping(unknown: str) -> None:
    assert settings_from(f'{{"overflow": {unknown}}}').overflow is Overflow.DROP
