from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.vault.helpers import a_conversation, a_message, an_answer, text

from snug.domain.conversation import Message, Part, PartKind, Role, Status, new_id
from snug.domain.search import MATCH_END, MATCH_START, plain_snippet
from snug.vault.conversations import Conversations


@pytest.fixture
def chat(store: Conversations) -> str:
    """A conversation that no search here finds by its title."""
    return a_conversation(store, "-")


def found(store: Conversations, typed: str) -> list[str]:
    return [hit.message_id for hit in store.search(typed)]


def test_every_word_must_be_there(store: Conversations, chat: str) -> None:
    both = a_message(store, chat, "tides follow the moon")
    a_message(store, chat, "tides follow the wind")
    assert found(store, "moon tides") == [both.id]


def test_the_last_word_may_be_unfinished_the_others_not(store: Conversations, chat: str) -> None:
    message = a_message(store, chat, "gravitational tides")
    assert found(store, "tides grav") == [message.id]
    assert found(store, "grav tides") == []


def test_a_blank_after_the_last_word_changes_nothing(store: Conversations, chat: str) -> None:
    message = a_message(store, chat, "gravitational")
    assert found(store, " grav \n") == [message.id]


def test_case_and_accents_do_not_matter(store: Conversations, chat: str) -> None:
    message = a_message(store, chat, "Das CAFÉ in Ångström")
    assert found(store, "cafe angstrom") == [message.id]
    assert found(store, "CAFÉ") == [message.id]


def test_reasoning_and_system_messages_are_not_searched(store: Conversations, chat: str) -> None:
    a_message(store, chat, "walnut", role=Role.SYSTEM)
    parts = (Part(PartKind.REASONING, "walnut"), Part(PartKind.TEXT, "hazel"))
    answer = Message(new_id(), chat, None, Role.ASSISTANT, parts)
    store.add_message(answer, durable=False)
    assert found(store, "walnut") == []
    assert found(store, "hazel") == [answer.id]


def test_a_finished_answer_is_found_by_its_last_text_alone(store: Conversations, chat: str) -> None:
    answer = an_answer(store, chat)
    store.finish_message(replace(answer, parts=text("walnut"), status=Status.COMPLETE))
    assert found(store, "walnut") == [answer.id]
    store.finish_message(replace(answer, parts=text("hazel"), status=Status.COMPLETE))
    assert found(store, "walnut") == []
    assert found(store, "hazel") == [answer.id]


def test_what_is_more_about_the_word_comes_first(store: Conversations, chat: str) -> None:
    aside = a_message(store, chat, "a walnut among " + "many other things " * 20)
    about = a_message(store, chat, "walnut and walnut")
    assert found(store, "walnut") == [about.id, aside.id]


def test_a_title_is_found_as_the_conversations_first_message(store: Conversations) -> None:
    chat = a_conversation(store, "Baking bread")
    first = a_message(store, chat, "how much yeast")
    a_message(store, chat, "and salt", first)
    (hit,) = store.search("bread")
    assert (hit.conversation_id, hit.message_id) == (chat, first.id)
    assert plain_snippet(hit) == "Baking bread"


def test_a_title_of_an_empty_conversation_is_found(store: Conversations) -> None:
    chat = a_conversation(store, "Baking bread")
    (hit,) = store.search("bread")
    assert (hit.conversation_id, hit.message_id) == (chat, "")


def test_a_renamed_conversation_is_found_by_its_new_title_alone(store: Conversations) -> None:
    chat = a_conversation(store, "Baking bread")
    store.set_title(chat, "Brewing beer")
    assert store.search("bread") == ()
    assert [hit.title for hit in store.search("beer")] == ["Brewing beer"]


def test_a_title_taken_from_a_message_is_not_a_second_hit(store: Conversations) -> None:
    chat = a_conversation(store)
    message = a_message(store, chat, "How do tides work?")
    assert found(store, "tides") == [message.id]


def test_the_snippet_marks_the_words_on_one_line(store: Conversations, chat: str) -> None:
    a_message(store, chat, "far " * 100 + "the\nmoon\r\n and\tthe tides " + "away " * 100)
    (hit,) = store.search("moon tid")
    assert f"the {MATCH_START}moon{MATCH_END} and the {MATCH_START}tides{MATCH_END}" in hit.snippet
    assert len(plain_snippet(hit)) < 200


def test_marks_that_a_text_holds_itself_are_not_shown(store: Conversations, chat: str) -> None:
    a_message(store, chat, f"a {MATCH_START} walnut {MATCH_END} b")
    (hit,) = store.search("walnut")
    assert hit.snippet == f"a {MATCH_START}walnut{MATCH_END} b"


@pytest.mark.parametrize(
    ("typed", "finds"),
    [
        ('"walnut cake"', True),
        ("walnut-cake", True),
        ("cake-walnut", False),
        ("walnut AND cake", False),
        ("NEAR(walnut cake)", False),
        ("walnut*", True),
        ("* walnut", True),
        ("text:walnut", False),
        ("walnut OR hazel", False),
        ("walnut ^cake", True),
        ("(walnut)", True),
        ("walnut 😀", True),
        ("walnut 🎂", False),
        ("😀", True),
        ("🎂", False),
        ("😀 ++", True),
        ("walnut'; DROP TABLE messages", False),
    ],
)
def test_what_is_typed_is_words_never_a_language(
    store: Conversations, chat: str, typed: str, finds: bool
) -> None:
    message = a_message(store, chat, "a walnut cake 😀 with C++")
    assert found(store, typed) == ([message.id] if finds else [])


@pytest.mark.parametrize("typed", ["", " ", "\n\t", '"', '""', "*", "'", '" *'])
def test_nothing_is_found_where_nothing_is_asked(
    store: Conversations, chat: str, typed: str
) -> None:
    a_message(store, chat, 'a "quoted" * word\'s')
    assert store.search(typed) == ()


@given(typed=st.text(max_size=60))
@example(typed="a\0b")
@example(typed="\ud83d")
@example(typed="\ue000")
@example(typed='"' * 33)
@example(typed="NEAR/2 AND NOT OR (")
@example(typed="x " * 5000)
@example(typed="{text}:-^+")
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_text_is_a_wrong_query(store: Conversations, typed: str) -> None:
    store.search(typed)


@given(words=st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1))
@example(words="\u19b0")
@example(words="🤖")
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_message_is_found_by_its_own_words(store: Conversations, words: str) -> None:
    chat = a_conversation(store, "-")
    message = a_message(store, chat, words, role=Role.ASSISTANT)
    # What is an operator, or quoted, means something else: see test_search_query.
    plain = [word for word in words.split() if not {'"', ":"} & set(word) and word[0] != "-"]
    asked = [word for word in plain if word.strip("'*-")][:32]
    if asked:
        hits = store.search(" ".join(asked), limit=100_000)
        assert message.id in [hit.message_id for hit in hits]


def test_no_more_hits_than_asked_for(store: Conversations, chat: str) -> None:
    for _ in range(5):
        a_message(store, chat, "walnut")
    assert len(store.search("walnut", limit=3)) == 3
    assert store.search("walnut", limit=0) == ()
