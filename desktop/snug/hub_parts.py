"""The composition root's part for finding, judging and getting models.

It knows the Hub, the library, the vault and the engine, and makes the services over them. The room
that opens connections is imported at its first use.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from snug import __version__
from snug.domain.download import Delivery
from snug.domain.model import ModelFile
from snug.engine.supervisor import Supervisor
from snug.models.library import Library
from snug.models.supported import SUPPORTED, is_supported
from snug.models.template_trust import template_warnings
from snug.paths import Paths
from snug.services.downloads import DownloadService
from snug.services.first_models import FirstModels, TransferSpeed
from snug.services.hub import HubService
from snug.services.judging import Judge
from snug.services.ledger import Settings, VaultLedger
from snug.services.models import ModelService
from snug.services.network import Network
from snug.services.preferences import Preferences
from snug.services.trends import GgufLooks, TrendingPages, Trends
from snug.vault.oskeyring import OsKeyring
from snug.vault.vault import Vault

if TYPE_CHECKING:
    from snug.domain.footprint import Shape
    from snug.hub.access import HubAccess
    from snug.services.cards import Cards, Sources
    from snug.services.lineage import Pages


class HubParts:
    """The services for finding models, on one vault; nothing is sent before one of them is used."""

    def __init__(
        self,
        paths: Paths,
        vault: Vault,
        library: Library,
        models: ModelService,
        preferences: Preferences,
        engine: Supervisor,
        offline: bool,
        hub_token: str,
    ) -> None:
        store = vault.conversations
        models.active_share = _active_share
        self.network = network = _make_network(store, offline, hub_token)
        self.hub = HubService(
            store,
            library,
            lambda ledger, admit: _open_hub(library, paths.models, ledger, admit, network),
            engine.devices_when_free,  # another model takes the place of the one that is loaded
            lambda: network.offline,
            judge=Judge(engine.devices_when_free, models.speeds, is_supported),
            parse_header=_shape_of_prefix,
            looks=GgufLooks(vault.catalogue),
        )
        self.trends = Trends(
            vault.catalogue,
            store,
            lambda: _open_trending(self.hub),
            lambda: network.offline,
            available_bytes=self.hub.available_bytes,
            architectures=lambda: SUPPORTED,
        )
        self.downloads = DownloadService(self.hub, network, store, library.models)
        self.cards = cast(
            "Cards", Late(lambda: _make_cards(store, self.hub, models, engine, network))
        )
        self.first_models = FirstModels(
            paths.resources / "first_models.json",
            preferences,
            library.models,
            self.hub.available_bytes,
            TransferSpeed(preferences),
        )


class Late:
    """Stands for a service whose modules are loaded when something of it is first asked for."""

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: object | None = None

    def __getattr__(self, name: str) -> Any:
        with self._lock:
            if self._made is None:
                self._made = self._make()
        return getattr(self._made, name)


def _make_cards(
    store: Settings, hub: HubService, models: ModelService, engine: Supervisor, network: Network
) -> Cards:
    from snug.services.cards import Cards  # late: 15 ms, and the window's start shows no card

    return Cards(store, _card_sources(hub, models, engine, lambda: network.offline), __version__)


def _shape_of_prefix(data: bytes) -> Shape | None:
    from snug.models.prefix import shape_of_prefix  # late, as above

    return shape_of_prefix(data)


def _make_network(store: Settings, offline: bool, hub_token: str) -> Network:
    return Network(
        store,
        OsKeyring(),
        forced_offline=offline,
        environment={
            "HF_ENDPOINT": os.environ.get("HF_ENDPOINT", ""),
            "HF_TOKEN": hub_token,
            "HTTPS_PROXY": os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy", ""),
        },
    )


def _open_hub(
    library: Library,
    models: Path,
    ledger: VaultLedger,
    admit: Callable[[Delivery], ModelFile],
    network: Network,
) -> HubAccess:
    from snug.hub.access import open_hub

    access = open_hub(
        models,
        network.watched(ledger),
        admit,
        endpoint=network.endpoint,
        token=network.token,
        offline=lambda: network.offline,
        proxy=lambda: "" if network.proxy_is_stated else network.proxy,
        holds=library.holds,
    )
    access.downloads.limit_speed(network.speed_limit)
    return access


def _active_share(model: ModelFile) -> float:
    from snug.models.prefix import shape_of_file  # late, as above

    shape = shape_of_file(Path(model.path))
    return 1.0 if shape is None else shape.active_share


def _open_trending(hub: HubService) -> TrendingPages:
    from snug.hub.trending import HubTrending

    return HubTrending(hub.access.catalogue.client)


def _card_sources(
    hub: HubService, models: ModelService, engine: Supervisor, offline: Callable[[], bool]
) -> Sources:
    """Where the facts of a model's card come from."""
    from snug.models.origin import read_origin  # late, as above
    from snug.services.cards import Sources

    def pages() -> Pages:
        from snug.hub.cards import CardReader  # late, as the rest of the room

        return CardReader(hub.access.gateway, hub.access.catalogue.client)

    def quarantined(sha256: str) -> tuple[str, ...]:
        return tuple(one.reason for one in engine.quarantined() if one.sha256 == sha256)

    return Sources(
        pages=pages,
        records=lambda: hub.access.downloads.all(),
        origin=read_origin,
        suspicious=template_warnings,
        models=models,
        quarantined=quarantined,
        offline=offline,
    )
