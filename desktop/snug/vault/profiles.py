"""The profiles of a data folder: `profiles/<random id>/`, each with a vault of its own.

The folders are the truth; `names.json` beside them says what they are called, in the plain, because
somebody must choose before anything is unlocked. A lost name is no loss: the profile is then
"Profile 2". The first profile's vault lies in the data folder itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from snug.domain.errors import NotFoundError, SnugError, UserError
from snug.domain.profile import FIRST, ProfileEntry, profile_name
from snug.vault import backups, keys
from snug.vault.files import (
    erase,
    locked,
    make_private_folder,
    os_faults,
    sync_folder,
    write_private,
)
from snug.vault.holding import alone
from snug.vault.oskeyring import OsKeyring, SecretStore

FOLDER: Final = "profiles"
NAMES: Final = "names.json"
LAST: Final = "last"
VAULT: Final = "vault"
MAX_PROFILES: Final = 50
WINDOW_LOCK: Final = "window.lock"  # of ui/single_instance.py; held while a window is open
_RUN: Final = "run"
_LEAVING: Final = "leaving-"
_ID: Final = re.compile(r"[0-9a-f]{32}")
_MAX_NAMES_BYTES: Final = 64 * 1024


class ProfileFolders:
    """Lists, makes, names and deletes profiles. Any thread, any number of processes.

    Raises (all methods): EnvironmentFault, DiskFullError.
    """

    def __init__(
        self, data: Path, keys_folder: Path, secret_store: SecretStore | None = None
    ) -> None:
        """Prepare; nothing is read yet.

        Args:
            data: the data folder, which is also the folder of the first profile.
            keys_folder: where key files lie, of all profiles.
            secret_store: stands in for the operating system's keyring.
        """
        self._data = data
        self._folder = data / FOLDER
        self._keys = keys_folder
        self._secrets = secret_store

    def all(self) -> tuple[ProfileEntry, ...]:
        """Every profile, the first one first, then in the order of their making."""
        names = self._names()
        ids = [FIRST, *self._ids(names)]
        taken = {names[one].casefold() for one in ids if one in names}
        entries: list[ProfileEntry] = []
        for number, one in enumerate(ids, 1):
            name = names.get(one) or _neutral(number, taken)
            taken.add(name.casefold())
            entries.append(ProfileEntry(one, name))
        return tuple(entries)

    def create(self, name: str = "") -> ProfileEntry:
        """Make an empty profile; its vault is made when it is first opened.

        Args:
            name: "" calls it "Profile 2", 3 …

        Raises:
            UserError: the name cannot be used, or there are 50 profiles.
        """
        with self._changing():
            known = self.all()
            if len(known) >= MAX_PROFILES:
                raise UserError(f"There are {MAX_PROFILES} profiles already.")
            taken = {entry.name.casefold() for entry in known}
            chosen = profile_name(name) if name else _neutral(len(known) + 1, taken)
            entry = ProfileEntry(secrets.token_hex(16), _free(chosen, taken))
            make_private_folder(self._folder / entry.id)
            self._write((*known, entry))
            return entry

    def rename(self, profile_id: str, name: str) -> ProfileEntry:
        """Call a profile something else. Raises: NotFoundError, UserError."""
        with self._changing():
            known = self.all()
            _known(known, profile_id)
            others = {entry.name.casefold() for entry in known if entry.id != profile_id}
            renamed = ProfileEntry(profile_id, _free(profile_name(name), others))
            self._write(tuple(renamed if e.id == profile_id else e for e in known))
            return renamed

    def delete(self, profile_id: str) -> None:
        """Delete a profile, its chats and the keys that Snug itself keeps, for good.

        The locked key goes first: without it nothing of the rest can be read again.

        Raises:
            NotFoundError: there is none.
            UserError: it is the first one, or it is open.
        """
        with self._changing():
            known = self.all()
            _known(known, profile_id)
            if profile_id == FIRST:
                raise UserError(
                    "The first profile cannot be deleted, for the others lie beside its chats. "
                    "Delete its chats instead."
                )
            folder = self._folder / profile_id
            with _nobody(folder), os_faults(folder):
                self._forget_keys(folder / VAULT)
                leaving = folder.with_name(f"{_LEAVING}{profile_id}")
                folder.rename(leaving)
                sync_folder(self._folder)
            self._write(tuple(entry for entry in known if entry.id != profile_id))
            self._sweep()

    def last(self) -> str:
        """Id of the profile that was chosen last; the first one's where that is not known."""
        try:
            with (self._folder / LAST).open("r", encoding="ascii", errors="replace") as file:
                return file.read(32).strip() or FIRST
        except OSError:
            return FIRST

    def remember(self, profile_id: str) -> None:
        """This profile was chosen."""
        make_private_folder(self._folder)
        write_private(self._folder / LAST, profile_id.encode("ascii"))

    def _forget_keys(self, vault: Path) -> None:
        """Erase what opens a vault, its backups and what was put aside.

        A keyring that is gone is no reason to keep the chats.
        """
        with contextlib.suppress(SnugError):
            file = keys.read_slots(vault)
            for slot in file.slots:
                with contextlib.suppress(SnugError):
                    store = self._secrets or OsKeyring()
                    keys.forget_secret(file.vault_id, slot.kind, self._keys, store)
        for path in vault.parent.rglob(keys.SLOT_FILE):
            erase(path)
        for path in vault.parent.rglob(f"*{backups.SUFFIX}"):
            with contextlib.suppress(UserError):  # it is none
                backups.erase_keys(path)

    def _sweep(self) -> None:
        """Remove what is left of deleted profiles, also of those that a crash left half deleted."""
        for path in self._folder.glob(f"{_LEAVING}*"):
            shutil.rmtree(path, ignore_errors=True)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        make_private_folder(self._folder)
        with locked(self._folder):
            self._sweep()
            yield

    def _ids(self, names: dict[str, str]) -> list[str]:
        order = {one: number for number, one in enumerate(names)}
        try:
            found = [path.name for path in self._folder.iterdir() if _ID.fullmatch(path.name)]
        except OSError:
            return []
        return sorted(found, key=lambda one: (order.get(one, len(order)), one))

    def _names(self) -> dict[str, str]:
        """What the profiles are called, in their order; empty where the file is damaged."""
        names: dict[str, str] = {}
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            with (self._folder / NAMES).open("rb") as file:
                document = json.loads(file.read(_MAX_NAMES_BYTES))
            for item in document["profiles"]:
                with contextlib.suppress(UserError, KeyError, TypeError, AttributeError):
                    names[str(item["id"])] = profile_name(item["name"])
        return names

    def _write(self, entries: tuple[ProfileEntry, ...]) -> None:
        listed = [{"id": entry.id, "name": entry.name} for entry in entries]
        text = json.dumps({"version": 1, "profiles": listed}, indent=1)
        write_private(self._folder / NAMES, text.encode("ascii"))


def _known(entries: tuple[ProfileEntry, ...], profile_id: str) -> None:
    if all(entry.id != profile_id for entry in entries):
        raise NotFoundError("There is no such profile any more.")


def _free(name: str, taken: set[str]) -> str:
    if name.casefold() in taken:
        raise UserError(f"There is a profile called {name} already.")
    return name


def _neutral(number: int, taken: set[str]) -> str:
    while f"profile {number}" in taken:
        number += 1
    return f"Profile {number}"


@contextlib.contextmanager
def _nobody(folder: Path) -> Iterator[None]:
    """Keep everybody from a profile. Raises: UserError (it is open, or a window on it is)."""
    make_private_folder(folder / VAULT)
    with _no_window(folder / _RUN / WINDOW_LOCK), alone(folder / VAULT):
        yield


@contextlib.contextmanager
def _no_window(lock: Path) -> Iterator[None]:
    """Keep windows from opening on a profile. Raises: UserError (one is open)."""
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield  # no window was ever open on it
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise UserError("This profile is open in a window. Close that window first.") from None
    finally:
        os.close(descriptor)
