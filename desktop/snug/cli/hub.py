"""`snug models trending|search|show|get` and `snug ledger`: the Hub in the terminal."""

from __future__ import annotations

import argparse
import datetime
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from snug.cli.card import tell_terms
from snug.cli.models import entry
from snug.cli.output import ProgressLine, gigabytes, print_json, print_table, say
from snug.cli.session import Session
from snug.domain.download import DownloadEvent, DownloadProgress, DownloadWaiting
from snug.domain.errors import UserError
from snug.domain.hub import Category, Order, Query, Repository, fit_of
from snug.domain.ledger import LedgerEntry
from snug.domain.licence import LicenceClass
from snug.services.bundle import Services
from snug.services.hub import HubService
from snug.services.looks import Look

_SIZE: Final = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*(|[kmgt])(i?)b?", re.IGNORECASE)


def trending(session: Session) -> int:
    """What is trending on the Hub."""
    return _list(session, lambda hub: hub.trending(_query(session, "")))


def search(session: Session) -> int:
    """Repositories whose name holds the text."""
    return _list(session, lambda hub: hub.search(_query(session, session.options.target)))


def show(session: Session) -> int:
    """One repository: licence, files, what fits."""
    with _opened(session) as hub:
        found = hub.show(session.options.target)
        available = hub.available_bytes()
    if session.options.json:
        print_json(repository_entry(found, available))
        return 0
    licence = found.licence
    gate = ", gated: its conditions must be accepted on its page" if found.gated else ""
    print(f"{found.id} ({found.category.value}{gate})")
    print(f"Licence: {licence.name or licence.id or 'none stated'}. {licence.reason}")
    if licence.link:
        say(f"Its text: {licence.link}")
    if found.base_models:
        print(f"Made from: {', '.join(found.base_models)}")
    if found.context_length:
        print(f"Context length: {found.context_length:,} tokens")
    print_table(
        ("QUANTIZATION", "SIZE", "FIT", "FILE"),
        [
            (v.quantization, gigabytes(v.size_bytes), fit_of(v.size_bytes, available).value, v.name)
            for v in found.variants
        ],
    )
    return 0


def get(session: Session) -> int:
    """Download a model into the library; a second run goes on where the first one stopped."""
    line = ProgressLine()
    with session.open() as services:
        hub = _hub_of(services)
        hub.chosen = lambda repository: tell_terms(services.cards, repository)
        if session.options.max_speed:
            hub.access.downloads.limit_speed(session.options.max_speed)
        try:
            model = hub.get(session.options.target, _shown_on(line))
        except KeyboardInterrupt:
            line.clear()
            say("What came is kept; the same command goes on with it.")
            raise
        finally:
            line.clear()
    if session.options.json:
        print_json(entry(model))
    else:
        print(f"{model.name} is verified and ready. Talk to it with: snug chat '{model.name}'")
    return 0


def ledger(session: Session) -> int:
    """Every request that left this machine."""
    with _opened(session) as hub:
        entries = hub.ledger()
    if session.options.json:
        print_json([_ledger_entry(one) for one in entries])
        return 0
    if not entries:
        say("Nothing was ever sent.")
    print_table(
        ("TIME", "HOST", "SENT", "RECEIVED", "OUTCOME", "REASON"),
        [
            (
                _time(one.time_ms),
                one.host,
                f"{one.bytes_sent:,}",
                f"{one.bytes_received:,}",
                one.outcome.value,
                one.reason,
            )
            for one in entries
        ],
    )
    return 0


def add_query_options(parser: argparse.ArgumentParser) -> None:
    """The filters of a listing."""
    for name, values, text in (
        ("--category", [c.value for c in Category], "what the model is for"),
        ("--licence-class", [c.value for c in LicenceClass], "what its licence allows"),
    ):
        parser.add_argument(name, choices=values, help=text)
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="at most 100")
    parser.add_argument(
        "--max-size", type=size_bytes, default=0, metavar="SIZE", help="of a file, such as 8GB"
    )


def size_bytes(text: str) -> int:
    """`8GB`, `500MB`, `4GiB` or a number of bytes, for argparse."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text} is no size; write 8GB or 500MB")
    base = 1024 if match.group(3) else 1000
    return int(float(match.group(1)) * base ** " kmgt".index(match.group(2).lower() or " "))


def repository_entry(found: Repository, available_bytes: int | None) -> dict[str, object]:
    """One repository as outsiders read it."""
    return {
        "repo": found.id,
        "category": found.category.value,
        "licence": found.licence.id,
        "licence_class": found.licence.licence_class.value,
        "licence_name": found.licence.name,
        "licence_reason": found.licence.reason,
        "licence_from": found.licence.inherited_from,
        "trending_score": found.trending_score,
        "downloads": found.downloads,
        "gated": found.gated,
        "architecture": found.architecture,
        "context_length": found.context_length,
        "parameter_count": found.parameter_count,
        "base_models": list(found.base_models),
        "commit": found.commit,
        "files": [
            {
                "name": variant.name,
                "quantization": variant.quantization,
                "size_bytes": variant.size_bytes,
                "sha256": variant.sha256,
                "parts": len(variant.files),
                "fit": fit_of(variant.size_bytes, available_bytes).value,
            }
            for variant in found.variants
        ],
    }


@contextmanager
def _opened(session: Session) -> Iterator[HubService]:
    """The service on the person's vault, where the ledger lies."""
    with session.open() as services:
        yield _hub_of(services)


def _hub_of(services: Services) -> HubService:
    if services.hub is None:
        raise UserError("This build of Snug cannot reach the Hub.")
    return services.hub


def _list(session: Session, ask: Callable[[HubService], Look]) -> int:
    with _opened(session) as hub:
        look = ask(hub)
        available = hub.available_bytes()
    if look.kept:
        say(f"Offline: this is what was trending on {_time(look.time_ms)}.")
    if session.options.json:
        print_json([repository_entry(one, available) for one in look.repositories])
        return 0
    if not look.repositories:
        say("Nothing fits. Try fewer filters.")
    print_table(
        ("REPOSITORY", "CATEGORY", "LICENCE", "USE", "DOWNLOADS", "SMALLEST", "FIT"),
        [_row(one, available) for one in look.repositories],
    )
    return 0


def _row(one: Repository, available: int | None) -> tuple[str, ...]:
    smallest = one.variants[0].size_bytes if one.variants else 0
    return (
        one.id,
        one.category.value,
        one.licence.name or one.licence.id or "-",
        one.licence.licence_class.value,
        f"{one.downloads:,}",
        gigabytes(smallest) if smallest else "-",
        fit_of(smallest, available).value,
    )


def _query(session: Session, text: str) -> Query:
    options = session.options
    return Query(
        text=text,
        category=Category(options.category) if options.category else None,
        licence_class=LicenceClass(options.licence_class) if options.licence_class else None,
        order=Order.TRENDING if not text else Order.DOWNLOADS,
        limit=options.limit,
        max_size_bytes=options.max_size,
    )


def _shown_on(line: ProgressLine) -> Callable[[DownloadEvent], None]:
    def show_event(event: DownloadEvent) -> None:
        if isinstance(event, DownloadProgress):
            left = "" if event.remaining_s is None else f", {event.remaining_s:.0f} s left"
            line.show(
                f"{gigabytes(event.done_bytes)} of {gigabytes(event.total_bytes)}, "
                f"{event.bytes_per_second / 1e6:.1f} MB/s{left}"
            )
        elif isinstance(event, DownloadWaiting):
            line.clear()
            say(f"{event.reason} Next attempt in {event.delay_s:.0f} s.")

    return show_event


def _ledger_entry(one: LedgerEntry) -> dict[str, object]:
    return {
        "time": _time(one.time_ms),
        "host": one.host,
        "reason": one.reason,
        "bytes_sent": one.bytes_sent,
        "bytes_received": one.bytes_received,
        "outcome": one.outcome.value,
        "status": one.status,
        "duration_ms": one.duration_ms,
        "problem": one.problem,
    }


def _time(ms: int) -> str:
    return datetime.datetime.fromtimestamp(ms / 1000, tz=datetime.UTC).isoformat(timespec="seconds")
