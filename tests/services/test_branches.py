from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.vault.helpers import a_conversation, a_message

from snug.domain.conversation import Message, Role, Status
from snug.domain.errors import UserError
from snug.domain.unlocking import Secret
from snug.services.branches import Branches
from snug.vault.vault import Vault


class Forgetful:
    def __init__(self) -> None:
        self.forgotten: list[str] = []

    def forget(self, conversation_id: str) -> None:
        self.forgotten.append(conversation_id)


class Desk:
    """A chat with two versions of an answer, the second of which went on."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.store = store = vault.conversations
        self.engine = Forgetful()
        self.branches = Branches(store, store, self.engine, lambda chat: chat == "temporary")
        self.chat = a_conversation(store, "Fruit")
        self.question = a_message(store, self.chat, "quince?")
        self.first = a_message(store, self.chat, "medlar", self.question, Role.ASSISTANT)
        self.second = a_message(store, self.chat, "damson", self.question, Role.ASSISTANT)
        self.more = a_message(store, self.chat, "and?", self.second)

    def shown(self) -> list[str]:
        return [m.text for m in self.store.conversation(self.chat).active_path()]

    def all_texts(self) -> set[str]:
        return {m.text for m in self.store.conversation(self.chat).messages}

    def found(self, word: str) -> int:
        return len(self.store.search(word))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    vault = Vault.open(tmp_path / "v", tmp_path / "k", Secret(), keyring_allowed=False)
    yield Desk(vault)
    vault.close()


def test_a_removed_branch_is_gone_from_chat_search_and_file_and_the_next_one_is_shown(
    desk: Desk,
) -> None:
    desk.branches.remove(desk.chat, desk.second.id)
    assert desk.shown() == ["quince?", "medlar"]
    assert desk.all_texts() == {"quince?", "medlar"}
    assert desk.found("damson") == 0
    assert desk.engine.forgotten == [desk.chat]
    assert desk.store.summaries()[0].message_count == 2
    assert desk.vault.check().ok


def test_undoing_brings_everything_back_as_it_was(desk: Desk) -> None:
    before = desk.store.conversation(desk.chat)
    removed = desk.branches.remove(desk.chat, desk.second.id)
    again = desk.branches.put_back(removed)
    assert again.messages == before.messages
    assert again.leaf_id == before.leaf_id
    assert desk.found("damson") == 1
    assert desk.vault.check().ok


def test_removing_the_first_message_leaves_an_empty_chat(desk: Desk) -> None:
    removed = desk.branches.remove(desk.chat, desk.question.id)
    assert desk.shown() == []
    assert [m.text for m in desk.branches.put_back(removed).active_path()][-1] == "and?"


def test_a_branch_that_is_not_shown_goes_without_changing_what_is(desk: Desk) -> None:
    desk.branches.remove(desk.chat, desk.first.id)
    assert desk.shown() == ["quince?", "damson", "and?"]


def test_a_fork_holds_what_leads_to_the_message_and_changes_nothing_here(desk: Desk) -> None:
    made = desk.branches.fork(desk.chat, desk.first.id, "Fruit (fork)")
    forked = desk.store.conversation(made)
    assert [m.text for m in forked.active_path()] == ["quince?", "medlar"]
    assert forked.title == "Fruit (fork)"
    assert desk.shown() == ["quince?", "damson", "and?"]
    desk.store.delete(desk.chat)
    assert len(desk.store.conversation(made).messages) == 2


def test_a_temporary_chat_is_not_forked(desk: Desk) -> None:
    with pytest.raises(UserError, match="temporary"):
        desk.branches.fork("temporary", "m", "x")


def test_a_rewritten_answer_is_another_version_by_the_person(desk: Desk) -> None:
    changed = desk.branches.rewrite(desk.chat, desk.first.id, "sloe")
    last: Message = changed.active_path()[-1]
    assert (last.text, last.model, last.status) == ("sloe", "", Status.COMPLETE)
    assert desk.all_texts() >= {"medlar", "damson", "sloe"}
    with pytest.raises(UserError, match="asked again"):
        desk.branches.rewrite(desk.chat, desk.question.id, "x")
