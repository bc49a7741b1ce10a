"""What opens the chats, chosen under Settings; over a real vault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot
from tests.ui.steps import child
from tests.ui.vaulted import Vaulted

from snug.domain.errors import SnugError, WrongKeyError
from snug.domain.unlocking import NOTHING, Secret
from snug.services.keys import KeyService
from snug.ui.locks.key_rows import KeyRows
from snug.ui.locks.new_passphrase import NewPassphraseDialog
from snug.ui.locks.recovery_dialog import RecoveryDialog
from snug.ui.look.theme import Theme
from snug.ui.look.tick_box import TickBox
from snug.ui.settings.settings_page import SettingsPage

PASSPHRASE = "tall boats drift on slow rivers"


@dataclass
class Made:
    vault: Vaulted
    page: QWidget
    rows: KeyRows
    keys: KeyService
    failures: list[str]

    def button(self, name: str) -> QPushButton:
        return child(self.page, QPushButton, name)

    def kinds(self) -> set[str]:
        return {slot.kind for slot in self.keys.slots()}

    def words(self) -> str:
        return "\n".join(label.text() for label in self.page.findChildren(QLabel))

    def dialog(self, kind: type[QDialog]) -> QDialog | None:
        return next((d for d in self.page.findChildren(kind) if d.isVisible()), None)

    def opens(self, secret: Secret) -> bool:
        try:
            other = Vaulted(self.vault.root)
            other.build(secret)
            other.shutdown()
        except (WrongKeyError, SnugError):
            return False
        return True


@pytest.fixture
def made(qtbot: QtBot, theme: Theme, tmp_path: Path) -> Iterator[Made]:
    vault = Vaulted(tmp_path)
    services = vault.build(NOTHING)
    assert services.keys is not None
    page = QWidget()
    qtbot.addWidget(page)
    rows = KeyRows(services.keys, theme, page)
    column = QVBoxLayout(page)
    for row in rows.make():
        column.addWidget(row)
    failures: list[str] = []
    rows.failed.connect(failures.append)
    page.show()
    yield Made(vault, page, rows, services.keys, failures)
    rows.finish()
    vault.shutdown()


def ask(qtbot: QtBot, made: Made) -> NewPassphraseDialog:
    made.button("passphraseButton").click()
    dialog = made.dialog(NewPassphraseDialog)
    assert isinstance(dialog, NewPassphraseDialog)
    return dialog


def write(dialog: NewPassphraseDialog, first: str, again: str) -> None:
    child(dialog, QLineEdit, "newPassphrase").setText(first)
    child(dialog, QLineEdit, "newPassphraseAgain").setText(again)


def recovery(qtbot: QtBot, made: Made) -> RecoveryDialog:
    qtbot.waitUntil(lambda: made.dialog(RecoveryDialog) is not None)
    dialog = made.dialog(RecoveryDialog)
    assert isinstance(dialog, RecoveryDialog)
    return dialog


def code_in(dialog: RecoveryDialog) -> str:
    return child(dialog, QLabel, "recoveryCode").text().replace("\n", "")


# -- the passphrase -----------------------------------------------------------------------------


def test_that_forgotten_means_lost_is_said_before_a_passphrase_is_set(
    qtbot: QtBot, made: Made
) -> None:
    dialog = ask(qtbot, made)
    assert child(dialog, QLabel, "passphraseWarning").text().startswith("Forgotten means lost")


@pytest.mark.parametrize(
    ("first", "again", "words", "free"),
    [
        ("", "", "Four or five words", False),
        ("short", "short", "At least 8", False),
        (PASSPHRASE, "tall ships", "not the same", False),
        (PASSPHRASE, "tall bo", "Good", False),
        ("password1", "password1", "Weak", True),
        (PASSPHRASE + " at dawn", PASSPHRASE + " at dawn", "Strong", True),
    ],
)
def test_the_strength_is_told_and_what_is_missing(
    qtbot: QtBot, made: Made, first: str, again: str, words: str, free: bool
) -> None:
    dialog = ask(qtbot, made)
    write(dialog, first, again)
    assert words in child(dialog, QLabel, "passphraseStrength").text()
    assert child(dialog, QPushButton, "passphraseAccept").isEnabled() is free


def test_a_passphrase_closes_the_silent_way_and_a_code_is_offered(qtbot: QtBot, made: Made) -> None:
    dialog = ask(qtbot, made)
    write(dialog, PASSPHRASE, PASSPHRASE)
    child(dialog, QPushButton, "passphraseAccept").click()
    shown = recovery(qtbot, made)
    code = code_in(shown)
    child(shown, QLineEdit, "recoveryConfirm").setText(code[-5:].lower())
    child(shown, QPushButton, "recoveryDone").click()
    assert made.kinds() == {"passphrase", "recovery"}
    assert not made.opens(NOTHING)
    assert made.opens(Secret(PASSPHRASE))
    assert made.opens(Secret(code))
    assert "asks for a key at every start" in made.words()
    assert made.failures == []


def test_the_silent_way_stays_where_the_person_wants_it(qtbot: QtBot, made: Made) -> None:
    dialog = ask(qtbot, made)
    child(dialog, TickBox, "passphraseAlways").setChecked(False)
    child(dialog, TickBox, "passphraseCode").setChecked(False)
    write(dialog, PASSPHRASE, PASSPHRASE)
    child(dialog, QPushButton, "passphraseAccept").click()
    qtbot.waitUntil(lambda: made.button("passphraseButton").text() == "Change…")
    assert made.kinds() == {"keyfile", "passphrase"}


# -- the other ways -----------------------------------------------------------------------------


def test_asking_always_needs_something_to_ask_for(qtbot: QtBot, made: Made) -> None:
    made.button("openingChoice_ask").click()
    qtbot.waitUntil(lambda: made.failures != [])
    assert made.failures[0].startswith("Set a passphrase first")
    assert made.button("openingChoice_silent").isChecked()
    assert made.kinds() == {"keyfile"}


def test_silent_and_asking_change_places(qtbot: QtBot, made: Made) -> None:
    made.keys.set_passphrase(PASSPHRASE)
    made.button("openingChoice_ask").click()
    qtbot.waitUntil(lambda: made.kinds() == {"passphrase"})
    made.button("openingChoice_silent").click()
    qtbot.waitUntil(lambda: made.keys.silent())


def test_a_code_that_nobody_wrote_down_opens_nothing(qtbot: QtBot, made: Made) -> None:
    made.button("recoveryButton").click()
    shown = recovery(qtbot, made)
    assert not child(shown, QPushButton, "recoveryDone").isEnabled()
    child(shown, QPushButton, "recoveryDrop").click()
    qtbot.waitUntil(lambda: made.kinds() == {"keyfile"})


def test_a_code_can_be_saved_for_the_account_alone_and_replaces_no_file(
    qtbot: QtBot, made: Made, tmp_path: Path
) -> None:
    made.button("recoveryButton").click()
    shown = recovery(qtbot, made)
    path = tmp_path / "code.txt"
    shown.choose_file = lambda chosen: chosen(path)
    child(shown, QPushButton, "recoverySave").click()
    assert path.read_text().strip() == code_in(shown)
    assert path.stat().st_mode & 0o777 == 0o600
    child(shown, QPushButton, "recoverySave").click()
    assert "already" in child(shown, QLabel, "recoveryNote").text()


def test_a_key_file_is_written_and_opens(qtbot: QtBot, made: Made, tmp_path: Path) -> None:
    made.rows.choose_file = lambda chosen: chosen(tmp_path / "stick.key")
    made.button("writeKeyFileButton").click()
    qtbot.waitUntil(lambda: "portable" in made.kinds())
    assert made.opens(Secret(key_file=tmp_path / "stick.key"))


def test_a_key_goes_at_the_second_press_and_the_last_one_stays(qtbot: QtBot, made: Made) -> None:
    made.button("allKeysButton").click()
    only = remove_buttons(made)
    assert [button.isEnabled() for button in only] == [False]
    made.keys.set_passphrase(PASSPHRASE)
    made.rows.refresh()
    qtbot.waitUntil(lambda: len(remove_buttons(made)) == 2)
    silent = remove_buttons(made)[0]
    silent.click()
    assert silent.text() == "Really remove?"
    assert made.kinds() == {"keyfile", "passphrase"}
    silent.click()
    qtbot.waitUntil(lambda: made.kinds() == {"passphrase"})


def remove_buttons(made: Made) -> list[QPushButton]:
    buttons = made.page.findChildren(QPushButton)
    return [b for b in buttons if b.objectName().startswith("removeKey_") and b.isVisible()]


# -- in its place -------------------------------------------------------------------------------


def test_the_settings_show_the_keys_and_the_lock_follows_them(
    qtbot: QtBot, theme: Theme, tmp_path: Path
) -> None:
    vault = Vaulted(tmp_path)
    services = vault.build(NOTHING)
    assert services.keys is not None
    page = SettingsPage(services, theme)
    qtbot.addWidget(page)
    changed: list[bool] = []
    page.lock_changed.connect(lambda: changed.append(True))
    choice = child(page, QPushButton, "lockMinutesChoice")
    assert choice.text() == "Never"
    services.keys.set_passphrase(PASSPHRASE)
    child(page, QPushButton, "openingChoice_ask").click()
    qtbot.waitUntil(lambda: choice.text() == "After 15 minutes")
    assert changed
    page.finish()
    vault.shutdown()
