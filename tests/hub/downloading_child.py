"""A process that works on one download, to be killed: MODELS ENDPOINT ID."""

from __future__ import annotations

import sys
from pathlib import Path

from snug.domain.download import Delivery
from snug.domain.model import ModelFile
from snug.hub.access import open_hub
from snug.hub.ledger import MemoryLedger


def admit(delivery: Delivery) -> ModelFile:
    return ModelFile("m", delivery.paths[0], 0, delivery.download.id, "", "", 0)


if __name__ == "__main__":
    folder, endpoint, identifier = sys.argv[1:]
    access = open_hub(Path(folder), MemoryLedger(), admit, endpoint=endpoint)
    access.downloads.run(identifier, lambda event: None)
