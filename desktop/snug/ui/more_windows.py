"""The windows beside the main one: opened, found again, and closed with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from snug.services.bundle import Services
from snug.ui.look.theme import Theme

if TYPE_CHECKING:
    from snug.ui.chat_window import ChatWindow
    from snug.ui.main_window import MainWindow


class MoreWindows(QObject):
    """Of one main window. A chat is in one window only."""

    def __init__(self, services: Services, theme: Theme, window: MainWindow) -> None:
        super().__init__(window)
        self._services = services
        self._theme = theme
        self._window = window
        self._open: list[ChatWindow] = []

    def open_present(self) -> None:
        """Show the open chat in a window of its own, and a new one in the main window."""
        chat = self._window.chat_page.conversation_id
        if chat is None:
            return
        self._window.new_chat()
        made = self._made(small=False)
        made.show_chat(chat)
        _front(made)

    def bring(self, conversation_id: str) -> bool:
        """Bring the window with a chat to the front. False where it has none."""
        for one in self._open:
            if one.page.conversation_id == conversation_id:
                _front(one)
                return True
        return False

    def quick_ask(self) -> None:
        """The small window, with the cursor where one writes."""
        small = [one for one in self._open if one.is_small]
        _front(small[0] if small else self._made(small=True))

    def close_all(self) -> None:
        """The main window goes."""
        for one in tuple(self._open):
            one.close()

    def _made(self, *, small: bool) -> ChatWindow:
        from snug.ui.chat_window import ChatWindow  # late: start-up counts

        made = ChatWindow(self._services, self._theme, self._window, small=small)
        made.changed.connect(lambda _: self._window.list.refresh())
        made.wanted.connect(self._on_wanted)
        made.closed.connect(self._open.remove)
        self._open.append(made)
        return made

    def _on_wanted(self, conversation_id: str) -> None:
        self._window.raise_window()
        self._window.open_conversation(conversation_id)


def _front(window: ChatWindow) -> None:
    window.show()
    window.raise_()
    window.activateWindow()
    window.page.focus_composer()
