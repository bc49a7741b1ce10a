from __future__ import annotations

import json
import stat
import time
from pathlib import Path

import pytest
from tests.vault.helpers import Keyring

from snug.domain.errors import (
    EnvironmentFault,
    NewerSchemaError,
    NotFoundError,
    UserError,
    VaultDamagedError,
    VaultLockedError,
    WrongKeyError,
)
from snug.domain.unlocking import NOTHING, Secret
from snug.vault import keys, slots
from snug.vault.data_key import DataKey
from snug.vault.slots import Argon2Cost, SlotKind
from snug.vault.vault_keys import VaultKeys


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "vault"
    folder.mkdir()
    return folder


@pytest.fixture
def keys_folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture(autouse=True)
def _cheap_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules are tested with a small Argon2; one test below measures the real one."""
    monkeypatch.setattr(slots, "Argon2Cost", lambda *a: Argon2Cost(*(a or (64, 1, 1))))


def edit(folder: Path, **changes: object) -> None:
    path = folder / keys.SLOT_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_passphrase_opens_what_it_closed(folder: Path, keys_folder: Path) -> None:
    made, home = keys.create_vault(folder, keys_folder, "correct horse", False)
    assert home.kinds == (SlotKind.PASSPHRASE,)
    assert not keys_folder.exists()
    assert keys.unlock(folder, keys_folder, Secret("correct horse")).raw == made.raw


def test_accents_open_however_they_are_composed(folder: Path, keys_folder: Path) -> None:
    made, _ = keys.create_vault(folder, keys_folder, "caf\u00e9", False)
    assert keys.unlock(folder, keys_folder, Secret("cafe\u0301")).raw == made.raw


@pytest.mark.parametrize("wrong", ["correct hors", "Correct horse", "correct horse ", ""])
def test_a_wrong_passphrase_is_refused(folder: Path, keys_folder: Path, wrong: str) -> None:
    keys.create_vault(folder, keys_folder, "correct horse", False)
    with pytest.raises(WrongKeyError):
        keys.unlock(folder, keys_folder, Secret(wrong))


def test_a_wrong_passphrase_does_not_fall_back_to_the_key_file(
    folder: Path, keys_folder: Path
) -> None:
    made, _ = keys.create_vault(folder, keys_folder, None, False)
    VaultKeys(folder, keys_folder, made).add_passphrase("right")
    with pytest.raises(WrongKeyError):
        keys.unlock(folder, keys_folder, Secret("wrong"))


def test_a_missing_passphrase_is_asked_for_by_its_variable(folder: Path, keys_folder: Path) -> None:
    keys.create_vault(folder, keys_folder, "correct horse", False)
    with pytest.raises(VaultLockedError, match=r"Give the passphrase.*SNUG_PASSPHRASE_FILE"):
        keys.unlock(folder, keys_folder)


def test_an_empty_passphrase_makes_no_vault(folder: Path, keys_folder: Path) -> None:
    with pytest.raises(UserError, match="empty"):
        keys.create_vault(folder, keys_folder, "", False)
    assert not list(folder.iterdir())


def test_the_key_file_is_private_and_outside_the_vault(folder: Path, keys_folder: Path) -> None:
    made, home = keys.create_vault(folder, keys_folder, None, False)
    assert home.key_file is not None
    assert home.key_file.parent == keys_folder
    assert stat.S_IMODE(home.key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys_folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / keys.SLOT_FILE).stat().st_mode) == 0o600
    assert str(home.key_file) in home.notice
    assert keys.unlock(folder, keys_folder).raw == made.raw


def test_a_key_file_that_others_can_read_is_made_private(folder: Path, keys_folder: Path) -> None:
    _, home = keys.create_vault(folder, keys_folder, None, False)
    assert home.key_file is not None
    home.key_file.chmod(0o644)
    keys.unlock(folder, keys_folder)
    assert stat.S_IMODE(home.key_file.stat().st_mode) == 0o600


def test_neither_secret_nor_key_lies_in_vault_json(folder: Path, keys_folder: Path) -> None:
    made, home = keys.create_vault(folder, keys_folder, None, False)
    assert home.key_file is not None
    content = (folder / keys.SLOT_FILE).read_text()
    assert made.raw.hex() not in content
    assert home.key_file.read_text().strip() not in content


def test_a_missing_key_file_is_named(folder: Path, keys_folder: Path) -> None:
    _, home = keys.create_vault(folder, keys_folder, None, False)
    assert home.key_file is not None
    home.key_file.unlink()
    with pytest.raises(VaultLockedError) as caught:
        keys.unlock(folder, keys_folder)
    assert str(home.key_file) in caught.value.message


@pytest.mark.parametrize("content", ["", "no hexadecimal", "00" * 32, "ü" * 64, "ab" * 5000])
def test_another_key_file_is_refused(folder: Path, keys_folder: Path, content: str) -> None:
    _, home = keys.create_vault(folder, keys_folder, None, False)
    assert home.key_file is not None
    home.key_file.write_text(content)
    with pytest.raises(WrongKeyError):
        keys.unlock(folder, keys_folder)


def test_the_key_file_of_another_vault_is_refused(tmp_path: Path, keys_folder: Path) -> None:
    homes = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        homes.append(keys.create_vault(tmp_path / name, keys_folder, None, False)[1])
    one, other = (home.key_file for home in homes)
    assert one is not None
    assert other is not None
    one.write_bytes(other.read_bytes())
    with pytest.raises(WrongKeyError):
        keys.unlock(tmp_path / "one", keys_folder)


def test_the_keyring_comes_before_the_key_file(folder: Path, keys_folder: Path) -> None:
    keyring = Keyring()
    made, home = keys.create_vault(folder, keys_folder, None, True, keyring)
    assert home.kinds == (SlotKind.KEYRING,)
    assert not keys_folder.exists()
    assert keys.unlock(folder, keys_folder, NOTHING, keyring).raw == made.raw
    assert made.raw.hex() not in keyring.kept.values()


def test_without_a_keyring_a_key_file_is_made(folder: Path, keys_folder: Path) -> None:
    _, home = keys.create_vault(folder, keys_folder, None, True, Keyring(available=False))
    assert home.kinds == (SlotKind.KEYFILE,)


def test_a_keyring_that_forgets_gets_no_key(folder: Path, keys_folder: Path) -> None:
    class Forgetful(Keyring):
        def set(self, name: str, secret: str) -> None:
            pass

    _, home = keys.create_vault(folder, keys_folder, None, True, Forgetful())
    assert home.kinds == (SlotKind.KEYFILE,)


def test_a_keyring_that_may_not_be_used_is_not_touched(folder: Path, keys_folder: Path) -> None:
    keyring = Keyring()
    keys.create_vault(folder, keys_folder, None, False, keyring)
    assert not keyring.kept


@pytest.mark.parametrize("state", ["away", "empty"])
def test_a_keyring_that_has_gone_is_told(folder: Path, keys_folder: Path, state: str) -> None:
    keyring = Keyring()
    keys.create_vault(folder, keys_folder, None, True, keyring)
    keyring.available = state != "away"
    keyring.kept.clear()
    with pytest.raises(VaultLockedError, match="keyring"):
        keys.unlock(folder, keys_folder, NOTHING, keyring)


def test_an_added_passphrase_opens_beside_the_key_file(folder: Path, keys_folder: Path) -> None:
    made, _ = keys.create_vault(folder, keys_folder, None, False)
    VaultKeys(folder, keys_folder, made).add_passphrase("second way")
    assert keys.unlock(folder, keys_folder, Secret("second way")).raw == made.raw
    assert keys.unlock(folder, keys_folder).raw == made.raw


def test_a_changed_passphrase_leaves_the_old_one_useless(folder: Path, keys_folder: Path) -> None:
    made, _ = keys.create_vault(folder, keys_folder, "old", False)
    VaultKeys(folder, keys_folder, made).change_passphrase("new")
    assert keys.unlock(folder, keys_folder, Secret("new")).raw == made.raw
    with pytest.raises(WrongKeyError):
        keys.unlock(folder, keys_folder, Secret("old"))


def test_a_passphrase_is_not_added_with_another_vaults_key(folder: Path, keys_folder: Path) -> None:
    keys.create_vault(folder, keys_folder, None, False)
    before = (folder / keys.SLOT_FILE).read_bytes()
    with pytest.raises(WrongKeyError):
        VaultKeys(folder, keys_folder, DataKey.random()).add_passphrase("anything")
    assert (folder / keys.SLOT_FILE).read_bytes() == before


def test_a_removed_key_file_slot_takes_the_file_with_it(folder: Path, keys_folder: Path) -> None:
    made, home = keys.create_vault(folder, keys_folder, None, False)
    VaultKeys(folder, keys_folder, made).add_passphrase("second way")
    (slot,) = keys.read_slots(folder).of_kind(SlotKind.KEYFILE)
    VaultKeys(folder, keys_folder, made).remove(slot.id)
    assert home.key_file is not None
    assert not home.key_file.exists()
    assert keys.key_home(folder, keys_folder).kinds == (SlotKind.PASSPHRASE,)
    with pytest.raises(VaultLockedError):
        keys.unlock(folder, keys_folder)


def test_a_removed_keyring_slot_takes_the_secret_with_it(folder: Path, keys_folder: Path) -> None:
    keyring = Keyring()
    made, _ = keys.create_vault(folder, keys_folder, None, True, keyring)
    VaultKeys(folder, keys_folder, made).add_passphrase("second way")
    (slot,) = keys.read_slots(folder).of_kind(SlotKind.KEYRING)
    VaultKeys(folder, keys_folder, made, keyring).remove(slot.id)
    assert not keyring.kept


def test_the_last_slot_stays(folder: Path, keys_folder: Path) -> None:
    made, _ = keys.create_vault(folder, keys_folder, None, False)
    (slot,) = keys.read_slots(folder).slots
    with pytest.raises(UserError, match="last"):
        VaultKeys(folder, keys_folder, made).remove(slot.id)
    assert keys.unlock(folder, keys_folder).raw == made.raw


def test_an_unknown_slot_is_not_found(folder: Path, keys_folder: Path) -> None:
    made, _ = keys.create_vault(folder, keys_folder, None, False)
    with pytest.raises(NotFoundError):
        VaultKeys(folder, keys_folder, made).remove("00" * 8)


def test_slots_of_a_later_kind_are_carried_along(folder: Path, keys_folder: Path) -> None:
    made, _ = keys.create_vault(folder, keys_folder, None, False)
    document = json.loads((folder / keys.SLOT_FILE).read_text())
    later = {"id": "ab" * 8, "type": "recovery-code", "words": 12}
    edit(folder, slots=[*document["slots"], later])
    VaultKeys(folder, keys_folder, made).add_passphrase("second way")
    assert later in json.loads((folder / keys.SLOT_FILE).read_text())["slots"]


def test_a_later_format_is_left_alone(folder: Path, keys_folder: Path) -> None:
    keys.create_vault(folder, keys_folder, None, False)
    edit(folder, version=2)
    before = (folder / keys.SLOT_FILE).read_bytes()
    with pytest.raises(NewerSchemaError, match="version 2"):
        keys.unlock(folder, keys_folder)
    assert (folder / keys.SLOT_FILE).read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"format": "snug-vault", "version": 1}',
        b'{"format": "other", "version": 1, "vault_id": "", "slots": []}',
        b'{"format": "snug-vault", "version": "1", "vault_id": "", "slots": []}',
    ],
)
def test_a_damaged_vault_json_is_named_and_kept(
    folder: Path, keys_folder: Path, content: bytes
) -> None:
    keys.create_vault(folder, keys_folder, None, False)
    path = folder / keys.SLOT_FILE
    path.write_bytes(content)
    with pytest.raises(VaultDamagedError) as caught:
        keys.unlock(folder, keys_folder)
    assert str(path) in caught.value.message
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "../../../etc"),
        ("id", 7),
        ("salt", "00"),
        ("nonce", "zz" * 12),
        ("wrapped", None),
        ("created_ms", "today"),
        ("type", 3),
        ("kdf", None),
        ("kdf", {"name": "scrypt", "memory_kib": 64, "passes": 1, "lanes": 1}),
        ("kdf", {"name": "argon2id", "memory_kib": 2**40, "passes": 1, "lanes": 1}),
        ("kdf", {"name": "argon2id", "memory_kib": 64, "passes": 10**9, "lanes": 1}),
        ("kdf", {"name": "argon2id", "memory_kib": True, "passes": 1, "lanes": 1}),
    ],
)
def test_a_slot_with_a_wrong_field_is_never_used(
    folder: Path, keys_folder: Path, field: str, value: object
) -> None:
    keys.create_vault(folder, keys_folder, "correct horse", False)
    document = json.loads((folder / keys.SLOT_FILE).read_text())
    document["slots"][0][field] = value
    edit(folder, slots=document["slots"])
    with pytest.raises((VaultDamagedError, VaultLockedError)):
        keys.unlock(folder, keys_folder, Secret("correct horse"))


@pytest.mark.parametrize("field", ["salt", "nonce", "wrapped", "id"])
def test_a_changed_slot_does_not_open(folder: Path, keys_folder: Path, field: str) -> None:
    keys.create_vault(folder, keys_folder, None, False)
    document = json.loads((folder / keys.SLOT_FILE).read_text())
    slot = document["slots"][0]
    slot[field] = f"{int(slot[field][0], 16) ^ 1:x}{slot[field][1:]}"
    edit(folder, slots=[slot])
    with pytest.raises(WrongKeyError):
        keys.unlock(folder, keys_folder)


def test_a_vault_id_cannot_lead_to_another_folder(folder: Path, keys_folder: Path) -> None:
    keys.create_vault(folder, keys_folder, None, False)
    edit(folder, vault_id="../" * 10 + "aa")
    with pytest.raises(VaultDamagedError):
        keys.unlock(folder, keys_folder)


def test_a_second_vault_is_not_made_over_the_first(folder: Path, keys_folder: Path) -> None:
    keys.create_vault(folder, keys_folder, None, False)
    before = (folder / keys.SLOT_FILE).read_bytes()
    with pytest.raises(UserError, match="already"):
        keys.create_vault(folder, keys_folder, None, False)
    assert (folder / keys.SLOT_FILE).read_bytes() == before


def test_a_vault_that_cannot_be_written_leaves_no_key_file(
    tmp_path: Path, keys_folder: Path
) -> None:
    with pytest.raises(EnvironmentFault):
        keys.create_vault(tmp_path / "not made", keys_folder, None, False)
    assert not list(keys_folder.iterdir())


def test_a_closed_key_is_overwritten() -> None:
    key = DataKey.random()
    memory = memoryview(key.raw)
    assert any(memory)
    key.close()
    assert not any(memory)
    with pytest.raises(EnvironmentFault):
        _ = key.raw


def test_a_key_does_not_show_itself() -> None:
    key = DataKey(bytes(range(32)))
    assert "0102" not in repr(key)
    assert "\\x01" not in repr(key)


@pytest.mark.alone
def test_a_key_file_opens_within_20_ms(folder: Path, keys_folder: Path) -> None:
    keys.create_vault(folder, keys_folder, None, False)
    spans = []
    for _ in range(5):
        start = time.perf_counter()
        keys.unlock(folder, keys_folder)
        spans.append(time.perf_counter() - start)
    assert min(spans) < 0.020


def test_a_passphrase_is_guarded_as_rfc_9106_advises(
    folder: Path, keys_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "Argon2Cost", Argon2Cost)
    made, _ = keys.create_vault(folder, keys_folder, "correct horse", False)
    kdf = json.loads((folder / keys.SLOT_FILE).read_text())["slots"][0]["kdf"]
    assert kdf == {"name": "argon2id", "memory_kib": 65_536, "passes": 3, "lanes": 4}
    assert keys.unlock(folder, keys_folder, Secret("correct horse")).raw == made.raw
