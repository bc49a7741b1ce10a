"""Models: what is here, what there is to find, and what rises; three tabs of one place."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from snug.domain.hub import Repository
from snug.domain.model import ModelFile
from snug.services.bundle import Services
from snug.services.discover import Discover
from snug.ui.look.parts import column_width, flat, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.models.discover_page import DiscoverPage
from snug.ui.models.library_page import LibraryPage
from snug.ui.tasks import Tasks

if TYPE_CHECKING:
    from snug.ui.models.model_card_page import ModelCardPage
    from snug.ui.models.repository_page import RepositoryPage
    from snug.ui.models.trends_view import TrendsView


class Tab(StrEnum):
    """A tab; its button is named `modelsTab` and this."""

    HERE = "Here"
    DISCOVER = "Discover"
    TRENDS = "Trends"


class ModelsPage(QWidget):
    """Holds the tabs; each is made, and imported, when it is first looked at.

    Attributes:
        library: the tab On this computer.
        library_changed: a model came, went, or became the default.
        chosen: a model was made the one for new chats.
        download_chosen: a download was put into the queue.
    """

    library_changed = Signal()
    chosen = Signal(object)
    download_chosen = Signal(object)

    def __init__(self, services: Services, theme: Theme, tasks: Tasks) -> None:
        super().__init__()
        self.setObjectName("modelsPage")
        self.setAccessibleName(self.tr("Models"))
        self.setProperty("surface", "page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._services = services
        self._theme = theme
        self._tasks = tasks
        self._tab = Tab.HERE
        self.library = LibraryPage(services, theme, tasks)
        self.library.library_changed.connect(self.library_changed)
        self.library.chosen.connect(self.chosen)
        self.library.find_requested.connect(self.discover_all)
        self.discover: DiscoverPage | None = None
        self.repository: RepositoryPage | None = None
        self._finding = QStackedWidget()  # the list, or one repository
        self._trends: TrendsView | None = None
        self._card: ModelCardPage | None = None
        self._here = QStackedWidget()  # the library, or one model's card
        self._here.addWidget(self.library)
        self.library.card_requested.connect(self.open_card)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._here)
        self._stack.addWidget(self._finding)
        self._buttons: dict[Tab, QPushButton] = {}
        column = flat(QVBoxLayout(self))
        column.addWidget(self._make_head())
        column.addWidget(self._stack, 1)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def _make_head(self) -> QWidget:
        head = QWidget()
        around = flat(QHBoxLayout(head))
        self._head = QWidget()
        row = flat(QHBoxLayout(self._head), spacing=SIZES.gap_6)
        row.setContentsMargins(SIZES.gap_6, SIZES.gap_6, SIZES.gap_6, 0)
        row.addWidget(label(self.tr("Models"), "title"))
        row.addWidget(self._make_tabs(), 0, Qt.AlignmentFlag.AlignVCenter)
        row.addStretch(1)
        around.addStretch(1)
        around.addWidget(self._head, 1000)
        around.addStretch(1)
        return head

    def _make_tabs(self) -> QFrame:
        tabs = QFrame()
        tabs.setObjectName("modelsTabs")
        tabs.setProperty("kind", "segments")
        tabs.setAccessibleName(self.tr("Parts of Models"))
        row = flat(QHBoxLayout(tabs), margins=2, spacing=2)
        group = QButtonGroup(tabs)
        for tab, text in self._tabs():
            button = push_button(f"modelsTab{tab.value}", text, "segment")
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, t=tab: self.show_tab(t))
            group.addButton(button)
            self._buttons[tab] = button
            row.addWidget(button)
        self._buttons[Tab.HERE].setChecked(True)
        return tabs

    def _tabs(self) -> Sequence[tuple[Tab, str]]:
        every = (
            (Tab.HERE, self.tr("On this computer")),
            (Tab.DISCOVER, self.tr("Discover")),
            (Tab.TRENDS, self.tr("Trends")),
        )
        return every

    # -- tabs ---------------------------------------------------------------------------------

    @property
    def tab(self) -> Tab:
        """The one in front."""
        return self._tab

    def show_tab(self, tab: Tab) -> None:
        """Bring a tab to the front, and up to date."""
        self._tab = tab
        self._buttons[tab].setChecked(True)
        if tab is Tab.DISCOVER and self.discover is None:
            self._make_discover()
        if tab is Tab.TRENDS and self._trends is None:
            self._make_trends()
        shown = {Tab.HERE: self._here, Tab.DISCOVER: self._finding}.get(tab, self._trends)
        if shown is not None:
            self._stack.setCurrentWidget(shown)
        self.refresh()
        if tab is Tab.DISCOVER and self._finding.currentWidget() is self.discover:
            self._focus_search()

    def _focus_search(self) -> None:
        if self.discover is not None:
            self.discover.search.setFocus(Qt.FocusReason.OtherFocusReason)

    def refresh(self) -> None:
        """Bring the tab in front up to date."""
        if self._tab is Tab.HERE:
            self.library.refresh()
        elif self._tab is Tab.DISCOVER and self.discover is not None:
            self.discover.refresh()
        elif self._tab is Tab.TRENDS and self._trends is not None:
            self._trends.refresh()

    def open_repository(self, repository: Repository | str, wanted: str = "") -> None:
        """Show a repository's page, in Discover."""
        self.show_tab(Tab.DISCOVER)
        if self.repository is None and self.discover is not None:
            self.repository = self._make_repository(self.discover)
        if self.repository is not None:
            self.repository.open(repository, wanted)
            self._finding.setCurrentWidget(self.repository)
            self.repository.back.setFocus(Qt.FocusReason.OtherFocusReason)

    def open_card(self, model: ModelFile) -> None:
        """Show the card of a model on this computer."""
        if self._services.cards is None:
            return
        if self._card is None:
            from snug.ui.models.model_card_page import ModelCardPage

            self._card = ModelCardPage(self._services.cards, self._theme, self._tasks)
            self._card.left.connect(self._on_card_left)
            self._here.addWidget(self._card)
        self.show_tab(Tab.HERE)
        self._here.setCurrentWidget(self._card)
        self._card.open(model)

    def _on_card_left(self) -> None:
        self._here.setCurrentWidget(self.library)
        self.library.setFocus(Qt.FocusReason.OtherFocusReason)

    def discover_all(self) -> None:
        """Show the list of Discover."""
        self.show_tab(Tab.DISCOVER)
        self._finding.setCurrentIndex(0)

    def _make_discover(self) -> None:
        services = self._services
        if services.hub is None or services.trends is None:
            self._finding.addWidget(self._absent())
            return
        found = Discover(services.hub, services.trends, services.network, services.profile.offline)
        self.discover = DiscoverPage(found, self._theme, self._tasks)
        self.discover.opened.connect(self.open_repository)
        self._finding.addWidget(self.discover)

    def _make_repository(self, discover: DiscoverPage) -> RepositoryPage:
        from snug.ui.models.offers_view import Getters
        from snug.ui.models.repository_page import RepositoryPage

        services = self._services
        first = services.first_models
        getters = Getters(
            discover.source.hub,
            services.downloads,
            services.cards,
            None if first is None else first.speed,
        )
        page = RepositoryPage(discover.source, getters, self._has_token, self._theme, self._tasks)
        page.left.connect(self._on_repository_left)
        page.versions_wanted.connect(discover.search_for)
        page.download_chosen.connect(self.download_chosen)
        self._finding.addWidget(page)
        return page

    def _make_trends(self) -> None:
        if self._services.trends is None:
            return
        from snug.ui.models.trends_view import TrendsView

        self._trends = TrendsView(self._services.trends, self._theme, self._tasks)
        self._trends.opened.connect(self.open_repository)
        self._stack.addWidget(self._trends)

    def _absent(self) -> QWidget:
        page = QWidget()
        column = flat(QVBoxLayout(page), SIZES.gap_6)
        words = label(self.tr("There is nothing to show here."), "body", "soft", wrap=True)
        words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(2 * SIZES.page_top)
        column.addWidget(words)
        column.addStretch(1)
        return page

    def _has_token(self) -> bool:
        return self._services.network is not None and self._services.network.has_token

    def _on_repository_left(self) -> None:
        if self.discover is not None:
            self._finding.setCurrentWidget(self.discover)
            self.discover.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_theme_changed(self) -> None:
        widest = column_width(self._theme, wide=True)
        self._head.setMaximumWidth(widest + 2 * SIZES.gap_6)

    # -- what the window asks -----------------------------------------------------------------

    def choose_file(self) -> None:
        """Ask for a model's file."""
        self.show_tab(Tab.HERE)
        self.library.choose_file()

    def commit_removals(self) -> None:
        """Carry out what could still be undone, and let go; call when the window closes."""
        self.library.commit_removals()
        if self.discover is not None:
            self.discover.leave()
        if self.repository is not None:
            self.repository.close_down()
