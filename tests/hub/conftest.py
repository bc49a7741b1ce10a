"""A Hub on loopback, and the room connected to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hub.hub_server import HubServer, serving
from tests.hub.rooms import IMPATIENT, Rooms


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with serving() as server:
        yield server


@pytest.fixture
def rooms(hub: HubServer, tmp_path: Path) -> Iterator[Rooms]:
    made = Rooms(hub, tmp_path / "models")
    yield made
    made.downloads.close()


@pytest.fixture
def impatient(hub: HubServer, tmp_path: Path) -> Iterator[Rooms]:
    """As `rooms`, but a silence of 0.4 s is too long."""
    made = Rooms(hub, tmp_path / "models", limits=IMPATIENT)
    yield made
    made.downloads.close()
