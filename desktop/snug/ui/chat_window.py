"""A chat in a window of its own; small, and on top, for a quick question."""

from __future__ import annotations

import contextlib

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from snug.domain.errors import SnugError
from snug.services.bundle import Services
from snug.ui.chat.chat_page import ChatPage
from snug.ui.chat.unsent_texts import QUICK_DRAFT
from snug.ui.look.banner import Banner, Level
from snug.ui.look.parts import ElidedLabel, dress, flat, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES


class ChatWindow(QWidget):
    """One chat. It belongs to the main window, and goes with it.

    Attributes:
        changed: the chat was made or grew.
        wanted: id of the chat that is to be shown in the main window.
        closed: this window.
    """

    changed = Signal(str)
    wanted = Signal(str)
    closed = Signal(object)

    def __init__(self, services: Services, theme: Theme, parent: QWidget, *, small: bool) -> None:
        flags = Qt.WindowType.Window
        if small:
            flags |= Qt.WindowType.WindowStaysOnTopHint
        super().__init__(parent, flags)
        self.setObjectName("quickWindow" if small else "chatWindow")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("surface", "page")
        self._small = small
        self._services = services
        wide = SIZES.dialog + SIZES.popup // 2 if small else SIZES.window_least_width
        self.resize(wide, SIZES.dialog if small else SIZES.window_least_height)
        self._banner = Banner(theme)
        self._title = ElidedLabel()
        dress(self._title, "label")
        self.page = ChatPage(services, theme, self)
        self.page.unsent.place = QUICK_DRAFT
        head = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        head.setContentsMargins(SIZES.gap_4, SIZES.gap_2, SIZES.gap_2, SIZES.gap_2)
        head.addWidget(self._title, 1)
        words = self.tr("Open in the main window")
        self._move = push_button("moveToMain", words, "link", self._on_move)
        head.addWidget(self._move)
        column = flat(QVBoxLayout(self))
        column.addWidget(self._banner)
        column.addLayout(head)
        column.addWidget(self.page, 1)
        self.page.error_occurred.connect(lambda words: self._banner.tell(words, Level.DANGER))
        self.page.conversation_changed.connect(self._on_changed)
        self.page.forked.connect(self.show_chat)
        self.show_chat(None)

    @property
    def is_small(self) -> bool:
        """Whether it is the one for quick questions."""
        return self._small

    def show_chat(self, conversation_id: str | None) -> None:
        """Show a chat; None begins one."""
        if conversation_id is None:
            self.page.new_chat()
        else:
            self.page.open_conversation(conversation_id)
        self._name()

    def _name(self) -> None:
        title, chat = self.tr("Quick question"), self.page.conversation_id
        if chat is not None:
            with contextlib.suppress(SnugError):  # the name is worth no word
                title = self._services.conversations.conversation(chat).title or title
        self._title.setText(title)
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self._move.setVisible(chat is not None)

    def _on_changed(self, conversation_id: str) -> None:
        self._name()
        self.changed.emit(conversation_id)

    def _on_move(self) -> None:
        chat = self.page.conversation_id
        self.close()
        if chat is not None:
            self.wanted.emit(chat)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes the small one, where nothing is being answered."""
        if event.key() == Qt.Key.Key_Escape and self._small and not self.page.answering:
            self.close()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Keep the draft."""
        self.page.shutdown()
        event.accept()
        self.closed.emit(self)
