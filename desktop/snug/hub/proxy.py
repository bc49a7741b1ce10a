"""The proxy that the environment, the person or this machine's settings name, in this order."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from snug.domain.errors import UserError
from snug.hub.origins import Origin


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where the proxy is; `authorization` is a header's value, "" for none."""

    host: str
    port: int
    authorization: str = ""


def proxy_for(origin: Origin, chosen: str = "") -> Proxy | None:
    """The proxy for an address; None to go directly.

    Args:
        chosen: what the person set in Snug; HTTPS_PROXY comes before it, the system's after it.
            NO_PROXY counts for all of them.

    Raises:
        UserError: the setting makes no sense.
    """
    if origin.scheme != "https" or origin.is_loopback:
        return None
    stated = os.environ.get("https_proxy") or os.environ.get("HTTPS_PROXY")
    proxies = {} if chosen and not stated else getproxies()
    address = stated or chosen or proxies.get("https") or proxies.get("all") or ""
    if not address or proxy_bypass(origin.host):
        return None
    return parse_proxy(address, "the proxy in HTTPS_PROXY" if stated else "the proxy")


def parse_proxy(address: str, what: str = "the proxy") -> Proxy:
    """A proxy's address taken apart.

    Raises:
        UserError: it is not of the form http://HOST:PORT.
    """
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if not host or parts.scheme != "http" or not host.isascii() or any(c <= " " for c in host):
        raise UserError(
            f"{what[0].upper()}{what[1:]} must be of the form http://HOST:PORT. Mend or unset it."
        )
    authorization = ""
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return Proxy(host, port or 8080, authorization)
