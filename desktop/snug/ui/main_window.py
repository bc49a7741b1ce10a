"""The window: left bar, header, and the places; it passes on what one part tells the others."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QPaintEvent
from PySide6.QtWidgets import QMainWindow, QVBoxLayout, QWidget

from snug.domain.conversation import ConversationSettings
from snug.domain.download import Download
from snug.domain.errors import SnugError
from snug.domain.hub import Repository
from snug.services.bundle import Services
from snug.services.locking import LockSettings
from snug.ui.bridge import Bridge
from snug.ui.chat.chat_files import ChatFiles
from snug.ui.chat.chat_page_like import ChatPageFactory, ChatPageLike, real_chat_page
from snug.ui.chat.temporary_note import TemporaryNote
from snug.ui.chats.conversation_list import ConversationList
from snug.ui.chats.tidying import DailyTidying
from snug.ui.locks.idle_watch import IdleWatch
from snug.ui.locks.lock_watch import LockWatch
from snug.ui.look.banner import Banner, Level
from snug.ui.look.page_header import PageHeader
from snug.ui.look.parts import flat
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import REFRESH_MS, SIZES
from snug.ui.models.first_offers import FirstOffers
from snug.ui.models.model_desk import ModelDesk
from snug.ui.models.model_notices import ModelNotices
from snug.ui.more_windows import MoreWindows
from snug.ui.network.network_lock import NetworkLock
from snug.ui.place_pages import PlacePages
from snug.ui.places import Place, PlaceEntry
from snug.ui.reopening import (
    keep_open_conversation,
    left_open,
    tell_crash,
    tell_first_run,
    was_answering,
)
from snug.ui.settings.preferences_keys import BAR_SHOWN
from snug.ui.shell import Shell
from snug.ui.sidebar import Sidebar
from snug.ui.tasks import Tasks
from snug.ui.window_keys import WindowKeys
from snug.ui.window_memory import keep_geometry, restore_geometry


class MainWindow(QMainWindow):
    """Build it, show it; then `start` loads the model.

    Attributes:
        first_painted: the window is on the screen for the first time.
        lock_requested: the chats are to be locked, and this window is to go.
        closed: it was closed, and has kept what is to be kept.
        locking: when and how the chats are locked.
    """

    first_painted = Signal()
    lock_requested = Signal()
    closed = Signal()

    def __init__(
        self, services: Services, theme: Theme, make_chat_page: ChatPageFactory | None = None
    ) -> None:
        super().__init__()
        self.setObjectName("mainWindow")
        self.setWindowTitle(self.tr("Snug"))
        self.setMinimumSize(SIZES.window_least_width, SIZES.window_least_height)
        self._services = services
        self._theme = theme
        self._bridge = Bridge(self)
        self._tasks = Tasks(self._bridge, self)
        self._painted = False
        self._returns = False
        self.locking = LockSettings(services.preferences, services.keys)
        self._place = Place.CHATS
        self._pages = PlacePages(services, theme, self._tasks, self)
        self._refresh = QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.setInterval(REFRESH_MS)
        self._make_parts(make_chat_page or real_chat_page)
        self._connect()
        self.windows = MoreWindows(services, theme, self)
        self.keys = WindowKeys(self, services, theme, self._entries)
        self._pages.shortcuts_requested.connect(self.keys.show_sheet)
        restore_geometry(self, self._services.preferences)
        self.shell.set_bar_visible(self._services.preferences.get(BAR_SHOWN, "1") == "1")
        tell_first_run(self.banner, services, partial(self.go_to, Place.SETTINGS))
        self.list.refresh()
        self._begin()

    def _make_parts(self, make_chat_page: ChatPageFactory) -> None:
        self._entries = (
            PlaceEntry(Place.CHATS, self.tr("Chats")),
            PlaceEntry(Place.MODELS, self.tr("Models")),
            PlaceEntry(Place.SETTINGS, self.tr("Settings")),
        )
        self.list = ConversationList(
            self._services.conversations,
            self._theme,
            self._tasks,
            organiser=self._services.organiser,
            temporary=self._services.temporary,
        )
        self.sidebar = Sidebar(self._theme, self.list, self._entries)
        self.sidebar.set_lockable(self.locking.possible)
        self.header = PageHeader(self._theme)
        self.temporary = TemporaryNote(self._services.temporary, self._theme)
        self.banner = Banner(self._theme)
        page = QWidget()
        page.setObjectName("page")
        page.setProperty("surface", "page")
        page.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = flat(QVBoxLayout(page))
        column.addWidget(self.banner)
        column.addWidget(self.header)
        column.addWidget(self.temporary)
        column.addWidget(self._pages.stack, 1)
        self.shell = Shell(self.sidebar, page, self._theme)
        self.setCentralWidget(self.shell)
        chat_page = make_chat_page(self._services, self._theme, self._pages.stack)
        self.chat_page: ChatPageLike = chat_page  # type: ignore[assignment]
        self._pages.add(Place.CHATS, chat_page)
        self.offers = FirstOffers(self._services, self._theme, self._tasks)
        welcome = getattr(chat_page, "welcome", None)
        if welcome is not None:
            welcome.set_offer(self.offers)
        self.desk = ModelDesk(
            self._services.models, self.header.picker, self.sidebar.model_state, self._bridge, self
        )
        self._notices = ModelNotices(
            self.banner,
            self.desk,
            self.header.picker.open_list,
            self._on_add_requested,
            partial(self.go_to, Place.SETTINGS),
        )
        self.tidying = DailyTidying(
            self._services, self._tasks, self.list.refresh, self.tell_error, self
        )
        self.files = ChatFiles(
            self._services, self._tasks, self.banner, self.list, self._pages, self
        )
        self.idle = IdleWatch(self._services.models, self)
        self.lock_watch = LockWatch(self.locking, self)
        self.lock = NetworkLock(
            self._services.network, self._services.profile.offline, self.sidebar, self._theme
        )

    def _connect(self) -> None:
        self.sidebar.new_chat_requested.connect(self.new_chat)
        self.sidebar.temporary_requested.connect(self.new_temporary_chat)
        self.sidebar.place_chosen.connect(self.go_to)
        self.sidebar.lock_requested.connect(self.lock_requested)
        self.offers.details_requested.connect(self.open_repository)
        self.offers.all_requested.connect(partial(self.open_repository, None))
        self.offers.download_chosen.connect(self._on_download_chosen)
        self._pages.download_chosen.connect(self._on_download_chosen)
        self._pages.ledger_requested.connect(partial(self.go_to, Place.NETWORK))
        self.sidebar.network_requested.connect(partial(self.go_to, Place.NETWORK))
        self.sidebar.fold_requested.connect(self.shell.toggle_bar)
        self.sidebar.search_left.connect(self.chat_page.focus_composer)
        self.header.unfold_requested.connect(self.shell.toggle_bar)
        self.header.settings_requested.connect(self.chat_page.settings.toggle)
        self.header.title.renamed.connect(self._on_title_renamed)
        self.header.picker.add_requested.connect(self._on_add_requested)
        self.header.picker.manage_requested.connect(lambda: self.go_to(Place.MODELS))
        self.shell.bar_shown.connect(self._on_bar_shown)
        self.list.conversation_chosen.connect(self._on_conversation_chosen)
        self.list.conversation_removed.connect(self._on_conversation_removed)
        self.list.conversation_restored.connect(self.open_conversation)
        self.list.conversation_renamed.connect(lambda *_: self._refresh.start())
        self.list.failed.connect(self.tell_error)
        self._pages.library_changed.connect(self._on_library_changed)
        self.desk.chosen.connect(self.chat_page.set_model)
        self.desk.load_failed.connect(self._notices.tell_load_failed)
        self.desk.followed.connect(self.idle.follow)
        self.idle.released.connect(self.desk.show_released)
        self.chat_page.run_event.connect(self.idle.follow)
        self.chat_page.run_event.connect(self.lock_watch.use)
        self.lock_watch.due.connect(self.lock_requested)
        self._pages.lock_changed.connect(self.lock_watch.look)
        self.chat_page.conversation_changed.connect(self._on_conversation_changed)
        self.chat_page.run_event.connect(self._notices.follow)
        self.chat_page.error_occurred.connect(self.tell_error)
        self.chat_page.forked.connect(self.open_conversation)
        self.chat_page.model_chosen.connect(self.desk.choose)
        self.chat_page.settings_requested.connect(partial(self.go_to, Place.SETTINGS))
        self._refresh.timeout.connect(self._on_refresh_due)

    # -- places -------------------------------------------------------------------------------

    @property
    def place(self) -> Place:
        """Where the person is."""
        return self._place

    def go_to(self, place: Place) -> None:
        """Show a place; its page is made on the first visit."""
        self.temporary.set_in_chat(place is Place.CHATS)
        self._place = place
        self._pages.show(place, self.desk, self.idle)
        self.sidebar.set_place(place)
        self.header.set_in_chat(place is Place.CHATS)
        self.shell.fold_overlay()
        if place is Place.CHATS:
            self.chat_page.focus_composer()

    def focus_search(self) -> None:
        """Show the bar where it is folded, and put the cursor into the search."""
        if not self.shell.bar_visible:
            self.shell.set_bar_visible(True)
        self.sidebar.search_field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.sidebar.search_field.selectAll()

    # -- conversations ------------------------------------------------------------------------

    def _begin(self) -> None:
        """An empty chat; after a crash or a kill, what was open then."""
        before = left_open(self._services)
        self.new_chat()
        if before is not None:
            self.open_conversation(before.id)
        if self._services.profile.crash_signal is not None:
            tell_crash(self.banner, was_answering(before), self.chat_page.go_on)

    def new_chat(self) -> None:
        """Show an empty conversation with the cursor in the composer."""
        self.chat_page.new_chat()
        self.list.set_open(None)
        self.temporary.show_for(None)
        keep_open_conversation(self._services, None)
        self.header.title.set_title(self.tr("New chat"), editable=False)
        self.desk.show_for(None)
        self.go_to(Place.CHATS)

    def new_temporary_chat(self) -> None:
        """Show an empty conversation of which nothing is kept."""
        made = self.temporary.begin()
        if made is not None:
            self.open_conversation(made)

    def open_conversation(self, conversation_id: str) -> None:
        """Show a conversation."""
        try:
            conversation = self._services.conversations.conversation(conversation_id)
        except SnugError as error:
            self.tell_error(error.message)
            self.list.refresh()
            return
        if self.windows.bring(conversation_id):
            return
        self.chat_page.open_conversation(conversation_id)
        self.list.set_open(conversation_id)
        self.temporary.show_for(conversation_id)
        keep_open_conversation(self._services, conversation_id)
        self.header.title.set_title(conversation.title or self.tr("New chat"), editable=True)
        self.desk.show_for(conversation.settings)
        self.go_to(Place.CHATS)

    def _on_conversation_chosen(self, conversation_id: str, message_id: str) -> None:
        self.open_conversation(conversation_id)
        if message_id and conversation_id == self.chat_page.conversation_id:
            self.chat_page.finder.show_hit(message_id, self.list.searched_terms)

    def find_in_chat(self) -> None:
        """Look for words in the conversation that is shown; where none is, in all."""
        if self._place is not Place.CHATS or not self.chat_page.finder.open_bar():
            self.focus_search()

    def _on_conversation_removed(self, conversation_id: str) -> None:
        if conversation_id == self.chat_page.conversation_id:
            self.chat_page.stop()
            self.new_chat()

    def _on_conversation_changed(self, conversation_id: str) -> None:
        self.list.set_open(self.chat_page.conversation_id)
        keep_open_conversation(self._services, self.chat_page.conversation_id)
        self._refresh.start()

    def _on_refresh_due(self) -> None:
        self.list.refresh()
        current = self.chat_page.conversation_id
        title = self.list.title_of(current) if current is not None else ""
        if title and not self.header.title.hasFocus():
            self.header.title.set_title(title, editable=True)

    def _on_title_renamed(self, title: str) -> None:
        current = self.chat_page.conversation_id
        if current is None:
            return
        try:
            self._services.conversations.rename(current, title)
        except SnugError as error:
            self.tell_error(error.message)
        self._refresh.start()
        self.chat_page.focus_composer()

    def tell_error(self, message: str) -> None:
        """Say across the page what went wrong."""
        self.banner.tell(message, Level.DANGER)

    # -- models -------------------------------------------------------------------------------

    def start(self) -> None:
        """Load the model; call once the window is visible."""
        if self.desk.current is None:
            self._notices.tell_missing(self._services.models)
        self.desk.preload()
        self.idle.watch_sleep()
        self.lock_watch.start()
        self._pages.start()
        self.tidying.start()
        self.offers.refresh()

    def _on_add_requested(self) -> None:
        self.go_to(Place.MODELS)
        self._pages.choose_model_file()

    def open_repository(self, repository: Repository | str | None, wanted: str = "") -> None:
        """Show a model of the Hub; None shows all of them."""
        self.go_to(Place.MODELS)
        self._pages.open_repository(repository, wanted)

    def _on_download_chosen(self, download: Download) -> None:
        self.lock.look()
        self.offers.refresh()
        if self._place is Place.CHATS:
            words = self.tr("{} is on its way. The model you have answers meanwhile.")
            show = partial(self.go_to, Place.MODELS)
            self.banner.tell(
                words.format(download.title), Level.INFO, "download", self.tr("Show it"), show
            )

    def _on_library_changed(self) -> None:
        self.offers.refresh()
        current = self.chat_page.conversation_id
        settings: ConversationSettings | None = None
        if current is not None:
            try:
                settings = self._services.conversations.conversation(current).settings
            except SnugError as error:
                self.tell_error(error.message)
        self.desk.show_for(settings)

    # -- the window itself --------------------------------------------------------------------

    def raise_window(self) -> None:
        """Bring the window to the front; a second start asks for it."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Tell, once, that there is something to see."""
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self, self.first_painted.emit)

    def leave(self, *, to_return: bool) -> None:
        """Close; `to_return` keeps which chat is open, for when the chats are unlocked."""
        self._returns = to_return
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Keep what is to be kept: removals, geometry, the draft."""
        self.list.commit_removals()
        self.windows.close_all()
        self._pages.finish()
        self.offers.leave()
        keep_geometry(self, self._services.preferences)
        if not self._returns:
            keep_open_conversation(self._services, None)
        self.desk.close()
        self.chat_page.shutdown()
        self._tasks.close()
        self._bridge.close()
        event.accept()
        self.closed.emit()

    def _on_bar_shown(self, shown: bool) -> None:
        self.header.set_folded(not shown)
        if not self.shell.narrow:
            try:
                self._services.preferences.set(BAR_SHOWN, "1" if shown else "0")
            except SnugError as error:
                self.tell_error(error.message)

    def on_escape(self) -> None:
        """Fold the bar where it lies over the page; else stop the answer."""
        if self.shell.narrow and self.shell.bar_visible:
            self.shell.set_bar_visible(False)
        else:
            self.chat_page.stop()
