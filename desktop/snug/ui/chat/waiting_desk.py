"""Sends the messages that wait, one after the other, in whatever chat they are."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from snug.domain.events import Event, Finished, StopReason
from snug.ui.chat.composer import Composer
from snug.ui.chat.unsent_texts import UnsentTexts
from snug.ui.chat.waiting_list import WaitingList

_GOOD_ENDS = (StopReason.END, StopReason.LENGTH)


class WaitingDesk(QObject):
    """Between the queue, its rows and the page. An answer that failed or was stopped pauses it."""

    def __init__(
        self,
        unsent: UnsentTexts,
        view: WaitingList,
        composer: Composer,
        send: Callable[[str, str], None],
        parent: QObject,
    ) -> None:
        """Make it.

        Args:
            send: ask this text in the chat with this id.
        """
        super().__init__(parent)
        self._unsent = unsent
        self._view = view
        self._composer = composer
        self._send = send
        self._chat: str | None = None
        self._paused: set[str] = set()
        view.edit_chosen.connect(self._on_edit_chosen)
        view.remove_chosen.connect(self._on_remove_chosen)
        view.up_chosen.connect(self._on_up_chosen)
        view.send_chosen.connect(self._on_send_chosen)
        unsent.changed.connect(self._show)

    def show_for(self, conversation_id: str | None, *, answering: bool) -> None:
        """This chat is on the page."""
        self._chat = conversation_id
        if conversation_id is not None and not answering and self._waiting:
            self._paused.add(conversation_id)  # from before the window was closed
        self._show()

    def add(self, conversation_id: str, text: str) -> None:
        """Send this when the answer, and all that waits before it, has come."""
        self._unsent.add(conversation_id, text)

    def follow(self, conversation_id: str, event: Event) -> None:
        """An answer has ended: the next message is sent where it ended well."""
        if isinstance(event, Finished) and event.stop_reason in _GOOD_ENDS:
            self._send_next(conversation_id)
        elif self._unsent.waiting(conversation_id):
            self._paused.add(conversation_id)
            self._show()

    @property
    def _waiting(self) -> tuple[str, ...]:
        return self._unsent.waiting(self._chat)

    def _send_next(self, conversation_id: str) -> None:
        text = self._unsent.take(conversation_id)
        self._paused.discard(conversation_id)
        if text:
            self._send(conversation_id, text)
        self._show()

    def _show(self) -> None:
        self._view.show_waiting(self._waiting, self._chat in self._paused)

    def _on_edit_chosen(self, number: int) -> None:
        """Back into the composer, before what stands there."""
        if self._chat is not None:
            text = self._unsent.take(self._chat, number)
            begun = self._composer.text
            self._composer.set_text(f"{text}\n\n{begun}" if begun.strip() else text)
            self._composer.field.setFocus()

    def _on_remove_chosen(self, number: int) -> None:
        if self._chat is not None:
            self._unsent.take(self._chat, number)

    def _on_up_chosen(self, number: int) -> None:
        if self._chat is not None:
            self._unsent.move_up(self._chat, number)

    def _on_send_chosen(self) -> None:
        if self._chat is not None:
            self._send_next(self._chat)
