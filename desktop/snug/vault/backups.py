"""Backups of the vault: made by themselves, each one file, as unreadable as the vault itself.

A `.snugbackup` is an uncompressed zip of the locked keys (`vault.json`), the encrypted database
(`snug.db`) and what is said of them (`manifest.json`). With a passphrase or recovery code it opens
on any machine.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import apsw

from snug.domain.conversation import now_ms
from snug.domain.errors import DiskFullError, NewerSchemaError, UserError, VaultDamagedError
from snug.domain.keeping import Backup
from snug.vault.faults import database_faults
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
_MOST = 7
_TIMES_THE_DATABASE = 4  # what all of them may take, in sizes of the newest, and at least …
_LEAST_BYTES = 64 * 1024 * 1024  # … this
_SMALL_BYTES = 1024 * 1024  # slots and manifest are never larger
_PIECE = 1024 * 1024
_LAST_MS = 253_402_300_799_999  # the end of the year 9999
_MAKING = ".making-"  # a folder of a process that is at it, whose number follows
_NAME_LENGTH_AT = 26  # in a member's local header. Source: PKWARE APPNOTE, 4.3.7

Connect = Callable[[Path], apsw.Connection]


def make(folder: Path, source: apsw.Connection, connect: Connect) -> Backup:
    """Back the vault in `folder` up, and look at the copy before it counts. Any thread.

    Args:
        source: reads the database; writers need not wait.
        connect: opens the file at a path with the vault's key.

    Raises:
        VaultDamagedError: the copy is not sound, because the database is not; nothing was kept.
        DiskFullError, EnvironmentFault: the disk refused; nothing was kept.
    """
    backups = folder / FOLDER
    make_private_folder(backups)
    _check_room(backups, source)
    created_ms = now_ms()  # what is deleted while it is copied may be in it
    making = backups / f"{_MAKING}{os.getpid()}-{secrets.token_hex(4)}"
    make_private_folder(making)
    try:
        copy = making / DATABASE
        _copy(source, copy, connect)
        steps = number(source, "PRAGMA user_version")
        moment = datetime.fromtimestamp(created_ms / 1000, UTC)
        name = f"snug-{moment:%Y%m%d-%H%M%S}-{created_ms % 1000:03}{SUFFIX}"
        packed = making / name
        with os_faults(packed):
            _pack(packed, folder / SLOTS, copy, created_ms, steps)
            packed.replace(backups / name)
            sync_folder(backups)
            return Backup(backups / name, created_ms, (backups / name).stat().st_size, steps)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove what a process left behind that ended while it made a backup."""
    for making in (folder / FOLDER).glob(f"{_MAKING}*"):
        number_ = making.name.removeprefix(_MAKING).partition("-")[0]
        if not number_.isdigit() or not _lives(int(number_)):
            shutil.rmtree(making, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _check_room(backups: Path, source: apsw.Connection) -> None:
    pages = number(source, "PRAGMA page_count") * number(source, "PRAGMA page_size")
    needed = pages * 2 + pages // 10
    free = free_bytes(backups)
    if free is not None and free < needed:
        raise DiskFullError(
            f"A backup needs {needed:,} bytes for a moment, and {free:,} are left on the disk that "
            f"holds {backups}. Free some space there; the chats themselves are safe."
        )


def _copy(source: apsw.Connection, to: Path, connect: Connect) -> None:
    create_private(to)
    target = connect(to)
    try:
        with database_faults(to), target.backup("main", source, "main") as copying:
            copying.step()
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


def _pack(packed: Path, slots: Path, copy: Path, created_ms: int, steps: int) -> None:
    manifest = {"version": _VERSION, "created_ms": created_ms, "format": steps}
    create_private(packed)
    with packed.open("r+b") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(_MANIFEST, json.dumps(manifest))
            archive.write(slots, SLOTS)
            archive.write(copy, DATABASE)
        file.flush()
        os.fsync(file.fileno())
    with zipfile.ZipFile(packed) as archive:
        if archive.testzip() is not None:
            raise VaultDamagedError(f"The disk did not keep what was written to {packed}.")


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
            with archive.open(DATABASE) as member:
                try:
                    _write(into / DATABASE, iter(lambda: member.read(_PIECE), b""))
                except zipfile.BadZipFile as error:
                    raise UserError(
                        f"The backup {path} is damaged: what it holds of the database is not what "
                        "was put in. Take another one."
                    ) from error
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
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}.") from error
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UserError(f"{path} is not a backup of Snug, or it is damaged.") from error
    with archive:
        members = {info.filename: info for info in archive.infolist()}
        stored = all(info.compress_type == zipfile.ZIP_STORED for info in members.values())
        if not stored or set(members) != {_MANIFEST, SLOTS, DATABASE}:
            raise UserError(f"{path} is not a backup of Snug.")
        yield archive


def _small(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        with archive.open(name) as member:
            return member.read(_SMALL_BYTES)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
        raise UserError(f"The backup is damaged: {name} in it cannot be read.") from error


def _write(path: Path, pieces: Iterator[bytes] | Sequence[bytes]) -> None:
    create_private(path)
    with path.open("r+b") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def prune(folder: Path, deleted_ms: int) -> tuple[Path, ...]:
    """Remove the backups that are too many, and those that still hold what was deleted.

    The newest ones stay, and one for each week before; never more than seven, and never more than
    four times the size of the newest (64 MiB where that is more). A backup that is older than the
    last deletion goes as soon as there is a newer one.

    Args:
        deleted_ms: when a conversation was last deleted for good; 0 for never.

    Raises:
        EnvironmentFault: one cannot be removed.
    """
    all_of_them = found(folder)
    keep = _kept(all_of_them, deleted_ms)
    gone = [backup.path for backup in all_of_them if backup not in keep]
    for path in gone:
        with os_faults(path):
            path.unlink(missing_ok=True)
    return tuple(gone)


def _kept(newest_first: Sequence[Backup], deleted_ms: int) -> list[Backup]:
    if not newest_first:
        return []
    fresh = [backup for backup in newest_first if backup.created_ms >= deleted_ms]
    kept = list(fresh or newest_first)
    weeks: set[tuple[int, int]] = set()
    chosen: list[Backup] = []
    room = max(_LEAST_BYTES, _TIMES_THE_DATABASE * kept[0].bytes)
    for number_, backup in enumerate(kept):
        week = datetime.fromtimestamp(backup.created_ms / 1000, UTC).isocalendar()[:2]
        wanted = number_ < 3 or week not in weeks
        weeks.add(week)
        if wanted and len(chosen) < _MOST and (backup.bytes <= room or not chosen):
            chosen.append(backup)
            room -= backup.bytes
    return chosen
