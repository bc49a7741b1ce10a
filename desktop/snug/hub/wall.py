"""The second wall: Python itself asks here before it connects a socket or looks a name up.

The gateway is the one way out by design; this holds for code that does not know about it, such as
a library that would report its use. It sees what goes through Python's `socket` module only:
native code that calls the system by itself (Qt, llama.cpp) passes it unseen, which a test under
strace looks at from outside.

Source: PEP 578, audit hooks. A hook cannot be taken away again, so nothing in the process can
switch it off.
"""

from __future__ import annotations

import _socket
import ipaddress
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

# Where the address or the host's name stands among the arguments of each event.
_HOST_PLACE: Final = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
}
_WORDS: Final = "Snug refused a connection that did not come from its own gateway."


class _Pass(threading.local):
    """Whether this thread is inside the gateway now."""

    given = False


_PASS: Final = _Pass()


@contextmanager
def gateway_pass() -> Iterator[None]:
    """Let this thread look up and connect; for the gateway alone, after it judged the address."""
    before, _PASS.given = _PASS.given, True
    try:
        yield
    finally:
        _PASS.given = before


def build_wall(offline: Callable[[], bool] = lambda: False) -> None:
    """Raise the wall in this process, for good. About 0.2 µs for each audited event.

    Args:
        offline: where True not even the gateway may pass; loopback and local sockets may.
    """

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _HOST_PLACE or _stays_here(event, arguments):
            return
        if not _PASS.given or offline():
            raise PermissionError(_WORDS)

    sys.addaudithook(hook)


def _stays_here(event: str, arguments: tuple[Any, ...]) -> bool:
    """Whether it cannot leave this machine: a local socket, a loopback address, none at all."""
    asked = arguments[_HOST_PLACE[event]]
    if isinstance(arguments[0], _socket.socket):
        if arguments[0].family not in (_socket.AF_INET, _socket.AF_INET6):
            return True
        asked = asked[0] if isinstance(asked, tuple) and asked else None
    if asked is None:
        return True
    host = asked.decode("ascii", "replace") if isinstance(asked, bytes) else str(asked)
    host = host.partition("%")[0]
    if host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
