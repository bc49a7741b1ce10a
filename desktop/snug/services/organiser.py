"""Putting conversations in order: folders, tags, pins, archive, trash, and the daily tidying.

Every change is told to who listens, so that a window redraws what changed. No timers here: who has
a clock calls `tidy`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from snug.domain.conversation import now_ms
from snug.domain.organising import Folder, OrderChange, Tag, Tidied
from snug.services.conversations import ConversationService
from snug.services.listeners import Listeners


class OrganisingStore(Protocol):
    """What is kept of the order. Any thread; writes wait for the vault's writer.

    Raises (all methods): `VaultDamagedError`, `DiskFullError`, `EnvironmentFault`;
    `NotFoundError` where an id is unknown, `UserError` where a name will not do.
    """

    def folders(self) -> tuple[Folder, ...]:
        """All folders, by name."""

    def create_folder(self, name: str) -> Folder:
        """A new, empty folder."""

    def rename_folder(self, folder_id: str, name: str) -> None:
        """Give it another name."""

    def delete_folder(self, folder_id: str) -> None:
        """Remove a folder; its conversations fall out of it and are kept."""

    def set_retention(self, folder_id: str, days: int | None) -> None:
        """Let what was not touched for so many days go to the trash; None keeps everything."""

    def count_due(self, folder_id: str, days: int) -> int:
        """How many conversations a rule of so many days would throw away as things stand."""

    def move(self, conversation_ids: Sequence[str], folder_id: str | None) -> None:
        """Put conversations into a folder, or outside all."""

    def pin(self, conversation_ids: Sequence[str], pinned: bool) -> None:
        """Keep conversations at the top of lists, and from every rule; or no longer."""

    def archive(self, conversation_ids: Sequence[str], archived: bool) -> None:
        """Put conversations out of sight without losing them, or back."""

    def tags(self) -> tuple[Tag, ...]:
        """All tags, by name."""

    def tag(self, conversation_ids: Sequence[str], name: str) -> None:
        """Give conversations a tag."""

    def untag(self, conversation_ids: Sequence[str], name: str) -> None:
        """Take a tag from conversations."""

    def keep_days(self) -> int:
        """How many days the trash keeps; 0 for not at all."""

    def set_keep_days(self, days: int) -> None:
        """Let the trash keep for so many days."""

    def trash(self, conversation_ids: Sequence[str]) -> None:
        """Throw conversations away."""

    def restore(self, conversation_ids: Sequence[str]) -> None:
        """Take conversations out of the trash, to where they were."""

    def in_trash(self) -> tuple[str, ...]:
        """The ids of all that lies in the trash."""

    def tidy(self, now: int) -> Tidied:
        """Throw away what rules ask for, and name what the trash need not keep."""


class Organiser:
    """The use-cases of order. Any thread; listeners are called on the caller's.

    Raises (all methods): as `OrganisingStore`.

    Attributes:
        changed: told of every change.
    """

    def __init__(self, store: OrganisingStore, conversations: ConversationService) -> None:
        self._store = store
        self._conversations = conversations
        self.changed: Listeners[[OrderChange]] = Listeners()

    # -- folders ------------------------------------------------------------------------------

    def folders(self) -> tuple[Folder, ...]:
        """All folders, by name."""
        return self._store.folders()

    def create_folder(self, name: str) -> Folder:
        """A new, empty folder."""
        folder = self._store.create_folder(name)
        self.changed.tell(OrderChange(folders=True))
        return folder

    def rename_folder(self, folder_id: str, name: str) -> None:
        """Give it another name."""
        self._store.rename_folder(folder_id, name)
        self.changed.tell(OrderChange(folders=True))

    def delete_folder(self, folder_id: str) -> None:
        """Remove a folder; its conversations fall out of it and are kept."""
        self._store.delete_folder(folder_id)
        self.changed.tell(OrderChange(folders=True))

    def set_retention(self, folder_id: str, days: int | None) -> None:
        """A folder's rule: what was not touched for so many days goes to the trash.

        Archived conversations go too; pinned ones stay. None keeps everything.
        """
        self._store.set_retention(folder_id, days)
        self.changed.tell(OrderChange(folders=True))

    def count_due(self, folder_id: str, days: int) -> int:
        """How many conversations such a rule would throw away as things stand."""
        return self._store.count_due(folder_id, days)

    # -- conversations ------------------------------------------------------------------------

    def move(self, conversation_ids: Sequence[str], folder_id: str | None) -> None:
        """Put conversations into a folder, or outside all; its rule counts from now."""
        self._change(conversation_ids, lambda: self._store.move(conversation_ids, folder_id))

    def pin(self, conversation_ids: Sequence[str], pinned: bool) -> None:
        """Keep conversations at the top of lists, and from every rule; or no longer."""
        self._change(conversation_ids, lambda: self._store.pin(conversation_ids, pinned))

    def archive(self, conversation_ids: Sequence[str], archived: bool) -> None:
        """Put conversations out of sight without losing them, or back."""
        self._change(conversation_ids, lambda: self._store.archive(conversation_ids, archived))

    def tags(self) -> tuple[Tag, ...]:
        """All tags, by name."""
        return self._store.tags()

    def tag(self, conversation_ids: Sequence[str], name: str) -> None:
        """Give conversations a tag, which is made where there is none of that name."""
        self._change(conversation_ids, lambda: self._store.tag(conversation_ids, name))

    def untag(self, conversation_ids: Sequence[str], name: str) -> None:
        """Take a tag from conversations; a tag that nothing has any more is gone."""
        self._change(conversation_ids, lambda: self._store.untag(conversation_ids, name))

    # -- trash --------------------------------------------------------------------------------

    def keep_days(self) -> int:
        """How many days the trash keeps; 0 for not at all."""
        return self._store.keep_days()

    def set_keep_days(self, days: int) -> None:
        """Let the trash keep for so many days; 0: what is thrown away is gone."""
        self._store.set_keep_days(days)
        self.changed.tell(OrderChange())

    def trash(self, conversation_ids: Sequence[str]) -> int:
        """Throw conversations away; their running answers are stopped first.

        Returns:
            How many days they can be brought back; 0 where they are gone.
        """
        days = self._store.keep_days()
        if not days:
            self._conversations.delete_many(conversation_ids)
            self.changed.tell(OrderChange(gone=tuple(conversation_ids)))
            return 0
        for one in conversation_ids:
            self._conversations.stop(one)
        self._change(conversation_ids, lambda: self._store.trash(conversation_ids))
        return days

    def restore(self, conversation_ids: Sequence[str]) -> None:
        """Take conversations out of the trash, to where they were."""
        self._change(conversation_ids, lambda: self._store.restore(conversation_ids))

    def delete(self, conversation_ids: Sequence[str]) -> None:
        """Remove conversations for good, wherever they lie."""
        self._conversations.delete_many(conversation_ids)
        self.changed.tell(OrderChange(gone=tuple(conversation_ids)))

    def in_trash(self) -> tuple[str, ...]:
        """The ids of all that lies in the trash."""
        return self._store.in_trash()

    def empty_trash(self) -> int:
        """Remove for good all that lies in the trash. Returns: how many conversations."""
        gone = self._store.in_trash()
        self.delete(gone)
        return len(gone)

    def tidy(self) -> Tidied:
        """What rules and the trash's days ask for; at most once a day, cheap otherwise."""
        done = self._store.tidy(now_ms())
        self._conversations.delete_many(done.deleted)
        if done.trashed or done.deleted:
            self.changed.tell(OrderChange(done.trashed, gone=done.deleted))
        return done

    def _change(self, conversation_ids: Sequence[str], change: Callable[[], None]) -> None:
        change()
        self.changed.tell(OrderChange(tuple(conversation_ids)))
