"""`snug profiles`: several vaults on one device."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from snug.cli.output import print_json, print_table, say
from snug.cli.session import Session
from snug.domain.errors import UserError
from snug.domain.profile import FIRST, ProfileEntry
from snug.services.profiles import NAME_WARNING

AddCommand = Callable[[str, str], argparse.ArgumentParser]


def add_profile_commands(add: AddCommand) -> None:
    """`snug profiles …`; `add` makes the parser of one command from its name and its help."""
    add("list", "all profiles").set_defaults(run=list_profiles)
    create = add("create", "make a profile with a vault and keys of its own")
    create.add_argument(
        "name", nargs="?", default="", metavar="NAME", help="readable without a key"
    )
    create.set_defaults(run=create_profile)
    rename = add("rename", "give a profile another name")
    rename.add_argument("target", metavar="PROFILE", help="its name or id")
    rename.add_argument("name", metavar="NAME", help="readable without a key")
    rename.set_defaults(run=rename_profile)
    delete = add("delete", "delete a profile and all its conversations for good")
    delete.add_argument("target", metavar="PROFILE", help="its name or id")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    delete.set_defaults(run=delete_profile)


def list_profiles(session: Session) -> int:
    """All profiles; needs no key."""
    profiles = session.profiles
    current = profiles.current.id
    entries = profiles.list()
    if session.options.json:
        print_json([_document(entry, current) for entry in entries])
    else:
        rows = [("*" if entry.id == current else "", entry.name, entry.id) for entry in entries]
        print_table(("", "NAME", "ID"), rows)
    return 0


def create_profile(session: Session) -> int:
    """Make one."""
    name = session.options.name
    if name:
        say(NAME_WARNING)
    entry = session.profiles.create(name)
    _told(session, entry, f"Made {entry.name}. Use it with: snug --profile '{entry.name}'")
    return 0


def rename_profile(session: Session) -> int:
    """Give one another name."""
    say(NAME_WARNING)
    entry = session.profiles.rename(session.options.target, session.options.name)
    _told(session, entry, f"It is called {entry.name} now.")
    return 0


def delete_profile(session: Session) -> int:
    """Delete one for good."""
    options = session.options
    entry = session.profiles.find(options.target)
    if not options.yes and entry.id != FIRST:
        _make_sure(entry)
    session.profiles.delete(entry.id)
    if options.json:
        print_json({"deleted": entry.id})
    else:
        print(f"Deleted {entry.name} and all its conversations.")
    return 0


def _make_sure(entry: ProfileEntry) -> None:
    question = f"All conversations of {entry.name} are lost for good. Type its name to delete it: "
    if not sys.stdin.isatty():
        raise UserError(f"All conversations of {entry.name} would be lost. To delete it: --yes")
    print(question, end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != entry.name:
        raise UserError("That is not its name. Nothing was deleted.")


def _told(session: Session, entry: ProfileEntry, sentence: str) -> None:
    if session.options.json:
        print_json(_document(entry, session.profiles.current.id))
    else:
        print(sentence)


def _document(entry: ProfileEntry, current: str) -> dict[str, object]:
    return {"id": entry.id, "name": entry.name, "current": entry.id == current}
