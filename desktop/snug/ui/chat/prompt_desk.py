"""Brings prompts and personas to the page: by a slash, by the palette, or from their dialog."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from snug.domain.prompts import Persona, Prompt
from snug.services.bundle import Services
from snug.services.prompts import PromptLibrary
from snug.ui.look.theme import Theme

if TYPE_CHECKING:
    from snug.ui.chat.chat_page import ChatPage
    from snug.ui.palette import Entry


class PromptDesk(QObject):
    """Of one chat page."""

    def __init__(self, services: Services, theme: Theme, page: ChatPage) -> None:
        super().__init__(page)
        self._library = PromptLibrary(services.preferences)
        self._theme = theme
        self._page = page
        page.composer.prompts_requested.connect(self.offer)

    def entries(self) -> Iterator[Entry]:
        """All of them for a palette."""
        from snug.ui.palette import Entry  # late: start-up counts

        for prompt in self._library.prompts():
            yield Entry(prompt.name, self.tr("Prompt"), partial(self.use, prompt))
        for persona in self._library.personas():
            yield Entry(persona.name, self.tr("Persona"), partial(self.use, persona))

    def offer(self) -> None:
        """Offer them over the page; where there are none, the dialog in which they are made."""
        from snug.ui.palette import Entry, Palette  # late, as above

        entries = list(self.entries())
        if not entries:
            self.show_library()
            return
        slash = partial(self._page.composer.field.insertPlainText, "/")
        entries.append(Entry(self.tr("Write a slash"), "/", slash, rank=1))
        more = Entry(self.tr("Prompts and personas…"), "", self.show_library, rank=2)
        palette = Palette([*entries, more], self._theme, self._page.window())
        palette.open_over(self._page.window())

    def show_library(self) -> None:
        """Write, change and remove them."""
        from snug.ui.chat.library_dialog import LibraryDialog  # late, as above

        present = self._page.settings.present
        dialog = LibraryDialog(self._library, present, self._theme, self._page.window())
        dialog.used.connect(self.use)
        dialog.open()

    def use(self, one: Prompt | Persona) -> None:
        """Put a prompt into the composer, or let a persona lead the open chat."""
        if isinstance(one, Persona):
            self._page.settings.apply(one.settings)
        else:
            self._page.composer.insert_prompt(one.text)
