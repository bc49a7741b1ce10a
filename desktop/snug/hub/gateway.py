"""The one way out of Snug: every connection is opened here, judged before and written down.

https only (http on loopback, for mirrors and tests), hosts from a list, the token for the endpoint
alone, no cookies, no compression, nothing about this machine in any header.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from types import TracebackType
from typing import Any, Final, Self, cast

from snug.domain.errors import UserError
from snug.hub import proxy
from snug.hub.errors import (
    AnswerError,
    NetworkFault,
    OfflineError,
    RefusedError,
    StoppedError,
)
from snug.hub.halt import Halt
from snug.hub.ledger import Ledger
from snug.hub.note import Note
from snug.hub.origins import Policy, Target, host_of
from snug.hub.wire import Patience, Wire

USER_AGENT: Final = "snug"
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MAX_WAIT_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take.

    Attributes:
        document_s: for a whole JSON document.
        document_nodes: commas and brackets in it; bounds the memory it takes once read.
    """

    patience: Patience = field(default_factory=Patience)
    document_s: float = 60.0
    document_bytes: int = 8_000_000
    document_nodes: int = 300_000
    header_bytes: int = 256 * 1024
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Document:
    """A small answer, read whole."""

    status: int
    headers: Message
    body: bytes


class Reply:
    """An answer whose body is still to be read; a context manager."""

    def __init__(
        self,
        response: http.client.HTTPResponse,
        wire: Wire,
        note: Note,
    ) -> None:
        self.status = response.status
        self.headers = response.headers
        self._response = response
        self._wire = wire
        self._note = note

    def read(self, count: int) -> bytes:
        """What has come, at most `count` bytes; waits for the first one. b"" at the end.

        Raises:
            NetworkFault: it stalled, broke, or ended before what was announced.
            StoppedError, OfflineError: the person stopped it, or went offline.
        """
        try:
            data = self._response.read1(count)
        except http.client.HTTPException as error:
            self._note.failed(error, "The answer was cut short.")
            raise NetworkFault("The connection ended early. Try again.") from error
        except (NetworkFault, StoppedError, OfflineError) as error:
            self._note.failed(error)
            raise
        if not data and self._response.length:
            fault = NetworkFault("The connection ended early. Try again.")
            self._note.failed(fault)
            raise fault
        self._note.progress()
        return data

    def close(self) -> None:
        """Hang up and write down what it came to.

        Raises:
            EnvironmentFault: it cannot be written down; the line is down all the same.
        """
        try:
            self._note.done(self.status)
        finally:
            self._response.close()
            self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception):
            self._note.failed(error)
        self.close()


class Gateway:
    """Opens connections. Any thread; calls block the calling one."""

    def __init__(
        self,
        ledger: Ledger,
        policy: Policy,
        *,
        offline: Callable[[], bool] = lambda: False,
        token: Callable[[], str] = lambda: "",
        proxy: Callable[[], str] = lambda: "",
        trust: Callable[[], ssl.SSLContext] | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Prepare; nothing is opened.

        Args:
            offline: asked before each request and all the time it runs; True refuses it, and ends
                what is under way within 50 ms.
            token: the person's own for the Hub; "" for none. Asked only where it is needed.
            proxy: address that the person set; "" goes by this machine's settings.
            trust: makes the certificates to believe in; None takes this machine's.
        """
        self.policy = policy
        self.limits = limits or Limits()
        self._ledger = ledger
        self._offline = offline
        self._token = token
        self._proxy = proxy
        self._trust = trust or system_trust
        self._context: ssl.SSLContext | None = None
        self._lock = threading.Lock()

    @property
    def offline(self) -> bool:
        """Whether the offline switch is on."""
        return self._offline()

    @property
    def has_token(self) -> bool:
        """Whether the person gave a token."""
        return bool(self._token())

    def open(
        self,
        url: str,
        reason: str,
        *,
        headers: Mapping[str, str] | None = None,
        authorize: bool = False,
        stop: threading.Event | None = None,
        deadline: float | None = None,
    ) -> Reply:
        """Ask for an address and follow its redirects.

        Args:
            reason: what it is for, in words, for the ledger.
            authorize: send the token, to the endpoint itself only.
            stop: ends the request within 0.3 s when set.
            deadline: of `time.monotonic`; None waits as long as bytes come.

        Raises:
            OfflineError, RefusedError, NetworkFault, StoppedError.
        """
        halt = Halt(stop, self._offline)
        for _ in range(self.limits.redirects + 1):
            note = Note(self._ledger, reason, host_of(url))
            try:
                target = self._allowed(url, note)
                reply = self._ask(target, note, dict(headers or {}), authorize, halt, deadline)
            except (OfflineError, RefusedError, NetworkFault, StoppedError) as error:
                note.failed(error)
                raise
            location = reply.headers.get("Location")
            if reply.status not in _REDIRECTS or not location:
                return reply
            reply.close()
            url = self.policy.follow(url, location)
        raise RefusedError("Snug was sent from address to address too often, and gave up.")

    def fetch(
        self,
        url: str,
        reason: str,
        *,
        headers: Mapping[str, str] | None = None,
        authorize: bool = False,
        stop: threading.Event | None = None,
    ) -> Document:
        """Ask for a small document and read it whole.

        Raises:
            AnswerError: it is larger than 8 MB. Otherwise as `open`.
        """
        deadline = time.monotonic() + self.limits.document_s
        with self.open(
            url, reason, headers=headers, authorize=authorize, stop=stop, deadline=deadline
        ) as reply:
            body = bytearray()
            while data := reply.read(64 * 1024):
                body += data
                if len(body) > self.limits.document_bytes:
                    raise AnswerError(
                        f"The Hub's answer is larger than {self.limits.document_bytes:,} bytes; "
                        "Snug stopped reading. Ask for less."
                    )
        return Document(reply.status, reply.headers, bytes(body))

    def read_json(self, body: bytes) -> Any:
        """A document's JSON, unless reading it would take too much memory or depth.

        Raises:
            AnswerError: it is none, or far too intricate.
        """
        nodes = body.count(b",") + body.count(b"[") + body.count(b"{")
        problem = AnswerError("The Hub's answer makes no sense. Try again later.")
        if nodes > self.limits.document_nodes:
            raise problem
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise problem from error

    def _allowed(self, url: str, note: Note) -> Target:
        if self._offline():
            raise OfflineError
        target = self.policy.check(url)
        note.begin()
        return target

    def _ask(
        self,
        target: Target,
        note: Note,
        headers: dict[str, str],
        authorize: bool,
        halt: Halt,
        deadline: float | None,
    ) -> Reply:
        wire = self._connect(target, halt, deadline)
        note.wire = wire
        try:
            if authorize and self.policy.is_home(target.origin) and (token := self._token()):
                headers["Authorization"] = f"Bearer {_checked(token)}"
            wire.allowance = self.limits.header_bytes
            connection = _Connection(target.origin.label, wire)
            connection.request(
                "GET",
                target.path,
                headers={"User-Agent": USER_AGENT, "Connection": "close", **headers},
            )
            response = connection.getresponse()
            wire.allowance = None
            _refuse_compression(response)
            return Reply(response, wire, note)
        except (http.client.HTTPException, ValueError) as error:
            wire.close()
            raise NetworkFault(
                f"{target.origin.label} answered in a way that is no HTTP. Try again later."
            ) from error
        except BaseException:
            wire.close()
            raise

    def _connect(self, target: Target, halt: Halt, deadline: float | None) -> Wire:
        origin = target.origin
        through = proxy.proxy_for(origin, self._proxy())
        host, port = (through.host, through.port) if through else (origin.host, origin.port)
        wire = Wire(host, port, self.limits.patience, halt, deadline)
        try:
            if through is not None:
                wire.tunnel(origin.host, origin.port, through.authorization)
            if origin.scheme == "https":
                wire.encrypt(self._tls())
        except BaseException:
            wire.close()
            raise
        return wire

    def _tls(self) -> ssl.SSLContext:
        with self._lock:
            if self._context is None:
                self._context = self._trust()
            return self._context


class _Connection(http.client.HTTPConnection):
    """http.client over a wire that is already connected."""

    def __init__(self, host: str, wire: Wire) -> None:
        super().__init__(host)
        self.sock = cast(Any, _Plug(wire))

    def connect(self) -> None:
        """Nothing to do."""


class _Plug:
    """What http.client needs of a socket. It closes it while the answer is still to be read."""

    def __init__(self, wire: Wire) -> None:
        self.sendall = wire.sendall
        self.makefile = wire.makefile

    def close(self) -> None:
        """Nothing to do: the reply hangs up."""


def _checked(token: str) -> str:
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise UserError("The Hub token holds characters that no token has. Enter it anew.")
    return token


def asked_wait_s(headers: Message) -> float:
    """How long the other side asks to wait, bounded; 0 where it does not."""
    said = (headers.get("Retry-After") or "").strip()
    return min(float(said), _MAX_WAIT_S) if said.isdigit() and len(said) < 9 else 0.0


def system_trust() -> ssl.SSLContext:
    """The certificates this machine believes in, else those that came with Snug."""
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not context.cert_store_stats()["x509_ca"] and not (paths.cafile or paths.capath):
        import certifi  # only where a machine has none

        context.load_verify_locations(certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _refuse_compression(response: http.client.HTTPResponse) -> None:
    encoding = (response.headers.get("Content-Encoding") or "identity").strip().lower()
    if encoding != "identity":
        raise NetworkFault("The answer came compressed although Snug did not ask for that.")
