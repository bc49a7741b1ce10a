"""The vault's store in memory, with a real writing thread."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from snug.domain.conversation import (
    Conversation,
    ConversationSettings,
    ConversationSummary,
    Message,
    Part,
    Role,
    join_parts,
    now_ms,
    title_from,
)
from snug.domain.errors import NotFoundError, SnugError
from snug.domain.importing import ImportCount, ImportedConversation
from snug.domain.organising import EVERYTHING, ListFilter
from snug.domain.search import MATCH_END, MATCH_START, SearchHit


class FakeWriter:
    """A real thread that runs jobs in the order of their time."""

    def __init__(self) -> None:
        self._jobs: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._wake = threading.Condition()
        self._closed = False
        self.thread = threading.Thread(target=self._work, name="fake-writer", daemon=True)
        self.thread.start()

    def submit(self, job: Callable[[], None], delay_s: float = 0.0) -> None:
        with self._wake:
            heapq.heappush(self._jobs, (time.monotonic() + delay_s, next(self._count), job))
            self._wake.notify()

    def call(self, job: Callable[[], None]) -> None:
        """Run on the writer's thread and wait, as the real store does for writes."""
        if threading.current_thread() is self.thread:
            job()
            return
        done = threading.Event()
        errors: list[SnugError] = []

        def wrapped() -> None:
            try:
                job()
            except SnugError as error:
                errors.append(error)
            done.set()

        self.submit(wrapped)
        if not done.wait(10.0):
            raise AssertionError("The fake writer is stuck.")
        if errors:
            raise errors[0]

    def close(self) -> None:
        with self._wake:
            self._closed = True
            self._wake.notify()
        self.thread.join(5.0)

    def _work(self) -> None:
        while True:
            with self._wake:
                while not self._closed and (not self._jobs or self._jobs[0][0] > time.monotonic()):
                    pause = self._jobs[0][0] - time.monotonic() if self._jobs else None
                    self._wake.wait(pause)
                if not self._jobs:
                    return
                job = heapq.heappop(self._jobs)[2]
            job()


class FakeStore:
    """ConversationStore in memory. `fail_next` makes the next write raise."""

    def __init__(self) -> None:
        self._writer = FakeWriter()
        self._lock = threading.RLock()
        self.kept: dict[str, Conversation] = {}
        self.settings: dict[str, str] = {}
        self.fail_next: SnugError | None = None

    @property
    def writer(self) -> FakeWriter:
        return self._writer

    def close(self) -> None:
        self._writer.close()

    def summaries(
        self, limit: int = 200, offset: int = 0, where: ListFilter = EVERYTHING
    ) -> tuple[ConversationSummary, ...]:
        with self._lock:
            rows = sorted(self.kept.values(), key=lambda c: (c.updated_ms, c.id), reverse=True)
        return tuple(
            ConversationSummary(c.id, c.title, c.updated_ms, len(c.messages))
            for c in rows[offset : offset + limit]
        )

    def conversation(self, conversation_id: str) -> Conversation:
        with self._lock:
            if conversation_id not in self.kept:
                raise NotFoundError(f"There is no conversation {conversation_id}.")
            return self.kept[conversation_id]

    def search(self, text: str, limit: int = 50) -> tuple[SearchHit, ...]:
        word = text.strip().casefold()
        with self._lock:
            hits = [
                SearchHit(c.id, m.id, c.title, _marked(m.text, word))
                for c in self.kept.values()
                for m in c.messages
                if word in m.text.casefold()
            ]
        return tuple(hits[:limit])

    def create(self, conversation: Conversation) -> None:
        self._write(lambda: self.kept.__setitem__(conversation.id, conversation))

    def add_message(self, message: Message, *, durable: bool) -> None:
        def grow(c: Conversation) -> Conversation:
            title = c.title
            if not title and message.role is Role.USER:
                title = title_from(message.text)
            return replace(
                c,
                messages=(*c.messages, message),
                leaf_id=message.id,
                title=title,
                updated_ms=now_ms(),
            )

        self._change(message.conversation_id, grow)

    def append_journal(self, message_id: str, parts: Sequence[Part]) -> None:
        def grow(message: Message) -> Message:
            return replace(message, parts=join_parts((*message.parts, *parts)))

        self._change_message(message_id, grow)

    def finish_message(self, message: Message) -> None:
        self._change_message(message.id, lambda _: message)

    def set_leaf(self, conversation_id: str, leaf_id: str | None) -> None:
        self._change(conversation_id, lambda c: replace(c, leaf_id=leaf_id))

    def set_pinned(self, conversation_id: str, message_id: str, pinned: bool) -> None:
        self._change_message(message_id, lambda message: replace(message, pinned=pinned))

    def set_title(self, conversation_id: str, title: str) -> None:
        self._change(conversation_id, lambda c: replace(c, title=title))

    def set_settings(self, conversation_id: str, settings: ConversationSettings) -> None:
        self._change(conversation_id, lambda c: replace(c, settings=settings))

    def set_draft(self, conversation_id: str, draft: str) -> None:
        self._change(conversation_id, lambda c: replace(c, draft=draft))

    def remove_branch(self, conversation_id: str, message_id: str, leaf_id: str | None) -> None:
        def shrink(c: Conversation) -> Conversation:
            gone = {m.id for m in c.below(message_id)}
            kept = tuple(m for m in c.messages if m.id not in gone)
            return replace(c, messages=kept, leaf_id=leaf_id)

        self._change(conversation_id, shrink)

    def add_back(
        self, conversation_id: str, messages: Sequence[Message], leaf_id: str | None
    ) -> None:
        self._change(
            conversation_id,
            lambda c: replace(c, messages=(*c.messages, *messages), leaf_id=leaf_id),
        )

    def import_trees(self, trees: Sequence[ImportedConversation]) -> ImportCount:
        for tree in trees:
            self.create(tree.conversation)
        return ImportCount(len(trees))

    def delete(self, conversation_id: str) -> None:
        def job() -> None:
            if conversation_id not in self.kept:
                raise NotFoundError(f"There is no conversation {conversation_id}.")
            del self.kept[conversation_id]

        self._write(job)

    def delete_many(self, conversation_ids: Sequence[str]) -> None:
        for one in conversation_ids:
            self.delete(one)

    def setting(self, name: str) -> str | None:
        with self._lock:
            return self.settings.get(name)

    def set_setting(self, name: str, value: str) -> None:
        self._write(lambda: self.settings.__setitem__(name, value))

    def _change(self, conversation_id: str, change: Callable[[Conversation], Conversation]) -> None:
        def job() -> None:
            self.kept[conversation_id] = change(self.conversation(conversation_id))

        self._write(job)

    def _change_message(self, message_id: str, change: Callable[[Message], Message]) -> None:
        def job() -> None:
            for c in self.kept.values():
                if any(m.id == message_id for m in c.messages):
                    messages = tuple(change(m) if m.id == message_id else m for m in c.messages)
                    self.kept[c.id] = replace(c, messages=messages, updated_ms=now_ms())
                    return
            raise NotFoundError(f"There is no message {message_id}.")

        self._write(job)

    def _write(self, job: Callable[[], None]) -> None:
        def guarded() -> None:
            with self._lock:
                if self.fail_next is not None:
                    error, self.fail_next = self.fail_next, None
                    raise error
                job()

        self._writer.call(guarded)


def _marked(text: str, word: str) -> str:
    at = text.casefold().find(word)
    line = text[max(0, at - 30) : at] + MATCH_START + text[at : at + len(word)] + MATCH_END
    return " ".join((line + text[at + len(word) : at + len(word) + 60]).split())
