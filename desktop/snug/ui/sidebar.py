"""The left bar: new chat, search, conversations by day, places, the model in use, the lock."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from snug.ui.chats.conversation_list import ConversationList
from snug.ui.chats.search_field import SearchField
from snug.ui.chats.search_operators import add_operators
from snug.ui.look.icons import app_icon, bind_icon
from snug.ui.look.parts import flat, hairline, icon_button, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.models.model_state import ModelState
from snug.ui.places import Place, PlaceEntry


class Sidebar(QWidget):
    """Tells what was pressed; decides nothing.

    Attributes:
        list: the conversation list.
        model_state: the model in use.
        lock: tells whether the network was used.
        network_requested: what was sent is to be shown.
        lock_requested: the chats are to be locked.
    """

    new_chat_requested = Signal()
    temporary_requested = Signal()
    place_chosen = Signal(object)
    fold_requested = Signal()
    search_left = Signal()
    network_requested = Signal()
    lock_requested = Signal()

    def __init__(
        self, theme: Theme, conversations: ConversationList, places: Sequence[PlaceEntry]
    ) -> None:
        super().__init__()
        self.setObjectName("sidebar")
        self.setAccessibleName(self.tr("Chats and places"))
        self.setProperty("surface", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        self._places: dict[Place, QPushButton] = {}
        self.list = conversations
        self.model_state = ModelState(theme)
        self.search_field = SearchField(
            "searchField", self.tr("Search all chats"), self.tr("Search chats"), theme
        )
        add_operators(self.search_field, theme)
        self.search_field.searched.connect(conversations.search)
        self.search_field.left_downwards.connect(conversations.focus_first)
        self.search_field.escaped.connect(self.search_left)
        row = flat(QHBoxLayout(self))
        column = flat(QVBoxLayout())
        row.addLayout(column, 1)
        row.addWidget(hairline(upright=True))
        column.addWidget(self._make_head())
        column.addWidget(conversations, 1)
        column.addWidget(hairline())
        column.addWidget(self._make_places(places))
        column.addWidget(hairline())
        column.addWidget(self._make_foot())

    def set_place(self, place: Place) -> None:
        """Show where the person is; a place without a button of its own leaves none down."""
        self._group.setExclusive(False)
        for known, button in self._places.items():
            button.setChecked(known is place)
        self._group.setExclusive(True)

    def set_lockable(self, lockable: bool) -> None:
        """Whether there is anything to lock."""
        self._lock_chats.setVisible(lockable)

    def set_network_words(self, text: str, explanation: str) -> None:
        """What the lock says, and what its tooltip adds."""
        self.lock.setText(text)
        self.lock.setAccessibleName(text)
        self.lock.setToolTip(explanation)
        self.lock.setAccessibleDescription(explanation)

    def _make_head(self) -> QWidget:
        head = QWidget()
        column = QVBoxLayout(head)
        column.setContentsMargins(SIZES.gap_3, SIZES.gap_2, SIZES.gap_3, SIZES.gap_2)
        column.setSpacing(SIZES.gap_2)
        mark = QLabel()
        mark.setPixmap(_mark(self._theme, self.devicePixelRatioF()))
        top = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        top.addSpacing(SIZES.gap)
        top.addWidget(mark)
        top.addWidget(label("Snug", "strong"))
        top.addStretch(1)
        self._lock_chats = icon_button(
            "lockButton",
            self.tr("Lock the chats (Ctrl+L)"),
            "lock",
            self._theme,
            self.lock_requested.emit,
        )
        top.addWidget(self._lock_chats)
        fold = self.tr("Hide the bar (Ctrl+B)")
        top.addWidget(
            icon_button("foldButton", fold, "sidebar", self._theme, self.fold_requested.emit)
        )
        new = push_button(
            "newChatButton", self.tr("New chat"), "tinted", self.new_chat_requested.emit
        )
        new.setToolTip(self.tr("Start a new chat (Ctrl+N)"))
        bind_icon(new, "plus", self._theme, "accent", pad=3)
        column.addLayout(top)
        row = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        row.addWidget(new, 1)
        temporary = self.tr("New temporary chat, of which nothing is kept (Ctrl+Shift+N)")
        row.addWidget(
            icon_button(
                "newTemporaryChatButton",
                temporary,
                "clock",
                self._theme,
                self.temporary_requested.emit,
            )
        )
        column.addLayout(row)
        column.addWidget(self.search_field)
        return head

    def _make_places(self, places: Sequence[PlaceEntry]) -> QWidget:
        box = QWidget()
        column = flat(QVBoxLayout(box), SIZES.gap_2, 2)
        self._group = QButtonGroup(self)
        for number, entry in enumerate(places, start=1):
            button = push_button(f"{entry.place}PlaceButton", entry.text, "nav")
            button.setToolTip(f"Ctrl+{number}")
            button.setCheckable(True)
            bind_icon(button, entry.place.value, self._theme, pad=3)
            button.clicked.connect(lambda _=False, p=entry.place: self.place_chosen.emit(p))
            self._group.addButton(button)
            self._places[entry.place] = button
            column.addWidget(button)
        return box

    def _make_foot(self) -> QWidget:
        box = QWidget()
        column = flat(QVBoxLayout(box), SIZES.gap_2, 2)
        self.model_state.clicked.connect(lambda: self.place_chosen.emit(Place.MODELS))
        self.lock = push_button("privacyButton", "", "nav", self.network_requested.emit)
        column.addWidget(self.model_state)
        column.addWidget(self.lock)
        return box


def _mark(theme: Theme, ratio: float) -> QPixmap:
    return app_icon(theme.resources).pixmap(QSize(24, 24), ratio)
