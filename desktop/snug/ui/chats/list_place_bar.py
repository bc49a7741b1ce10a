"""Above the conversation list: where one looks, by tag too, and a way to make a folder."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from snug.domain.errors import SnugError
from snug.domain.organising import KEEP_CHOICES, Shelf
from snug.services.organiser import Organiser
from snug.ui.chats.list_rows import ListPlace
from snug.ui.look.icons import bind_icon
from snug.ui.look.parts import flat, icon_button, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES


class ListPlaceBar(QWidget):
    """Tells what was chosen.

    Attributes:
        chosen: the shelf and the tag ("" for none) to look at.
    """

    chosen = Signal(object, str)
    folder_requested = Signal()
    empty_requested = Signal()
    failed = Signal(str)

    def __init__(self, organiser: Organiser, theme: Theme) -> None:
        super().__init__()
        self._organiser = organiser
        self._theme = theme
        self._button = push_button("listPlaceButton", "", "quiet", self._open_menu)
        bind_icon(self._button, "chevron-down", theme, pad=2)
        self._back = icon_button(
            "listPlaceBack", self.tr("Back to all chats"), "close", theme, self._on_back_pressed
        )
        self._new = icon_button(
            "newFolderButton", self.tr("New folder"), "folder", theme, self.folder_requested.emit
        )
        self._words = label(kind="small", tone="faint", wrap=True)
        self._keep = push_button(
            "trashDaysButton", self.tr("Keep for…"), "quiet", self._open_days_menu
        )
        self._empty = push_button(
            "emptyTrashButton", self.tr("Empty the trash"), "quiet", self.empty_requested.emit
        )
        column = flat(QVBoxLayout(self), spacing=SIZES.gap)
        column.setContentsMargins(SIZES.gap_2, 0, SIZES.gap_3, 0)
        row = flat(QHBoxLayout())
        row.addWidget(self._button)
        row.addStretch(1)
        row.addWidget(self._back)
        row.addWidget(self._new)
        column.addLayout(row)
        self._words.setContentsMargins(SIZES.gap_3, 0, 0, 0)
        column.addWidget(self._words)
        below = flat(QHBoxLayout())
        below.addWidget(self._empty)
        below.addStretch(1)
        below.addWidget(self._keep)
        column.addLayout(below)
        self.show_place(ListPlace(), has_rows=False)

    def show_place(self, place: ListPlace, *, has_rows: bool) -> None:
        """Say where one is."""
        names = {
            Shelf.ARCHIVE: self.tr("Archive"),
            Shelf.TRASH: self.tr("Trash"),
        }
        text = names.get(place.shelf, self.tr("All chats"))
        if place.tag:
            text = self.tr("Tag: {}").format(place.tag)
        metrics = self._button.fontMetrics()
        self._button.setText(metrics.elidedText(text, self._elide(), SIZES.sidebar // 2))
        self._button.setAccessibleName(self.tr("Shown here: {}").format(text))
        in_trash = place.shelf is Shelf.TRASH
        self._back.setVisible(not place.is_all)
        self._new.setVisible(place.is_all)
        self._words.setVisible(in_trash)
        self._keep.setVisible(in_trash)
        self._empty.setVisible(in_trash and has_rows)
        if in_trash:
            days = self._organiser.keep_days()
            self._words.setText(
                self.tr("What lies here is deleted for good after {} days.").format(days)
                if days
                else self.tr("What is thrown away is deleted at once.")
            )

    def _elide(self) -> Qt.TextElideMode:
        return Qt.TextElideMode.ElideRight

    def _on_back_pressed(self) -> None:
        self.chosen.emit(Shelf.CHATS, "")

    def _open_menu(self) -> None:
        menu = QMenu(self)
        menu.setObjectName("listPlaceMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for shelf, text, icon_name in (
            (Shelf.CHATS, self.tr("All chats"), "chats"),
            (Shelf.ARCHIVE, self.tr("Archive"), "save"),
            (Shelf.TRASH, self.tr("Trash"), "trash"),
        ):
            action = menu.addAction(text, self._choose(shelf, ""))
            bind_icon(action, icon_name, self._theme)
        try:
            tags = self._organiser.tags()
        except SnugError as error:
            self.failed.emit(error.message)
            tags = ()
        if tags:
            menu.addSection(self.tr("Tags"))
        for tag in tags:
            shown = tag.name.replace("&", "&&")
            menu.addAction(f"{shown}  ({tag.count})", self._choose(Shelf.CHATS, tag.name))
        menu.popup(self._button.mapToGlobal(self._button.rect().bottomLeft()))

    def _open_days_menu(self) -> None:
        menu = QMenu(self)
        menu.setObjectName("trashDaysMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        now = self._organiser.keep_days()
        for days in KEEP_CHOICES:
            text = self.tr("{} days").format(days) if days else self.tr("Not at all")
            if days == 1:
                text = self.tr("One day")
            action = menu.addAction(text)
            action.setCheckable(True)
            action.setChecked(days == now)
            action.triggered.connect(lambda _=False, to=days: self._on_days_chosen(to))
        menu.popup(self._keep.mapToGlobal(self._keep.rect().bottomLeft()))

    def _on_days_chosen(self, days: int) -> None:
        try:
            self._organiser.set_keep_days(days)
        except SnugError as error:
            self.failed.emit(error.message)
        self.chosen.emit(Shelf.TRASH, "")

    def _choose(self, shelf: Shelf, tag: str) -> Callable[[], None]:
        return lambda: self.chosen.emit(shelf, tag)
