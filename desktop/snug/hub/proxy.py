"""The proxy that this machine's settings name, as firms have them."""

from __future__ import annotations

import base64
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


def proxy_for(origin: Origin) -> Proxy | None:
    """The proxy for an address (HTTPS_PROXY, NO_PROXY, the system's); None to go directly.

    Raises:
        UserError: the setting makes no sense.
    """
    if origin.scheme != "https" or origin.is_loopback:
        return None
    proxies = getproxies()
    address = proxies.get("https") or proxies.get("all") or ""
    if not address or proxy_bypass(origin.host):
        return None
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme != "http":
        raise UserError(
            "The proxy in HTTPS_PROXY must be of the form http://HOST:PORT. Mend or unset it."
        )
    authorization = ""
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return Proxy(host, port or 8080, authorization)
