"""Temporary conversations: beside the kept ones in the same window, and never on the disk.

They live in a vault in memory of their own. `SplitStore` sends what belongs to one of them there
and everything else to the vault on disk; their answers keep no KV state (see `TemporaryChats.keeps`
and `Requests`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from snug.domain.conversation import (
    Conversation,
    ConversationSettings,
    ConversationSummary,
    EarlierSummary,
    Message,
    Part,
    new_id,
    now_ms,
)
from snug.domain.organising import EVERYTHING, ListFilter
from snug.domain.search import FIRST_PAGE, SearchHit
from snug.services.protocols import ConversationStore, Writer


class TemporaryChats:
    """The temporary conversations of one start. Any thread.

    Args:
        make_store: a store in memory that is gone with the program; called once, at the first use.
    """

    def __init__(self, make_store: Callable[[], ConversationStore]) -> None:
        self._make_store = make_store
        self._store: ConversationStore | None = None
        self._lock = threading.Lock()
        self._conversations: set[str] = set()
        self._messages: dict[str, str] = {}

    @property
    def store(self) -> ConversationStore:
        """Where they are."""
        with self._lock:
            if self._store is None:
                self._store = self._make_store()
            return self._store

    def begin(self, settings: ConversationSettings | None = None) -> Conversation:
        """A new, empty one."""
        now = now_ms()
        made = Conversation(new_id(), "", now, now, settings=settings or ConversationSettings())
        with self._lock:
            self._conversations.add(made.id)
        self.store.create(made)
        return made

    def holds(self, conversation_id: str) -> bool:
        """Whether this conversation is a temporary one."""
        with self._lock:
            return conversation_id in self._conversations

    def keeps(self, conversation_id: str) -> bool:
        """Whether something of this conversation may be kept on the disk."""
        return not self.holds(conversation_id)

    def summaries(self) -> tuple[ConversationSummary, ...]:
        """All of them, most recently changed first."""
        with self._lock:
            if not self._conversations:
                return ()
        return self.store.summaries(1_000)

    def holds_message(self, message_id: str) -> bool:
        """Whether this message is of a temporary conversation."""
        with self._lock:
            return message_id in self._messages

    def note_message(self, message: Message) -> None:
        """Remember where a message belongs."""
        with self._lock:
            self._messages[message.id] = message.conversation_id

    def forget(self, conversation_id: str) -> None:
        """It is gone; its id stays known, so that nothing late of it goes to the disk."""
        with self._lock:
            self._messages = {m: c for m, c in self._messages.items() if c != conversation_id}


class SplitStore:
    """The `ConversationStore` over both: temporary conversations in memory, the others kept."""

    def __init__(self, kept: ConversationStore, temporary: TemporaryChats) -> None:
        self._kept = kept
        self._temporary = temporary

    @property
    def writer(self) -> Writer:
        """The thread of the vault on disk; the one in memory never waits for it."""
        return self._kept.writer

    def summaries(
        self, limit: int = 200, offset: int = 0, where: ListFilter = EVERYTHING
    ) -> tuple[ConversationSummary, ...]:
        """The kept ones; the temporary ones are asked of `TemporaryChats`."""
        return self._kept.summaries(limit, offset, where)

    def conversation(self, conversation_id: str) -> Conversation:
        """The whole tree."""
        return self._of(conversation_id).conversation(conversation_id)

    def search(self, text: str, limit: int = FIRST_PAGE) -> tuple[SearchHit, ...]:
        """Among the kept ones."""
        return self._kept.search(text, limit)

    def create(self, conversation: Conversation) -> None:
        """Store a new, empty conversation; `TemporaryChats.begin` makes the other kind."""
        self._kept.create(conversation)

    def add_message(self, message: Message, *, durable: bool) -> None:
        """Append a message and make it the active leaf."""
        if self._temporary.holds(message.conversation_id):
            self._temporary.note_message(message)
        self._of(message.conversation_id).add_message(message, durable=durable)

    def append_journal(self, message_id: str, parts: Sequence[Part]) -> None:
        """Add freshly decoded text to an unfinished answer."""
        here = self._temporary.holds_message(message_id)
        (self._temporary.store if here else self._kept).append_journal(message_id, parts)

    def finish_message(self, message: Message) -> None:
        """Replace an unfinished answer and its journal by the finished message."""
        self._of(message.conversation_id).finish_message(message)

    def set_leaf(self, conversation_id: str, leaf_id: str | None) -> None:
        """Make another branch the active one."""
        self._of(conversation_id).set_leaf(conversation_id, leaf_id)

    def set_pinned(self, conversation_id: str, message_id: str, pinned: bool) -> None:
        """Pin a message, or let it go."""
        self._of(conversation_id).set_pinned(conversation_id, message_id, pinned)

    def add_summary(self, conversation_id: str, summary: EarlierSummary) -> None:
        """Keep a summary of the beginning of a conversation."""
        self._of(conversation_id).add_summary(conversation_id, summary)

    def set_title(self, conversation_id: str, title: str) -> None:
        """Rename."""
        self._of(conversation_id).set_title(conversation_id, title)

    def set_settings(self, conversation_id: str, settings: ConversationSettings) -> None:
        """Keep the conversation's model, system prompt and sampling."""
        self._of(conversation_id).set_settings(conversation_id, settings)

    def set_draft(self, conversation_id: str, draft: str) -> None:
        """Keep what stands unsent in the composer."""
        self._of(conversation_id).set_draft(conversation_id, draft)

    def remove_branch(self, conversation_id: str, message_id: str, leaf_id: str | None) -> None:
        """Remove a message and all that answers it."""
        self._of(conversation_id).remove_branch(conversation_id, message_id, leaf_id)

    def add_back(
        self, conversation_id: str, messages: Sequence[Message], leaf_id: str | None
    ) -> None:
        """Store messages again under their old ids."""
        self._of(conversation_id).add_back(conversation_id, messages, leaf_id)

    def delete(self, conversation_id: str) -> None:
        """Remove a conversation and everything of it."""
        self._of(conversation_id).delete(conversation_id)
        self._temporary.forget(conversation_id)

    def delete_many(self, conversation_ids: Sequence[str]) -> None:
        """Remove kept conversations, some at a time."""
        self._kept.delete_many(conversation_ids)

    def setting(self, name: str) -> str | None:
        """A value of the application's own."""
        return self._kept.setting(name)

    def set_setting(self, name: str, value: str) -> None:
        """Keep a value of the application's own."""
        self._kept.set_setting(name, value)

    def _of(self, conversation_id: str) -> ConversationStore:
        here = self._temporary.holds(conversation_id)
        return self._temporary.store if here else self._kept
