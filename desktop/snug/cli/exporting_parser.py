"""The command lines of exports and archives."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from snug.cli import exporting
from snug.cli.usage import a_path
from snug.domain.exporting import ExportFormat

AddCommand = Callable[[str, str], argparse.ArgumentParser]


def add_export_commands(add: AddCommand) -> None:
    """`snug conversations export|schema`; `add` makes a parser from a name and its help."""
    parser = add("export", "write conversations to a file")
    parser.add_argument("targets", nargs="*", metavar="ID")
    parser.add_argument("--all", action="store_true", help="all but the trash")
    parser.add_argument("--folder", metavar="FOLDER", help="those in this folder: its name or id")
    parser.add_argument("--tag", metavar="TAG", help="those with this tag")
    parser.add_argument(
        "--format", required=True, choices=[kind.value for kind in ExportFormat], help="of the file"
    )
    parser.add_argument("--output", required=True, metavar="FILE", help="where to; - prints it")
    parser.add_argument("--replace", action="store_true", help="a file that is there already")
    branches = parser.add_mutually_exclusive_group()
    branches.add_argument(
        "--branches", action="store_true", help="every branch (default but jsonl)"
    )
    branches.add_argument("--active-branch", action="store_true", help="only what a chat shows")
    for name in ("reasoning", "times", "models", "system-prompt"):
        parser.add_argument(f"--no-{name}", action="store_true", help=f"leave out {name}")
    parser.set_defaults(run=exporting.export)
    add("schema", "the JSON Schema of `export --format json`").set_defaults(run=exporting.schema)


def add_archive_commands(add: AddCommand) -> None:
    """`snug vault archive|unarchive`."""
    into = add("archive", "all conversations as an encrypted file in the age format")
    into.add_argument("target", type=a_path, metavar="FILE")
    into.add_argument("--replace", action="store_true", help="a file that is there already")
    how = into.add_mutually_exclusive_group()
    how.add_argument(
        "--passphrase-file",
        type=a_path,
        metavar="FILE",
        help="the passphrase; else it is asked for",
    )
    how.add_argument("--recipient", action="append", metavar="age1…", help="give one or more")
    into.set_defaults(run=exporting.archive)
    out = add("unarchive", "read an encrypted archive into the vault")
    out.add_argument("target", type=a_path, metavar="FILE")
    how = out.add_mutually_exclusive_group()
    how.add_argument(
        "--passphrase-file",
        type=a_path,
        metavar="FILE",
        help="the passphrase; else it is asked for",
    )
    how.add_argument("--identity", type=a_path, metavar="FILE", help="an identity file of age")
    out.set_defaults(run=exporting.unarchive)
