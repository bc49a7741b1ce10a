"""A window with models to find, for the tests of Discover, a model's page and the welcome."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget
from pytestqt.qtbot import QtBot
from tests.ui.fake_chat_page import FakeChatPage
from tests.ui.fake_hub import Finding, make_finding
from tests.ui.fakes import Rooms

from snug.domain.hub import Repository
from snug.ui.look.theme import Theme
from snug.ui.main_window import MainWindow
from snug.ui.models.discover_page import DiscoverPage
from snug.ui.models.models_page import ModelsPage, Tab
from snug.ui.models.repository_page import RepositoryPage
from snug.ui.places import Place


class Shown:
    """The window and what is in it."""

    def __init__(
        self,
        qtbot: QtBot,
        rooms: Rooms,
        theme: Theme,
        folder: Path,
        finding: Finding | None = None,
        *,
        chat: bool = False,
    ) -> None:
        self.qtbot = qtbot
        self.finding = finding or make_finding()
        rooms.finding = self.finding
        services = rooms.services(folder)
        self.window = MainWindow(services, theme, None if chat else FakeChatPage)
        qtbot.addWidget(self.window, before_close_func=lambda w: w.close())
        self.window.resize(1280, 800)
        self.window.show()

    @property
    def models(self) -> ModelsPage:
        if self.window.place is not Place.MODELS:
            self.window.go_to(Place.MODELS)
        found = self.window.findChild(ModelsPage, "modelsPage")
        assert isinstance(found, ModelsPage)
        return found

    def discover(self) -> DiscoverPage:
        self.models.show_tab(Tab.DISCOVER)
        page = self.models.discover
        assert page is not None
        return page

    def repository(self, shown: Repository | str, wanted: str = "") -> RepositoryPage:
        """Its page, with its files."""
        self.models.open_repository(shown, wanted)
        page = self.models.repository
        assert page is not None
        return page

    def button(self, name: str) -> QAbstractButton:
        found = self.window.findChild(QAbstractButton, name)
        assert isinstance(found, QAbstractButton), name
        return found

    def text(self, name: str) -> str:
        found = self.window.findChild(QLabel, name)
        assert isinstance(found, QLabel), name
        return found.text()

    def there(self, name: str) -> bool:
        """Whether a widget can be seen."""
        found = self.window.findChild(QWidget, name)
        return found is not None and found.isVisible()

    def settled(self) -> None:
        """The first look of Discover has been answered."""
        self.discover()
        self.qtbot.waitUntil(lambda: "asked the Hub at" in self.text("discoverState"))
