"""Which addresses Snug talks to, decided before any socket is opened."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

from snug.domain.errors import UserError
from snug.domain.remote_names import shown
from snug.hub.errors import RefusedError

HUB: Final = "https://huggingface.co"
# The Hub's own domains: it hands files out from cdn-lfs.hf.co, cas-bridge.xethub.hf.co and others.
HUB_DOMAINS: Final = ("huggingface.co", "hf.co")
MAX_URL: Final = 8192
_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host in lower case, and port: who gets a request."""

    scheme: str
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine by its very name."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def label(self) -> str:
        """Host, and port where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart. `path` holds the query, too, and begins with a slash."""

    origin: Origin
    path: str


class Policy:
    """The endpoint, its mirrors and the Hub's own domains; nothing else."""

    def __init__(self, endpoint: str = HUB, also: tuple[str, ...] = ()) -> None:
        """Decide who may be talked to.

        Args:
            endpoint: the Hub or a mirror of it, as in HF_ENDPOINT.
            also: more addresses that the person allows, such as a mirror's file store.

        Raises:
            UserError: one of them is no https address.
        """
        self.endpoint = endpoint.strip().rstrip("/") or HUB
        self._home = _stated_origin(self.endpoint)
        self._also = frozenset(_stated_origin(address) for address in also)

    def is_home(self, origin: Origin) -> bool:
        """Whether it is the endpoint itself, the only one that ever gets the token."""
        return origin == self._home

    def check(self, url: str) -> Target:
        """Take an address apart, if Snug may talk to it.

        Raises:
            RefusedError: it may not.
        """
        target = _take_apart(url)
        origin = target.origin
        if origin.scheme == "http" and not origin.is_loopback:
            raise RefusedError(
                f"Snug refused to use {shown(origin.host, 80)} without encryption (http)."
            )
        if origin in (self._home, *self._also) or self._is_hubs(origin):
            return target
        raise RefusedError(
            f"Snug refused to be sent to {shown(origin.label, 80)}: "
            "it is neither the Hub nor the mirror you chose."
        )

    def follow(self, url: str, location: str) -> str:
        """The address that a redirect leads to, unchecked."""
        try:
            return urljoin(url, location)
        except ValueError as error:
            raise RefusedError("Snug was sent to an address that makes no sense.") from error

    def _is_hubs(self, origin: Origin) -> bool:
        if origin.scheme != "https" or origin.port != _PORTS["https"]:
            return False
        domains = HUB_DOMAINS if self._home.is_loopback else (*HUB_DOMAINS, self._home.host)
        return any(origin.host == d or origin.host.endswith(f".{d}") for d in domains)


def host_of(url: str) -> str:
    """The host that an address names, for showing only; any text is taken."""
    try:
        return shown(urlsplit(url).netloc.rpartition("@")[2], 80)
    except ValueError:
        return ""


def _stated_origin(address: str) -> Origin:
    try:
        origin = _take_apart(address).origin
    except RefusedError as error:
        raise UserError(
            f"The Hub's address {shown(address, 80)} cannot be used: it must begin with https://"
        ) from error
    if origin.scheme == "http" and not origin.is_loopback:
        raise UserError(
            f"The Hub's address {shown(address, 80)} is not encrypted. Use https; "
            "http is for this machine (localhost) only."
        )
    return origin


def _take_apart(url: str) -> Target:
    problem = RefusedError(f"Snug refused an address that is not plain https: {shown(url, 80)}")
    if len(url) > MAX_URL or not url.isascii() or any(c <= " " or c in '\\"<>\x7f' for c in url):
        raise problem
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise problem from None
    scheme = parts.scheme.lower()
    host = (parts.hostname or "").rstrip(".")
    if scheme not in _PORTS or not host or "@" in parts.netloc or port == 0:
        raise problem
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(Origin(scheme, host, port or _PORTS[scheme]), path)
