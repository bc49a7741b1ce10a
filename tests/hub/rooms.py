"""The room as the services have it, with a library that only notes what it is given."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

from tests.hub.hub_server import HubServer, Repo, gguf_bytes

from snug.domain.download import Delivery, Download, DownloadEvent
from snug.domain.errors import ModelFileError, SnugError
from snug.domain.model import ModelFile
from snug.hub.catalogue import Catalogue
from snug.hub.download import Downloads
from snug.hub.gateway import Gateway, Limits
from snug.hub.ledger import MemoryLedger
from snug.hub.origins import Policy
from snug.hub.plan import plan_download
from snug.hub.runner import Pace
from snug.hub.wire import Patience

NAME = "maker/tiny-GGUF"
FILE = "tiny-Q4_K_M.gguf"
PATIENT = Limits(patience=Patience(idle_s=10.0, connect_s=10.0), document_s=20.0)
IMPATIENT = Limits(patience=Patience(idle_s=0.4, connect_s=5.0), document_s=1.5)
HASTE = Pace(first_wait_s=0.01, longest_wait_s=0.02, attempts=3, progress_s=0.02)


class Rooms:
    """Gateway, catalogue and downloads on one server."""

    def __init__(
        self,
        hub: HubServer,
        models: Path,
        *,
        token: str = "",
        offline: bool | Callable[[], bool] = False,
        limits: Limits = PATIENT,
        also: tuple[str, ...] = (),
        free_bytes: Callable[[Path], int] | None = None,
    ) -> None:
        self.hub = hub
        self.models = models
        self.models.mkdir(parents=True, exist_ok=True)
        self.ledger = MemoryLedger()
        self.gateway = Gateway(
            self.ledger,
            Policy(hub.url, also),
            token=lambda: token,
            offline=offline if callable(offline) else lambda: offline,
            limits=limits,
        )
        self.catalogue = Catalogue(self.gateway)
        self.delivered: list[Delivery] = []
        self.refuse: str | SnugError = ""
        self.held: set[str] = set()
        self.downloads = Downloads(
            models,
            self.gateway,
            self._admit,
            pace=HASTE,
            free_bytes=free_bytes,
            holds=lambda path: path.name in self.held,
        )
        self.events: list[DownloadEvent] = []

    def offer(self, body: bytes, *, name: str = NAME, file: str = FILE, **more: object) -> Repo:
        """Put a repository with one file on the server."""
        repo = Repo(files={file: body}, tags=["gguf"], **more)  # type: ignore[arg-type]
        self.hub.repos[name] = repo
        return repo

    def choose(self, quantization: str = "Q4_K_M", name: str = NAME) -> Download:
        """Look a repository up and queue one of its files."""
        found = self.catalogue.repository(name)
        return self.downloads.add(plan_download(found, found.variant(quantization)))

    def run(self, download: Download, stop: threading.Event | None = None) -> ModelFile:
        return self.downloads.run(download.id, self.events.append, stop)

    def get(self, body: bytes, **more: object) -> bytes:
        """Offer a file, download it, and return what then lies in the models folder."""
        self.offer(body, **more)
        return Path(self.run(self.choose()).path).read_bytes()

    def left(self) -> list[str]:
        """Names of all files in the models folder, records and locks aside."""
        return sorted(
            path.name
            for path in self.models.rglob("*")
            if path.is_file() and path.suffix not in (".json", ".lock")
        )

    def _admit(self, delivery: Delivery) -> ModelFile:
        if self.refuse:
            raise ModelFileError(self.refuse) if isinstance(self.refuse, str) else self.refuse
        self.delivered.append(delivery)
        path = Path(delivery.paths[0])
        sha256 = delivery.download.files[0].sha256
        return ModelFile("m", str(path), path.stat().st_size, sha256, "", "", 0)


def sha(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


__all__ = ["FILE", "NAME", "Rooms", "gguf_bytes", "sha"]
