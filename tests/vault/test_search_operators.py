from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.vault.helpers import a_conversation, a_message, text

from snug.domain.conversation import Conversation, Message, Role, new_id
from snug.domain.importing import ImportedConversation
from snug.domain.search import MATCH_END, MATCH_START
from snug.vault import search as searching
from snug.vault import search_terms
from snug.vault.conversations import Conversations
from snug.vault.vault import Vault

YEARS = (2019, 2023, 2024)
MODELS = ("Org/Alder-1B-GGUF:Q4_K_M", "Org/Birch_2B", "birch-100%")
FOLDERS = ("", "Clients", "Private clients", "Sea")
TAGS = ("work", "new york")
WORDS = ("moon", "moonlight", "tides", "the", "Ångström", "月光", "🎂", "C++")


def ms(year: int) -> int:
    return int(datetime.datetime(year, 6, 1, tzinfo=datetime.UTC).timestamp() * 1000)


def found(vault: Vault, typed: str) -> set[str]:
    return {hit.message_id for hit in vault.conversations.search(typed, limit=300)}


def a_tree(number: int) -> ImportedConversation:
    """A conversation of four messages; which, is a matter of its number alone."""
    chat, time = f"c{number:03}", ms(YEARS[number % 3])
    messages = tuple(
        Message(
            id=f"{chat}m{place}",
            conversation_id=chat,
            parent_id=f"{chat}m{place - 1}" if place else None,
            role=Role.USER if place % 2 == 0 else Role.ASSISTANT,
            parts=text(f"{WORDS[(number + place) % 8]} and {WORDS[(number * 3 + place * 5) % 8]}."),
            model="" if place % 2 == 0 else MODELS[(number + place) % 3],
            created_ms=time,
        )
        for place in range(4)
    )
    return ImportedConversation(
        Conversation(chat, "-", time, time, messages, messages[-1].id),
        folder=FOLDERS[number % 4],
        tags=tuple(tag for place, tag in enumerate(TAGS) if number % (place + 2) == 0),
        archived=number % 7 == 0,
    )


TREES = [a_tree(number) for number in range(40)]
TRASHED = {tree.conversation.id for tree in TREES[::9]}


@pytest.fixture(scope="module", params=["as it is", "with the narrowest limits"])
def full(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Vault]:
    folder: Path = tmp_path_factory.mktemp("full")
    vault = Vault.open(folder / "vault", folder / "keys", keyring_allowed=False)
    vault.conversations.import_trees(TREES)
    vault.organising.trash(sorted(TRASHED))
    with pytest.MonkeyPatch.context() as patch:
        if request.param != "as it is":
            patch.setattr(search_terms, "_FEW", 1)
            patch.setattr(searching, "_TRIED", 2)
        yield vault
    vault.close()


# What each part of a query says about a message, written down once more and without an index.
PARTS = {
    "moon": lambda m, t: "moon" in words_of(m),
    '"the and tides"': lambda m, t: "the and tides" in words_of(m),
    "angstrom": lambda m, t: "ångström" in words_of(m),
    '"月"': lambda m, t: "月" in words_of(m),
    '"光月"': lambda m, t: False,
    "🎂": lambda m, t: "🎂" in words_of(m),
    "++": lambda m, t: "++" in words_of(m),
    "-tides": lambda m, t: "tides" not in words_of(m),
    "-++": lambda m, t: "++" not in words_of(m),
    "model:BIRCH": lambda m, t: "birch" in m.model.lower(),
    "model:100%": lambda m, t: "100%" in m.model,
    "-model:birch_2": lambda m, t: "birch_2" not in m.model.lower(),
    "from:me": lambda m, t: m.role is Role.USER,
    "tag:WORK": lambda m, t: "work" in t.tags,
    '-tag:"new york"': lambda m, t: "new york" not in t.tags,
    "in:clients": lambda m, t: "clients" in t.folder.lower(),
    "-in:sea": lambda m, t: "sea" not in t.folder.lower(),
    "in:archive": lambda m, t: t.archived,
    "before:2023-05-31": lambda m, t: m.created_ms < ms(2020),
    "after:2023": lambda m, t: m.created_ms > ms(2023),
    "on:2023": lambda m, t: ms(2022) < m.created_ms < ms(2024),
}


def words_of(message: Message) -> str:
    spoken = message.text.lower().rstrip(".")
    return spoken if "moonlight" not in spoken else spoken.replace("moonlight", "beam")


@given(parts=st.lists(st.sampled_from(sorted(PARTS)), min_size=1, max_size=4, unique=True))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_index_finds_what_looking_at_every_message_finds(full: Vault, parts: list[str]) -> None:
    if not any(part in ("moon", '"the and tides"', "angstrom", '"月"', "🎂") for part in parts):
        parts = ['"and"', *parts]
    expected = {
        message.id
        for tree in TREES
        if tree.conversation.id not in TRASHED
        for message in tree.conversation.messages
        if all(part == '"and"' or PARTS[part](message, tree) for part in parts)
    }
    # A word at the end would be the beginning of one.
    assert found(full, " ".join([*parts, '"and"'])) == expected


def test_what_was_thrown_away_is_found_in_the_trash_alone(full: Vault) -> None:
    ids = {message.id[:4] for message in map_of(full, "in:trash and")}
    assert ids == TRASHED


def map_of(vault: Vault, typed: str) -> Iterator[Message]:
    for hit in vault.conversations.search(typed, limit=300):
        yield Message(hit.message_id, hit.conversation_id, None, Role.USER, ())


def test_filters_alone_list_conversations_once_each_newest_first(full: Vault) -> None:
    hits = full.conversations.search("tag:work -in:archive", limit=300)
    expected = [
        tree.conversation.id
        for tree in TREES
        if "work" in tree.tags and not tree.archived and tree.conversation.id not in TRASHED
    ]
    assert sorted(hit.conversation_id for hit in hits) == sorted(expected)
    times = {tree.conversation.id: tree.conversation.updated_ms for tree in TREES}
    listed = [times[hit.conversation_id] for hit in hits]
    assert listed == sorted(listed, reverse=True)


def test_a_model_nobody_used_and_an_unknown_tag_find_nothing(full: Vault) -> None:
    assert found(full, "model:cedar and") == set()
    assert found(full, "tag:garden and") == set()
    assert found(full, "in:garden") == set()


def test_the_beginning_of_a_word_is_found_behind_many_others(full: Vault) -> None:
    beginnings = {
        message.id
        for tree in TREES
        if tree.conversation.id not in TRASHED
        for message in tree.conversation.messages
        if "moon" in message.text
    }
    assert found(full, "and moon") == beginnings
    assert found(full, "moonl") < beginnings


def test_titles_alone_can_be_asked_for(store: Conversations) -> None:
    chat = a_conversation(store, "Baking bread")
    a_message(store, chat, "how much yeast")
    assert store.search("in:title yeast") == ()
    (hit,) = store.search("in:title bread")
    assert hit.conversation_id == chat


def test_an_answer_is_found_by_the_model_that_wrote_it_last(store: Conversations) -> None:
    chat = a_conversation(store, "-")
    answer = Message(new_id(), chat, None, Role.ASSISTANT, (), model="first")
    store.add_message(answer, durable=False)
    store.finish_message(replace(answer, parts=text("walnut"), model="second"))
    assert store.search("model:first walnut") == ()
    assert [hit.message_id for hit in store.search("model:second walnut")] == [answer.id]


def test_a_facet_cannot_be_typed(store: Conversations) -> None:
    chat = a_conversation(store, "-")
    message = a_message(store, chat, "\ue000ra walnut \ue000c1")
    assert store.search("\ue000ru walnut") == ()
    assert [hit.message_id for hit in store.search("ra walnut c1")] == [message.id]


@pytest.mark.parametrize(
    ("words", "typed", "marked"),
    [
        ("Das CAFÉ am See", "cafe", "CAFÉ"),
        ("Das Cafe\u0301 am See", "café", "Café"),
        ("今日は月光がきれいだ", "月光", "月光"),
        ("tides: the_moon", "moon", "moon"),
        ("walnut-cake", "walnut-cake", "walnut-cake"),
        ("a cake 🎂 here", "🎂", "🎂"),
        ("use C++ here", "C++", "C"),
        ("gravitational", "grav", "gravitational"),
    ],
)
def test_the_snippet_marks_what_was_found(
    store: Conversations, words: str, typed: str, marked: str
) -> None:
    a_message(store, a_conversation(store, "-"), words)
    (hit,) = store.search(typed)
    assert f"{MATCH_START}{marked}" in hit.snippet
    assert hit.snippet.count(MATCH_START) == hit.snippet.count(MATCH_END) == 1


def test_every_step_of_typing_a_word_finds_it(store: Conversations) -> None:
    chat = a_conversation(store, "-")
    message = a_message(store, chat, "Straßenbahn naïve 月光 Zürich")
    for word in ("straßenbahn", "naive", "月光", "zurich"):
        for typed in itertools.accumulate(word):
            assert [hit.message_id for hit in store.search(typed)] == [message.id], typed


def test_a_minus_alone_leaves_out_the_titles_with_the_word(store: Conversations) -> None:
    a_conversation(store, "alpha draft")
    kept = a_conversation(store, "beta")
    assert [hit.conversation_id for hit in store.search("-draft")] == [kept]


def test_a_syllable_is_more_than_its_first_sound(store: Conversations) -> None:
    chat = a_conversation(store, "-")
    a_message(store, chat, "하고 싶다")
    right = a_message(store, chat, "한국 사람")
    assert [hit.message_id for hit in store.search("한국")] == [right.id]
