"""The command lines of `snug vault` and `snug keys`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from snug.cli import keys
from snug.cli.keeping import add_keeping_commands
from snug.cli.usage import a_path

AddCommand = Callable[[str, str], argparse.ArgumentParser]


def add_vault_commands(add: AddCommand) -> None:
    """`snug vault …`; `add` makes the parser of one command from its name and its help."""
    init = add("init", "make the vault, before anything is kept")
    init.add_argument(
        "--passphrase-file",
        type=a_path,
        metavar="FILE",
        help="the passphrase; else it is asked for",
    )
    init.add_argument("--recovery", action="store_true", help="make a recovery code and print it")
    init.set_defaults(run=keys.init)
    change = add("passphrase", "set or change the passphrase; other ways to open the chats stay")
    change.add_argument(
        "--new-file", type=a_path, metavar="FILE", help="the new one; else it is asked for"
    )
    change.add_argument(
        "--only", action="store_true", help="this device asks from now on; its own key is erased"
    )
    change.set_defaults(run=keys.passphrase)
    for parser in (init, change):
        parser.add_argument(
            "--strong", action="store_true", help="a guess costs 256 MiB and about 2 s"
        )
    add_keeping_commands(add)
    add("lock", "lock the open window").set_defaults(run=keys.lock)
    add("status", "where the vault is and what opens it").set_defaults(run=keys.status)


def add_key_commands(add: AddCommand) -> None:
    """`snug keys …`."""
    add("list", "what opens the vault").set_defaults(run=keys.list_keys)
    more = add("add", "let something more open the vault")
    more.add_argument(
        "kind",
        choices=("recovery", "file", "keyring", "silent"),
        help="a code to write down; a file to carry; the desktop's keyring; this device",
    )
    more.add_argument("path", nargs="?", type=a_path, metavar="PATH", help="for file: where to")
    more.add_argument(
        "--replace", action="store_true", help="for recovery: the code that there is opens no more"
    )
    more.set_defaults(run=keys.add)
    less = add("remove", "let something no longer open the vault")
    less.add_argument("target", metavar="ID", help="as in `list`")
    less.set_defaults(run=keys.remove)
