"""The keys of the window, what they do, and the palette and the sheet that are made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QKeySequence

from snug.domain.errors import SnugError
from snug.domain.organising import ListFilter, Shelf
from snug.services.bundle import Services
from snug.ui.bindings import Bindings
from snug.ui.look.theme import Theme
from snug.ui.places import Place, PlaceEntry
from snug.ui.shortcuts import Key

if TYPE_CHECKING:
    from snug.ui.main_window import MainWindow
    from snug.ui.palette import Entry

_MORE_KEYS = {Place.SETTINGS: ("Ctrl+,",)}
_CHATS = 5000  # that the palette finds


class WindowKeys:
    """Made once for a window."""

    def __init__(
        self, window: MainWindow, services: Services, theme: Theme, entries: Sequence[PlaceEntry]
    ) -> None:
        self._window = window
        self._services = services
        self._theme = theme
        keys = window_keys(window, entries, self)
        self.bindings = Bindings(window, keys, services.preferences)

    def show_sheet(self) -> None:
        """List the keys; they can be changed there."""
        from snug.ui.shortcut_sheet import ShortcutSheet  # late: start-up counts

        ShortcutSheet(self.bindings, self._theme, self._window).show()

    def show_palette(self) -> None:
        """Offer everything by a few letters."""
        from snug.ui.palette import Palette  # late, as above

        prompts = self._window.chat_page.prompts.entries()
        entries = [*self._doings(), *self._chats(), *self._models(), *prompts]
        palette = Palette(entries, self._theme, self._window)
        palette.search_requested.connect(self._search)
        palette.open_over(self._window)

    def _doings(self) -> Iterator[Entry]:
        from snug.ui.palette import Entry  # late, as above

        for key in self.bindings.keys:
            if key.action is not None and key.id != "palette":
                hint = QKeySequence(key.keys[0]) if key.keys else QKeySequence()
                shown = hint.toString(QKeySequence.SequenceFormat.NativeText)
                yield Entry(key.text, shown, key.action, rank=1)

    def _chats(self) -> Iterator[Entry]:
        from snug.ui.palette import Entry  # late, as above

        window, hint = self._window, self._window.tr("Chat")
        try:
            found = self._services.conversations.summaries(_CHATS, where=ListFilter(Shelf.ALL))
        except SnugError as error:
            window.tell_error(error.message)
            return
        for one in found:
            yield Entry(one.title, hint, partial(window.open_conversation, one.id), rank=2)

    def _models(self) -> Iterator[Entry]:
        from snug.ui.palette import Entry  # late, as above

        window, hint = self._window, self._window.tr("Model")
        words = window.tr("Answer with {}")
        for model in self._services.models.models():
            yield Entry(words.format(model.name), hint, partial(window.desk.choose, model), rank=3)

    def _search(self, text: str) -> None:
        self._window.focus_search()
        self._window.sidebar.search_field.setText(text)


def window_keys(
    window: MainWindow, entries: Sequence[PlaceEntry], own: WindowKeys
) -> tuple[Key, ...]:
    """In the order in which the sheet lists them."""
    places = tuple(
        Key(
            f"place.{entry.place.value}",
            (f"Ctrl+{number}", *_MORE_KEYS.get(entry.place, ())),
            entry.text,
            partial(window.go_to, entry.place),
        )
        for number, entry in enumerate(entries, start=1)
    )
    chat, exports, tr = window.chat_page, window.files.exports, window.tr
    more = window.windows
    lock = Key("lock", ("Ctrl+L",), tr("Lock the chats"), window.lock_requested.emit)
    locks = (lock,) if window.locking.possible else ()
    return (
        Key("palette", ("Ctrl+K",), tr("Everything you can do"), own.show_palette),
        Key("new", ("Ctrl+N",), tr("New chat"), window.new_chat),
        Key("temporary", ("Ctrl+Shift+N",), tr("New temporary chat"), window.new_temporary_chat),
        Key("search", ("Ctrl+Shift+F",), tr("Search all chats"), window.focus_search),
        Key("find", ("Ctrl+F",), tr("Find in this chat"), window.find_in_chat),
        Key("undo", ("Ctrl+Z",), tr("Undo in this chat"), chat.undo),
        Key("settings", ("Ctrl+Shift+S",), tr("Settings of this chat"), chat.settings.toggle),
        Key("map", ("Ctrl+Shift+M",), tr("Map of this chat"), chat.map.toggle),
        Key("library", ("Ctrl+Shift+P",), tr("Prompts and personas"), chat.prompts.show_library),
        Key("attach", ("Ctrl+Shift+A",), tr("Attach files"), chat.ask_for_files),
        Key("begin", ("Ctrl+Shift+B",), tr("Begin the answer with…"), chat.begin_answer),
        Key("own", ("Ctrl+Shift+O",), tr("This chat in a window of its own"), more.open_present),
        Key("quick", ("Ctrl+Shift+Space",), tr("Quick question"), more.quick_ask),
        Key("model", ("Ctrl+M",), tr("Choose the model"), window.header.picker.open_list),
        Key("export", ("Ctrl+E",), tr("Export this chat"), partial(_export, window)),
        Key("export.all", ("Ctrl+Shift+E",), tr("Export all chats"), exports.ask_all),
        *locks,
        Key("stop", ("Esc",), tr("Stop the answer"), window.on_escape),
        *places,
        Key("bar", ("Ctrl+B",), tr("Show or hide the bar"), window.shell.toggle_bar),
        Key("keys", ("F1", "Ctrl+/"), tr("The keys, and how to change them"), own.show_sheet),
        Key("quit", ("Ctrl+Q",), tr("Close Snug"), window.close),
    )


def _export(window: MainWindow) -> None:
    chat = window.chat_page.conversation_id
    window.files.exports.ask_one(chat, window.list.title_of(chat) if chat else "")
