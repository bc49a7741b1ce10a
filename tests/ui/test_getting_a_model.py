"""The whole way, with nothing replaced: found on a Hub, judged, downloaded, in the library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot
from tests.hub.hub_server import HubServer, Repo, serving
from tests.models.gguf_maker import named

from snug.app import Application
from snug.paths import find_paths
from snug.ui.look.theme import Theme
from snug.ui.main_window import MainWindow
from snug.ui.models.models_page import ModelsPage, Tab
from snug.ui.places import Place
from snug.vault.vault import Vault

NAME = "maker/tiny-GGUF"


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with serving() as server:
        server.repos[NAME] = Repo(
            files={"tiny-F32.gguf": named("Tiny").build()},
            tags=["gguf"],
            card={"license": "apache-2.0"},
        )
        yield server


@pytest.fixture
def application(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Application]:
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    made = Application(find_paths(tmp_path / "data"), Vault.temporary(), offline=False)
    yield made
    made.close()


def test_a_model_is_found_downloaded_and_in_the_library(
    qtbot: QtBot, application: Application, theme: Theme
) -> None:
    window = MainWindow(application.services, theme)
    qtbot.addWidget(window, before_close_func=lambda w: w.close())
    window.show()
    window.go_to(Place.MODELS)
    page = window.findChild(ModelsPage)
    assert isinstance(page, ModelsPage)
    lock = window.sidebar.lock
    assert lock.text() == "Private: nothing was sent"

    page.show_tab(Tab.DISCOVER)
    assert page.discover is not None
    page.discover.search.setText("tiny")
    qtbot.keyClick(page.discover.search, Qt.Key.Key_Return)
    rows = page.discover.model
    qtbot.waitUntil(lambda: rows.index(0).data() == NAME, timeout=10_000)
    page.discover.list.focus_first()
    qtbot.keyClick(page.discover.list, Qt.Key.Key_Return)

    qtbot.waitUntil(lambda: page.repository is not None and page.repository.offers.rows != ())
    assert page.repository is not None
    assert page.repository.licence.answer.text == "Yes, also for work · Apache 2.0"
    button = page.repository.findChild(QAbstractButton, "downloadButton-F32")
    assert isinstance(button, QAbstractButton)
    qtbot.waitUntil(lambda: page.repository is not None and button.isEnabled())
    page.repository.offers.rows[0].button.click()
    qtbot.waitUntil(
        lambda: any(m.source == NAME for m in application.services.models.models()),
        timeout=15_000,
    )
    page.show_tab(Tab.HERE)
    qtbot.waitUntil(lambda: "used" in lock.text(), timeout=5_000)
