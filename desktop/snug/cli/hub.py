"""`snug models trending|search|show|get` and `snug ledger`: the Hub in the terminal."""

from __future__ import annotations

import argparse
import datetime
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from snug.cli.card import tell_terms
from snug.cli.models import entry
from snug.cli.output import ProgressLine, gigabytes, print_json, print_table, say
from snug.cli.session import Session
from snug.domain.download import DownloadEvent, DownloadProgress, DownloadWaiting
from snug.domain.errors import UserError
from snug.domain.hub import Category, Fit, Order, Query, Repository
from snug.domain.ledger import LedgerEntry
from snug.domain.licence import LicenceClass
from snug.domain.offer import Offer
from snug.domain.quantization import words
from snug.domain.speed import Expectation, speed_words
from snug.services.bundle import Services
from snug.services.hub import HubService
from snug.services.looks import Look

_SORTS: Final = {
    "trending": Order.TRENDING,
    "downloads": Order.DOWNLOADS,
    "newest": Order.NEWEST,
}
_MOST: Final = 100
_MOST_KEPT: Final = 1_000  # that are judged
_SIZE: Final = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*(|[kmgt])(i?)b?", re.IGNORECASE)


def trending(session: Session) -> int:
    """What is trending on the Hub."""
    query = _query(session, "")
    return _list(session, lambda services: _hub_of(services).trending(query))


def search(session: Session) -> int:
    """Repositories whose name holds the text; offline, those that are kept."""
    query = _query(session, session.options.target)
    return _list(session, lambda services: _search(services, query))


def _search(services: Services, query: Query) -> Look:
    """What the Hub finds; offline, what of the kept models fits."""
    hub, trends = _hub_of(services), services.trends
    if trends is None:
        return hub.search(query)
    if not trends.offline:
        look = hub.search(query)
        trends.keep(look.repositories)
        return look
    found = trends.kept(query, 0, _MOST_KEPT if query.fits_only else query.limit)
    if query.fits_only:
        found = tuple(one for one in found if any(o.fit is Fit.FITS for o in hub.offers(one)))
    if not found:
        return hub.search(query)  # refuses, and says why
    last = trends.last()
    return Look(last.time_ms if last is not None else 0, found[: query.limit], kept=True)


def show(session: Session) -> int:
    """One repository: licence, and for each quantization what to expect of it here."""
    with _opened(session) as hub:
        found = hub.show(session.options.target)
        if session.options.licence:
            return _print_licence(session, found, hub.licence_text(found))
        found, offers = hub.examine(found)
    if session.options.json:
        print_json(repository_entry(found, offers))
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
    if not offers:
        say("It holds no GGUF model that Snug could run.")
        return 0
    print_table(
        ("", "QUANTIZATION", "SIZE", "QUALITY", "FIT", "CONTEXT", "TOKENS/S", "FILE"),
        [offer_row(offer) for offer in offers],
    )
    for sentence in _remarks(offers):
        print(sentence)
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
        ("--gated", ["yes", "no"], "whether its conditions must be accepted on its page"),
        ("--sort", list(_SORTS), "what comes first"),
    ):
        parser.add_argument(name, choices=values, help=text)
    for name, text in (("--min-size", "of a file, such as 1GB"), ("--max-size", "such as 8GB")):
        parser.add_argument(name, type=size_bytes, default=0, metavar="SIZE", help=text)
    parser.add_argument(
        "--min-context", type=int, default=0, metavar="N", help="tokens it was trained for"
    )
    parser.add_argument("--architecture", default="", metavar="NAME", help="such as llama")
    for name, text in (
        ("--supported", "only what this version of Snug can run"),
        ("--fits", "only what fits this machine now"),
    ):
        parser.add_argument(name, action="store_true", help=text)
    parser.add_argument("--limit", type=_limit, default=20, metavar="N", help="at most 100")


def _limit(text: str) -> int:
    """How many repositories, for argparse."""
    if not text.isdecimal() or not 1 <= int(text) <= _MOST:
        raise argparse.ArgumentTypeError(f"{text} is no number of models from 1 to {_MOST}")
    return int(text)


def size_bytes(text: str) -> int:
    """`8GB`, `500MB`, `4GiB` or a number of bytes, for argparse."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text} is no size; write 8GB or 500MB")
    base = 1024 if match.group(3) else 1000
    return int(float(match.group(1)) * base ** " kmgt".index(match.group(2).lower() or " "))


def repository_entry(found: Repository, offers: Sequence[Offer]) -> dict[str, object]:
    """One repository as outsiders read it."""
    return {
        "repo": found.id,
        "category": found.category.value,
        "licence": found.licence.id,
        "licence_class": found.licence.licence_class.value,
        "licence_name": found.licence.name,
        "licence_reason": found.licence.reason,
        "licence_link": found.licence.link,
        "licence_from": found.licence.inherited_from,
        "trending_score": found.trending_score,
        "downloads": found.downloads,
        "gated": found.gated,
        "architecture": found.architecture,
        "context_length": found.context_length,
        "parameter_count": found.parameter_count,
        "base_models": list(found.base_models),
        "commit": found.commit,
        "files": [_offer_entry(offer) for offer in offers],
    }


def _offer_entry(offer: Offer) -> dict[str, object]:
    variant = offer.variant
    return {
        "name": variant.name,
        "quantization": variant.quantization,
        "size_bytes": variant.size_bytes,
        "sha256": variant.sha256,
        "parts": len(variant.files),
        "fit": offer.fit.value,
        "context_length": offer.context_length,
        "tokens_per_second": offer.tokens_per_second,
        "quality": offer.quality.value,
        "recommended": offer.recommended,
        "needed_bytes": offer.needed_bytes,
        "exact": offer.exact,
        "supported": offer.supported,
        "reason": offer.reason,
    }


def offer_row(offer: Offer) -> tuple[str, ...]:
    """One quantization in a table."""
    speed, about = offer.tokens_per_second, "" if offer.exact else "~"
    return (
        "*" if offer.recommended else "",
        offer.variant.quantization or "-",
        gigabytes(offer.variant.size_bytes),
        words(offer.quality),
        offer.fit.value,
        f"{about}{offer.context_length:,}" if offer.context_length else "-",
        "-" if speed is None else f"{speed:.0f}" if speed >= 3 else f"{speed:.1f}",
        offer.variant.name,
    )


def _remarks(offers: Sequence[Offer]) -> Iterator[str]:
    """What the table alone does not say."""
    chosen = next((one for one in offers if one.recommended), None)
    if chosen is not None:
        name = chosen.variant.quantization or chosen.variant.name
        yield f"* {name} is recommended. {chosen.reason}"
        speed = chosen.tokens_per_second
        expectation = None
        if speed is not None:
            expectation = Expectation(speed, chosen.speed_source, chosen.speed_reliable)
        yield f"Speed: {speed_words(expectation)}."
    else:
        yield f"None of them runs here now. {offers[0].reason}"
    if not all(one.exact for one in offers):
        yield "~ is an estimate: the file's own sizes could not be read."


def _print_licence(session: Session, found: Repository, text: str) -> int:
    if session.options.json:
        licence = found.licence
        print_json(
            {
                "repo": found.id,
                "licence": licence.id,
                "licence_class": licence.licence_class.value,
                "licence_from": licence.inherited_from,
                "text": text,
            }
        )
    else:
        print(text.rstrip())
    return 0


@contextmanager
def _opened(session: Session) -> Iterator[HubService]:
    """The service on the person's vault, where the ledger lies."""
    with session.open() as services:
        yield _hub_of(services)


def _hub_of(services: Services) -> HubService:
    if services.hub is None:
        raise UserError("This build of Snug cannot reach the Hub.")
    return services.hub


def _list(session: Session, ask: Callable[[Services], Look]) -> int:
    searched = hasattr(session.options, "target")
    with session.open() as services:
        look = ask(services)
        judged = [(one, _hub_of(services).offers(one)) for one in look.repositories]
    if look.kept and searched:
        say("Offline: only models that the Hub told of before are searched.")
    elif look.kept:
        say(f"Offline: this is what was trending on {_time(look.time_ms)}.")
    if session.options.json:
        print_json([repository_entry(one, offers) for one, offers in judged])
        return 0
    if not judged:
        say("Nothing fits. Try fewer filters.")
    print_table(
        ("REPOSITORY", "CATEGORY", "LICENCE", "USE", "DOWNLOADS", "TAKE", "SIZE", "FIT", "CONTEXT"),
        [_row(one, offers) for one, offers in judged],
    )
    return 0


def _row(one: Repository, offers: Sequence[Offer]) -> tuple[str, ...]:
    """A repository with the recommended quantization, else the smallest."""
    offer = next((o for o in offers if o.recommended), offers[0] if offers else None)
    last = ("-", "-", "unknown", "-")
    if offer is not None:
        last = (
            offer.variant.quantization or "-",
            gigabytes(offer.variant.size_bytes) if offer.variant.size_bytes else "-",
            offer.fit.value,
            f"{offer.context_length:,}" if offer.context_length else "-",
        )
    return (
        one.id,
        one.category.value,
        one.licence.name or one.licence.id or "-",
        one.licence.licence_class.value,
        f"{one.downloads:,}",
        *last,
    )


def _query(session: Session, text: str) -> Query:
    options = session.options
    usual = Order.DOWNLOADS if text else Order.TRENDING
    return Query(
        text=text,
        category=Category(options.category) if options.category else None,
        licence_class=LicenceClass(options.licence_class) if options.licence_class else None,
        order=_SORTS[options.sort] if options.sort else usual,
        limit=options.limit,
        max_size_bytes=options.max_size,
        gated=None if options.gated is None else options.gated == "yes",
        min_context=options.min_context,
        architecture=options.architecture,
        supported_only=options.supported,
        min_size_bytes=options.min_size,
        fits_only=options.fits,
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
