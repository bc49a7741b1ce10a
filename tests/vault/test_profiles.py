"""Profiles: each its own vault and key; what is said of them in the plain is only their names."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path

import pytest
from tests.vault.helpers import a_conversation

from snug.domain.errors import NotFoundError, UserError, WrongKeyError
from snug.domain.profile import FIRST
from snug.domain.unlocking import Secret
from snug.paths import Paths
from snug.services.profiles import Profiles
from snug.vault.profiles import NAMES, ProfileFolders
from snug.vault.vault import Vault


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    data = tmp_path / "data"
    data.mkdir()
    return Paths(data, tmp_path / "keys", data / "run", tmp_path)


@pytest.fixture
def profiles(paths: Paths) -> Profiles:
    return Profiles(ProfileFolders(paths.data, paths.keys))


def opened(paths: Paths, profile_id: str, secret: str | None = None) -> Vault:
    there = paths.of_profile(profile_id)
    return Vault.open(there.vault, there.keys, Secret(secret), keyring_allowed=False)


def names(profiles: Profiles) -> list[str]:
    return [entry.name for entry in profiles.list()]


def test_at_first_there_is_one_in_the_data_folder_itself(profiles: Profiles, paths: Paths) -> None:
    (entry,) = profiles.list()
    assert (entry.id, entry.name) == (FIRST, "Profile 1")
    assert paths.of_profile(FIRST).vault == paths.data / "vault"
    assert profiles.current == entry


def test_each_has_a_vault_and_a_key_of_its_own_and_shares_the_models(
    profiles: Profiles, paths: Paths
) -> None:
    made = profiles.create()
    first = opened(paths, FIRST, "one two three")
    second = opened(paths, made.id, "four five six")
    a_conversation(first.conversations, "hers")
    assert second.conversations.summaries() == ()
    first.close()
    second.close()
    with pytest.raises(WrongKeyError):
        opened(paths, made.id, "one two three")
    assert paths.of_profile(made.id).models == paths.models


def test_a_name_that_is_not_given_is_neutral_and_one_that_is_stays_unique(
    profiles: Profiles,
) -> None:
    profiles.create()
    profiles.create("Work")
    with pytest.raises(UserError, match="already"):
        profiles.create("work")
    assert names(profiles) == ["Profile 1", "Profile 2", "Work"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 41, "a\u202eb", "a\x00b", "a\ud800"])
def test_a_name_that_cannot_be_shown_is_refused(profiles: Profiles, name: str) -> None:
    with pytest.raises(UserError):
        profiles.rename(FIRST, name)


def test_they_are_found_by_name_or_id(profiles: Profiles) -> None:
    made = profiles.create("Two words")
    assert profiles.find(" two  WORDS ") == profiles.find(made.id) == made
    with pytest.raises(NotFoundError, match="There is: Profile 1, Two words"):
        profiles.find("three")


def test_renaming_changes_the_name_alone(profiles: Profiles, paths: Paths) -> None:
    made = profiles.create()
    opened(paths, made.id).close()
    assert profiles.rename("Profile 2", "Évening").id == made.id
    profiles.rename(FIRST, "Home")
    assert names(profiles) == ["Home", "Évening"]
    opened(paths, made.id).close()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"profiles": 3}', b'{"profiles": [{}]}'])
def test_lost_names_lose_no_profile(profiles: Profiles, paths: Paths, damage: bytes) -> None:
    made = profiles.create("Evening")
    (paths.data / "profiles" / NAMES).write_bytes(damage)
    assert [(e.id, e.name) for e in profiles.list()] == [
        (FIRST, "Profile 1"),
        (made.id, "Profile 2"),
    ]


def test_deleting_takes_chats_and_keys_with_it_and_leaves_the_others(
    profiles: Profiles, paths: Paths
) -> None:
    made = profiles.create("Evening")
    kept = opened(paths, FIRST)
    opened(paths, made.id).close()
    assert len(list(paths.keys.iterdir())) == 2
    profiles.delete("evening")
    assert names(profiles) == ["Profile 1"]
    assert [p.name for p in (paths.data / "profiles").iterdir() if p.is_dir()] == []
    assert len(list(paths.keys.iterdir())) == 1
    a_conversation(kept.conversations, "still here")
    kept.close()


def test_the_locked_key_is_overwritten_in_backups_too(profiles: Profiles, paths: Paths) -> None:
    made = profiles.create()
    vault = opened(paths, made.id)
    backup = vault.back_up().path
    vault.close()
    slots = (paths.of_profile(made.id).vault / "vault.json").read_bytes()
    keep = paths.data / "the same bytes under another name"
    keep.hardlink_to(backup)
    assert slots in keep.read_bytes()
    profiles.delete(made.id)
    assert slots not in keep.read_bytes()
    assert slots[:40] not in keep.read_bytes()


def test_what_a_crash_left_of_a_deleted_one_goes_with_the_next_change(
    profiles: Profiles, paths: Paths
) -> None:
    made = profiles.create()
    folder = paths.data / "profiles" / made.id
    folder.rename(folder.with_name(f"leaving-{made.id}"))
    assert names(profiles) == ["Profile 1"]
    profiles.create()
    assert not list((paths.data / "profiles").glob("leaving-*"))


def test_neither_the_first_nor_the_own_nor_an_open_one_is_deleted(
    profiles: Profiles, paths: Paths
) -> None:
    made = profiles.create()
    with pytest.raises(UserError, match="first profile cannot"):
        Profiles(ProfileFolders(paths.data, paths.keys), made.id).delete(FIRST)
    with pytest.raises(UserError, match="you are in"):
        Profiles(ProfileFolders(paths.data, paths.keys), made.id).delete(made.id)
    window = os.open(paths.of_profile(made.id).runtime / "window.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(window, fcntl.LOCK_EX)
    with pytest.raises(UserError, match="open in a window"):
        profiles.delete(made.id)
    os.close(window)
    profiles.delete(made.id)


def test_the_last_choice_is_remembered_as_long_as_it_is_there(
    profiles: Profiles, paths: Paths
) -> None:
    assert profiles.last.id == FIRST
    made = profiles.create()
    profiles.remember(made.id)
    assert profiles.last == made
    (paths.data / "profiles" / "last").write_bytes(b"\xff" * 100)
    assert profiles.last.id == FIRST
    profiles.remember(made.id)
    profiles.delete(made.id)
    assert profiles.last.id == FIRST


def test_folders_and_names_are_for_the_owner_alone(profiles: Profiles, paths: Paths) -> None:
    made = profiles.create()
    folder = paths.data / "profiles"
    for path, mode in ((folder, 0o700), (folder / made.id, 0o700), (folder / NAMES, 0o600)):
        assert stat.S_IMODE(path.stat().st_mode) == mode
