"""The pages behind the places: each is made on its first visit, and tied to the rest there."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from snug.services.bundle import Services
from snug.ui.idle_watch import IdleWatch
from snug.ui.model_desk import ModelDesk
from snug.ui.places import Place
from snug.ui.tasks import Tasks
from snug.ui.theme import Theme


class PlacePages(QObject):
    """Makes and keeps the pages.

    Attributes:
        stack: holds them.
        library_changed: a model came, went, or became the default.
        shortcuts_requested: the list of keys is to be shown.
    """

    library_changed = Signal()
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
        refresh = getattr(page, "refresh", None)
        if place is not Place.CHATS and refresh is not None:
            refresh()
        self.stack.setCurrentWidget(page)

    def choose_model_file(self) -> None:
        """Ask for a model's file, on the page Models, which is shown."""
        choose_file = getattr(self._pages[Place.MODELS], "choose_file", None)
        if choose_file is not None:
            choose_file()

    def commit_removals(self) -> None:
        """Carry out what could still be undone; call when the window closes."""
        commit = getattr(self._pages.get(Place.MODELS), "commit_removals", None)
        if commit is not None:
            commit()

    def _make(self, place: Place, desk: ModelDesk, idle: IdleWatch) -> QWidget:
        # Late: the first window needs neither page, and start-up counts.
        if place is Place.MODELS:
            from snug.ui.models_page import ModelsPage

            models = ModelsPage(self._services.models, self._theme, self._tasks)
            models.chosen.connect(desk.choose)
            models.library_changed.connect(self.library_changed)
            return models
        from snug.ui.settings_page import SettingsPage

        settings = SettingsPage(self._services, self._theme)
        settings.context_changed.connect(desk.preload)
        settings.idle_changed.connect(idle.look)
        settings.shortcuts_requested.connect(self.shortcuts_requested)
        return settings
