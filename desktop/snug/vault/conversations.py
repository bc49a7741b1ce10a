"""Conversations, kept: the store behind the services' `ConversationStore`.

Reads run on the calling thread, in a snapshot of their own. Writes run on the writer's thread, each
in one transaction, and wait for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import apsw

from snug.domain.conversation import (
    Conversation,
    ConversationSettings,
    ConversationSummary,
    EarlierSummary,
    Message,
    Part,
)
from snug.domain.errors import EnvironmentFault, VaultDamagedError
from snug.domain.importing import ImportCount, ImportedConversation
from snug.domain.organising import EVERYTHING, ListFilter
from snug.domain.search import FIRST_PAGE, SearchHit
from snug.vault import branches, tables
from snug.vault.database import Database
from snug.vault.faults import damaged
from snug.vault.listing import summaries
from snug.vault.search import search
from snug.vault.trees import add_trees
from snug.vault.writer import Writer

T = TypeVar("T")

SYNC_DELAY_S = 1.0  # what a power cut may cost of an answer
_CHECKPOINT_DELAY_S = 2.0
_CHECKPOINT_TRIES = 5
_DELETED_AT_ONCE = 50  # between two portions, an answer that runs may be written

_log = logging.getLogger(__name__)


class Conversations:
    """The `ConversationStore` of a vault.

    Raises (all methods): `VaultDamagedError`, `DiskFullError`, `EnvironmentFault`;
    `NotFoundError` where an id is unknown.
    """

    def __init__(
        self, database: Database, writer: Writer, after_delete: Callable[[], None] = lambda: None
    ) -> None:
        """Make the store of a database.

        Args:
            after_delete: removes files that belonged to a deleted conversation; called on the
                writer's thread.
        """
        self._database = database
        self._writer = writer
        self._after_delete = after_delete
        self._sync_is_due = False  # writer's thread only

    @property
    def writer(self) -> Writer:
        """The thread that all writes run on."""
        return self._writer

    def summaries(
        self, limit: int = 200, offset: int = 0, where: ListFilter = EVERYTHING
    ) -> tuple[ConversationSummary, ...]:
        """A page of the list, most recently changed first where the filter says nothing else."""
        return self._read(lambda connection: summaries(connection, limit, offset, where))

    def conversation(self, conversation_id: str) -> Conversation:
        """The whole tree; what the journal holds of an unfinished answer is already in it."""
        return self._read(lambda connection: tables.conversation(connection, conversation_id))

    def search(self, text: str, limit: int = FIRST_PAGE) -> tuple[SearchHit, ...]:
        """Messages that hold every word of `text` (the last one as a prefix), best first.

        Conversations whose title matches come first, as their first message.
        """
        return self._read(lambda connection: search(connection, text, limit))

    def setting(self, name: str) -> str | None:
        """A value of the application's own (window geometry, last model …); None where unset."""
        return self._read(lambda connection: tables.setting(connection, name))

    def data_version(self) -> int:
        """A number that changes when another process has written. Waits for the writer."""
        return self._writer.run(self._database.version)

    def create(self, conversation: Conversation) -> None:
        """Store a new, empty conversation."""
        self._write(lambda connection: tables.create(connection, conversation))

    def import_trees(self, trees: Sequence[ImportedConversation]) -> ImportCount:
        """Store whole conversations in one transaction; what is there already stays as it is."""
        return self._write(lambda connection: add_trees(connection, trees), durable=True)

    def add_message(self, message: Message, *, durable: bool) -> None:
        """Append a message and make it the active leaf.

        Args:
            durable: True syncs to the platter before it returns (a person's words).
        """
        self._write(lambda connection: tables.add_message(connection, message), durable=durable)

    def append_journal(self, message_id: str, parts: Sequence[Part]) -> None:
        """Add freshly decoded text to an unfinished answer: cheap, survives kill -9.

        A power cut costs at most the last second of it.
        """
        self._write(lambda connection: tables.append_journal(connection, message_id, parts))

    def finish_message(self, message: Message) -> None:
        """Replace an unfinished answer and its journal by the finished message, in one step."""
        self._write(lambda connection: tables.finish_message(connection, message))

    def set_leaf(self, conversation_id: str, leaf_id: str | None) -> None:
        """Make another branch the active one."""
        self._write(lambda connection: tables.set_leaf(connection, conversation_id, leaf_id))

    def set_pinned(self, conversation_id: str, message_id: str, pinned: bool) -> None:
        """Pin a message, or let it go; does not change `updated_ms`."""
        self._write(
            lambda connection: tables.set_pinned(connection, conversation_id, message_id, pinned)
        )

    def add_summary(self, conversation_id: str, summary: EarlierSummary) -> None:
        """Keep a summary of the beginning of a conversation; does not change `updated_ms`."""
        self._write(lambda connection: tables.add_summary(connection, conversation_id, summary))

    def set_title(self, conversation_id: str, title: str) -> None:
        """Rename."""
        self._write(lambda connection: tables.set_title(connection, conversation_id, title))

    def set_settings(self, conversation_id: str, settings: ConversationSettings) -> None:
        """Keep the conversation's model, system prompt and sampling."""
        self._write(lambda connection: tables.set_settings(connection, conversation_id, settings))

    def set_draft(self, conversation_id: str, draft: str) -> None:
        """Keep what stands unsent in the composer; does not change `updated_ms`."""
        self._write(lambda connection: tables.set_draft(connection, conversation_id, draft))

    def remove_branch(self, conversation_id: str, message_id: str, leaf_id: str | None) -> None:
        """Remove a message and all that answers it, and show the branch that ends in `leaf_id`."""
        self._write(
            lambda connection: branches.remove_branch(
                connection, conversation_id, message_id, leaf_id
            ),
            durable=True,
        )
        self._after_deletion()

    def add_back(
        self, conversation_id: str, messages: Sequence[Message], leaf_id: str | None
    ) -> None:
        """Store messages again under their old ids, and show the branch that ends in `leaf_id`."""
        self._write(
            lambda connection: branches.add_back(connection, conversation_id, messages, leaf_id),
            durable=True,
        )

    def delete(self, conversation_id: str) -> None:
        """Remove a conversation and everything of it, also from the search index and the log."""
        self.delete_many((conversation_id,))

    def delete_many(self, conversation_ids: Sequence[str]) -> None:
        """Remove conversations like `delete`, some at a time; an unknown id ends it."""
        if not conversation_ids:
            return
        for start in range(0, len(conversation_ids), _DELETED_AT_ONCE):
            some = conversation_ids[start : start + _DELETED_AT_ONCE]
            self._write(partial(_delete, conversation_ids=some), durable=True)
        self._after_deletion()

    def _after_deletion(self) -> None:
        """What was deleted leaves the files beside the database, and its log."""
        self._writer.run(self._after_delete)
        self._writer.run(lambda: self._empty_log(_CHECKPOINT_TRIES))

    def set_setting(self, name: str, value: str) -> None:
        """Keep a value of the application's own."""
        self._write(lambda connection: tables.set_setting(connection, name, value))

    def _read(self, read: Callable[[apsw.Connection], T]) -> T:
        with self._database.reading() as connection:
            try:
                return read(connection)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                # Every page is authenticated, so this is a row that no version of ours wrote.
                raise damaged(self._database.path) from error

    def _write(self, change: Callable[[apsw.Connection], T], *, durable: bool = False) -> T:
        def job() -> T:
            with self._database.writing(durable=durable) as connection:
                result = change(connection)
            if not durable and self._database.on_disk and not self._sync_is_due:
                self._sync_is_due = True
                self._writer.submit(self._sync, SYNC_DELAY_S)
            return result

        return self._writer.run(job)

    def _sync(self) -> None:
        self._sync_is_due = False
        try:
            self._database.sync()
        except EnvironmentFault:
            # The next durable write meets the same disk and tells its caller.
            _log.warning("the log of the database could not be synced")

    def _empty_log(self, tries: int) -> None:
        try:
            if self._database.shrink():
                return
        except VaultDamagedError:
            raise
        except EnvironmentFault:
            _log.warning("the log of the database could not be emptied")
        if tries > 1:
            self._writer.submit(lambda: self._empty_log(tries - 1), _CHECKPOINT_DELAY_S)


def _delete(connection: apsw.Connection, conversation_ids: Sequence[str]) -> None:
    for one in conversation_ids:
        tables.delete(connection, one)
    tables.note_deletions(connection)
