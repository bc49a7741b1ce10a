"""Reads the beginning of a model's file on the Hub, for the sizes that stand there.

A few small range requests, each going on where the one before ended, until what reads them has
enough. What comes is a stranger's bytes; the reader is passed in and bounds itself.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar
from urllib.parse import quote

from snug.hub.client import check_status
from snug.hub.errors import AnswerError
from snug.hub.gateway import Document, Gateway, Reply

T = TypeVar("T")

STEPS: Final = (64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024)
_PIECE: Final = 64 * 1024
_PATIENCE_S: Final = 30.0
_SPAN: Final = re.compile(r"bytes (\d{1,18})-\d{1,18}/(?:\d{1,18}|\*)")


def read_beginning(
    gateway: Gateway,
    repository: str,
    commit: str,
    path: str,
    parse: Callable[[bytes], T | None],
    stop: threading.Event | None = None,
) -> T | None:
    """What `parse` finds in the first bytes of a file, at most 4 MiB of them.

    Args:
        path: as the Hub names it.
        parse: None asks for more bytes.

    Returns: None where 4 MiB, or the whole file, are not enough.

    Raises:
        ModelFileError: from `parse`.
        AccessError, UnknownRepositoryError, AnswerError; otherwise as `Gateway.open`.
    """
    url = file_url(gateway, repository, commit, path)
    asking = _Asking(gateway, url, f"first bytes of {repository}", stop)
    data = b""
    for step in STEPS:
        asked = len(data)
        with asking.open(asked, step) as reply:
            if reply.status == 416:
                return None  # The file ended before.
            came = _body(reply, step - asked, asked)
        if not came:
            return None
        data = data + came if asked and reply.status == 206 else came
        found = parse(data)
        if found is not None or len(data) < step:
            return found
    return None


class _Asking:
    """Asks for parts of one file; with the token only once the Hub wanted it."""

    def __init__(
        self, gateway: Gateway, url: str, reason: str, stop: threading.Event | None
    ) -> None:
        self._gateway = gateway
        self._url = url
        self._reason = reason
        self._stop = stop
        self._deadline = time.monotonic() + _PATIENCE_S
        self._authorize = False

    def open(self, first: int, end: int) -> Reply:
        """The answer to a request for bytes `first` up to `end`. Raises: as `Gateway.open`."""
        reply = self._ask(first, end)
        if reply.status in (401, 403) and self._gateway.has_token and not self._authorize:
            reply.close()
            self._authorize = True
            reply = self._ask(first, end)
        return reply

    def _ask(self, first: int, end: int) -> Reply:
        return self._gateway.open(
            self._url,
            self._reason,
            headers={"Range": f"bytes={first}-{end - 1}"},
            authorize=self._authorize,
            stop=self._stop,
            deadline=self._deadline,
        )


def file_url(gateway: Gateway, repository: str, commit: str, path: str) -> str:
    """Where a file of a commit lies."""
    endpoint = gateway.policy.endpoint
    return f"{endpoint}/{repository}/resolve/{quote(commit, safe='')}/{quote(path)}"


def _body(reply: Reply, count: int, first: int) -> bytes:
    """The bytes that were asked for; all from the start where the server ignores ranges."""
    if reply.status == 206:
        span = _SPAN.fullmatch((reply.headers.get("Content-Range") or "").strip())
        if span is None or int(span.group(1)) != first:
            raise AnswerError("The Hub sent another part of the file than it was asked for.")
    elif reply.status == 200:
        count += first
    else:
        check_status(Document(reply.status, reply.headers, b""))
        raise AnswerError("The Hub's answer makes no sense. Try again later.")
    body = bytearray()
    while len(body) < count and (data := reply.read(min(_PIECE, count - len(body)))):
        body += data
    return bytes(body[:count])
