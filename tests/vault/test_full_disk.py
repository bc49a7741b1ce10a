from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from tests.vault.helpers import FailingDisk, a_conversation, a_message, an_answer, run_child, text

from snug.domain.errors import DiskFullError, EnvironmentFault
from snug.vault.conversations import Conversations
from snug.vault.data_key import DataKey
from snug.vault.database import Database
from snug.vault.query import fetch
from snug.vault.writer import Writer


@pytest.fixture(scope="session")
def one_disk() -> FailingDisk:
    # Never unregistered: the encryption keeps pointing at what it lies upon.
    return FailingDisk("failing")


@pytest.fixture
def disk(one_disk: FailingDisk) -> Iterator[FailingDisk]:
    one_disk.refused = 0
    one_disk.after = 0
    yield one_disk
    one_disk.error = None


@pytest.fixture
def store(tmp_path: Path, disk: FailingDisk) -> Iterator[Conversations]:
    database = Database.open(tmp_path, DataKey.random(), vfs="multipleciphers-failing")
    writer = Writer()
    yield Conversations(database, writer)
    disk.error = None
    assert writer.close()
    database.close()


def test_a_full_disk_is_told_with_its_figure(store: Conversations, disk: FailingDisk) -> None:
    disk.error = apsw.FullError
    with pytest.raises(DiskFullError, match=r"full \([\d,]+ bytes are left\)"):
        a_conversation(store)
    assert disk.refused


def test_when_there_is_room_again_the_same_write_works_and_nothing_is_lost(
    store: Conversations, disk: FailingDisk
) -> None:
    conversation = a_conversation(store)
    answer = an_answer(store, conversation, a_message(store, conversation, "question"))
    store.append_journal(answer.id, text("before "))
    for error in (apsw.FullError, apsw.IOError):
        disk.error = error
        for _ in range(3):
            with pytest.raises(EnvironmentFault):
                store.append_journal(answer.id, text("during "))
        # What is already kept can still be read.
        assert store.conversation(conversation).message(answer.id).text == "before "
        disk.error = None
    store.append_journal(answer.id, text("after"))
    assert store.conversation(conversation).message(answer.id).text == "before after"
    assert [hit.title for hit in store.search("question")] == ["question"]


def test_a_full_disk_undoes_the_whole_step_never_half_of_it(
    store: Conversations, disk: FailingDisk
) -> None:
    conversation = a_conversation(store)
    disk.error = apsw.FullError
    with pytest.raises(DiskFullError):
        a_message(store, conversation, "x" * 100_000)
    disk.error = None
    assert store.conversation(conversation).messages == ()
    assert store.summaries()[0].message_count == 0


def test_a_failing_disk_is_a_fault_of_the_machine(store: Conversations, disk: FailingDisk) -> None:
    disk.error = apsw.IOError
    with pytest.raises(EnvironmentFault, match="failed") as caught:
        a_conversation(store)
    assert not isinstance(caught.value, DiskFullError)


def test_a_sync_that_fails_later_ends_no_thread(store: Conversations, disk: FailingDisk) -> None:
    conversation = a_conversation(store)
    disk.error = apsw.IOError
    with pytest.raises(EnvironmentFault):
        store.delete(conversation)
    disk.error = None
    store.delete(conversation)
    assert store.summaries() == ()


@pytest.mark.parametrize("error", [apsw.FullError, apsw.IOError])
def test_whichever_write_fails_each_step_is_whole_or_absent(
    tmp_path: Path, disk: FailingDisk, error: type[apsw.Error]
) -> None:
    key = DataKey.random()
    for after in range(0, 60, 2):
        folder = tmp_path / str(after)
        folder.mkdir()
        Database.open(folder, key, vfs="multipleciphers-failing").close()
        kept = _write_until_refused(folder, key, disk, error, after)
        database = Database.open(folder, key)
        with database.reading() as connection:
            assert fetch(connection, "PRAGMA integrity_check") == [("ok",)]
            texts = [text for (text,) in fetch(connection, "SELECT text FROM messages")]
            assert texts[: len(kept)] == kept
            # A step whose sync failed may have happened, but then wholly.
            assert len(texts) - len(kept) in (0, 1)
            counted = fetch(connection, "SELECT sum(message_count) FROM conversations")[0][0]
            assert (counted or 0) == len(texts)
        database.close()


def _write_until_refused(
    folder: Path, key: DataKey, disk: FailingDisk, error: type[apsw.Error], after: int
) -> list[str]:
    """Write until the disk refuses, and end as a killed process would; what was acknowledged."""
    database = Database.open(folder, key, vfs="multipleciphers-failing")
    writer = Writer()
    store = Conversations(database, writer)
    kept: list[str] = []
    conversation = a_conversation(store)
    disk.refused, disk.after, disk.error = 0, after, error
    try:
        for number in range(100):
            a_message(store, conversation, f"{number} " + "x" * 3000)
            kept.append(f"{number} " + "x" * 3000)
    except EnvironmentFault:
        pass
    assert disk.refused
    assert writer.close()
    database.close()
    disk.error = None
    return kept


_FILL_UP = """
import os, sys
from pathlib import Path
from snug.domain.conversation import Conversation, Message, Part, PartKind, Role, Status, new_id
from snug.domain.errors import DiskFullError
from snug.vault.vault import Vault
folder = Path(sys.argv[1])
ballast = folder / "ballast"
ballast.write_bytes(bytes(1_000_000))
vault = Vault.open(folder / "vault", folder / "keys", keyring_allowed=False)
store = vault.conversations
chat = Conversation(new_id(), "", 0, 0)
store.create(chat)
answer = Message(new_id(), chat.id, None, Role.ASSISTANT, (), Status.INTERRUPTED)
store.add_message(answer, durable=True)
kept = 0
while True:
    try:
        store.append_journal(answer.id, (Part(PartKind.TEXT, f"{kept:06} " + "x" * 1000),))
        kept += 1
    except DiskFullError as fault:
        print(fault.message)
        break
ballast.unlink()
store.append_journal(answer.id, (Part(PartKind.TEXT, f"{kept:06} "),))
vault.close()
vault = Vault.open(folder / "vault", folder / "keys", keyring_allowed=False)
words = vault.conversations.conversation(chat.id).messages[0].text.replace("x", "").split()
assert words == [f"{number:06}" for number in range(kept + 1)], (kept, len(words))
vault.close()
print("nothing lost of", kept)
"""


def test_a_disk_that_is_really_full_costs_nothing(tmp_path: Path) -> None:
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("a small disk can be mounted by root alone")
    mount = 'mount -t tmpfs -o size=3m none "$0" && exec "$@"'
    prefix = ("unshare", "-m", "sh", "-c", mount, str(tmp_path))
    if subprocess.run([*prefix, "true"]).returncode:
        pytest.skip("root may mount nothing here")
    told, errors = run_child(_FILL_UP, str(tmp_path), prefix=prefix).communicate(timeout=90)
    assert errors == ""
    assert "is full" in told
    assert "nothing lost" in told
