"""The room as a whole: one gateway with what works through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from snug.hub.catalogue import Catalogue
from snug.hub.download import Downloads
from snug.hub.gateway import Gateway
from snug.hub.ledger import Ledger
from snug.hub.origins import HUB, Policy
from snug.hub.runner import Admit, Holds


@dataclass(frozen=True, slots=True)
class HubAccess:
    """What the services use of the Hub."""

    gateway: Gateway
    catalogue: Catalogue
    downloads: Downloads

    def use_endpoint(self, endpoint: str) -> None:
        """Ask this mirror from now on; "" for the Hub itself. Raises: UserError: no https."""
        self.gateway.policy = Policy(endpoint)


def open_hub(
    models: Path,
    ledger: Ledger,
    admit: Admit,
    *,
    endpoint: str = HUB,
    token: Callable[[], str] = lambda: "",
    offline: Callable[[], bool] = lambda: False,
    proxy: Callable[[], str] = lambda: "",
    holds: Holds = lambda _: True,
) -> HubAccess:
    """Build the room; no connection is opened.

    Args:
        models: folder that downloads come to lie in.
        admit: takes a verified file into the library; holds: whether a file is in it.

    Raises:
        UserError: the endpoint is no https address.
    """
    gateway = Gateway(ledger, Policy(endpoint), token=token, offline=offline, proxy=proxy)
    return HubAccess(gateway, Catalogue(gateway), Downloads(models, gateway, admit, holds=holds))
