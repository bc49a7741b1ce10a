"""`snug models trending --all` and `--history`: the whole field, and what rises and falls in it."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from snug.cli import hub
from snug.cli.output import print_json, print_table, say
from snug.cli.session import Session
from snug.domain.errors import UserError
from snug.domain.hub import Repository
from snug.domain.trends import MIN_DAYS, Dimension, Direction, Series, family, is_runnable
from snug.services.trends import Trends

MAX_DAYS: Final = 400
_SIGNS: Final = {
    Direction.RISING: "^ rising",
    Direction.FALLING: "v falling",
    Direction.STEADY: "= steady",
    Direction.UNKNOWN: "? too few looks",
}


def trending(session: Session) -> int:
    """What is trending: with files and fit, in all categories, or over days."""
    if session.options.history:
        return history(session)
    if session.options.all:
        return everything(session)
    return hub.trending(session)


def history(session: Session) -> int:
    """What rises and falls, from the kept looks; nothing is sent."""
    options = session.options
    with _opened(session) as trends:
        series = trends.series(options.by, options.days, runnable=options.gguf)
        looks = trends.look_times(options.days)
    if options.json:
        print_json(
            {
                "by": options.by,
                "days": options.days,
                "looks": len(looks),
                "series": [series_entry(one) for one in series],
            }
        )
        return 0
    if not series:
        say("There was no look at the Hub in these days. Look once: snug models trending --all")
        return 0
    days = series[0].days
    say(
        f"From the looks of {days} {'day' if days == 1 else 'days'}: shares of what is trending on "
        "the Hub, and the change between the first and the last third of them."
    )
    if days < MIN_DAYS:
        say(f"That is too few to tell what rises; it takes {MIN_DAYS} days with a look.")
    print_table(
        (options.by.upper(), "MODELS", "SHARE", "CHANGE", "TREND"),
        [
            (
                one.name,
                str(one.points[-1].count),
                f"{one.share:.0%}",
                f"{one.change * 100:+.0f} points" if days > 1 else "-",
                _SIGNS[one.direction],
            )
            for one in series
        ],
    )
    return 0


def everything(session: Session) -> int:
    """What is trending in every category, also what Snug cannot run."""
    options = session.options
    with _opened(session) as trends:
        look = trends.look(forced=options.again)
        found = [one for one in look.repositories if _is_wanted(one, options)][: options.limit]
        ways = {one.id: trends.made_from(one.id) for one in found if not is_runnable(one)}
    if look.kept:
        said = datetime.datetime.fromtimestamp(look.time_ms / 1000, tz=datetime.UTC)
        say(f"This is the look of {said.isoformat(timespec='minutes')}; nothing was sent now.")
    if options.json:
        print_json([_entry(one, ways.get(one.id, ())) for one in found])
        return 0
    if not found:
        say("Nothing fits. Try fewer filters.")
    print_table(
        ("REPOSITORY", "CATEGORY", "FAMILY", "LICENCE", "USE", "DOWNLOADS", "RUNS"),
        [
            (
                one.id,
                one.category.value,
                family(one),
                one.licence.name or one.licence.id or "-",
                one.licence.licence_class.value,
                f"{one.downloads:,}",
                "yes" if is_runnable(one) else next(iter(ways[one.id]), "no"),
            )
            for one in found
        ],
    )
    return 0


def add_trend_options(parser: argparse.ArgumentParser) -> None:
    """What `trending` can do beside listing GGUF models."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--all", action="store_true", help="every category, also what Snug cannot run"
    )
    which.add_argument(
        "--history", action="store_true", help="what rises and falls, from the kept looks"
    )
    parser.add_argument(
        "--again", action="store_true", help="with --all: ask within five minutes of the last look"
    )
    parser.add_argument(
        "--by",
        choices=[one.value for one in Dimension],
        default=Dimension.CATEGORY.value,
        help="with --history: what is counted",
    )
    parser.add_argument(
        "--days", type=_days, default=30, metavar="N", help=f"with --history: 1 to {MAX_DAYS}"
    )
    parser.add_argument(
        "--gguf", action="store_true", help="with --history: only what there is as GGUF"
    )


def series_entry(one: Series) -> dict[str, object]:
    """One series as outsiders read it."""
    return {
        "name": one.name,
        "share": round(one.share, 4),
        "change": round(one.change, 4),
        "trend": one.direction.value,
        "days_with_looks": one.days,
        "points": [
            {"day": point.day, "share": round(point.share, 4), "count": point.count}
            for point in one.points
        ],
    }


def _entry(one: Repository, made_from_it: tuple[str, ...]) -> dict[str, object]:
    found = hub.repository_entry(one, ())
    del found["files"]  # a look does not ask for them
    return found | {
        "family": family(one),
        "runs": is_runnable(one),
        "runs_as": list(made_from_it),
    }


def _is_wanted(one: Repository, options: argparse.Namespace) -> bool:
    return options.category in (None, one.category.value) and options.licence_class in (
        None,
        one.licence.licence_class.value,
    )


def _days(text: str) -> int:
    """A number of days, for argparse."""
    if not text.isdecimal() or not 1 <= int(text) <= MAX_DAYS:
        raise argparse.ArgumentTypeError(f"{text} is no number of days from 1 to {MAX_DAYS}")
    return int(text)


@contextmanager
def _opened(session: Session) -> Iterator[Trends]:
    with session.open() as services:
        if services.trends is None:
            raise UserError("This build of Snug cannot reach the Hub.")
        yield services.trends
