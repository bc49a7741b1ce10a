"""Discover: a search, chips, and a list that is there at once, from what was kept."""

from __future__ import annotations

import threading

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from snug.domain.errors import SnugError
from snug.domain.hub import Query, Repository
from snug.services.discover import Discover, Listing, is_address, reference_in
from snug.ui.chats.search_field import SearchField
from snug.ui.look.notice import Notice
from snug.ui.look.parts import column_width, flat, icon_button, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import HUB_PAUSE_MS, SIZES
from snug.ui.look.words import count_words
from snug.ui.models.discover_delegate import DiscoverDelegate
from snug.ui.models.discover_filters import DiscoverFilters
from snug.ui.models.discover_list import DiscoverList
from snug.ui.models.discover_model import DiscoverModel
from snug.ui.models.hub_words import moment_words
from snug.ui.tasks import Tasks


class DiscoverPage(QWidget):
    """Shows what is kept and asks the Hub for more: on Return, after a pause, or when pressed.

    Attributes:
        source: what is kept, and the Hub.
        opened: a repository was chosen; with it the quantization that was asked for, or "".
    """

    opened = Signal(object, str)

    def __init__(self, discover: Discover, theme: Theme, tasks: Tasks) -> None:
        super().__init__()
        self.setObjectName("discoverPage")
        self.setAccessibleName(self.tr("Discover models"))
        self.source = self._discover = discover
        self._theme = theme
        self._tasks = tasks
        self._query = Query()
        self._count = 0
        self._turn = 0  # of the listing; pages of an earlier one are dropped
        self._asking: threading.Event | None = None
        self._asked: Query | None = None
        self._began = False
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(HUB_PAUSE_MS)
        self._pause.timeout.connect(self._on_pause_over)
        self._make_parts()
        self._arrange()
        self._connect()

    def _make_parts(self) -> None:
        self.search = SearchField(
            "discoverSearch",
            self.tr("Search the Hub: a name, OWNER/REPO or an address"),
            self.tr("A name, OWNER/REPO, or an address from huggingface.co"),
            self._theme,
        )
        self.filters = DiscoverFilters(self._theme)
        self.model = DiscoverModel(self._discover.fit, self)
        self.list = DiscoverList(self.tr("Models on the Hub"))
        self.list.setModel(self.model)
        self.list.setItemDelegate(DiscoverDelegate(self._theme, self.list))
        self.notice = Notice("discoverNotice", self._theme, self, flush=True)
        self._state = label(tone="faint")
        self._state.setObjectName("discoverState")
        self._go = push_button("discoverOpen", self.tr("Open it"), "tinted", self._on_go)
        self._go.hide()
        self._again = icon_button(
            "discoverRefresh",
            self.tr("Ask the Hub again"),
            "refresh",
            self._theme,
            lambda: self.ask(),
        )
        self._empty = label(kind="body", tone="soft", wrap=True)
        self._empty.setObjectName("discoverEmpty")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self._next = push_button(
            "discoverNext", self.tr("Ask the Hub now"), "tinted", self._on_next
        )
        self._middle = QStackedWidget()
        self._middle.addWidget(self.list)
        self._middle.addWidget(self._empty_page())

    def _empty_page(self) -> QWidget:
        page = QWidget()
        column = flat(QVBoxLayout(page), spacing=SIZES.gap_3)
        column.addSpacing(2 * SIZES.page_top)
        column.addWidget(self._empty)
        column.addWidget(self._next, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        return page

    def _arrange(self) -> None:
        self._column = QWidget()
        column = flat(QVBoxLayout(self._column), spacing=SIZES.gap_3)
        column.setContentsMargins(
            SIZES.gap_6 - SIZES.gap_3, SIZES.gap_4, SIZES.gap_6 - SIZES.gap_3, 0
        )
        top = flat(QVBoxLayout(), spacing=SIZES.gap_3)
        top.setContentsMargins(SIZES.gap_3, 0, SIZES.gap_3, 0)
        field = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        field.addWidget(self.search, 1)
        field.addWidget(self._go)
        top.addLayout(field)
        top.addWidget(self.filters)
        top.addWidget(self.notice)
        state = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        state.addWidget(self._state, 1)
        state.addWidget(self._again)
        top.addLayout(state)
        column.addLayout(top)
        column.addWidget(self._middle, 1)
        row = flat(QHBoxLayout(self))
        row.addStretch(1)
        row.addWidget(self._column, 1000)
        row.addStretch(1)

    def _connect(self) -> None:
        self.search.searched.connect(self._on_searched)
        self.search.textEdited.connect(self._on_edited)
        self.search.returnPressed.connect(self._on_return)
        self.search.left_downwards.connect(self.list.focus_first)
        self.filters.changed.connect(self._on_filters_changed)
        self.list.chosen.connect(self._on_row_chosen)
        self.list.left_upwards.connect(self.search.setFocus)
        self.model.page_wanted.connect(self._on_page_wanted)
        self._theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    # -- showing ------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Come into sight: show what is kept, and ask the Hub where that is old."""
        if not self._began:
            self._began = True
            self._relist()
            self._tasks.run(self, self._discover.measure, self._on_measured, self._on_failed)
        self._again.setEnabled(not self._discover.offline)
        if self._discover.offline:
            self._tell_offline()
        elif self._asking is None and not self._is_fresh():
            self.ask(automatic=True)
        else:
            self._tell_state()

    def _relist(self, *, keep_place: bool = False) -> None:
        """Read the first page of the query from the vault and show it."""
        self._query = self.filters.query(self._wanted_text())
        self._turn += 1
        try:
            listing = self._discover.first(self._query)
        except SnugError as error:
            self._tell_problem(error.message)
            listing = Listing(0, ())
        at = self.list.verticalScrollBar().value() if keep_place else 0
        current = self.model.repository(self.list.currentIndex()) if keep_place else None
        self._count = listing.count
        self.model.show(listing.count, listing.rows)
        self.list.doItemsLayout()
        self.list.verticalScrollBar().setValue(at)
        if current is not None and (row := self.model.row_of(current.id)) >= 0:
            self.list.setCurrentIndex(self.model.index(row))
        self._middle.setCurrentIndex(0 if self._count else 1)
        self._tell_empty()
        self._tell_state()

    def _wanted_text(self) -> str:
        """The search text; of an address or OWNER/REPO the repository's name alone."""
        text = self.search.text().strip()
        found = reference_in(text)
        return found.repository if found is not None else text

    def _on_page_wanted(self, offset: int) -> None:
        turn, query = self._turn, self._query
        self._tasks.run(
            self,
            lambda: self._discover.rows(query, offset),
            lambda rows: self.model.fill(offset, rows) if turn == self._turn else None,
            self._on_failed,
        )

    def _on_measured(self, available: int | None) -> None:
        self.model.forget_fits()
        if self._query.fits_only:
            self._relist(keep_place=True)

    # -- asking the Hub -----------------------------------------------------------------------

    def search_for(self, text: str) -> None:
        """Look for a name, as if it had been typed."""
        self.search.setText(text)
        self._relist()
        self.ask()

    def ask(self, *, automatic: bool = False) -> None:
        """Ask the Hub now; what it says is shown when it comes.

        Args:
            automatic: nobody pressed a button.
        """
        self._pause.stop()
        if self._discover.offline:
            self._tell_offline()
            return
        if self._asking is not None:
            self._asking.set()
        stop = self._asking = threading.Event()
        query = self._asked = self.filters.query(self._wanted_text())
        self._tell_state()
        self._tell_empty()
        self._tasks.run(
            self,
            lambda: self._discover.refresh(query, stop, automatic=automatic),
            lambda _none: self._on_answered(stop),
            lambda message: self._on_ask_failed(stop, message),
        )

    @property
    def asks_soon(self) -> bool:
        """The Hub is asked when the person stops typing."""
        return self._pause.isActive()

    def _is_fresh(self) -> bool:
        try:
            return self._discover.is_fresh
        except SnugError:
            return False

    def leave(self) -> None:
        """Drop what is still asked; the window closes."""
        self._pause.stop()
        if self._asking is not None:
            self._asking.set()

    def _on_answered(self, stop: threading.Event) -> None:
        if stop is self._asking:
            self._asking = None
            self.notice.clear()
            self._relist(keep_place=True)

    def _on_ask_failed(self, stop: threading.Event, message: str) -> None:
        if stop is self._asking:
            self._asking = None
            self._tell_problem(message)
            self._tell_empty()
            self._tell_state()

    def _on_pause_over(self) -> None:
        text = self.search.text()
        found = reference_in(text)
        if found is not None and is_address(text):
            self._open_reference()
        elif text.strip() and self.filters.query(self._wanted_text()) != self._asked:
            self.ask()

    # -- what the person does -----------------------------------------------------------------

    def _on_edited(self, text: str) -> None:
        found = reference_in(text)
        self._go.setVisible(found is not None)
        if found is not None:
            self._go.setText(self.tr("Open {}").format(found.repository))
            self._go.setAccessibleName(self._go.text())
        if text.strip() and not self._discover.offline:
            self._pause.start()
        else:
            self._pause.stop()

    def _on_searched(self, text: str) -> None:
        if not text:
            self._go.hide()
            self._pause.stop()
        self._relist()

    def _on_return(self) -> None:
        if not self._open_reference():
            self.ask()

    def _on_go(self) -> None:
        self._open_reference()

    def _open_reference(self) -> bool:
        """Open the repository that the field names; False where it names none."""
        self._pause.stop()
        found = reference_in(self.search.text())
        if found is None:
            return False
        row = self.model.row_of(found.repository)
        known = self.model.repository(self.model.index(row)) if row >= 0 else None
        self.opened.emit(known or found.repository, found.quantization)
        return True

    def _on_filters_changed(self) -> None:
        self._relist()
        if self._query.text and not self._discover.offline:
            self._pause.start()

    def _on_row_chosen(self, index: QModelIndex) -> None:
        repository: Repository | None = self.model.repository(index)
        if repository is not None:
            self.opened.emit(repository, "")

    # -- words --------------------------------------------------------------------------------

    def _tell_state(self) -> None:
        found = self.tr("{} models").format(count_words(self._count))
        if self._asking is not None:
            words = self.tr("{} · asking the Hub…").format(found)
        elif looked := self._looked_ms():
            words = self.tr("{} · asked the Hub at {}").format(found, moment_words(looked))
        else:
            words = self.tr("{} · as kept on this computer").format(found)
        self._state.setText(words)

    def _looked_ms(self) -> int:
        try:
            return self._discover.looked_ms
        except SnugError:
            return 0

    def _tell_offline(self) -> None:
        if self._count:
            words = self.tr("Snug is offline: this is what was kept. Nothing is sent.")
            self.notice.say(words, "lock")
        else:
            self.notice.clear()
        self._tell_empty()
        self._tell_state()

    def _tell_problem(self, message: str) -> None:
        words = f"{message} {self.tr('This is what was kept.')}" if self._count else message
        self.notice.say(words, "warning", "warn")

    def _on_failed(self, message: str) -> None:
        self._tell_problem(message)

    def _tell_empty(self) -> None:
        """What the page says without rows, and the one next step."""
        self._empty.setText(self._empty_words())
        narrowed = bool(self._query.text) or self.filters.narrows
        words = self.tr("Show all models") if narrowed else self.tr("Ask the Hub now")
        self._next.setText(words)
        self._next.setAccessibleName(words)
        asking = self._asking is not None
        self._next.setVisible(narrowed or not (asking or self._discover.offline))

    def _on_next(self) -> None:
        if self._query.text or self.filters.narrows:
            self.search.clear()
            self.filters.reset()
        else:
            self.ask()

    def _empty_words(self) -> str:
        if self._query.text or self.filters.narrows:
            if self._asking is not None:
                return self.tr("Nothing is kept that fits. The Hub is being asked…")
            return self.tr("Nothing fits. Try another word, or show all kinds and sizes.")
        if self._discover.offline:
            return self.tr(
                "Snug has not looked at the Hub yet. Go online once, and what it finds stays here."
            )
        if self._asking is not None:
            return self.tr("Asking the Hub what there is…")
        return self.tr("Nothing is kept yet. What the Hub says stays on this computer.")

    def _on_theme_changed(self) -> None:
        widest = column_width(self._theme, wide=True)
        self._column.setMaximumWidth(widest + 2 * SIZES.gap_6)
