from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.vault.conftest import Home
from tests.vault.helpers import Keyring, a_conversation, a_message, run_child

from snug.domain.errors import (
    EnvironmentFault,
    UserError,
    VaultDamagedError,
    VaultLockedError,
    WrongKeyError,
)
from snug.vault.files import LOCK_NAME, locked
from snug.vault.holding import OPEN_NAME
from snug.vault.keys import SLOT_FILE
from snug.vault.slots import SlotKind
from snug.vault.vault import Vault
from snug.vault.writer import THREAD_NAME


def test_the_first_start_makes_a_vault_and_the_second_opens_it(home: Home) -> None:
    first = home.open()
    conversation = a_conversation(first.conversations)
    assert first.newly_created
    first.close()
    second = home.open()
    assert not second.newly_created
    assert [s.id for s in second.conversations.summaries()] == [conversation]
    assert second.key_home == first.key_home
    second.close()


def test_without_keyring_or_passphrase_the_person_is_told_where_the_key_file_is(
    home: Home,
) -> None:
    vault = Vault.open(home.folder, home.keys, secret_store=Keyring(available=False))
    assert vault.key_home is not None
    assert vault.key_home.kinds == (SlotKind.KEYFILE,)
    assert str(home.keys) in vault.key_home.notice
    vault.close()


def test_with_a_keyring_nothing_lies_beside_the_vault(home: Home) -> None:
    keyring = Keyring()
    Vault.open(home.folder, home.keys, secret_store=keyring).close()
    assert not home.keys.exists()
    Vault.open(home.folder, home.keys, secret_store=keyring).close()


def test_a_passphrase_vault_stays_shut_without_it(home: Home) -> None:
    home.open("correct horse").close()
    with pytest.raises(VaultLockedError):
        home.open()
    with pytest.raises(WrongKeyError):
        home.open("wrong horse")
    home.open("correct horse").close()


def test_a_passphrase_can_be_added_and_changed_while_open(home: Home) -> None:
    vault = home.open()
    vault.keys.add_passphrase("one")
    vault.keys.change_passphrase("two")
    vault.close()
    with pytest.raises(WrongKeyError):
        home.open("one")
    home.open("two").close()


def test_a_temporary_vault_has_no_key_to_guard() -> None:
    vault = Vault.temporary()
    assert vault.key_home is None
    with pytest.raises(UserError):
        vault.keys.add_passphrase("one")
    vault.close()


def test_everything_in_the_folder_is_private(home: Home) -> None:
    vault = home.open()
    a_conversation(vault.conversations)
    assert stat.S_IMODE(home.folder.stat().st_mode) == 0o700
    for path in home.folder.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    vault.close()


def test_closing_twice_is_harmless_and_ends_the_thread(home: Home) -> None:
    vault = home.open()
    vault.close()
    vault.close()
    assert THREAD_NAME not in [thread.name for thread in threading.enumerate()]
    with pytest.raises(EnvironmentFault, match="closed"):
        vault.conversations.summaries()


def test_a_stuck_disk_does_not_hold_up_close(home: Home) -> None:
    vault = home.open()
    release = threading.Event()
    vault.conversations.writer.submit(lambda: (release.wait(), None)[1])
    start = time.monotonic()
    vault.close(timeout_s=0.1)
    assert time.monotonic() - start < 2
    release.set()
    vault.close()


def test_closing_leaves_no_log_behind(home: Home) -> None:
    vault = home.open()
    a_conversation(vault.conversations)
    vault.close()
    left = {path.name for path in home.folder.iterdir()}
    assert left == {"snug.db", SLOT_FILE, LOCK_NAME, OPEN_NAME}


def test_a_lost_vault_json_makes_no_new_key(home: Home) -> None:
    home.open().close()
    (home.folder / SLOT_FILE).unlink()
    with pytest.raises(VaultDamagedError, match=SLOT_FILE):
        home.open()
    assert not (home.folder / SLOT_FILE).exists()


def test_the_database_of_another_vault_is_told_as_damage_and_kept(
    home: Home, tmp_path: Path
) -> None:
    home.open().close()
    other = Home(tmp_path / "other", home.keys)
    other.open().close()
    swapped = (other.folder / "snug.db").read_bytes()
    (home.folder / "snug.db").write_bytes(swapped)
    with pytest.raises(VaultDamagedError, match=r"snug\.db"):
        home.open()
    assert (home.folder / "snug.db").read_bytes() == swapped


def test_a_crash_between_key_and_database_is_made_good(home: Home) -> None:
    home.open().close()
    (home.folder / "snug.db").unlink()
    vault = home.open()
    assert vault.conversations.summaries() == ()
    vault.close()


def test_a_folder_that_cannot_be_written_is_a_clear_fault_without_a_way_around(
    tmp_path: Path,
) -> None:
    """Read-only for root too, where this may be mounted; else by the folder's mode."""
    folder = tmp_path / "vault"
    folder.mkdir()
    script = """
import sys
from pathlib import Path
from snug.domain.errors import EnvironmentFault
from snug.vault.vault import Vault
try:
    Vault.open(Path(sys.argv[1]), Path(sys.argv[2]), keyring_allowed=False)
except EnvironmentFault as fault:
    print(fault.message)
"""
    prefix: tuple[str, ...] = ()
    if os.geteuid() == 0:
        mount = 'mount -t tmpfs -o ro none "$0" && exec "$@"'
        prefix = ("unshare", "-m", "sh", "-c", mount, str(folder))
        if not shutil.which("unshare") or subprocess.run([*prefix, "true"]).returncode:
            pytest.skip("root may mount nothing here")
    else:
        folder.chmod(0o500)
    child = run_child(script, str(folder), str(tmp_path / "keys"), prefix=prefix)
    told, errors = child.communicate(timeout=60)
    assert errors == ""
    assert str(folder) in told
    assert "--data-dir" in told
    assert not list(folder.iterdir())
    assert not (tmp_path / "keys").exists()


_FIRST_START = """
import sys
from pathlib import Path
from snug.domain.conversation import Conversation, new_id
from snug.vault.vault import Vault
print("ready", flush=True)
sys.stdin.readline()
vault = Vault.open(Path(sys.argv[1]), Path(sys.argv[2]), keyring_allowed=False)
vault.conversations.create(Conversation(new_id(), "", 0, 0))
print("created" if vault.newly_created else "opened", flush=True)
vault.close()
"""


def test_first_starts_at_once_make_one_key(home: Home) -> None:
    children = [run_child(_FIRST_START, str(home.folder), str(home.keys)) for _ in range(4)]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    answers = []
    for child in children:
        told, errors = child.communicate(timeout=60)
        assert errors == ""
        answers.append(told.strip())
    assert sorted(answers) == ["created", "opened", "opened", "opened"]
    assert len(list(home.keys.iterdir())) == 1
    vault = home.open()
    assert len(vault.conversations.summaries()) == 4
    vault.close()


def test_a_lock_that_is_never_freed_is_told(tmp_path: Path) -> None:
    with (
        locked(tmp_path),
        pytest.raises(EnvironmentFault, match="Another Snug"),
        locked(tmp_path, 0.1),
    ):
        pytest.fail("held twice")
    with locked(tmp_path):
        pass


_WRITE_ALONGSIDE = """
import sys
from pathlib import Path
from snug.domain.conversation import Message, Part, PartKind, Role, new_id
from snug.vault.vault import Vault
vault = Vault.open(Path(sys.argv[1]), Path(sys.argv[2]), keyring_allowed=False)
print("ready", flush=True)
sys.stdin.readline()
for number in range(100):
    part = Part(PartKind.TEXT, f"theirs {number}")
    message = Message(new_id(), sys.argv[3], None, Role.ASSISTANT, (part,))
    vault.conversations.add_message(message, durable=number % 10 == 0)
vault.close()
print("done", flush=True)
"""


def test_two_processes_write_at_once_and_lose_nothing(home: Home) -> None:
    vault = home.open()
    store = vault.conversations
    conversation = a_conversation(store)
    child = run_child(_WRITE_ALONGSIDE, str(home.folder), str(home.keys), conversation)
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == "ready\n"
    before = store.data_version()
    child.stdin.write("go\n")
    child.stdin.flush()
    for number in range(100):
        a_message(store, conversation, f"ours {number}")
    told, errors = child.communicate(timeout=60)
    assert (told, errors) == ("done\n", "")
    texts = [m.text for m in store.conversation(conversation).messages]
    assert [t for t in texts if t.startswith("ours")] == [f"ours {n}" for n in range(100)]
    assert [t for t in texts if t.startswith("theirs")] == [f"theirs {n}" for n in range(100)]
    assert store.summaries()[0].message_count == 200
    assert store.data_version() != before
    vault.close()


def test_own_writes_are_no_news(home: Home) -> None:
    vault = home.open()
    before = vault.conversations.data_version()
    a_conversation(vault.conversations)
    assert vault.conversations.data_version() == before
    vault.close()


@pytest.mark.alone
def test_opening_asks_no_keyring_and_takes_50_ms_at_most(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.open().close()
    monkeypatch.setitem(sys.modules, "keyring", None)
    spans = []
    for _ in range(5):
        start = time.perf_counter()
        vault = Vault.open(home.folder, home.keys)
        spans.append(time.perf_counter() - start)
        vault.close()
    assert min(spans) < 0.050
