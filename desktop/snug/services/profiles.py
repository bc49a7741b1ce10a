"""The profiles of this device, as a person handles them."""

from __future__ import annotations

import contextlib
from typing import Protocol

from snug.domain.errors import EnvironmentFault, NotFoundError, UserError
from snug.domain.profile import FIRST, ProfileEntry

NAME_WARNING = (
    "A profile's name can be read without any key by whoever has this disk. Choose one that tells "
    "nothing."
)


class Folders(Protocol):
    """Where profiles lie; see `vault/profiles.py` for what each raises."""

    def all(self) -> tuple[ProfileEntry, ...]:
        """Every profile, the first one first."""

    def create(self, name: str = "") -> ProfileEntry:
        """Make an empty one."""

    def rename(self, profile_id: str, name: str) -> ProfileEntry:
        """Call one something else."""

    def delete(self, profile_id: str) -> None:
        """Delete one with all that is in it."""

    def last(self) -> str:
        """Id of the one that was chosen last; it may be gone."""

    def remember(self, profile_id: str) -> None:
        """This one was chosen."""


class Profiles:
    """Each profile has a vault, keys and settings of its own; models are shared. Any thread.

    Raises (all methods): `SnugError`s whose text is for the person; nothing was changed then.
    """

    def __init__(self, folders: Folders, current: str = FIRST) -> None:
        """Prepare; nothing is read yet.

        Args:
            current: id of the profile that this process works on.
        """
        self._folders = folders
        self._current = current

    @property
    def current(self) -> ProfileEntry:
        """The profile of this process."""
        return next(entry for entry in self.list() if entry.id == self._current)

    @property
    def last(self) -> ProfileEntry:
        """The profile that was chosen last when a window opened; the first one before that."""
        last = self._folders.last()
        entries = self.list()
        return next((entry for entry in entries if entry.id == last), entries[0])

    def remember(self, profile_id: str) -> None:
        """This profile was chosen; a disk that refuses to keep that is no reason to stop."""
        with contextlib.suppress(EnvironmentFault):
            self._folders.remember(profile_id)

    def list(self) -> tuple[ProfileEntry, ...]:
        """Every profile, the first one first, then in the order of their making."""
        return self._folders.all()

    def find(self, reference: str) -> ProfileEntry:
        """The profile of that name or id. Raises: NotFoundError."""
        wanted = " ".join(reference.split())
        entries = self.list()
        for entry in entries:
            if wanted == entry.id or wanted.casefold() == entry.name.casefold():
                return entry
        there = ", ".join(entry.name for entry in entries)
        raise NotFoundError(f"There is no profile called {wanted}. There is: {there}.")

    def create(self, name: str = "") -> ProfileEntry:
        """Make an empty profile; "" gives it a neutral name. Raises: UserError."""
        return self._folders.create(name)

    def rename(self, reference: str, name: str) -> ProfileEntry:
        """Call a profile something else. Raises: NotFoundError, UserError."""
        return self._folders.rename(self.find(reference).id, name)

    def delete(self, reference: str) -> ProfileEntry:
        """Delete a profile and all its chats for good; there is no trash for it.

        Raises:
            NotFoundError: there is none.
            UserError: it is the first one, this process's own, or open in another window.
        """
        entry = self.find(reference)
        if entry.id == self._current:
            raise UserError("This is the profile you are in. Open another one to delete it.")
        self._folders.delete(entry.id)
        return entry
