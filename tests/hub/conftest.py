"""A Hub on loopback, and the room connected to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hub.hub_server import HubServer, serving
from tests.hub.rooms import Rooms


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with serving() as server:
        yield server


@pytest.fixture
def rooms(hub: HubServer, tmp_path: Path) -> Iterator[Rooms]:
    made = Rooms(hub, tmp_path / "models")
    yield made
    made.downloads.close()
