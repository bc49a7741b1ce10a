from __future__ import annotations

from dataclasses import replace

from tests.vault.helpers import text

from snug.domain.conversation import Conversation, Message, Role
from snug.domain.importing import ImportCount, ImportedConversation, derived_id
from snug.vault.conversations import Conversations


def a_tree(*words: str) -> ImportedConversation:
    """A chain of messages, question and answer by turns."""
    chat = derived_id(1_000, "program", "chat")
    ids = [derived_id(1_000 + n, "program", "chat", str(n)) for n in range(len(words))]
    messages = tuple(
        Message(
            ids[n],
            chat,
            ids[n - 1] if n else None,
            Role.ASSISTANT if n % 2 else Role.USER,
            text(word),
            created_ms=1_000 + n,
        )
        for n, word in enumerate(words)
    )
    conversation = Conversation(chat, "Wolves", 1_000, 2_000, messages, ids[-1])
    return ImportedConversation(conversation, "Animals", ("wild", "Alps"), pinned=True)


def test_a_tree_is_stored_as_it_came(store: Conversations) -> None:
    tree = a_tree("where do wolves live", "in the Alps")
    assert store.import_trees([tree]) == ImportCount(1, 2, 0)
    kept = store.conversation(tree.conversation.id)
    assert kept.messages == tree.conversation.messages
    assert (kept.title, kept.leaf_id, kept.updated_ms) == ("Wolves", kept.messages[1].id, 2_000)
    (row,) = store.summaries()
    assert (row.tags, row.pinned, row.message_count) == (("Alps", "wild"), True, 2)
    assert row.folder_id is not None


def test_importing_twice_adds_nothing(store: Conversations) -> None:
    tree = a_tree("where do wolves live", "in the Alps")
    store.import_trees([tree])
    before = store.conversation(tree.conversation.id)
    assert store.import_trees([tree]) == ImportCount(0, 0, 2)
    assert store.conversation(tree.conversation.id) == before


def test_a_grown_conversation_gets_what_is_new(store: Conversations) -> None:
    store.import_trees([a_tree("where do wolves live")])
    assert store.import_trees([a_tree("where do wolves live", "in the Alps")]) == ImportCount(
        0, 1, 1
    )
    kept = store.conversation(a_tree("x").conversation.id)
    assert [message.text for message in kept.messages] == ["where do wolves live", "in the Alps"]


def test_imported_words_are_found(store: Conversations) -> None:
    store.import_trees([a_tree("where do wolves live", "in the Alps")])
    assert [hit.title for hit in store.search("wolves alps")] == []
    assert [hit.title for hit in store.search("alps")] == ["Wolves"]


def test_an_orphan_becomes_a_first_message(store: Conversations) -> None:
    tree = a_tree("where do wolves live", "in the Alps")
    conversation = tree.conversation
    orphan = replace(conversation.messages[1], parent_id="nobody")
    store.import_trees([replace(tree, conversation=replace(conversation, messages=(orphan,)))])
    assert store.conversation(conversation.id).messages[0].parent_id is None
