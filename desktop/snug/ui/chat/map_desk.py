"""Between the page and the map of its chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer

from snug.ui.chat.chat_view import ChatView
from snug.ui.look.theme import Theme

if TYPE_CHECKING:
    from snug.ui.chat.chat_page import ChatPage
    from snug.ui.chat.tree_map import TreeMap

_SETTLE_MS = 150


class MapDesk(QObject):
    """Makes the map when it is first wanted, and keeps it true while it is shown."""

    def __init__(self, view: ChatView, theme: Theme, page: ChatPage) -> None:
        super().__init__(page)
        self._view = view
        self._theme = theme
        self._page = page
        self._map: TreeMap | None = None
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._draw)
        page.transcript.shown.connect(self._settle.start)
        page.transcript.changed.connect(self._settle.start)

    def toggle(self) -> None:
        """Show the map with the keyboard in it, or close it."""
        if self._map is not None and self._map.isVisible():
            self.close()
            return
        if self._map is None:
            from snug.ui.chat.tree_map import TreeMap  # late: start-up counts

            self._map = TreeMap(self._theme, self._view)
            self._map.chosen.connect(self._on_map_chosen)
            self._map.closed.connect(self.close)
        self._view.set_drawer(self._map)
        self._draw()
        self._map.tree.setFocus(Qt.FocusReason.OtherFocusReason)

    def close(self) -> None:
        """The map goes."""
        self._view.set_drawer(None)
        self._page.focus_composer()

    def _draw(self) -> None:
        if self._map is not None and self._map.isVisible():
            self._map.show_conversation(self._page.conversation)

    def _on_map_chosen(self, message_id: str) -> None:
        page = self._page
        shown = [turn.message.id for turn in page.transcript.turns]
        if message_id not in shown and page.at_rest is not None:
            page.messages.branching.choose(page.at_rest, message_id)
        page.transcript.reveal(message_id)
