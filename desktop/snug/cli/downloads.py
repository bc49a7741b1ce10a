"""`snug models downloads` and `snug network`: the queue, and what may be done on the network."""

from __future__ import annotations

import argparse
import datetime
import getpass
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from snug.cli.output import gigabytes, print_json, print_table, say
from snug.cli.session import Session
from snug.domain.download import Download, DownloadState, UpstreamChange
from snug.domain.errors import UserError
from snug.services.bundle import Services
from snug.services.downloads import DownloadService
from snug.services.network import Network
from snug.services.token import TokenPlace

T = TypeVar("T")
_MAX_TOKEN = 4096
_PLACES = {
    TokenPlace.NONE: "none",
    TokenPlace.ENVIRONMENT: "from HF_TOKEN",
    TokenPlace.KEYRING: "in your desktop's keyring",
    TokenPlace.VAULT: "encrypted in Snug's own database, as there is no keyring here",
}


def list_downloads(session: Session) -> int:
    """Every download that is not done, and the newest that are."""
    with _opened(session, lambda services: services.downloads) as downloads:
        found = downloads.listed()
        rows = [entry(one, downloads) for one in found]
    if session.options.json:
        print_json(rows)
        return 0
    if not rows:
        say("No downloads. Get a model with: snug models get OWNER/REPO:QUANT")
    print_table(
        ("ID", "STATE", "DONE", "SIZE", "MODEL"),
        [
            (
                one.id[:12],
                one.state.value,
                gigabytes(int(str(row["done_bytes"]))),
                gigabytes(one.total_bytes),
                one.title,
            )
            for one, row in zip(found, rows, strict=True)
        ],
    )
    for one in found:
        if one.problem:
            say(f"{one.id[:12]}: {one.problem}")
    return 0


def pause(session: Session) -> int:
    """Stop a download; what came is kept."""
    return _change(session, lambda downloads, one: downloads.pause(one.id), "Paused")


def resume(session: Session) -> int:
    """Put a download into the queue again; an open window goes on with it, or `models get`."""
    return _change(session, lambda downloads, one: downloads.requeue(one.id), "In the queue again:")


def cancel(session: Session) -> int:
    """Stop a download and delete what came of it."""
    return _change(session, lambda downloads, one: downloads.cancel(one.id), "Cancelled")


def upstream(session: Session) -> int:
    """Ask whether the models that came from the Hub were replaced there."""
    with _opened(session, lambda services: services.downloads) as downloads:
        changes = downloads.all_replaced(say)
    if session.options.json:
        print_json([_change_entry(one) for one in changes])
        return 0
    for one in changes:
        print(one.words)
    if not changes:
        print("No file was replaced upstream.")
    return 0


def set_network(session: Session) -> int:
    """Show the settings of the network, after changing what is asked for; changes are kept."""
    options = session.options
    with _opened(session, lambda services: services.network) as network:
        if options.switch is not None:
            network.set_offline(options.switch == "on")
        if options.mirror is not None:
            network.set_endpoint(options.mirror)
        if options.proxy is not None:
            network.set_proxy(options.proxy)
        if options.max_speed is not None:
            network.set_speed_limit(options.max_speed)
        if options.token:
            place = network.set_token(_token())
            say(f"The token is kept {_PLACES[place]}.")
        if options.forget_token:
            network.forget_token()
        _tell(session, network)
    return 0


def add_network_options(parser: argparse.ArgumentParser, size: Callable[[str], int]) -> None:
    """The settings that can be changed."""
    parser.add_argument("--switch-offline", dest="switch", choices=("on", "off"), help="and keep")
    parser.add_argument("--mirror", metavar="URL", help='https address; "" for the Hub itself')
    parser.add_argument("--proxy", metavar="URL", help='http://HOST:PORT; "" for the system\'s')
    parser.add_argument("--max-speed", type=size, metavar="SIZE", help="a second; 0 for no limit")
    token = parser.add_mutually_exclusive_group()
    token.add_argument("--token", action="store_true", help="ask for the Hub token (or read stdin)")
    token.add_argument("--forget-token", action="store_true", help="erase the kept token")


def entry(one: Download, downloads: DownloadService) -> dict[str, object]:
    """One download as outsiders read it."""
    done = one.total_bytes if one.state is DownloadState.DONE else downloads.done_bytes(one.id)
    return {
        "id": one.id,
        "repo": one.repository,
        "quantization": one.quantization,
        "commit": one.commit,
        "state": one.state.value,
        "done_bytes": done,
        "total_bytes": one.total_bytes,
        "problem": one.problem,
        "page": downloads.page_of(one) if one.needs_access else "",
        "created": _time(one.created_ms),
        "finished": _time(one.finished_ms),
        "files": [
            {"path": f.path, "size_bytes": f.size_bytes, "sha256": f.sha256, "role": f.role.value}
            for f in one.files
        ],
    }


def _change(
    session: Session, change: Callable[[DownloadService, Download], None], word: str
) -> int:
    with _opened(session, lambda services: services.downloads) as downloads:
        one = downloads.get(session.options.target)
        change(downloads, one)
        left = [entry(d, downloads) for d in downloads.all() if d.id == one.id]
    if session.options.json:
        print_json(left[0] if left else {"id": one.id, "state": "cancelled"})
    else:
        print(f"{word} {one.title}.")
    return 0


def _tell(session: Session, network: Network) -> None:
    place = network.token_place
    if session.options.json:
        print_json(
            {
                "offline": network.offline,
                "forced_offline": network.forced_offline,
                "endpoint": network.endpoint,
                "proxy": network.proxy.rpartition("@")[2],
                "speed_limit": network.speed_limit,
                "token": place.value or "none",
            }
        )
        return
    limit = network.speed_limit
    print_table(
        ("SETTING", "VALUE"),
        [
            ("offline", "on" if network.offline else "off"),
            ("mirror", network.endpoint or "none, the Hub itself"),
            ("proxy", network.proxy.rpartition("@")[2] or "as this machine is set up"),
            ("speed limit", f"{limit / 1e6:g} MB/s" if limit else "none"),
            ("token", _PLACES[place]),
        ],
    )


def _token() -> str:
    """The token, typed unseen or from standard input: never from the command line."""
    if sys.stdin.isatty():
        return getpass.getpass("Token of the Hub: ", stream=sys.stderr)
    return sys.stdin.readline(_MAX_TOKEN)


@contextmanager
def _opened(session: Session, pick: Callable[[Services], T | None]) -> Iterator[T]:
    with session.open() as services:
        picked = pick(services)
        if picked is None:
            raise UserError("This build of Snug cannot reach the Hub.")
        yield picked


def _change_entry(one: UpstreamChange) -> dict[str, object]:
    return {
        "repo": one.repository,
        "quantization": one.quantization,
        "downloaded": _time(one.got_ms),
        "changed": _time(one.changed_ms),
        "old_bytes": one.old_bytes,
        "new_bytes": one.new_bytes,
        "words": one.words,
    }


def _time(ms: int) -> str:
    if not ms:
        return ""
    return datetime.datetime.fromtimestamp(ms / 1000, tz=datetime.UTC).isoformat(timespec="seconds")
