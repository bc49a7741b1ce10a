"""`snug models card`: all that is known of a model, on screen or as a file to keep."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from snug.cli.output import print_json, printable, say
from snug.cli.session import Session
from snug.cli.usage import a_path
from snug.domain.errors import EnvironmentFault, NotFoundError, UserError
from snug.domain.hub import Repository, parse_reference
from snug.services.bundle import Services

if TYPE_CHECKING:  # The window's start reads this module, and needs no card.
    from snug.domain.model_card import ModelCard
    from snug.services.cards import Cards

_VALUE: Final = 1_500  # characters of one value


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments and what it does."""
    parser.add_argument("target", metavar="MODEL|OWNER/REPO", help="here, or on the Hub")
    parser.add_argument(
        "--report", type=_report_path, metavar="FILE", help="one page: .html or .md"
    )
    parser.add_argument("--bom", type=a_path, metavar="FILE", help="CycloneDX 1.6 as JSON")
    parser.set_defaults(run=show)


def show(session: Session) -> int:
    """Show a model's card; with --report or --bom, write it to files as well."""
    options = session.options
    with session.open() as services:
        if services.cards is None:
            raise UserError("This build of Snug has no model cards.")
        card = _card(services, services.cards, options.target)
        for path, text in _exports(services.cards, card, options.report, options.bom):
            _write(path, text)
            say(f"Wrote {path}.")
    if options.json:
        print_json(card)
    elif options.report is None and options.bom is None:
        _print(card)
    return 0


def tell_terms(cards: Cards | None, repository: Repository) -> None:
    """Say what the licence of a chosen download asks, and keep that the person went on.

    Nothing is said where it is plainly commercial, or was accepted before.
    """
    if cards is None or not cards.needs_acceptance(repository):
        return
    licence = repository.licence
    name = licence.name or licence.id or "none stated"
    link = f" Its text: {licence.link}" if licence.link else ""
    gate = " Its makers' conditions on its page apply as well." if repository.gated else ""
    say(
        f"Licence of {repository.id}: {name}. {licence.reason}{gate}{link}\n"
        "Going on accepts it, and Snug keeps a record of that; Ctrl+C stops."
    )
    cards.note_choice(repository)


def _card(services: Services, cards: Cards, target: str) -> ModelCard:
    """The card of a model in the library; of a repository where there is no such model."""
    try:
        return cards.of_model(services.models.resolve(target))
    except NotFoundError:
        try:
            parse_reference(target)
        except UserError:
            raise NotFoundError(
                f"There is no model {printable(target)[:80]} here. Name one of `snug models list`, "
                "or a repository on the Hub as OWNER/REPO."
            ) from None
        if services.hub is None:
            raise
        return cards.of_repository(services.hub.show(target))


def _exports(
    cards: Cards, card: ModelCard, report: Path | None, bom: Path | None
) -> list[tuple[Path, str]]:
    found = []
    if report is not None:
        page = cards.report if report.suffix.lower() in (".html", ".htm") else cards.report_markdown
        found.append((report, page(card)))
    if bom is not None:
        found.append((bom, cards.bom(card)))
    return found


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise EnvironmentFault(
            f"{path} cannot be written: {error.strerror or error}. Choose another place."
        ) from error


def _print(card: ModelCard) -> None:
    from snug.domain.visible_text import visible, visible_line  # late, as above
    from snug.services.card_words import sections, size_words, template_sentence

    print(visible_line(card.title, 200))
    for one in card.cautions:
        print(f"{one.severity.value.capitalize()}: {visible_line(one.text, _VALUE)}")
    for section in sections(card):
        print(f"\n{section.title}")
        for row in section.rows:
            print(f"  {row.name:<16}{visible_line(row.value, _VALUE)}")
    print("\nFiles")
    for file in card.files:
        print(f"  {size_words(file.size_bytes):<12}{file.sha256 or '-':<66}{visible(file.name)}")
    print(f"\nChat template\n  {visible_line(template_sentence(card), _VALUE)}")
    for line in card.comparison.lines:
        print(f"  {visible(line)}")
    for gap in card.gaps:
        say(gap)


def _report_path(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in (".html", ".htm", ".md"):
        raise argparse.ArgumentTypeError(f"{text} must end in .html or .md")
    return path
