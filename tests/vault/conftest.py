"""An open vault, and the folders of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from snug.domain.unlocking import Secret
from snug.vault.conversations import Conversations
from snug.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Home:
    """Where a vault and its key file lie."""

    folder: Path
    keys: Path

    def open(self, passphrase: str | None = None) -> Vault:
        return Vault.open(self.folder, self.keys, Secret(passphrase), keyring_allowed=False)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "vault", tmp_path / "keys")


@pytest.fixture
def vault(home: Home) -> Iterator[Vault]:
    vault = home.open()
    yield vault
    vault.close()


@pytest.fixture
def store(vault: Vault) -> Conversations:
    return vault.conversations
