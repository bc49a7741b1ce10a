"""`snug conversations import`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from snug.cli.output import print_json, say
from snug.cli.session import Session
from snug.cli.usage import a_path
from snug.domain.errors import UserError
from snug.domain.importing import ImportReport

AddCommand = Callable[[str, str], argparse.ArgumentParser]


def add_import_command(add: AddCommand) -> None:
    """Its command line; `add` makes the parser of a command from its name and its help."""
    parser = add("import", "bring in the chats of another program; again adds only what is new")
    parser.add_argument("path", type=a_path, metavar="FILE", help="a file, zip or folder")
    parser.set_defaults(run=import_chats)


def import_chats(session: Session) -> int:
    """Import a file, and tell what came and what could not be read."""
    path = session.options.path
    with session.open() as services:
        if services.importing is None:
            raise UserError("Nothing can be imported here.")
        report = services.importing.run(path, _tell_progress(sys.stderr.isatty()))
    if session.options.json:
        print_json(
            {
                "format": ", ".join(report.formats),
                "conversations": report.conversations,
                "messages": report.messages,
                "skipped": report.skipped,
                "problems": list(report.problems),
            }
        )
    else:
        print(_words(report))
        for problem in report.problems:
            say(problem)
    if report.more_problems:
        say(f"And {report.more_problems:,} more places that could not be read.")
    return 0


def _words(report: ImportReport) -> str:
    text = (
        f"From {', '.join(report.formats)}: {report.conversations:,} conversations, "
        f"{report.messages:,} messages."
    )
    if report.skipped:
        text += f" {report.skipped:,} messages were there already."
    return text


def _tell_progress(is_terminal: bool) -> Callable[[float], None]:
    def tell(part: float) -> None:
        if is_terminal:
            print(f"\r{part:4.0%}", end="" if part < 1 else "\n", file=sys.stderr, flush=True)

    return tell
