"""Between the page and the drawer with a chat's settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from snug.domain.conversation import ConversationSettings
from snug.services.bundle import Services
from snug.ui.chat.chat_view import ChatView
from snug.ui.look.theme import Theme

if TYPE_CHECKING:
    from snug.ui.chat.chat_page import ChatPage
    from snug.ui.chat.chat_settings import ChatSettings


class SettingsDesk(QObject):
    """Makes the drawer when it is first wanted; keeps what is chosen in it."""

    def __init__(self, services: Services, view: ChatView, theme: Theme, page: ChatPage) -> None:
        super().__init__(page)
        self._services = services
        self._view = view
        self._theme = theme
        self._page = page
        self._drawer: ChatSettings | None = None
        self._new = ConversationSettings()  # of a chat that does not exist yet

    def toggle(self) -> None:
        """Show the drawer with the cursor in it, or close it."""
        if self._drawer is not None and self._drawer.isVisible():
            self.close()
            return
        if self._drawer is None:
            from snug.ui.chat.chat_settings import ChatSettings  # late: start-up counts

            self._drawer = ChatSettings(self._theme, self._view)
            self._drawer.changed.connect(self._on_drawer_changed)
            self._drawer.closed.connect(self.close)
        self._view.set_drawer(self._drawer)
        self.show()
        self._drawer.take_keyboard()

    def close(self) -> None:
        """The drawer goes; what was typed in it counts."""
        if self._drawer is not None:
            self._drawer.keep_now()
            self._view.set_drawer(None)
            self._page.focus_composer()

    def show(self) -> None:
        """Show what holds for the chat that is open now."""
        if self._drawer is not None and self._drawer.isVisible():
            self._drawer.show_settings(self.present(), self._page.model)

    def leave(self) -> None:
        """Another chat comes: what was typed belongs to this one."""
        if self._drawer is not None:
            self._drawer.keep_now()

    def begin(self) -> None:
        """A new chat, with nothing chosen."""
        self._new = ConversationSettings()

    def for_new(self) -> ConversationSettings:
        """What a new chat is made with."""
        model = self._page.model
        return replace(self._new, model=None if model is None else model.name)

    def present(self) -> ConversationSettings:
        """What holds for the chat that is open now."""
        conversation = self._page.conversation
        return self._new if conversation is None else conversation.settings

    def apply(self, settings: ConversationSettings) -> None:
        """Let a persona's settings hold, its model too where it is here; undone like any other."""
        model = self._page.model
        found = None
        if settings.model is not None:
            names = {one.name: one for one in self._services.models.models()}
            found = names.get(settings.model)
        name = found.name if found is not None else None if model is None else model.name
        self._on_drawer_changed(replace(settings, model=name))
        if found is not None:
            self._page.model_chosen.emit(found)
        self.show()

    def _on_drawer_changed(self, settings: ConversationSettings) -> None:
        page, kept = self._page, self._page.conversation
        if kept is None:
            self._new = settings
            return
        save = self._services.conversations.save_settings
        if page.tried(lambda: save(kept.id, settings)):
            page.messages.branching.settings_changed(kept)
            page.show_changed(replace(kept, settings=settings))
