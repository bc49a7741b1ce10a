"""`snug vault backup`, `backups`, `verify`, `restore` and `salvage`."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable
from pathlib import Path

from snug.cli.output import print_json, print_table, say
from snug.cli.session import Session
from snug.domain.errors import UserError, VaultDamagedError
from snug.domain.keeping import Backup, Checked, Restored
from snug.services.bundle import Services
from snug.services.keeping import Keeping

AddCommand = Callable[[str, str], argparse.ArgumentParser]


def add_keeping_commands(add: AddCommand) -> None:
    """Their command lines; `add` makes the parser of one command from its name and its help."""
    make = add("backup", "make an encrypted backup now")
    make.add_argument("path", nargs="?", type=Path, metavar="FILE", help="put a copy there")
    make.set_defaults(run=back_up)
    add("backups", "the backups that there are").set_defaults(run=list_backups)
    look = add("verify", "look whether everything can be read")
    look.add_argument("path", nargs="?", type=Path, metavar="FILE", help="a backup instead")
    look.set_defaults(run=verify)
    bring = add("restore", "put a backup in the place of the chats, which are kept aside")
    bring.add_argument("path", type=Path, metavar="FILE")
    bring.set_defaults(run=restore)
    save = add("salvage", "save what can be read of a damaged vault; the damaged file is kept")
    save.set_defaults(run=salvage)


def back_up(session: Session) -> int:
    """Make a backup now."""
    path = session.options.path
    with session.open() as services:
        keeping = _keeping(services)
        made = keeping.back_up() if path is None else keeping.back_up_to(path)
        elsewhere = keeping.opens_elsewhere()
    if not elsewhere:
        say(
            "Nothing but this device opens this backup. Set a passphrase (snug vault passphrase) "
            "or make a recovery code (snug keys add recovery), and make another one."
        )
    if session.options.json:
        print_json({**_document(made), "opens_elsewhere": elsewhere})
    else:
        print(f"{made.path}, {made.bytes:,} bytes")
    return 0


def list_backups(session: Session) -> int:
    """The backups that Snug made by itself, newest first; needs no key."""
    backups = session.care.backups()
    if session.options.json:
        print_json([_document(backup) for backup in backups])
        return 0
    if not backups:
        say("There is no backup yet. Snug makes one each day; snug vault backup makes one now.")
    print_table(
        ("MADE", "BYTES", "FILE"),
        [(_time(one.created_ms), f"{one.bytes:,}", str(one.path)) for one in backups],
    )
    return 0


def verify(session: Session) -> int:
    """Look at every page and row, of the vault or of a backup."""
    path = session.options.path
    try:
        if path is None:
            with session.open() as services:
                checked = _keeping(services).check()
        else:
            checked = session.with_secret(lambda secret: session.care.check_backup(path, secret))
    except VaultDamagedError as error:
        checked = Checked(problems=(error.message,))
    if session.options.json:
        print_json(
            {
                "ok": checked.ok,
                "conversations": checked.conversations,
                "messages": checked.messages,
                "problems": list(checked.problems),
            }
        )
    elif checked.ok:
        print(
            f"Everything can be read: {checked.conversations:,} conversations, "
            f"{checked.messages:,} messages."
        )
    for problem in checked.problems if not session.options.json else ():
        say(problem)
    return 0 if checked.ok else 1


def restore(session: Session) -> int:
    """Put a backup in the place of the vault."""
    path = session.options.path
    session.check_closed()
    done = session.with_secret(lambda secret: session.care.restore(path, secret))
    _print_restored(session, done)
    return 0


def salvage(session: Session) -> int:
    """Save what can still be read."""
    session.check_closed()
    done = session.with_secret(session.care.salvage)
    _print_restored(session, done)
    for table, count in done.lost.items():
        say(f"Lost in {table}: {count:,} places that cannot be read.")
    return 0


def _print_restored(session: Session, done: Restored) -> None:
    if session.options.json:
        print_json(
            {
                "conversations": done.conversations,
                "messages": done.messages,
                "set_aside": None if done.aside is None else str(done.aside),
                "lost": done.lost,
            }
        )
        return
    print(f"{done.conversations:,} conversations with {done.messages:,} messages are back.")
    if done.aside is not None:
        print(f"What was there before is kept in {done.aside}; delete it when all is well.")


def _keeping(services: Services) -> Keeping:
    if services.keeping is None:
        raise UserError("This vault is kept in memory alone.")
    return services.keeping


def _document(backup: Backup) -> dict[str, object]:
    return {
        "path": str(backup.path),
        "created_at": _time(backup.created_ms),
        "bytes": backup.bytes,
    }


def _time(ms: int) -> str:
    moment = datetime.datetime.fromtimestamp(ms / 1000, datetime.UTC)
    return moment.isoformat(timespec="seconds")
