"""`snug conversations export|schema` and `snug vault archive|unarchive`."""

from __future__ import annotations

import io
import sys
from argparse import Namespace
from pathlib import Path

from snug.cli.organising import filter_of
from snug.cli.output import print_json, say
from snug.cli.secrets import ask, new_passphrase, passphrase_in
from snug.cli.session import Session
from snug.cli.usage import WrongUsageError
from snug.domain.errors import UserError
from snug.domain.exporting import NOT_ENCRYPTED, ExportFormat, ExportOptions
from snug.services.bundle import Services
from snug.services.exporting import Exporting
from snug.services.keys import check_length


def export(session: Session) -> int:
    """Write conversations to a file or to standard output."""
    options = session.options
    to_screen = options.output == "-"
    if to_screen and options.json:
        raise WrongUsageError("--json reports on standard output; give --output a file name then.")
    with session.open() as services:
        service = _service(services)
        ids = _ids(services, service, options)
        # Whole before the first byte of it is printed: half a document helps nobody.
        screen = io.BytesIO() if to_screen else None
        report = service.export(
            ids, _export_options(options), screen or Path(options.output), options.replace
        )
        if screen is not None:
            sys.stdout.buffer.write(screen.getbuffer())
    sys.stdout.flush()
    say(NOT_ENCRYPTED)
    if report.skipped:
        say(f"{report.skipped} branches were skipped: they have no answer that is complete.")
    if options.json:
        print_json(
            {
                "format": report.format.value,
                "output": options.output,
                "conversations": report.conversations,
                "messages": report.messages,
                "skipped": report.skipped,
                "encrypted": False,
            }
        )
    elif not to_screen:
        print(f"Written: conversations {report.conversations:,}, messages {report.messages:,}.")
    return 0


def schema(session: Session) -> int:
    """Print the JSON Schema of the JSON export."""
    with session.open() as services:
        file = services.profile.resources / "conversations.schema.json"
        print(file.read_text("utf-8"), end="")
    return 0


def archive(session: Session) -> int:
    """Write everything as an encrypted archive."""
    options = session.options
    passphrase = "" if options.recipient else _strong_passphrase(options.passphrase_file)
    with session.open() as services:
        report = _service(services).archive(
            options.target, passphrase, options.recipient or (), options.replace
        )
    if options.json:
        print_json(
            {
                "output": str(options.target),
                "conversations": report.conversations,
                "messages": report.messages,
                "encrypted": True,
            }
        )
    else:
        print(f"Encrypted: conversations {report.conversations:,}, messages {report.messages:,}.")
    return 0


def unarchive(session: Session) -> int:
    """Read an encrypted archive into the vault."""
    options = session.options
    passphrase = "" if options.identity else _asked_passphrase(options.passphrase_file)
    identity = _identity(options.identity) if options.identity else ""
    with session.open() as services:
        count, problems = _service(services).unarchive(options.target, passphrase, identity)
    for problem in problems:
        say(problem)
    if options.json:
        print_json(
            {
                "format": "snug-archive",
                "conversations": count.conversations,
                "messages": count.messages,
                "skipped": count.skipped,
                "problems": list(problems),
            }
        )
    else:
        print(
            f"{count.conversations} conversations and {count.messages} messages are new; "
            f"{count.skipped} messages were there already."
        )
    return 0


def _strong_passphrase(file: Path | None) -> str:
    passphrase = new_passphrase(file)
    if passphrase is None:
        raise WrongUsageError(
            "Nobody is here to type a passphrase. Give --passphrase-file, or --recipient."
        )
    check_length(passphrase)
    return passphrase


def _asked_passphrase(file: Path | None) -> str:
    if file is not None:
        return passphrase_in(file)
    if not sys.stdin.isatty():
        raise WrongUsageError(
            "Nobody is here to type a passphrase. Give --passphrase-file, or --identity."
        )
    return ask("Passphrase of the archive: ")


def _identity(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as an identity file of age.") from error


def _ids(services: Services, service: Exporting, options: Namespace) -> tuple[str, ...]:
    listed = options.all or options.folder is not None or options.tag is not None
    if listed is bool(options.targets):
        raise WrongUsageError("Name conversations by id, or give --all, --folder or --tag.")
    if options.targets:
        return tuple(dict.fromkeys(options.targets))
    return service.ids(filter_of(services, options.folder, options.tag))


def _export_options(options: Namespace) -> ExportOptions:
    kind = ExportFormat(options.format)
    every = options.branches or (kind is not ExportFormat.JSONL and not options.active_branch)
    return ExportOptions(
        format=kind,
        branches=every,
        reasoning=not options.no_reasoning,
        times=not options.no_times,
        models=not options.no_models,
        system_prompt=not options.no_system_prompt,
    )


def _service(services: Services) -> Exporting:
    if services.exporting is None:
        raise UserError("Nothing can be exported from here.")
    return services.exporting
