"""`snug vault backup`, `backups`, `verify`, `restore` and `salvage`."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable

from snug.cli.output import print_json, print_table, say
from snug.cli.session import Session
from snug.cli.usage import a_path
from snug.domain.errors import UserError, VaultDamagedError
from snug.domain.keeping import Backup, Checked, Restored
from snug.services.bundle import Services
from snug.services.keeping import Keeping

_SHOWN = 3
_LOST = {
    "conversations": "chats",
    "messages": "messages",
    "journal": "answers that were being written",
    "folders": "folders",
    "tags": "tags",
    "conversation_tags": "the tags of chats",
    "summaries": "summaries",
    "settings": "settings",
}

AddCommand = Callable[[str, str], argparse.ArgumentParser]


def add_keeping_commands(add: AddCommand) -> None:
    """Their command lines; `add` makes the parser of one command from its name and its help."""
    make = add("backup", "make an encrypted backup now")
    make.add_argument("path", nargs="?", type=a_path, metavar="FILE", help="put a copy there")
    make.set_defaults(run=back_up)
    add("backups", "the backups that there are").set_defaults(run=list_backups)
    look = add("verify", "look whether everything can be read")
    look.add_argument("path", nargs="?", type=a_path, metavar="FILE", help="a backup instead")
    look.add_argument("--all", action="store_true", help="tell every problem, not only three")
    look.set_defaults(run=verify)
    bring = add("restore", "put a backup in the place of the chats, which are kept aside")
    bring.add_argument("path", type=a_path, metavar="FILE")
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
            f"Everything can be read. Conversations: {checked.conversations:,}, messages: "
            f"{checked.messages:,}."
        )
    else:
        _tell_problems(session, checked)
    return 0 if checked.ok else 1


def _tell_problems(session: Session, checked: Checked) -> None:
    shown = checked.problems if session.options.all else checked.problems[:_SHOWN]
    for problem in shown:
        say(problem)
    if len(checked.problems) > len(shown):
        say(f"And {len(checked.problems) - len(shown)} more; --all tells them.")
    if session.options.path is None:
        say(f"The chats are damaged. {_help_with(session)}")
    else:
        say("This backup is damaged: take another one (snug vault backups).")


def _help_with(session: Session) -> str:
    newest = next(iter(session.care.backups()), None)
    if newest is None:
        return "There is no backup. Save what can be read: snug vault salvage"
    return (
        f"The newest backup is of {_time(newest.created_ms)}: snug vault restore {newest.path} "
        "brings it back. Or save what can be read: snug vault salvage. What is there is kept aside "
        "by both."
    )


def restore(session: Session) -> int:
    """Put a backup in the place of the vault."""
    path = session.options.path
    session.check_closed()
    done = session.with_secret(lambda secret: session.care.restore(path, secret))
    _print_restored(session, done)
    if not session.care.silent():
        say(
            "This device asks for the key at every start. To open the chats without a question: "
            "snug keys add silent"
        )
    return 0


def salvage(session: Session) -> int:
    """Save what can still be read. Returns: 1 where something of the chats is lost."""
    session.check_closed()
    done = session.with_secret(session.care.salvage)
    _print_restored(session, done)
    lost = [f"{what}: {done.lost[table]:,}" for table, what in _LOST.items() if table in done.lost]
    if not lost:
        return 0
    say(f"Places that could not be read, in {', '.join(lost)}. What stood there is lost in this.")
    newest = next(iter(session.care.backups()), None)
    if newest is not None:
        say(f"It may be in the backup of {_time(newest.created_ms)}: {newest.path}")
    return 1


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
    print(f"Conversations that are back: {done.conversations:,}, messages: {done.messages:,}.")
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
