"""Keeps what is not sent yet, chat by chat: the draft, and the messages that wait in a queue."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from snug.domain.errors import SnugError
from snug.domain.unsent import Unsent
from snug.services.bundle import Services

NEW_DRAFT = "chat.draft"  # of a chat that does not exist yet, in the main window
QUICK_DRAFT = "chat.draft.quick"  # the same in the window for a quick question


class UnsentTexts(QObject):
    """Every change is kept at once; what waits survives the window.

    Attributes:
        changed: what waits in this chat is another.
        failed: a sentence for the person.
        place: where the draft of a chat that does not exist yet is kept.
    """

    changed = Signal(str)
    failed = Signal(str)

    def __init__(self, services: Services, parent: QObject) -> None:
        super().__init__(parent)
        self._services = services
        self._known: dict[str, Unsent] = {}
        self.place = NEW_DRAFT

    def open(self, conversation_id: str, kept: str) -> str:
        """A chat is shown, with this as its kept draft; the text for the composer."""
        self._known[conversation_id] = Unsent.read(kept)
        return self._known[conversation_id].draft

    def new_draft(self) -> str:
        """What was begun for a chat that does not exist yet."""
        return self._services.preferences.get(self.place)

    def keep_draft(self, conversation_id: str | None, draft: str) -> None:
        """What stands in the composer."""
        if conversation_id is None:
            if draft != self.new_draft():
                self._tried(draft)
            return
        self._keep(conversation_id, replace(self._of(conversation_id), draft=draft))

    def forget_new_draft(self) -> None:
        """The chat exists now."""
        with contextlib.suppress(SnugError):
            self._services.preferences.set(self.place, "")

    def waiting(self, conversation_id: str | None) -> tuple[str, ...]:
        """The messages that wait, the next one first."""
        return () if conversation_id is None else self._of(conversation_id).waiting

    def add(self, conversation_id: str, text: str) -> None:
        """This is sent when all before it are answered."""
        self._wait(conversation_id, (*self.waiting(conversation_id), text))

    def take(self, conversation_id: str, number: int = 0) -> str:
        """Take one out of the queue; "" where there is none of that number."""
        waiting = self.waiting(conversation_id)
        if not 0 <= number < len(waiting):
            return ""
        self._wait(conversation_id, waiting[:number] + waiting[number + 1 :])
        return waiting[number]

    def move_up(self, conversation_id: str, number: int) -> None:
        """Send one before the one before it."""
        waiting = list(self.waiting(conversation_id))
        if 0 < number < len(waiting):
            waiting[number - 1 : number + 1] = waiting[number], waiting[number - 1]
            self._wait(conversation_id, tuple(waiting))

    def _of(self, conversation_id: str) -> Unsent:
        return self._known.get(conversation_id, Unsent())

    def _wait(self, conversation_id: str, waiting: tuple[str, ...]) -> None:
        self._keep(conversation_id, replace(self._of(conversation_id), waiting=waiting))
        self.changed.emit(conversation_id)

    def _keep(self, conversation_id: str, unsent: Unsent) -> None:
        self._known[conversation_id] = unsent
        try:
            self._services.conversations.save_draft(conversation_id, unsent.kept())
        except SnugError as error:
            self.failed.emit(error.message)

    def _tried(self, draft: str) -> None:
        try:
            self._services.preferences.set(self.place, draft)
        except SnugError as error:
            self.failed.emit(error.message)
