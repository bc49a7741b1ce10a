"""The vault as the application holds it: key, database, writer and store, opened as one."""

from __future__ import annotations

import contextlib
from pathlib import Path

from snug.domain.errors import UserError, VaultDamagedError, WrongKeyError
from snug.domain.keeping import Backup, Checked, Stopped, never
from snug.domain.kv_state import StateKeeper
from snug.domain.organising import ListFilter, Shelf
from snug.domain.unlocking import NOTHING, Secret
from snug.vault import backups, exchange, keys, pruning
from snug.vault.catalogue import ModelCatalogue
from snug.vault.conversations import Conversations
from snug.vault.data_key import DataKey
from snug.vault.database import FILE_NAME, Database
from snug.vault.faults import damaged
from snug.vault.files import locked, make_private_folder
from snug.vault.holding import Held
from snug.vault.keys import KeyHome
from snug.vault.kv_states import KvStates, NoStates
from snug.vault.organising import Organising
from snug.vault.oskeyring import SecretStore
from snug.vault.tables import DELETED_MS
from snug.vault.vault_keys import VaultKeys
from snug.vault.writer import Writer


class Vault:
    """An open vault. Made by `open` or `temporary`; end it with `close`. Any thread."""

    def __init__(
        self,
        database: Database,
        key: DataKey | None = None,
        key_home: KeyHome | None = None,
        newly_created: bool = False,
        ways: VaultKeys | None = None,
        held: Held | None = None,
    ) -> None:
        """Use `Vault.open` or `Vault.temporary`."""
        self._database = database
        self._key = key
        self._key_home = key_home
        self._newly_created = newly_created
        self._ways = ways
        self._held = held
        self._writer = Writer()
        self._catalogue = ModelCatalogue(database, self._writer)
        self._organising = Organising(database, self._writer)
        if key is None:
            self._kv_states: KvStates | NoStates = NoStates()
            self._conversations = Conversations(database, self._writer)
        else:
            self._kv_states = states = KvStates(database, self._writer, key)
            self._conversations = Conversations(database, self._writer, states.sweep)

    @classmethod
    def open(
        cls,
        folder: Path,
        keys_folder: Path,
        secret: Secret = NOTHING,
        keyring_allowed: bool = True,
        secret_store: SecretStore | None = None,
    ) -> Vault:
        """Open the vault in `folder`, making it where there is none.

        Args:
            secret: what the person gave; a new vault takes its text as passphrase.
            keys_folder: where a key file is, or is made where there is neither passphrase nor
                keyring.
            keyring_allowed: whether a new vault may keep its key in the OS keyring.
            secret_store: stands in for the operating system's keyring.

        Raises:
            VaultLockedError: nothing at hand opens it; the text says what is needed.
            WrongKeyError: the passphrase or key is not this vault's.
            VaultDamagedError: its files cannot be read; they are kept.
            NewerSchemaError: a newer Snug wrote it.
            DiskFullError, EnvironmentFault: the disk refused.
        """
        make_private_folder(folder)
        with contextlib.ExitStack() as undo:
            held = exchange.hold(folder)
            undo.callback(held.close)
            backups.sweep(folder)
            made = _made_key(folder, keys_folder, secret, keyring_allowed, secret_store)
            key = made or keys.unlock(folder, keys_folder, secret, secret_store)
            undo.callback(key.close)
            home = keys.key_home(folder, keys_folder)
            ways = VaultKeys(folder, keys_folder, key, secret_store)
            vault = cls(_open_database(folder, key), key, home, made is not None, ways, held)
            undo.pop_all()
            return vault

    @classmethod
    def temporary(cls) -> Vault:
        """A vault in memory that is gone with `close`, for conversations that leave no trace."""
        return cls(Database.in_memory())

    @property
    def conversations(self) -> Conversations:
        """The store."""
        return self._conversations

    @property
    def organising(self) -> Organising:
        """Folders, tags, pins, archive and trash."""
        return self._organising

    @property
    def catalogue(self) -> ModelCatalogue:
        """What is kept of the Hub: models and looks."""
        return self._catalogue

    @property
    def kv_states(self) -> StateKeeper:
        """The keeper of KV states; it keeps nothing in a temporary vault or a locked one."""
        return self._kv_states

    @property
    def keys(self) -> VaultKeys:
        """The ways to open this vault. Raises: UserError for a temporary one."""
        if self._ways is None:
            raise UserError("A temporary vault has no key.")
        return self._ways

    @property
    def key_home(self) -> KeyHome | None:
        """Where the key was when the vault was opened; None for a temporary vault."""
        return self._key_home

    @property
    def newly_created(self) -> bool:
        """Whether this process has just made it: tell the person about `key_home` once."""
        return self._newly_created

    def back_up(self, stopped: Stopped = never) -> Backup:
        """Make a backup, and remove those that are too many or hold what was deleted since.

        Args:
            stopped: asked now and then, for a vault that is to be closed meanwhile.

        Raises:
            EnvironmentFault: it was stopped; nothing was kept.
            VaultDamagedError: the vault is not sound; earlier backups stay.
            DiskFullError, EnvironmentFault: the disk refused.
        """
        made = self._database.back_up(stopped)
        deleted_ms = int(self._conversations.setting(DELETED_MS) or 0)
        pruning.prune(self._database.path.parent, made, deleted_ms)
        return made

    def backups(self) -> tuple[Backup, ...]:
        """Those that are there, newest first."""
        return backups.found(self._database.path.parent)

    def changed_ms(self) -> int:
        """When something was written last, UTC milliseconds; 0 while nothing was ever kept."""
        chats = self._conversations.summaries(1, where=ListFilter(shelf=Shelf.ALL))
        if not chats and self._conversations.setting(DELETED_MS) is None:
            return 0
        path = self._database.path
        files = [path, *path.parent.glob(f"{FILE_NAME}-wal")]
        written = [file.stat() for file in files]
        return max(int(one.st_mtime * 1000) for one in written if one.st_size)

    def check(self, stopped: Stopped = never) -> Checked:
        """Look at every page and row. Raises: EnvironmentFault (the disk; it was stopped)."""
        from snug.vault.checking import check_all  # late: start-up counts

        try:
            with self._database.reading() as connection:
                return check_all(connection, self._database.path, stopped)
        except VaultDamagedError as error:
            return Checked(problems=(error.message,))

    def close(self, timeout_s: float = 5.0) -> None:
        """Write what is queued, end the thread, close the file, overwrite the key. Idempotent.

        A disk that is still at work after `timeout_s` keeps its file open, not this method.
        """
        if self._writer.close(timeout_s):
            self._database.close()
            if self._held is not None:
                self._held.close()
        if self._key is not None:
            self._key.close()


def glance(folder: Path, keys_folder: Path, secret: Secret, name: str) -> str | None:
    """One setting of the vault in `folder`, which is closed again; None where there is no vault.

    Raises:
        SnugError: as `Vault.open`.
    """
    if not (folder / keys.SLOT_FILE).exists():
        return None
    vault = Vault.open(folder, keys_folder, secret)
    try:
        return vault.conversations.setting(name)
    finally:
        vault.close()


def _made_key(
    folder: Path,
    keys_folder: Path,
    secret: Secret,
    keyring_allowed: bool,
    secret_store: SecretStore | None,
) -> DataKey | None:
    """The key of a vault that this very call has made; None where there was one."""
    slot_file = folder / keys.SLOT_FILE
    if slot_file.exists():
        return None
    with locked(folder):
        # Another process may have made it in the meantime.
        if slot_file.exists():
            return None
        database = folder / FILE_NAME
        if database.exists():
            # A new key would not open it, and its own may still be found.
            raise VaultDamagedError(
                f"{slot_file}, which holds the locked key of your chats, is missing, while "
                f"{database} is there. Snug has left it as it is: put the missing file back, or a "
                "backup in their place (snug vault backups, snug vault restore)."
            )
        key, _ = keys.create_vault(folder, keys_folder, secret.text, keyring_allowed, secret_store)
        return key


def _open_database(folder: Path, key: DataKey) -> Database:
    try:
        return Database.open(folder, key)
    except WrongKeyError as error:
        # vault.json has proved that the key is right.
        raise damaged(folder / FILE_NAME) from error
