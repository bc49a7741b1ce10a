"""KV states: kept within a limit, secret, and gone when they must be."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.vault.conftest import Home
from tests.vault.helpers import a_conversation, a_message, bytes_of, run_child

from snug.vault import kv_file
from snug.vault.kv_file import CHUNK_BYTES, TAG_BYTES
from snug.vault.kv_states import FOLDER, LIMIT_SETTING
from snug.vault.vault import Vault

_PRINT = "fingerprint"


@pytest.fixture
def talk(vault: Vault) -> str:
    return a_conversation(vault.conversations)


def _files(home: Home) -> list[Path]:
    folder = home.folder / FOLDER
    return sorted(folder.iterdir()) if folder.exists() else []


def _settle(vault: Vault) -> None:
    """Wait until the writer has done what was handed to it."""
    vault.conversations.writer.run(lambda: None)


@pytest.mark.parametrize("size", [1, 1000, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_a_state_comes_back_as_it_was(vault: Vault, talk: str, size: int) -> None:
    data = os.urandom(size)
    vault.kv_states.save(talk, _PRINT, data)
    assert vault.kv_states.load(talk, _PRINT) == data


def test_a_state_may_lie_in_memory_of_c(vault: Vault, talk: str) -> None:
    raw = os.urandom(5000)
    vault.kv_states.save(talk, _PRINT, memoryview((ctypes.c_uint8 * 5000)(*raw)))
    assert vault.kv_states.load(talk, _PRINT) == raw


def test_a_state_outlives_a_new_start_and_a_new_passphrase(home: Home) -> None:
    vault = home.open()
    talk = a_conversation(vault.conversations)
    vault.kv_states.save(talk, _PRINT, b"before")
    vault.keys.change_passphrase("one two three")
    assert vault.kv_states.load(talk, _PRINT) == b"before"
    vault.close()
    again = home.open("one two three")
    assert again.kv_states.load(talk, _PRINT) == b"before"
    again.close()


def test_a_newer_state_takes_the_place_of_the_earlier_one(
    home: Home, vault: Vault, talk: str
) -> None:
    vault.kv_states.save(talk, _PRINT, b"old")
    vault.kv_states.save(talk, _PRINT, b"new")
    assert vault.kv_states.load(talk, _PRINT) == b"new"
    assert len(_files(home)) == 1


def test_a_state_serves_its_own_fingerprint_and_conversation_only(vault: Vault, talk: str) -> None:
    other = a_conversation(vault.conversations)
    vault.kv_states.save(talk, _PRINT, b"state")
    assert vault.kv_states.load(talk, "another model") is None
    assert vault.kv_states.load(other, _PRINT) is None
    assert vault.kv_states.load(talk, _PRINT) == b"state"


def test_only_the_owner_may_read_the_files(home: Home, vault: Vault, talk: str) -> None:
    vault.kv_states.save(talk, _PRINT, b"state")
    (file,) = _files(home)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_the_least_recently_used_go_first(home: Home, vault: Vault) -> None:
    talks = [a_conversation(vault.conversations) for _ in range(4)]
    vault.conversations.set_setting(LIMIT_SETTING, "3000")
    for talk in talks[:3]:
        vault.kv_states.save(talk, _PRINT, bytes(1000))
    assert vault.kv_states.load(talks[0], _PRINT) is not None  # now talks[1] is the oldest
    _settle(vault)
    vault.kv_states.save(talks[3], _PRINT, bytes(1000))
    kept = [vault.kv_states.load(talk, _PRINT) is not None for talk in talks]
    assert kept == [True, False, True, True]
    assert len(_files(home)) == 3


def test_a_state_above_the_limit_is_not_kept_and_the_earlier_one_stays(
    home: Home, vault: Vault, talk: str
) -> None:
    vault.conversations.set_setting(LIMIT_SETTING, "3000")
    vault.kv_states.save(talk, _PRINT, b"small")
    vault.kv_states.save(talk, _PRINT, bytes(3001))
    assert vault.kv_states.load(talk, _PRINT) == b"small"
    assert len(_files(home)) == 1


def test_a_limit_of_nothing_turns_it_off_and_empties_the_folder(home: Home) -> None:
    vault = home.open()
    talk = a_conversation(vault.conversations)
    vault.kv_states.save(talk, _PRINT, b"state")
    vault.conversations.set_setting(LIMIT_SETTING, "0")
    assert vault.kv_states.load(talk, _PRINT) is None
    vault.kv_states.save(talk, _PRINT, b"state")
    vault.close()
    vault = home.open()
    _settle(vault)
    assert _files(home) == []
    vault.close()


def test_at_most_a_quarter_of_the_free_disk_is_taken(
    home: Home, vault: Vault, talk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snug.vault.kv_states.free_bytes", lambda _folder: 4000)
    vault.kv_states.save(talk, _PRINT, bytes(1001))
    assert _files(home) == []
    vault.kv_states.save(talk, _PRINT, bytes(1000))
    assert len(_files(home)) == 1


def _places(size: int) -> list[int]:
    return [size * i // 19 - (i == 19) for i in range(20)]


@pytest.mark.parametrize("place", range(20))
def test_one_changed_byte_anywhere_makes_it_nothing(
    home: Home, vault: Vault, talk: str, place: int
) -> None:
    vault.kv_states.save(talk, _PRINT, bytes(2 * CHUNK_BYTES + 5))
    (file,) = _files(home)
    content = bytearray(file.read_bytes())
    content[_places(len(content))[place]] ^= 1
    file.write_bytes(content)
    assert vault.kv_states.load(talk, _PRINT) is None
    _settle(vault)
    assert _files(home) == []


def _cut(content: bytes) -> bytes:
    return content[: CHUNK_BYTES + TAG_BYTES]


def _grown(content: bytes) -> bytes:
    return content + b"\0"


def _swapped(content: bytes) -> bytes:
    piece = CHUNK_BYTES + TAG_BYTES
    return content[piece : 2 * piece] + content[:piece] + content[2 * piece :]


def _empty(_content: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("change", [_cut, _grown, _swapped, _empty])
def test_a_file_that_was_cut_grown_or_reordered_is_nothing(
    home: Home,
    vault: Vault,
    talk: str,
    change: type[_cut],  # type: ignore[valid-type]
) -> None:
    vault.kv_states.save(talk, _PRINT, os.urandom(3 * CHUNK_BYTES))
    (file,) = _files(home)
    file.write_bytes(change(file.read_bytes()))
    assert vault.kv_states.load(talk, _PRINT) is None
    _settle(vault)
    assert _files(home) == []


def test_a_state_cut_at_a_chunk_is_not_a_shorter_state(tmp_path: Path) -> None:
    path, key = tmp_path / "state", os.urandom(32)
    with path.open("wb") as file:
        kv_file.write_state(file, key, memoryview(bytes(2 * CHUNK_BYTES)))
    path.write_bytes(_cut(path.read_bytes()))
    assert kv_file.read_state(path, key, CHUNK_BYTES) is None


def test_the_file_of_another_conversation_in_its_place_is_nothing(
    home: Home, vault: Vault, talk: str
) -> None:
    other = a_conversation(vault.conversations)
    vault.kv_states.save(talk, _PRINT, b"mine!")
    (mine,) = _files(home)
    vault.kv_states.save(other, _PRINT, b"yours")
    (yours,) = set(_files(home)) - {mine}
    mine.write_bytes(yours.read_bytes())
    assert vault.kv_states.load(talk, _PRINT) is None
    assert vault.kv_states.load(other, _PRINT) == b"yours"


@pytest.mark.parametrize("what", ["missing", "folder", "link", "pipe"])
def test_what_is_no_file_is_nothing(home: Home, vault: Vault, talk: str, what: str) -> None:
    vault.kv_states.save(talk, _PRINT, b"state")
    (file,) = _files(home)
    content = file.read_bytes()
    file.unlink()
    if what == "folder":
        file.mkdir()
    elif what == "link":
        elsewhere = home.folder / "elsewhere"
        elsewhere.write_bytes(content)
        file.symlink_to(elsewhere)
    elif what == "pipe":
        os.mkfifo(file)
    assert vault.kv_states.load(talk, _PRINT) is None
    _settle(vault)


def test_the_state_of_another_vault_is_nothing(home: Home, tmp_path: Path, vault: Vault) -> None:
    talk = a_conversation(vault.conversations)
    vault.kv_states.save(talk, _PRINT, b"state")
    other_home = Home(tmp_path / "other", tmp_path / "other keys")
    other = other_home.open()
    other_talk = a_conversation(other.conversations)
    other.kv_states.save(other_talk, _PRINT, b"other")
    _files(other_home)[0].write_bytes(_files(home)[0].read_bytes())
    assert other.kv_states.load(other_talk, _PRINT) is None
    other.close()


def _secret(vault: Vault) -> bytes:
    with vault._database.reading() as connection:
        return bytes(next(iter(connection.execute("SELECT secret FROM kv_states")))[0])


@pytest.mark.parametrize("way", ["drop", "delete"])
def test_what_is_deleted_cannot_be_read_even_from_the_old_file(home: Home, way: str) -> None:
    vault = home.open()
    talk = a_conversation(vault.conversations)
    vault.kv_states.save(talk, _PRINT, b"state")
    (file,) = _files(home)
    old, secret = file.read_bytes(), _secret(vault)
    raw = bytes(vault._key.raw) if vault._key else b""
    if way == "drop":
        vault.kv_states.drop(talk)
    else:
        vault.conversations.delete(talk)
    assert _files(home) == []
    file.write_bytes(old)
    assert vault.kv_states.load(talk, _PRINT) is None
    # The half of its key that only the row held is nowhere in what the database has decrypted.
    with vault._database.reading() as connection:
        assert secret not in connection.serialize("main")
    assert raw not in old
    vault.close()


def test_a_state_of_a_conversation_that_is_gone_is_not_kept(home: Home, vault: Vault) -> None:
    vault.kv_states.save("never stored", _PRINT, b"state")
    assert _files(home) == []


def test_the_words_of_a_state_are_nowhere_on_the_disk(home: Home, vault: Vault, talk: str) -> None:
    canary = b"heliotrope-4711"
    tokens = b"".join(n.to_bytes(4, "little") for n in range(40_000, 40_200))
    vault.kv_states.save(talk, _PRINT, canary + tokens)
    assert list(bytes_of(home.folder))
    for _, content in bytes_of(home.folder, home.keys):
        assert canary not in content
        assert tokens[:32] not in content


def test_a_closed_vault_keeps_and_gives_nothing(vault: Vault, home: Home, talk: str) -> None:
    vault.kv_states.save(talk, _PRINT, b"state")
    vault.close()
    assert vault.kv_states.load(talk, _PRINT) is None
    vault.kv_states.save(talk, _PRINT, b"newer")
    vault.kv_states.drop(talk)
    assert len(_files(home)) == 1


def test_a_temporary_vault_keeps_nothing() -> None:
    vault = Vault.temporary()
    talk = a_conversation(vault.conversations)
    vault.kv_states.save(talk, _PRINT, b"state")
    assert vault.kv_states.load(talk, _PRINT) is None
    vault.close()


def test_a_full_disk_leaves_the_earlier_state_and_no_file(
    home: Home, vault: Vault, talk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.kv_states.save(talk, _PRINT, b"earlier")
    import resource  # the limit on a file's size stands in for the disk's

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8 * CHUNK_BYTES, before[1]))
    try:
        vault.kv_states.save(talk, _PRINT, bytes(20 * CHUNK_BYTES))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert len(_files(home)) == 1
    assert vault.kv_states.load(talk, _PRINT) == b"earlier"


def test_files_without_a_row_are_swept_at_the_next_start(home: Home) -> None:
    vault = home.open()
    talk = a_conversation(vault.conversations)
    vault.kv_states.save(talk, _PRINT, b"state")
    vault.close()
    folder = home.folder / FOLDER
    (folder / f"{'0' * 32}.kv").write_bytes(b"left over")
    (folder / f"{'1' * 32}.kv").write_bytes(b"being written")
    with (folder / f"{'1' * 32}.kv").open("rb") as writing:
        fcntl.flock(writing, fcntl.LOCK_EX)
        vault = home.open()
        _settle(vault)
        assert len(_files(home)) == 2
        assert vault.kv_states.load(talk, _PRINT) == b"state"
        vault.close()


_SAVE_FOR_EVER = """
import sys
from pathlib import Path
from snug.vault.vault import Vault
vault = Vault.open(Path(sys.argv[1]), Path(sys.argv[2]), keyring_allowed=False)
n = 0
while True:
    vault.kv_states.save(sys.argv[3], "fingerprint", bytes([n % 251]) * (6 << 20))
    n += 1
    print(n, flush=True)
"""


def test_kill_9_amid_a_save_leaves_a_whole_state(home: Home) -> None:
    vault = home.open()
    talk = a_conversation(vault.conversations)
    a_message(vault.conversations, talk, "Hi")
    vault.close()
    for round_ in range(4):
        child = run_child(_SAVE_FOR_EVER, str(home.folder), str(home.keys), talk)
        assert child.stdout is not None
        for _ in range(2 + 3 * round_):
            assert child.stdout.readline()
        child.kill()
        child.communicate()
        vault = home.open()
        _settle(vault)
        state = vault.kv_states.load(talk, _PRINT)
        assert state is not None
        assert state == bytes([state[0]]) * (6 << 20)
        assert len(_files(home)) == 1
        vault.close()


@pytest.fixture
def neighbour(home: Home, vault: Vault, talk: str) -> Iterator[None]:
    """Another process that saves the same conversation's state again and again."""
    child = run_child(_SAVE_FOR_EVER, str(home.folder), str(home.keys), talk)
    assert child.stdout is not None
    assert child.stdout.readline()
    yield
    child.kill()
    child.communicate()


@pytest.mark.usefixtures("neighbour")
def test_two_processes_never_read_a_mixed_state(home: Home, vault: Vault, talk: str) -> None:
    found = 0
    for number in range(30):
        vault.kv_states.save(talk, _PRINT, bytes([number]) * (3 << 20))
        vault.conversations.writer.run(vault.kv_states.sweep)  # type: ignore[attr-defined]
        state = vault.kv_states.load(talk, _PRINT)
        if state is not None:
            found += 1
            assert state == bytes([state[0]]) * len(state)
            assert len(state) in (3 << 20, 6 << 20)
    assert found > 0
    assert vault.conversations.conversation(talk).id == talk
