from __future__ import annotations

import itertools
import random
from pathlib import Path

import apsw
import pytest
from tests.vault.conftest import Home
from tests.vault.helpers import FailingDisk, text
from tests.vault.test_power_cut import Work, lost

from snug.domain.conversation import Conversation, Message, Role, new_id
from snug.domain.errors import DiskFullError, EnvironmentFault
from snug.vault import keys
from snug.vault.conversations import Conversations
from snug.vault.database import Database
from snug.vault.vault import Vault
from snug.vault.writer import Writer

_numbers = itertools.count()
ERRORS = (apsw.IOError, apsw.FullError)


def fail_at(tmp_path: Path, number: int) -> None:
    """The n-th write or sync fails, and all after it, until the disk is well again."""
    home = Home(tmp_path / f"vault{number}", tmp_path / "keys")
    Vault.open(home.folder, home.keys, keyring_allowed=False).close()
    name = f"failing{next(_numbers)}"
    disk = FailingDisk(name)
    key = keys.unlock(home.folder, home.keys)
    database = Database.open(home.folder, key, vfs=f"multipleciphers-{name}")
    writer = Writer()
    store = Conversations(database, writer)
    work = Work(store, random.Random(number))
    disk.after, disk.error = number, ERRORS[number % 2]
    expected = EnvironmentFault if number % 2 == 0 else DiskFullError
    with pytest.raises(expected) as told:
        work.go_on_for_ever()
    assert "Error" not in told.value.message.replace("SQLite error", "")
    assert str(home.folder) in told.value.message
    # What a failed step has begun may be there or not; nothing else may be lost.
    disk.error = None
    chat = Conversation(new_id(), "Afterwards", 0, 0)
    store.create(chat)
    message = Message(new_id(), chat.id, None, Role.USER, text("still here"))
    store.add_message(message, durable=True)
    work.keep_promises()
    work.promised[message.id] = (chat.id, "still here")
    writer.close()
    database.close()
    key.close()
    assert lost(home, work) == []
    assert {path.name for path in home.folder.iterdir()} <= {"snug.db", "vault.json", "vault.lock"}


@pytest.mark.parametrize("number", [0, 1, 2, 5, 14, 33, 78, 141])
def test_the_nth_write_that_fails_is_told_and_costs_nothing_else(
    tmp_path: Path, number: int
) -> None:
    fail_at(tmp_path, number)


@pytest.mark.soak
def test_each_of_200_writes_may_fail(tmp_path: Path) -> None:
    for number in range(200):
        fail_at(tmp_path, number)
