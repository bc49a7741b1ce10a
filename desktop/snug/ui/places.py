"""The places of the window. There is room for five; each appears when it is built."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Place(StrEnum):
    """Where the person is."""

    CHATS = "chats"
    MODELS = "models"
    DOCUMENTS = "documents"
    EVALUATE = "evaluate"
    SETTINGS = "settings"
    NETWORK = "network"  # the ledger, behind the lock at the foot of the bar


@dataclass(frozen=True, slots=True)
class PlaceEntry:
    """A place as the navigation shows it; the icon has the place's own name."""

    place: Place
    text: str
