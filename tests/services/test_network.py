"""The offline switch, the ways out, the token and what is told of the ledger."""

from __future__ import annotations

import os
import time

import pytest

from snug.domain.errors import EnvironmentFault, SnugError, UserError
from snug.domain.ledger import LedgerEntry, Outcome, to_csv, totals
from snug.hub.ledger import MemoryLedger
from snug.services.network import Network
from snug.services.token import TokenPlace

CANARY = "hf_canaryCANARYcanary"


class Store:
    """Named values in memory."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def setting(self, name: str) -> str | None:
        return self.values.get(name)

    def set_setting(self, name: str, value: str) -> None:
        self.values[name] = value


class Keyring:
    """A keyring, which may be absent or locked."""

    def __init__(self, there: bool = True) -> None:
        self.there = there
        self.kept: dict[str, str] = {}
        self.asked = 0

    def get(self, name: str) -> str | None:
        self._ask()
        return self.kept.get(name)

    def set(self, name: str, secret: str) -> None:
        self._ask()
        self.kept[name] = secret

    def delete(self, name: str) -> None:
        self._ask()
        self.kept.pop(name, None)

    def _ask(self) -> None:
        self.asked += 1
        if not self.there:
            raise EnvironmentFault("There is no keyring.")


@pytest.fixture
def store() -> Store:
    return Store()


def entry(number: int, host: str, outcome: Outcome, received: int = 0) -> LedgerEntry:
    return LedgerEntry(f"{number:04}", number * 1000, host, "look", 10, received, outcome)


def test_the_switch_is_kept_and_told(store: Store) -> None:
    network = Network(store, Keyring())
    told: list[bool] = []
    end = network.listen(lambda: told.append(network.offline))
    network.set_offline(True)
    assert Network(store, Keyring()).offline
    network.set_offline(False)
    assert not Network(store, Keyring()).offline
    assert told == [True, False]
    end()
    network.set_offline(True)
    assert told == [True, False]


def test_what_was_said_at_the_start_cannot_be_switched_off(store: Store) -> None:
    network = Network(store, Keyring(), forced_offline=True)
    with pytest.raises(UserError, match="--offline"):
        network.set_offline(False)
    assert network.offline
    assert not Network(store, Keyring()).offline  # nothing of it is kept


def test_offline_counts_even_where_it_cannot_be_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str, value: str) -> None:
        raise EnvironmentFault("The disk is full.")

    network = Network(store, Keyring())
    monkeypatch.setattr(store, "set_setting", refuse)
    with pytest.raises(EnvironmentFault):
        network.set_offline(True)
    assert network.offline


def test_a_switch_in_another_process_counts_within_a_second(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr("snug.services.network.time.monotonic", lambda: clock[0])
    here, there = Network(store, Keyring()), Network(store, Keyring())
    assert not here.offline
    there.set_offline(True)
    clock[0] += 1.0
    assert here.offline


def test_the_environment_comes_before_what_is_kept(store: Store) -> None:
    stated = {"HF_ENDPOINT": "https://stated.example", "HTTPS_PROXY": "http://stated:1"}
    kept = Network(store, Keyring())
    kept.set_endpoint("https://kept.example/")
    kept.set_proxy("kept:8080")
    assert (kept.endpoint, kept.proxy) == ("https://kept.example", "kept:8080")
    network = Network(store, Keyring(), environment=stated)
    assert (network.endpoint, network.proxy) == ("https://stated.example", "http://stated:1")
    assert network.endpoint_is_stated
    assert network.proxy_is_stated


@pytest.mark.parametrize("address", ["http://mirror.example", "ftp://x", "nonsense", "https://a b"])
def test_a_mirror_that_is_none_is_refused_and_not_kept(store: Store, address: str) -> None:
    with pytest.raises(UserError):
        Network(store, Keyring()).set_endpoint(address)
    assert store.values == {}


@pytest.mark.parametrize("address", ["socks5://x:1", "http://", "http://a b:1", "http://h:99999"])
def test_a_proxy_that_is_none_is_refused_and_not_kept(store: Store, address: str) -> None:
    with pytest.raises(UserError, match="http://HOST:PORT"):
        Network(store, Keyring()).set_proxy(address)
    assert store.values == {}


def test_row_34_a_token_goes_into_the_keyring_and_nowhere_else(store: Store) -> None:
    keyring = Keyring()
    network = Network(store, keyring)
    assert network.set_token(f" {CANARY}\n") is TokenPlace.KEYRING
    assert list(keyring.kept.values()) == [CANARY]
    assert CANARY not in str(store.values)
    assert CANARY not in str(dict(os.environ))
    again = Network(store, keyring)
    asked = keyring.asked
    assert again.has_token
    assert keyring.asked == asked  # knowing that there is one asks no keyring
    assert [again.token(), again.token()] == [CANARY, CANARY]
    assert keyring.asked == asked + 1


def test_row_34_without_a_keyring_the_token_is_in_the_vault_and_it_is_said(store: Store) -> None:
    network = Network(store, Keyring(there=False))
    assert network.set_token(CANARY) is TokenPlace.VAULT
    assert Network(store, Keyring(there=False)).token() == CANARY
    network.forget_token()
    assert CANARY not in str(store.values)
    assert not network.has_token
    assert network.token() == ""


def test_a_token_that_moves_to_the_keyring_leaves_the_vault(store: Store) -> None:
    keyring = Keyring(there=False)
    network = Network(store, keyring)
    network.set_token(CANARY)
    keyring.there = True
    network.set_token(CANARY)
    assert CANARY not in str(store.values)
    network.forget_token()
    assert keyring.kept == {}


def test_a_locked_keyring_is_as_no_token(store: Store) -> None:
    keyring = Keyring()
    Network(store, keyring).set_token(CANARY)
    keyring.there = False
    assert Network(store, keyring).token() == ""


def test_a_token_from_the_environment_is_read_and_kept_nowhere(store: Store) -> None:
    keyring = Keyring()
    network = Network(store, keyring, environment={"HF_TOKEN": CANARY})
    assert (network.token(), network.token_place) == (CANARY, TokenPlace.ENVIRONMENT)
    assert (store.values, keyring.kept, keyring.asked) == ({}, {}, 0)


@pytest.mark.parametrize("token", ["", "two words", "with\nline", "ü", "x" * 501])
def test_what_can_be_no_token_is_refused_without_being_repeated(store: Store, token: str) -> None:
    with pytest.raises(UserError) as refused:
        Network(store, Keyring()).set_token(token)
    assert not token or token not in refused.value.message
    assert store.values == {}


def test_a_broken_speed_limit_is_none(store: Store) -> None:
    network = Network(store, Keyring())
    network.set_speed_limit(5_000_000)
    assert Network(store, Keyring()).speed_limit == 5_000_000
    for nonsense in ("x", "-3", "٣", ""):
        store.values["network.speed_limit"] = nonsense
        assert network.speed_limit == 0


def test_the_network_counts_as_used_with_the_first_request_that_is_not_refused(
    store: Store,
) -> None:
    network = Network(store, Keyring())
    told: list[bool] = []
    network.listen(lambda: told.append(network.was_used()))
    ledger = network.watched(MemoryLedger())
    ledger.record(entry(1, "a", Outcome.REFUSED))
    assert not network.was_used()
    ledger.record(entry(2, "a", Outcome.OPEN))
    ledger.record(entry(2, "a", Outcome.DONE))
    assert network.was_used()
    assert told == [True]
    assert len(ledger.entries()) == 2


def test_totals_are_by_host_and_leave_refusals_out() -> None:
    found = totals(
        [
            entry(1, "small", Outcome.DONE, 5),
            entry(2, "big", Outcome.DONE, 100),
            entry(3, "big", Outcome.FAILED, 20),
            entry(4, "nobody", Outcome.REFUSED),
        ]
    )
    assert [(t.host, t.requests, t.bytes_received) for t in found] == [
        ("big", 2, 120),
        ("small", 1, 5),
    ]


def test_the_csv_has_every_field_and_no_formula() -> None:
    hostile = LedgerEntry("1", 0, "=cmd()", 'say "a,b"', 1, 2, Outcome.DONE, 200)
    lines = to_csv([hostile]).split("\r\n")
    assert lines[0].startswith("time,host,reason,bytes_sent,bytes_received")
    assert lines[1] == '1970-01-01T00:00:00+00:00,\'=cmd(),"say ""a,b""",1,2,done,200,'


def test_errors_are_of_the_one_tree(store: Store) -> None:
    with pytest.raises(SnugError):
        Network(store, Keyring()).set_proxy("socks5://x")


def test_offline_that_cannot_be_kept_still_holds(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Network(store, Keyring())

    def full(name: str, value: str) -> None:
        raise EnvironmentFault("The disk is full.")

    with monkeypatch.context() as broken:
        broken.setattr(store, "set_setting", full)
        with pytest.raises(EnvironmentFault):
            network.set_offline(True)
    later = time.monotonic() + 60
    monkeypatch.setattr("snug.services.network.time.monotonic", lambda: later)
    assert network.offline
    network.set_offline(False)
    assert not network.offline


def test_a_look_that_began_before_the_switch_does_not_undo_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Network(store, Keyring())

    def meanwhile(name: str) -> str | None:
        monkeypatch.undo()
        network.set_offline(True)
        return "0"

    monkeypatch.setattr(store, "setting", meanwhile)
    assert network.offline
    assert network.offline
