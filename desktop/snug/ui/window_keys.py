"""The keys of the window and what they do."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from snug.ui.places import Place, PlaceEntry
from snug.ui.shortcuts import Key

if TYPE_CHECKING:
    from snug.ui.main_window import MainWindow

_MORE_KEYS = {Place.SETTINGS: ("Ctrl+,",)}


def window_keys(window: MainWindow, entries: Sequence[PlaceEntry]) -> tuple[Key, ...]:
    """In the order in which the sheet lists them."""
    places = tuple(
        Key(
            (f"Ctrl+{number}", *_MORE_KEYS.get(entry.place, ())),
            entry.text,
            partial(window.go_to, entry.place),
        )
        for number, entry in enumerate(entries, start=1)
    )
    lock = Key(("Ctrl+L",), window.tr("Lock the chats"), window.lock_requested.emit)
    chat = window.chat_page
    locks = (lock,) if window.locking.possible else ()
    return (
        Key(("Ctrl+N",), window.tr("New chat"), window.new_chat),
        Key(("Ctrl+Shift+N",), window.tr("New temporary chat"), window.new_temporary_chat),
        Key(("Ctrl+K", "Ctrl+Shift+F"), window.tr("Search all chats"), window.focus_search),
        Key(("Ctrl+F",), window.tr("Find in this chat"), window.find_in_chat),
        Key(("Ctrl+Z",), window.tr("Undo in this chat"), chat.undo),
        Key(("Ctrl+Shift+S",), window.tr("Settings of this chat"), chat.toggle_settings),
        Key(("Ctrl+Shift+B",), window.tr("Begin the answer with…"), chat.begin_answer),
        Key(("Ctrl+M",), window.tr("Choose the model"), window.header.picker.open_list),
        Key(("Ctrl+E",), window.tr("Export this chat"), partial(_export, window)),
        Key(("Ctrl+Shift+E",), window.tr("Export all chats"), window.files.exports.ask_all),
        *locks,
        Key(("Esc",), window.tr("Stop the answer"), window.on_escape),
        *places,
        Key(("Ctrl+B",), window.tr("Show or hide the bar"), window.shell.toggle_bar),
        Key(("F1", "Ctrl+/"), window.tr("This list"), window.show_shortcuts),
        Key(("Ctrl+Q",), window.tr("Close Snug"), window.close),
    )


def _export(window: MainWindow) -> None:
    chat = window.chat_page.conversation_id
    window.files.exports.ask_one(chat, window.list.title_of(chat) if chat else "")
