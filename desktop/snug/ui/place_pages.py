"""The pages behind the places: each is made on its first visit, and tied to the rest there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from snug.services.bundle import Services
from snug.ui.locks.idle_watch import IdleWatch
from snug.ui.look.page import Page
from snug.ui.look.theme import Theme
from snug.ui.models.model_desk import ModelDesk
from snug.ui.places import Place
from snug.ui.tasks import Tasks

if TYPE_CHECKING:
    from snug.domain.hub import Repository
    from snug.ui.models.models_page import ModelsPage
    from snug.ui.network.ledger_view import LedgerView
    from snug.ui.settings.settings_page import SettingsPage


class PlacePages(QObject):
    """Makes and keeps the pages.

    Attributes:
        stack: holds them.
        library_changed: a model came, went, or became the default.
        shortcuts_requested: the list of keys is to be shown.
        download_chosen: a download was put into the queue.
        ledger_requested: what was sent is to be shown.
        export_requested: all chats are to be written to a file; `import_requested`: read in.
        lock_changed: the chats are locked at other times from now on.
    """

    library_changed = Signal()
    download_chosen = Signal(object)
    ledger_requested = Signal()
    export_requested = Signal()
    import_requested = Signal(QPoint)
    lock_changed = Signal()
    shortcuts_requested = Signal()

    def __init__(
        self,
        services: Services,
        theme: Theme,
        tasks: Tasks,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._services = services
        self._theme = theme
        self._tasks = tasks
        self._pages: dict[Place, QWidget] = {}
        self._ledger: LedgerView | None = None
        self._models: ModelsPage | None = None
        self._settings: SettingsPage | None = None
        self.stack = QStackedWidget()
        self.stack.setObjectName("places")

    def add(self, place: Place, page: QWidget) -> None:
        """Take a page that was made elsewhere."""
        self._pages[place] = page
        self.stack.addWidget(page)

    def show(self, place: Place, desk: ModelDesk, idle: IdleWatch) -> None:
        """Bring a page to the front, made where it is not there yet, and brought up to date."""
        if place not in self._pages:
            self.add(place, self._make(place, desk, idle))
        page = self._pages[place]
        shown = self._ledger if place is Place.NETWORK else page
        refresh = getattr(shown, "refresh", None)
        if place is not Place.CHATS and refresh is not None:
            refresh()
        self.stack.setCurrentWidget(page)

    def start(self) -> None:
        """Go on with downloads that wait; call once the window is visible. Returns at once."""
        if self._services.downloads is not None:
            self._services.downloads.start()

    def open_repository(self, repository: Repository | str | None, wanted: str) -> None:
        """Show a model of the Hub, or with None the list, on the page Models, which is shown."""
        if self._models is None:
            return
        if repository is None:
            self._models.discover_all()
        else:
            self._models.open_repository(repository, wanted)

    def choose_model_file(self) -> None:
        """Ask for a model's file, on the page Models, which is shown."""
        if self._models is not None:
            self._models.choose_file()

    def finish(self) -> None:
        """Carry out what could still be undone and what was begun; call when the window closes."""
        if self._models is not None:
            self._models.commit_removals()
        if self._settings is not None:
            self._settings.finish()

    def _make_ledger(self) -> QWidget:
        page = Page(
            "networkPage",
            self.tr("Network"),
            self.tr("Every request that Snug made: to whom, what for, and how much."),
            self._theme,
        )
        if self._services.network is not None:
            from snug.ui.network.ledger_view import LedgerView

            self._ledger = LedgerView(self._services.network, self._theme)
            page.column.addWidget(self._ledger, 1)
        return page

    def _make(self, place: Place, desk: ModelDesk, idle: IdleWatch) -> QWidget:
        # Late: the first window needs neither page, and start-up counts.
        if place is Place.MODELS:
            from snug.ui.models.models_page import ModelsPage

            models = self._models = ModelsPage(self._services, self._theme, self._tasks)
            models.chosen.connect(desk.choose)
            models.library_changed.connect(self.library_changed)
            models.download_chosen.connect(self.download_chosen)
            return models
        if place is Place.NETWORK:
            return self._make_ledger()
        from snug.ui.settings.settings_page import SettingsPage

        settings = self._settings = SettingsPage(self._services, self._theme)
        settings.context_changed.connect(desk.preload)
        settings.idle_changed.connect(idle.look)
        settings.shortcuts_requested.connect(self.shortcuts_requested)
        settings.ledger_requested.connect(self.ledger_requested)
        settings.export_requested.connect(self.export_requested)
        settings.import_requested.connect(self.import_requested)
        settings.lock_changed.connect(self.lock_changed)
        return settings
