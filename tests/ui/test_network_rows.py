"""The network's settings in the window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot
from tests.services.test_network import CANARY, Keyring, Store

from snug.services.bundle import Services
from snug.services.network import Network
from snug.services.token import TokenPlace
from snug.ui.look.theme import Theme
from snug.ui.network.network_rows import NetworkRows
from snug.ui.settings.settings_page import SettingsPage


@dataclass
class Made:
    page: QWidget
    rows: NetworkRows
    network: Network

    def button(self, name: str) -> QAbstractButton:
        found = self.page.findChild(QAbstractButton, name)
        assert isinstance(found, QAbstractButton), name
        return found

    def field(self, name: str) -> QLineEdit:
        found = self.page.findChild(QLineEdit, name)
        assert isinstance(found, QLineEdit), name
        return found

    def words(self) -> str:
        return "\n".join(label.text() for label in self.page.findChildren(QLabel))


Make = Callable[..., Made]


@pytest.fixture
def make(qtbot: QtBot, theme: Theme) -> Make:
    def build(keyring: Keyring | None = None, **more: object) -> Made:
        network = Network(Store(), keyring or Keyring(), **more)  # type: ignore[arg-type]
        page = QWidget()
        qtbot.addWidget(page)
        rows = NetworkRows(network, theme, QObject(page))
        column = QVBoxLayout(page)
        for row in rows.make():
            column.addWidget(row)
        page.show()
        return Made(page, rows, network)

    return build


def test_the_switch_counts_at_once_and_says_what_it_means(qtbot: QtBot, make: Make) -> None:
    made = make()
    qtbot.mouseClick(made.button("offlineChoice_offline"), Qt.MouseButton.LeftButton)
    assert made.network.offline
    assert "No connection is opened at all" in made.words()
    qtbot.mouseClick(made.button("offlineChoice_online"), Qt.MouseButton.LeftButton)
    assert not made.network.offline


def test_a_switch_that_was_forced_cannot_be_pressed_and_says_why(make: Make) -> None:
    made = make(forced_offline=True)
    assert not made.button("offlineChoice_online").isEnabled()
    assert "--offline" in made.words()


def test_another_process_switched_and_the_page_shows_it(make: Make) -> None:
    made = make()
    made.network.set_offline(True)
    made.rows.refresh()
    assert made.button("offlineChoice_offline").isChecked()


def test_a_speed_is_chosen_and_kept(make: Make) -> None:
    made = make()
    menu = made.page.findChild(QPushButton, "speedLimitChoice").menu()
    next(a for a in menu.actions() if a.data() == "5000000").trigger()
    assert made.network.speed_limit == 5_000_000


def test_a_token_is_kept_in_the_keyring_and_never_shown_again(qtbot: QtBot, make: Make) -> None:
    keyring = Keyring()
    made = make(keyring)
    field = made.field("hubToken")
    assert field.echoMode() is QLineEdit.EchoMode.Password
    qtbot.keyClicks(field, CANARY)
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "keyring" in made.words())
    assert list(keyring.kept.values()) == [CANARY]
    assert not field.isVisible()
    assert CANARY not in made.words() + field.text()
    qtbot.mouseClick(made.button("forgetTokenButton"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: field.isVisible())
    assert keyring.kept == {}


def test_without_a_keyring_it_is_said_where_the_token_is(qtbot: QtBot, make: Make) -> None:
    made = make(Keyring(there=False))
    qtbot.keyClicks(made.field("hubToken"), CANARY)
    qtbot.mouseClick(made.button("keepTokenButton"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "no keyring here" in made.words())
    assert made.network.token_place is TokenPlace.VAULT


def test_a_mirror_that_is_none_is_told_and_not_kept(qtbot: QtBot, make: Make) -> None:
    made = make()
    field, keep = made.field("mirrorField"), made.button("mirrorKeep")
    made.button("moreNetworkButton").click()
    qtbot.keyClicks(field, "http://mirror.example")
    with qtbot.waitSignal(made.rows.failed):
        qtbot.mouseClick(keep, Qt.MouseButton.LeftButton)
    assert made.network.endpoint == ""
    field.clear()
    qtbot.keyClicks(field, "https://mirror.example")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert made.network.endpoint == "https://mirror.example"
    assert not keep.isEnabled()


def test_what_the_environment_says_is_shown_and_cannot_be_changed(make: Make) -> None:
    made = make(environment={"HF_ENDPOINT": "https://m.example", "HTTPS_PROXY": "http://p:1"})
    for name, value in (("mirrorField", "https://m.example"), ("proxyField", "http://p:1")):
        assert made.field(name).text() == value
        assert not made.field(name).isEnabled()
    assert "HF_ENDPOINT is set" in made.words()


def test_the_ledger_is_one_press_away(qtbot: QtBot, make: Make) -> None:
    made = make()
    with qtbot.waitSignal(made.rows.ledger_requested):
        qtbot.mouseClick(made.button("ledgerButton"), Qt.MouseButton.LeftButton)


def test_every_control_has_a_name_for_reading_aloud(make: Make) -> None:
    made = make()
    controls = [*made.page.findChildren(QAbstractButton), *made.page.findChildren(QLineEdit)]
    assert len(controls) >= 11
    for control in controls:
        assert control.objectName()
        assert control.accessibleName(), control.objectName()


def test_the_settings_page_holds_the_rows_and_passes_the_wish_on(
    qtbot: QtBot, services: Services, theme: Theme
) -> None:
    network = Network(Store(), Keyring())
    page = SettingsPage(replace(services, network=network), theme)
    qtbot.addWidget(page)
    page.show()
    page.refresh()
    assert not page.problem.text
    with qtbot.waitSignal(page.ledger_requested):
        page.findChild(QAbstractButton, "ledgerButton").click()
    field = page.findChild(QLineEdit, "proxyField")
    field.setText("socks5://x")
    field.returnPressed.emit()
    assert "http://HOST:PORT" in page.problem.text
