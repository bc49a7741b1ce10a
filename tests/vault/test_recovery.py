from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.vault.conftest import Home

from snug.domain.errors import UserError, VaultLockedError, WrongKeyError
from snug.domain.unlocking import Secret
from snug.vault import keys, slots
from snug.vault.recovery import ALPHABET, code_secret, new_code
from snug.vault.slots import Argon2Cost


@pytest.fixture(autouse=True)
def _cheap_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "Argon2Cost", lambda *a: Argon2Cost(*(a or (64, 1, 1))))


def test_a_code_is_understood_however_it_is_typed() -> None:
    code = new_code()
    spoilt = code.lower().replace("-", "  ").replace("0", "o").replace("1", "l")
    assert code_secret(spoilt) == code_secret(code)
    assert len(code_secret(code)) * 5 >= 128


@given(st.data())
def test_every_single_slip_is_told_with_its_group(data: st.DataObject) -> None:
    code = new_code()
    at = data.draw(st.sampled_from([n for n, letter in enumerate(code) if letter != "-"]))
    other = data.draw(st.sampled_from([letter for letter in ALPHABET if letter != code[at]]))
    with pytest.raises(UserError, match=rf"Group {at // 6 + 1} "):
        code_secret(code[:at] + other + code[at + 1 :])


def test_a_recovery_code_opens_the_vault_on_another_machine(home: Home, tmp_path: Path) -> None:
    vault = home.open()
    first = vault.keys.add_recovery_code()
    code = vault.keys.add_recovery_code()
    vault.close()
    elsewhere = tmp_path / "no keys here"
    keys.unlock(home.folder, elsewhere, Secret(code.lower())).close()
    with pytest.raises(WrongKeyError):
        keys.unlock(home.folder, elsewhere, Secret(first))
    with pytest.raises(VaultLockedError, match="recovery code"):
        keys.unlock(home.folder, elsewhere)


def test_a_code_and_a_passphrase_open_the_same_vault(home: Home) -> None:
    vault = home.open()
    code = vault.keys.add_recovery_code()
    vault.keys.add_passphrase("correct horse")
    for way in (code, "correct horse"):
        keys.unlock(home.folder, home.keys, Secret(way)).close()
    wrong = ("0" if code[0] != "0" else "1") + code[1:]
    with pytest.raises(WrongKeyError, match="passphrase"):
        keys.unlock(home.folder, home.keys, Secret(wrong))
    vault.close()


def test_a_key_file_to_carry_opens_and_is_not_written_over(home: Home, tmp_path: Path) -> None:
    vault = home.open()
    path = tmp_path / "stick.key"
    slot = vault.keys.add_key_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UserError, match="already"):
        vault.keys.add_key_file(path)
    elsewhere = tmp_path / "no keys here"
    keys.unlock(home.folder, elsewhere, Secret(key_file=path)).close()
    vault.keys.remove(slot)
    with pytest.raises(WrongKeyError):
        keys.unlock(home.folder, elsewhere, Secret(key_file=path))
    path.write_bytes(b"\xff\x00 no key at all")
    with pytest.raises(WrongKeyError, match="no key file"):
        keys.unlock(home.folder, elsewhere, Secret(key_file=path))
    vault.close()


def test_a_device_can_be_made_to_ask_and_to_ask_no_longer(home: Home) -> None:
    vault = home.open()
    vault.keys.add_passphrase("correct horse")
    (silent,) = (slot for slot in vault.keys.slots() if slot.kind == "keyfile")
    vault.keys.remove(silent.id)
    assert not vault.keys.silent()
    assert not list(home.keys.iterdir())
    with pytest.raises(VaultLockedError):
        keys.unlock(home.folder, home.keys)
    vault.keys.add_silent_file()
    keys.unlock(home.folder, home.keys).close()
    vault.close()


def test_a_cheaply_guarded_passphrase_is_guarded_anew_when_it_opens(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = home.open()
    vault.keys.change_passphrase("correct horse")
    monkeypatch.setattr(slots, "Argon2Cost", lambda *a: Argon2Cost(*(a or (128, 2, 1))))
    with pytest.raises(WrongKeyError):
        keys.unlock(home.folder, home.keys, Secret("wrong"))
    keys.unlock(home.folder, home.keys, Secret("correct horse")).close()
    costs = [slot.cost for slot in keys.read_slots(home.folder).slots if slot.cost]
    assert costs == [Argon2Cost(128, 2, 1)]
    keys.unlock(home.folder, home.keys, Secret("correct horse")).close()
    vault.close()
