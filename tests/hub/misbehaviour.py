"""Files, and answers of a server, that several tests of downloads use."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.hub.hub_server import Handler, gguf_bytes
from tests.hub.rooms import NAME, Rooms

from snug.domain.download import DownloadState

BODY = gguf_bytes(3_000_000)
OTHER = gguf_bytes(3_000_000, seed=2)
RESOLVE = f"/{NAME}/resolve"
HALF = len(BODY) // 2


def first_half(handler: Handler, etag: str = '"v1"') -> None:
    """Half of the file, then the connection is lost."""
    handler.start(200, {"Content-Length": str(len(BODY)), "ETag": etag})
    handler.pour(BODY[:HALF])


def after(first: Callable[[Handler], None], then: Callable[[Handler], None]) -> Any:
    """One answer to the first request, another to all later ones."""
    answers = iter([first])
    return lambda handler: next(answers, then)(handler)


def wait_for_bytes(rooms: Rooms, identifier: str, count: int) -> None:
    """Until so many bytes of a download are on the disk."""
    deadline = time.monotonic() + 10
    while rooms.downloads.kept_bytes(identifier) < count:
        assert time.monotonic() < deadline


def states(rooms: Rooms) -> list[DownloadState]:
    return [download.state for download in rooms.downloads.all()]
