"""A vault that is damaged: the window says so, and brings the chats back."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot
from tests.ui.fakes import RESOURCES
from tests.ui.steps import Steps, child, shown
from tests.ui.vaulted import Vaulted

from snug.domain.errors import VaultDamagedError
from snug.domain.unlocking import NOTHING, Secret
from snug.ui.application import run
from snug.ui.locks.lock_window import LockWindow
from snug.ui.main_window import MainWindow
from snug.vault.care import VaultCare

PASSPHRASE = "four words nobody guesses"


@pytest.fixture
def rooms(tmp_path: Path) -> Vaulted:
    return Vaulted(tmp_path)


def sit(rooms: Vaulted) -> int:
    return run(
        rooms.build,
        rooms.shutdown,
        runtime=rooms.root,
        resources=RESOURCES,
        kinds=rooms.kinds,
        care=VaultCare(rooms.root / "vault", rooms.root / "keys"),
        argv=["snug"],
    )


def prepare(rooms: Vaulted, passphrase: str | None = None, backup: bool = True) -> str:
    """A chat, a backup of it, and a database whose first pages are gone."""
    chat = rooms.prepare(passphrase, "First", "Second")
    if backup:
        rooms.build(Secret(passphrase) if passphrase else NOTHING)
        rooms.vaults[-1].back_up()
        rooms.shutdown()
    database = rooms.root / "vault" / "snug.db"
    content = bytearray(database.read_bytes())
    content[100:9000] = b"x" * 8900
    database.write_bytes(content)
    return chat


def locked() -> LockWindow:
    window = shown(LockWindow)
    assert window is not None
    return window


def offers(name: str) -> bool:
    window = shown(LockWindow)
    button = None if window is None else window.findChild(QPushButton, name)
    return isinstance(button, QPushButton) and button.isVisible() and button.isEnabled()


def press(name: str) -> None:
    child(locked(), QPushButton, name).click()


def words(name: str = "lockWords") -> str:
    return child(locked(), QLabel, name).text()


def test_the_newest_backup_takes_the_place_of_damaged_chats(qtbot: QtBot, rooms: Vaulted) -> None:
    chat = prepare(rooms)
    said: list[str] = []
    steps = Steps()
    steps.then(
        lambda: offers("restoreButton_0"), lambda: (said.append(words()), press("restoreButton_0"))
    )
    steps.then(
        lambda: offers("unlockButton"), lambda: (said.append(words()), press("unlockButton"))
    )
    steps.then(
        lambda: shown(MainWindow) and shown(LockWindow) is None, lambda: read_and_close(chat, said)
    )
    assert sit(rooms) == 0
    assert "damaged" in said[0]
    assert said[1].startswith("Chats: 1, messages: 2.")
    assert said[2] == "Planted"


def read_and_close(chat: str, said: list[str]) -> None:
    window = shown(MainWindow)
    assert window is not None
    window.open_conversation(chat)
    said.append(window.header.title.text())
    window.close()


def test_the_passphrase_that_was_given_opens_the_backup_too(qtbot: QtBot, rooms: Vaulted) -> None:
    prepare(rooms, PASSPHRASE)
    steps = Steps()

    def unlock() -> None:
        child(locked(), QLineEdit, "passphraseField").setText(PASSPHRASE)
        press("unlockButton")

    steps.then(lambda: shown(LockWindow), unlock)
    steps.then(lambda: offers("restoreButton_0"), lambda: press("restoreButton_0"))
    steps.then(lambda: offers("unlockButton"), lambda: press("unlockButton"))
    steps.then(
        lambda: shown(MainWindow) and shown(LockWindow) is None,
        lambda: shown(MainWindow).close(),  # type: ignore[union-attr]
    )
    assert sit(rooms) == 0
    assert steps.left == 0


def test_without_a_backup_it_says_so_and_a_salvage_that_finds_nothing_is_told(
    qtbot: QtBot, rooms: Vaulted
) -> None:
    prepare(rooms, backup=False)
    database = rooms.root / "vault" / "snug.db"
    database.write_bytes(b"x" * database.stat().st_size)
    said: list[str] = []
    steps = Steps()
    steps.then(
        lambda: offers("salvageButton"),
        lambda: (said.append(words("mendWords")), press("salvageButton")),
    )
    steps.then(
        lambda: words("lockProblem"),
        lambda: (said.append(words("lockProblem")), locked().close()),
    )
    with pytest.raises(VaultDamagedError):
        sit(rooms)
    assert said[0].startswith("There is no backup.")
    assert said[1]
    assert database.exists()


def test_a_vault_that_is_sound_offers_no_repair(qtbot: QtBot, rooms: Vaulted) -> None:
    rooms.prepare(PASSPHRASE, "First")
    steps = Steps()
    seen: list[bool] = []
    steps.then(
        lambda: shown(LockWindow),
        lambda: (seen.append(offers("salvageButton")), locked().close()),
    )
    assert sit(rooms) == 0
    assert seen == [False]
