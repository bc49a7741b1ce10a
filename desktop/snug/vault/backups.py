"""Backups of the vault: made by themselves, each one file, as unreadable as the vault itself.

A `.snugbackup` is an uncompressed zip of the locked keys (`vault.json`), the encrypted database
(`snug.db`) and what is said of them (`manifest.json`). With a passphrase or recovery code it opens
on any machine.
"""

from __future__ import annotations

import contextlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import apsw

from snug.domain.conversation import now_ms
from snug.domain.errors import DiskFullError, NewerSchemaError, UserError, VaultDamagedError
from snug.domain.keeping import Backup, Stopped, never
from snug.vault import holding
from snug.vault.faults import database_faults, stop_if
from snug.vault.file_kinds import what_to_do_with
from snug.vault.files import (
    create_private,
    free_bytes,
    make_private_folder,
    os_faults,
    sync_folder,
)
from snug.vault.query import fetch, number

FOLDER = "backups"
SUFFIX = ".snugbackup"
DATABASE = "snug.db"
SLOTS = "vault.json"
_MANIFEST = "manifest.json"
_VERSION = 1
_PIECE = 1024 * 1024  # slots and manifest are never larger
_LAST_MS = 253_402_300_799_999  # the end of the year 9999
_MAKING = ".making-"
LOOKED_AT = ".looked-at-"  # where what a backup holds is read
_NAME_LENGTH_AT = 26  # in a member's local header. Source: PKWARE APPNOTE, 4.3.7

_PAGES = 2048  # between two questions whether to stop
_STEPS = 100_000  # of SQLite's machine, likewise
# What `zipfile` raises at a file that is no zip, cut off or damaged in any place.
_UNREADABLE = (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError)

Connect = Callable[[Path], apsw.Connection]


def make(
    folder: Path, source: apsw.Connection, connect: Connect, stopped: Stopped = never
) -> Backup:
    """Back the vault in `folder` up, and look at the copy before it counts. Any thread.

    Args:
        source: reads the database; writers need not wait.
        connect: opens the file at a path with the vault's key.
        stopped: asked now and then.

    Raises:
        EnvironmentFault: it was stopped; nothing was kept.
        VaultDamagedError: the copy is not sound, because the database is not; nothing was kept.
        DiskFullError, EnvironmentFault: the disk refused; nothing was kept.
    """
    backups = folder / FOLDER
    make_private_folder(backups)
    _check_room(backups, source)
    created_ms = now_ms()  # what is deleted while it is copied may be in it
    with holding.workplace(backups, _MAKING) as making:
        copy = making / DATABASE
        _copy(source, copy, connect, stopped)
        steps = number(source, "PRAGMA user_version")
        moment = datetime.fromtimestamp(created_ms / 1000, UTC)
        name = f"snug-{moment:%Y%m%d-%H%M%S}-{created_ms % 1000:03}{SUFFIX}"
        packed = making / name
        with os_faults(packed):
            _pack(packed, folder / SLOTS, copy, (created_ms, steps), stopped)
            packed.replace(backups / name)
            sync_folder(backups)
            return Backup(backups / name, created_ms, (backups / name).stat().st_size, steps)


def sweep(folder: Path) -> None:
    """Remove what a process left behind that ended while it made a backup, or looked at one."""
    holding.sweep(folder / FOLDER, _MAKING)
    holding.sweep(folder, LOOKED_AT)


def _check_room(backups: Path, source: apsw.Connection) -> None:
    pages = number(source, "PRAGMA page_count") * number(source, "PRAGMA page_size")
    needed = pages * 2 + pages // 10
    free = free_bytes(backups)
    if free is not None and free < needed:
        raise DiskFullError(
            f"A backup needs {needed:,} bytes for a moment, and {free:,} are left on the disk that "
            f"holds {backups}. Free some space there; the chats themselves are safe."
        )


def _copy(source: apsw.Connection, to: Path, connect: Connect, stopped: Stopped) -> None:
    create_private(to)
    target = connect(to)
    try:
        with database_faults(to):
            with target.backup("main", source, "main") as copying:
                while not copying.done:
                    copying.step(_PAGES)
                    stop_if(stopped)
            target.set_progress_handler(stopped, _STEPS)
        check(target, to)
    finally:
        target.close()


def check(connection: apsw.Connection, path: Path) -> None:
    """Read every page of a database: each is authenticated, so that none can be a wrong one.

    Raises:
        VaultDamagedError: it is not sound.
    """
    with database_faults(path):
        found = [str(row[0]) for row in fetch(connection, "PRAGMA quick_check(1)")]
    if found != ["ok"]:
        raise VaultDamagedError(f"{path} is damaged: {found[0] if found else 'no answer'}.")


def _pack(packed: Path, slots: Path, copy: Path, told: tuple[int, int], stopped: Stopped) -> None:
    """Put all into one file and read it again; `told` is when it is of and its format."""
    manifest = {"version": _VERSION, "created_ms": told[0], "format": told[1]}
    create_private(packed)
    with packed.open("r+b") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(_MANIFEST, json.dumps(manifest))
            archive.write(slots, SLOTS)
            with copy.open("rb") as pages, archive.open(DATABASE, "w", force_zip64=True) as member:
                while piece := pages.read(_PIECE):
                    member.write(piece)
                    stop_if(stopped)
        file.flush()
        os.fsync(file.fileno())
    try:
        with _opened(packed) as archive:
            for name in (_MANIFEST, SLOTS, DATABASE):
                for _ in _pieces(archive, name):
                    stop_if(stopped)
    except UserError as error:
        raise VaultDamagedError(
            f"The disk did not keep what was written to {packed}. Try another disk."
        ) from error


def found(folder: Path) -> tuple[Backup, ...]:
    """The backups of the vault in `folder`, newest first; files that are none are left out."""
    backups = []
    for path in (folder / FOLDER).glob(f"*{SUFFIX}"):
        with contextlib.suppress(UserError, NewerSchemaError, OSError):
            backups.append(read(path))
    return tuple(sorted(backups, key=lambda backup: -backup.created_ms))


def read(path: Path) -> Backup:
    """What a backup file says of itself.

    Raises:
        UserError: it is not there, or no backup of Snug.
        NewerSchemaError: a newer Snug wrote it.
    """
    with _opened(path) as archive:
        manifest = _small(archive, _MANIFEST)
        try:
            told = json.loads(manifest)
            version, created_ms, steps = (
                int(told[name]) for name in ("version", "created_ms", "format")
            )
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
            raise UserError(f"{path} is not a backup of Snug.") from error
        if not 0 <= created_ms <= _LAST_MS:
            raise UserError(f"{path} is not a backup of Snug.")
        if version > _VERSION:
            raise NewerSchemaError(
                f"A newer Snug wrote the backup {path} (version {version}). Use the newer one."
            )
        return Backup(path, created_ms, path.stat().st_size, steps)


def unpack(path: Path, into: Path) -> None:
    """Write the locked keys and the database of a backup into a folder.

    Raises:
        UserError: the file is not a backup of Snug, or is damaged.
        DiskFullError, EnvironmentFault: it could not be written.
    """
    with _opened(path) as archive:
        slots = _small(archive, SLOTS)
        with os_faults(into):
            _write(into / SLOTS, [slots])
            _write(into / DATABASE, _pieces(archive, DATABASE))
            sync_folder(into)


def erase_keys(path: Path) -> None:
    """Overwrite the locked keys in a backup, so that nothing opens it any more.

    Raises:
        UserError: it is no backup of Snug.
        EnvironmentFault: it cannot be written.
    """
    with _opened(path) as archive:
        place = archive.getinfo(SLOTS)
    with os_faults(path), path.open("r+b") as file:
        file.seek(place.header_offset + _NAME_LENGTH_AT)
        lengths = int.from_bytes(file.read(2), "little") + int.from_bytes(file.read(2), "little")
        file.seek(lengths, os.SEEK_CUR)
        file.write(bytes(place.compress_size))
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a backup to read it. Raises: UserError."""
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}.") from error
    except (*_UNREADABLE, OSError) as error:
        hint = what_to_do_with(path)
        raise UserError(
            f"{path} is not a backup of Snug{f'. {hint}' if hint else ', or it is damaged.'}"
        ) from error
    with archive:
        members = {info.filename: info for info in archive.infolist()}
        stored = all(info.compress_type == zipfile.ZIP_STORED for info in members.values())
        if not stored or set(members) != {_MANIFEST, SLOTS, DATABASE}:
            raise UserError(f"{path} is not a backup of Snug.")
        yield archive


def _pieces(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """What a member holds, and at its end whether it is what was put in. Raises: UserError."""
    try:
        with archive.open(name) as member:
            while piece := member.read(_PIECE):
                yield piece
    except (*_UNREADABLE, OSError) as error:
        raise UserError(
            f"The backup {archive.filename} is damaged: what it holds is not what was put in. Take "
            "another one (snug vault backups)."
        ) from error


def _small(archive: zipfile.ZipFile, name: str) -> bytes:
    return next(_pieces(archive, name), b"")


def _write(path: Path, pieces: Iterator[bytes] | Sequence[bytes]) -> None:
    create_private(path)
    with path.open("r+b") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
