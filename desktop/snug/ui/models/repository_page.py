"""A repository: may I use it, does it run here, and what its makers say of it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from snug.domain.hub import Category, Reference, Repository
from snug.domain.licence import Licence, LicenceClass
from snug.domain.offer import Offer
from snug.services.discover import Discover
from snug.ui.look.icons import bind_icon
from snug.ui.look.notice import Notice
from snug.ui.look.page import Page
from snug.ui.look.parts import claims_escape, column_width, flat, hairline, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.models.card_view import CardView
from snug.ui.models.hub_words import name_and_maker
from snug.ui.models.offers_view import Getters, OffersView
from snug.ui.models.repository_parts import LicenceAnswer, RepositoryHead
from snug.ui.tasks import Tasks
from snug.ui.text.link_prompt import LinkPrompt

_HUB_ADDRESS = "https://huggingface.co/{}"


class RepositoryPage(Page):
    """Shows what is known at once, asks the Hub for the files, then for the exact fit.

    Attributes:
        left: back to the list.
        versions_wanted: models with this in their name are to be looked for.
        download_chosen: a download was put into the queue.
    """

    left = Signal()
    versions_wanted = Signal(str)
    download_chosen = Signal(object)

    def __init__(
        self,
        discover: Discover,
        getters: Getters,
        has_token: Callable[[], bool],
        theme: Theme,
        tasks: Tasks,
    ) -> None:
        super().__init__("repositoryPage", self.tr("A model"), "", theme, is_tab=True)
        self._discover = discover
        self._getters = getters
        self._has_token = has_token
        self._tasks = tasks
        self._repository: Repository | None = None
        self._wanted = ""
        self._stop = threading.Event()
        self.open_url: Callable[[QUrl], bool] = QDesktopServices.openUrl
        self._build()

    def _build(self) -> None:
        self.back = push_button("backToList", self.tr("All models"), "link", self.leave)
        bind_icon(self.back, "chevron-left", self._theme, "accent")
        self.back.setToolTip(self.tr("Back to the list (Esc)"))
        row = flat(QHBoxLayout())
        row.setContentsMargins(-SIZES.gap_2, 0, 0, 0)  # its words, not its edge, on the column's
        row.addWidget(self.back)
        row.addStretch(1)
        self.column.addLayout(row)
        self.title = RepositoryHead(self._theme)
        self.title.page_requested.connect(self._on_page_requested)
        self.notice = Notice("repositoryNotice", self._theme, self, flush=True)
        self.licence = LicenceAnswer(self._theme)
        self.licence.text_requested.connect(self._on_text_requested)
        self._gated = self._make_gated()
        self.offers = OffersView(self._getters, self._theme, self._tasks)
        self.offers.failed.connect(self._on_failed)
        self.offers.gate_opened.connect(self._see_gate)
        self._scroll.verticalScrollBar().rangeChanged.connect(lambda *_: self._see_gate())
        self.offers.versions_wanted.connect(self._on_versions_wanted)
        self.offers.chosen.connect(self.download_chosen)
        for part in (self.title, self.notice, self.licence, self._gated, self.offers):
            self.column.addWidget(part)
        cards = self._getters.cards
        self._card: CardView | None = None
        if cards is not None:
            self._card = CardView(cards, self._theme, self._tasks, under_a_title=True)
            self.column.addWidget(hairline())
            self.column.addWidget(self._card)
        self.column.addStretch(1)

    def _make_gated(self) -> QWidget:
        box = QWidget()
        box.setObjectName("gatedNote")
        row = flat(QHBoxLayout(box), spacing=SIZES.gap_2)
        self._gated_words = Notice("gatedWords", self._theme, box, flush=True)
        row.addWidget(self._gated_words, 1)
        self._accept = push_button(
            "openToAccept", self.tr("Open the page to accept"), "", self._on_page_requested
        )
        row.addWidget(self._accept, 0, Qt.AlignmentFlag.AlignVCenter)
        box.hide()
        return box

    # -- showing ------------------------------------------------------------------------------

    @property
    def repository(self) -> Repository | None:
        """What is shown, as far as it is known."""
        return self._repository

    def open(self, repository: Repository | str, wanted: str = "") -> None:
        """Show a repository; of one that is not kept, only the name is known at first.

        Args:
            wanted: a quantization that was asked for, or "".
        """
        self._stop.set()
        self._stop = threading.Event()
        known = not isinstance(repository, str)
        shown = _named(repository) if isinstance(repository, str) else repository
        self._repository = shown
        self._wanted = wanted
        self.notice.clear()
        self.licence.close_text()
        self._show_words(shown, known=known)
        if self._card is not None:
            self._card.hide()  # until its files, and so its commit, are known
        self._scroll.verticalScrollBar().setValue(0)
        self.back.setFocus(Qt.FocusReason.OtherFocusReason)
        if self._discover.offline:
            self._open_offline(shown, known=known)
        else:
            self.offers.clear(self.tr("Asking the Hub for its files…"))
            self._ask(shown)

    def leave(self) -> None:
        """Back to the list; what is still asked is dropped."""
        self._stop.set()
        self.left.emit()

    def close_down(self) -> None:
        """Let go of everything; the window closes."""
        self._stop.set()
        self.offers.leave()

    def _show_words(self, repository: Repository, *, known: bool) -> None:
        self.setAccessibleName(repository.id)
        self.title.show_repository(repository, known=known)
        self.licence.show_repository(repository, known=known)
        self._gated.setVisible(repository.gated)
        if repository.gated:
            words = self.tr(
                "Its makers want you to accept their terms on its page on the Hub, with your "
                "account there. Then put your access token into Settings, Network."
            )
            if self._has_token():
                words = self.tr(
                    "Its makers want you to accept their terms on its page on the Hub. Your token "
                    "is kept here; once you have accepted, the download works."
                )
            self._gated_words.say(words, "lock")

    def _open_offline(self, repository: Repository, *, known: bool) -> None:
        words = self.tr("Snug is offline: this is what was kept, and nothing can be downloaded.")
        if not known:
            words = self.tr("Snug is offline, and nothing is kept of this model.")
        self.notice.say(words, "lock")
        if known:
            self._show_card(repository)
        if known and repository.variants:
            self._work_offers(repository)
        else:
            self.offers.clear(self.tr("Its files are not kept. Go online once to see them."))

    # -- asking -------------------------------------------------------------------------------

    def _ask(self, repository: Repository) -> None:
        stop = self._stop
        hub = self._discover.hub

        def work() -> tuple[Repository, tuple[Offer, ...], int | None]:
            full = hub.show(repository.id, stop)
            return full, hub.offers(full), hub.available_bytes()

        self._tasks.run(
            self,
            work,
            lambda told: self._on_told(stop, told),
            lambda message: self._on_ask_failed(stop, message),
        )

    def _work_offers(self, repository: Repository) -> None:
        """Judge the kept files, without the network."""
        stop = self._stop
        hub = self._discover.hub
        self._tasks.run(
            self,
            lambda: (repository, hub.offers(repository), hub.available_bytes()),
            lambda told: self._show_offers(told) if stop is self._stop else None,
            self._on_failed,
        )

    def _on_told(
        self, stop: threading.Event, told: tuple[Repository, tuple[Offer, ...], int | None]
    ) -> None:
        if stop is not self._stop or stop.is_set():
            return
        self._show_offers(told)
        repository, offers, available = told
        self._show_card(repository)
        if not offers or offers[0].exact or repository.gated:
            return  # a gated file's header cannot be read before its terms are accepted

        def work() -> tuple[Repository, tuple[Offer, ...], int | None]:
            return (*self._discover.hub.examine(repository, stop), available)

        def done(exact: tuple[Repository, tuple[Offer, ...], int | None]) -> None:
            if stop is self._stop and not (stop.is_set() or self.offers.gate):
                self._show_offers(exact)

        self._tasks.run(self, work, done, lambda _message: None)  # the estimate stands

    def _show_offers(self, told: tuple[Repository, tuple[Offer, ...], int | None]) -> None:
        repository, offers, available = told
        self._repository = repository
        self._show_words(repository, known=True)
        had_keyboard = self.back.hasFocus() or self.offers.isAncestorOf(self.focusWidget())
        if had_keyboard:
            # Qt would scroll to whatever comes after the rows that go.
            self.back.setFocus(Qt.FocusReason.OtherFocusReason)
        self.offers.show_offers(
            repository,
            offers,
            offline=self._discover.offline,
            available_bytes=available,
            wanted=self._wanted,
        )
        if had_keyboard:
            self.offers.focus_recommended(self._wanted)

    def _on_ask_failed(self, stop: threading.Event, message: str) -> None:
        if stop is not self._stop or stop.is_set() or self._repository is None:
            return
        self._on_failed(message)
        if self._repository.commit:
            self._show_card(self._repository)
        if self._repository.variants:
            self._work_offers(self._repository)
        else:
            self.offers.clear(self.tr("Its files could not be read."))

    def _show_card(self, repository: Repository) -> None:
        if self._card is not None:
            self._card.show()
            self._card.show_repository(repository)

    def _on_failed(self, message: str) -> None:
        self.notice.say(message, "warning", "warn")

    def _see_gate(self) -> None:
        """Scroll to the licence that is asked about; called again as the page is laid out."""
        gate = self.offers.gate
        if gate is not None:
            self._scroll.ensureWidgetVisible(gate, 0, SIZES.gap_4)

    def _on_versions_wanted(self) -> None:
        if self._repository is not None:
            self.leave()
            self.versions_wanted.emit(name_and_maker(self._repository.id)[0])

    def _on_text_requested(self) -> None:
        repository, stop, text = self._repository, self._stop, self.licence.text
        if repository is None:
            return
        text.setPlaceholderText(self.tr("Reading the licence…"))
        self._tasks.run(
            text,
            lambda: self._discover.hub.licence_text(repository, stop),
            lambda words: text.show_text(words) if stop is self._stop else None,
            text.setPlaceholderText,
        )

    def _on_page_requested(self) -> None:
        if self._repository is not None:
            prompt = LinkPrompt(
                _HUB_ADDRESS.format(self._repository.id), self._theme, self, self.open_url
            )
            prompt.ask(self.title.mapToGlobal(QPoint(0, self.title.height())))

    def arrange(self) -> None:
        """The files stand in columns where there is room."""
        super().arrange()
        offers = getattr(self, "offers", None)  # the base lays out before it is there
        if offers is not None:
            widest = column_width(self._theme, wide=True)
            offers.set_room(min(self.width() - 2 * SIZES.gap_6, widest))

    # -- keys ---------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Esc goes back instead of stopping an answer elsewhere."""
        return claims_escape(event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc, and the browser's own key, go back."""
        back = (
            event.key() == Qt.Key.Key_Left and event.modifiers() & Qt.KeyboardModifier.AltModifier
        )
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Back) or back:
            self.leave()
        else:
            super().keyPressEvent(event)


def _named(repository_id: str) -> Repository:
    """A repository of which only the name is known."""
    unknown = Licence("", LicenceClass.UNKNOWN, "")
    return Repository(Reference(repository_id).repository, Category.OTHER, unknown)
