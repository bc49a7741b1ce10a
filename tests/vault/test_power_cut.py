from __future__ import annotations

import itertools
import random
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.vault.conftest import Home
from tests.vault.helpers import text
from tests.vault.power_cut import Disk

from snug.domain.conversation import Conversation, Message, Role, Status, new_id
from snug.domain.errors import EnvironmentFault, SnugError
from snug.vault import keys
from snug.vault.conversations import Conversations
from snug.vault.database import FILE_NAME, Database
from snug.vault.vault import Vault
from snug.vault.writer import Writer

_numbers = itertools.count()


@dataclass
class Work:
    """What a person does until the power fails, and what Snug has promised by then."""

    store: Conversations
    chance: random.Random
    chats: list[str] = field(default_factory=list)
    promised: dict[str, tuple[str, str]] = field(default_factory=dict)  # message: chat and text
    next_to_be: dict[str, tuple[str, str]] = field(default_factory=dict)  # with the next sync
    deleted: set[str] = field(default_factory=set)
    ever: dict[str, str] = field(default_factory=dict)  # every message that there was

    def go_on(self) -> None:
        """One step."""
        step = self.chance.choices(
            (self.begin, self.ask, self.answer, self.delete, self.set_draft), (2, 5, 4, 1, 1)
        )[0]
        step()

    def go_on_for_ever(self) -> None:
        """Until something fails."""
        while True:
            self.go_on()

    def begin(self) -> None:
        chat = Conversation(new_id(), "Chat", 0, 0)
        self.store.create(chat)
        self.chats.append(chat.id)

    def ask(self) -> None:
        if not self.chats:
            return
        chat = self.chance.choice(self.chats)
        message = Message(new_id(), chat, None, Role.USER, text(self.words()))
        self.store.add_message(message, durable=True)
        self.keep_promises()
        self.promised[message.id] = (chat, message.text)
        self.ever[message.id] = message.text

    def answer(self) -> None:
        if not self.chats:
            return
        chat = self.chance.choice(self.chats)
        answer = Message(new_id(), chat, None, Role.ASSISTANT, (), Status.INTERRUPTED, "model")
        self.store.add_message(answer, durable=False)
        said = ""
        for _ in range(self.chance.randrange(6)):
            piece = self.words()
            said += piece
            self.store.append_journal(answer.id, text(piece))
        done = replace(answer, parts=text(said), status=Status.COMPLETE)
        self.store.finish_message(done)
        self.next_to_be[answer.id] = (chat, said)
        self.ever[answer.id] = said

    def delete(self) -> None:
        if len(self.chats) < 3:
            return
        chat = self.chats.pop(self.chance.randrange(len(self.chats)))
        self.deleted.add(chat)  # from the beginning of it, either may be
        self.store.delete(chat)
        self.keep_promises()

    def set_draft(self) -> None:
        if self.chats:
            self.store.set_draft(self.chance.choice(self.chats), self.words())

    def keep_promises(self) -> None:
        self.promised |= self.next_to_be
        self.next_to_be.clear()

    def words(self) -> str:
        return f"word{self.chance.randrange(10**6)} " * self.chance.choice((1, 5, 60, 900))


def run_until_the_cut(
    home: Home, disk_name: str, chance: random.Random, *, honest: bool = True
) -> tuple[Disk, Work]:
    disk = Disk(disk_name)
    disk.honest = honest
    key = keys.unlock(home.folder, home.keys)
    database = Database.open(home.folder, key, vfs=f"multipleciphers-{disk_name}")
    plain_sync = database.sync

    def sync() -> None:
        plain_sync()
        disk.synced(f"{FILE_NAME}-wal")

    database.sync = sync  # type: ignore[method-assign]
    writer = Writer()
    work = Work(Conversations(database, writer), chance)
    disk.cut_after = chance.randrange(5, 400)
    try:
        while True:
            work.go_on()
            if chance.random() < 0.05:
                writer.run(database.sync)
                work.keep_promises()
    except EnvironmentFault:
        assert disk.is_cut
    writer.close()
    disk.cut_after = -1
    database.close()
    key.close()
    return disk, work


def after_the_cut(home: Home, disk: Disk, folder: Path, chance: random.Random) -> Home:
    """The vault as the next start finds it."""
    folder.mkdir()
    shutil.copy(home.folder / keys.SLOT_FILE, folder)
    disk.leave(folder, chance)
    return Home(folder, home.keys)


def lost(home: Home, work: Work) -> list[str]:
    """Messages that were promised and are not there as they were."""
    vault = home.open()
    try:
        checked = vault.check()
        assert checked.ok, checked.problems
        there = {
            message.id: message.text
            for summary in vault.conversations.summaries(10_000)
            for message in vault.conversations.conversation(summary.id).messages
        }
        for one, (chat, said) in list(work.promised.items())[-5:]:
            if chat not in work.deleted and there.get(one) == said and said.split():
                word = said.split()[0]
                assert one in {hit.message_id for hit in vault.conversations.search(word, 500)}
    finally:
        vault.close()
    return [
        one
        for one, (chat, said) in work.promised.items()
        if chat not in work.deleted and there.get(one) != said
    ]


def cut(tmp_path: Path, seed: int, *, honest: bool = True) -> list[str]:
    chance = random.Random(seed)
    home = Home(tmp_path / f"vault{seed}", tmp_path / "keys")
    Vault.open(home.folder, home.keys, keyring_allowed=False).close()
    disk, work = run_until_the_cut(home, f"cut{next(_numbers)}", chance, honest=honest)
    return lost(after_the_cut(home, disk, tmp_path / f"after{seed}", chance), work)


@pytest.mark.parametrize("seed", range(8))
def test_a_power_cut_loses_nothing_that_was_promised(tmp_path: Path, seed: int) -> None:
    assert cut(tmp_path, seed) == []


@pytest.mark.soak
def test_300_power_cuts_lose_nothing_that_was_promised(tmp_path: Path) -> None:
    for seed in range(100, 400):
        assert cut(tmp_path, seed) == [], seed


def test_a_disk_that_lies_about_syncing_does_lose(tmp_path: Path) -> None:
    """The control: without the syncs these cuts would cost something."""
    costs = 0
    for seed in range(20, 30):
        try:
            costs += bool(cut(tmp_path, seed, honest=False))
        except (SnugError, AssertionError):
            costs += 1
    assert costs >= 3
