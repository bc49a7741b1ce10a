"""The command lines of `snug folders` and of order among conversations."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from snug.cli import organising

AddCommand = Callable[[str, str], argparse.ArgumentParser]


def add_list_options(parser: argparse.ArgumentParser) -> None:
    """What `conversations list` can be narrowed to."""
    parser.add_argument("--folder", metavar="FOLDER", help="in this folder: its name or id")
    parser.add_argument("--tag", metavar="TAG", help="with this tag")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--archived", action="store_true", help="in the archive")
    where.add_argument("--trash", action="store_true", help="in the trash")


def add_order_commands(add: AddCommand) -> None:
    """`snug conversations …`; `add` makes the parser of one command from its name and its help."""
    for name, text, run in (
        ("move", "into a folder, or out of all", organising.move),
        ("tag", "give it a tag", organising.tag),
        ("untag", "take a tag from it", organising.untag),
        ("archive", "put it out of sight without losing it", organising.archive),
        ("unarchive", "put it back among the others", organising.unarchive),
        ("trash", "throw it away; it can be restored for a while", organising.trash),
        ("restore", "take it out of the trash", organising.restore),
        ("delete", "into the trash, or away for good", organising.delete),
    ):
        parser = add(name, text)
        parser.add_argument("target", metavar="ID")
        parser.set_defaults(run=run)
        if name == "move":
            parser.add_argument("folder", nargs="?", metavar="FOLDER", help="its name or id")
            parser.add_argument("--out", action="store_true", help="out of its folder")
        elif name in ("tag", "untag"):
            parser.add_argument("tag", metavar="TAG")
        elif name == "delete":
            parser.add_argument("--for-good", action="store_true", help="at once, past the trash")
    add("empty-trash", "delete for good what is in the trash").set_defaults(
        run=organising.empty_trash
    )
    add("tags", "all tags").set_defaults(run=organising.list_tags)
    keep = add("keep-trash", "for how many days the trash keeps")
    keep.add_argument("days", nargs="?", type=int, metavar="DAYS", help="0 keeps nothing")
    keep.set_defaults(run=organising.keep_trash)


def add_folder_commands(add: AddCommand) -> None:
    """`snug folders …`."""
    add("list", "all folders and their rules").set_defaults(run=organising.list_folders)
    for name, text, run in (
        ("create", "make a folder", organising.create_folder),
        ("rename", "give a folder another name", organising.rename_folder),
        ("delete", "remove a folder; its conversations stay", organising.delete_folder),
        ("keep", "after how many days chats go to the trash", organising.keep_in_folder),
    ):
        parser = add(name, text)
        parser.add_argument("target", metavar="NAME" if name == "create" else "FOLDER")
        parser.set_defaults(run=run)
        if name == "rename":
            parser.add_argument("name", metavar="NAME")
        elif name == "keep":
            parser.add_argument("days", type=int, metavar="DAYS", help="0 keeps everything")
