from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from tests.ui.fakes import Rooms
from tests.ui.finding import Shown

from snug.services.bundle import Services
from snug.ui.look.theme import Theme
from snug.ui.main_window import MainWindow
from snug.ui.models.models_page import ModelsPage, Tab
from snug.ui.places import Place


@pytest.fixture
def shown(qtbot: QtBot, rooms: Rooms, theme: Theme, tmp_path: Path) -> Shown:
    return Shown(qtbot, rooms, theme, tmp_path)


def test_the_place_opens_on_this_computer_and_asks_nothing(shown: Shown) -> None:
    assert shown.models.tab is Tab.HERE
    assert shown.there("libraryPage")
    assert shown.models.discover is None
    assert shown.finding.trends.looks == 0


@pytest.mark.parametrize("tab", list(Tab))
def test_each_tab_has_a_button_that_shows_it(shown: Shown, tab: Tab) -> None:
    models = shown.models
    shown.button(f"modelsTab{tab.value}").click()
    assert models.tab is tab
    assert shown.button(f"modelsTab{tab.value}").isChecked()


def test_discover_opens_with_the_cursor_in_the_search(shown: Shown) -> None:
    page = shown.discover()
    assert shown.window.focusWidget() is page.search


def test_a_model_that_was_open_is_still_open_when_one_comes_back(shown: Shown) -> None:
    shown.repository(next(iter(shown.finding.trends.rows.values())))
    shown.window.go_to(Place.CHATS)
    shown.window.go_to(Place.MODELS)
    assert shown.there("repositoryPage")


def test_without_the_services_the_tabs_say_that_there_is_nothing(
    qtbot: QtBot, services: Services, theme: Theme
) -> None:
    window = MainWindow(services, theme)
    qtbot.addWidget(window, before_close_func=lambda w: w.close())
    window.go_to(Place.MODELS)
    page = window.findChild(ModelsPage)
    assert isinstance(page, ModelsPage)
    for tab in Tab:
        page.show_tab(tab)
    assert page.discover is None


def test_downloads_that_wait_go_on_when_the_window_is_there(shown: Shown) -> None:
    assert shown.finding.downloads.starts == 0
    shown.window.start()
    assert shown.finding.downloads.starts == 1


# -- the lock -----------------------------------------------------------------------------------


def test_the_lock_turns_when_the_network_was_used(shown: Shown) -> None:
    lock = shown.button("privacyButton")
    assert lock.text() == "Private: nothing was sent"
    shown.finding.network.used = True
    shown.window.lock.look()
    assert lock.text() == "Network used: see what for"
    assert lock.accessibleName() == lock.text()
    shown.finding.network.offline = True
    shown.window.lock.look()
    assert lock.text() == "Offline: nothing can be sent"


def test_the_lock_turns_by_itself(shown: Shown) -> None:
    shown.finding.network.used = True
    shown.qtbot.waitUntil(lambda: "used" in shown.button("privacyButton").text(), timeout=5_000)


def test_a_press_on_the_lock_shows_what_was_sent(shown: Shown) -> None:
    shown.button("privacyButton").click()
    assert shown.window.place is Place.NETWORK
    assert shown.there("networkPage")
    assert not shown.button("chatsPlaceButton").isChecked()
    shown.button("chatsPlaceButton").click()
    assert shown.window.place is Place.CHATS
    assert shown.button("chatsPlaceButton").isChecked()


def test_started_offline_the_lock_says_so(
    qtbot: QtBot, rooms: Rooms, theme: Theme, tmp_path: Path
) -> None:
    window = MainWindow(rooms.services(tmp_path, offline=True), theme)
    qtbot.addWidget(window, before_close_func=lambda w: w.close())
    assert window.sidebar.lock.text() == "Offline: nothing can be sent"
