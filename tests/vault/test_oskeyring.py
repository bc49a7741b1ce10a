from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import keyring
import pytest
from keyring.backends.fail import Keyring as FailKeyring
from keyring.backends.null import Keyring as NullKeyring

from snug.vault.oskeyring import KeyringUnavailableError, OsKeyring

FAIL: object = FailKeyring()  # type: ignore[no-untyped-call]
NULL: object = NullKeyring()  # type: ignore[no-untyped-call]


class MemoryKeyring:
    """As the library's back ends; trusted only under the name of a trusted one."""

    backends: tuple[object, ...] = ()

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, name: str) -> str | None:
        return self.kept.get((service, name))

    def set_password(self, service: str, name: str, secret: str) -> None:
        self.kept[service, name] = secret

    def delete_password(self, service: str, name: str) -> None:
        del self.kept[service, name]


class TrustedKeyring(MemoryKeyring):
    __module__ = "keyring.backends.SecretService"


class HangingKeyring(TrustedKeyring):
    __module__ = "keyring.backends.SecretService"

    def __init__(self, release: threading.Event) -> None:
        super().__init__()
        self.release = release
        self.calls = 0

    def get_password(self, service: str, name: str) -> str | None:
        self.calls += 1
        self.release.wait()
        return None


class RefusingKeyring(TrustedKeyring):
    __module__ = "keyring.backends.kwallet"

    def set_password(self, service: str, name: str, secret: str) -> None:
        raise RuntimeError("locked")


class Chain(MemoryKeyring):
    __module__ = "keyring.backends.chainer"

    def __init__(self, *backends: object) -> None:
        super().__init__()
        self.backends = backends


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def use(monkeypatch: pytest.MonkeyPatch, backend: object) -> None:
    monkeypatch.setattr(keyring, "get_keyring", lambda: backend)


def test_a_secret_comes_back_until_it_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, TrustedKeyring())
    OsKeyring().set("vault", "secret")
    assert OsKeyring().get("vault") == "secret"
    OsKeyring().delete("vault")
    assert OsKeyring().get("vault") is None
    OsKeyring().delete("vault")


@pytest.mark.parametrize("backend", [FAIL, NULL, MemoryKeyring(), Chain(), Chain(NULL, FAIL)])
def test_only_a_keyring_of_the_system_gets_a_key(
    monkeypatch: pytest.MonkeyPatch, backend: object
) -> None:
    use(monkeypatch, backend)
    with pytest.raises(KeyringUnavailableError):
        OsKeyring().set("vault", "secret")


def test_in_a_chain_the_trusted_one_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, trusted = MemoryKeyring(), TrustedKeyring()
    use(monkeypatch, Chain(plain, trusted))
    OsKeyring().set("vault", "secret")
    assert list(trusted.kept.values()) == ["secret"]
    assert not plain.kept


def test_a_keyring_that_hangs_is_given_up_in_time_and_not_asked_again(
    monkeypatch: pytest.MonkeyPatch, release: threading.Event
) -> None:
    backend = HangingKeyring(release)
    use(monkeypatch, backend)
    store = OsKeyring(limit_s=0.1)
    start = time.monotonic()
    for _ in range(3):
        with pytest.raises(KeyringUnavailableError, match="does not answer"):
            store.get("vault")
    assert time.monotonic() - start < 2
    assert backend.calls == 1


def test_whatever_a_keyring_raises_means_that_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(monkeypatch, RefusingKeyring())
    with pytest.raises(KeyringUnavailableError, match="refused"):
        OsKeyring().set("vault", "secret")
