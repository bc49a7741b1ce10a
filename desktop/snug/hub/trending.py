"""What is trending on the Hub, a page for each request, as the listing tells it."""

from __future__ import annotations

import threading

from snug.domain.hub import Order, Repository
from snug.domain.trends import HubBusyError
from snug.hub.client import HubClient
from snug.hub.errors import NetworkFault
from snug.hub.gateway import Gateway
from snug.hub.reading import repository_of


class HubTrending:
    """Asks for trending pages. Any thread; calls block."""

    def __init__(self, gateway: Gateway) -> None:
        self._client = HubClient(gateway)

    def page(
        self, *, gguf: bool, task: str, limit: int, stop: threading.Event | None
    ) -> tuple[Repository, ...]:
        """Trending repositories, without files and with the licence they state themselves.

        Args:
            gguf: only those that hold GGUF files.
            task: the Hub's name of one; "" for all.
            limit: 1 to 100.

        Raises:
            HubBusyError: the Hub asks for fewer requests.
            OfflineError, NetworkFault, AnswerError, StoppedError.
        """
        try:
            infos = self._client.list_models(
                search="",
                task=task,
                sort=Order.TRENDING.value,
                limit=limit,
                reason="look for trending models",
                stop=stop,
                gguf=gguf,
            )
        except NetworkFault as fault:
            if fault.wait_s > 0:
                raise HubBusyError(fault.message, fault.wait_s) from fault
            raise
        found = (repository_of(info) for info in infos)
        return tuple(one for one in found if one is not None)
