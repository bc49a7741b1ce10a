"""Three models for somebody who has only the starter: from a list that ships with Snug.

The list needs no network to be shown. What is downloaded is looked up on the Hub first, and is
judged by what the Hub says then.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from snug.domain.download import (
    Download,
    DownloadDone,
    DownloadEvent,
    DownloadProgress,
    DownloadStopped,
)
from snug.domain.errors import SnugError, UserError
from snug.domain.hub import Fit, Repository, fit_of
from snug.domain.licence import Licence, LicenceClass, classify
from snug.domain.model import ModelFile
from snug.services.finding import Downloads, Hub
from snug.services.preferences import Preferences

ASSUMED_BYTES_PER_SECOND: Final = 50_000_000 / 8  # 50 Mbit/s, where nothing was measured yet
OFFERED: Final = 3
_ENDED: Final = "first_models.ended"
_SPEED: Final = "download.bytes_per_second"
_ROOM: Final = (1.0, 0.45, 0.2)  # of the largest that fits: able, balanced, quick


@dataclass(frozen=True, slots=True)
class FirstModel:
    """An entry of the list. Sizes in bytes, context in tokens."""

    repository: str
    quantization: str
    name: str
    maker: str
    licence: Licence
    parameter_count: int
    size_bytes: int
    context_length: int
    why: str

    @property
    def reference(self) -> str:
        """`owner/repo:QUANT`."""
        return f"{self.repository}:{self.quantization}"


@dataclass(frozen=True, slots=True)
class FirstOffer:
    """A model that fits this machine.

    Attributes:
        minutes: to download, at least 1.
        measured: the minutes are from the speed of earlier downloads here; else from 50 Mbit/s.
    """

    model: FirstModel
    fit: Fit
    minutes: int
    measured: bool


class TransferSpeed:
    """How fast downloads are here, learnt from those that ran. Any thread."""

    def __init__(self, preferences: Preferences) -> None:
        self._preferences = preferences
        self._latest = 0.0

    @property
    def bytes_per_second(self) -> float | None:
        """As measured; None where nothing was downloaded yet."""
        if self._latest > 0:
            return self._latest
        try:
            return float(self._preferences.get(_SPEED)) or None
        except ValueError:
            return None

    def follow(self, event: DownloadEvent) -> None:
        """Learn from an event of a download; kept when it ends, and not before."""
        if isinstance(event, DownloadProgress):
            if event.bytes_per_second > 0:
                known = self.bytes_per_second or event.bytes_per_second
                self._latest = 0.8 * known + 0.2 * event.bytes_per_second
        elif isinstance(event, DownloadDone | DownloadStopped) and self._latest > 0:
            self._preferences.keep(_SPEED, str(round(self._latest)))

    def minutes(self, size_bytes: int) -> tuple[int, bool]:
        """Minutes for so many bytes, at least 1, and whether they come from a measurement."""
        speed = self.bytes_per_second
        seconds = size_bytes / (speed or ASSUMED_BYTES_PER_SECOND)
        return max(1, round(seconds / 60)), speed is not None


class FirstModels:
    """Offers until the person has chosen a model or wants no offer. Any thread."""

    def __init__(
        self,
        listing: Path,
        preferences: Preferences,
        library: Callable[[], Sequence[ModelFile]],
        available_bytes: Callable[[], int | None],
        speed: TransferSpeed,
    ) -> None:
        """Prepare; the list is read at its first use.

        Args:
            listing: the JSON file that ships with Snug.
            library: all models on this computer.
            available_bytes: memory that is free for a model; may wait for the devices.
        """
        self._listing = listing
        self._preferences = preferences
        self._library = library
        self._available_bytes = available_bytes
        self.speed = speed

    @property
    def wanted(self) -> bool:
        """There is nothing but the starter, and the offer was not dismissed. Quick."""
        if self._preferences.get(_ENDED):
            return False
        try:
            return all(model.source == "starter" for model in self._library())
        except SnugError:
            return False

    def end(self) -> None:
        """The person has chosen or dismissed: offer nothing any more."""
        self._preferences.keep(_ENDED, "1")

    def models(self) -> tuple[FirstModel, ...]:
        """The whole list, by size. Raises: UserError."""
        return _read(self._listing)

    def offers(self) -> tuple[FirstOffer, ...]:
        """At most three that fit, the most able first. Not for the window's thread.

        Raises:
            UserError: the list is damaged.
        """
        free = self._available_bytes()
        fitting = [m for m in self.models() if fit_of(m.size_bytes, free) in (Fit.FITS,)]
        if not fitting and free is None:
            fitting = list(self.models()[:6])  # what nearly every computer runs
        return tuple(self._offer(model, free) for model in choose(fitting))

    def get(
        self,
        model: FirstModel,
        hub: Hub,
        downloads: Downloads,
        stop: threading.Event | None = None,
    ) -> Download | Repository:
        """Look it up and put it into the queue; blocks for the network.

        Returns:
            The download; the repository where the person should look first, because its licence
            is not the one of the list or the quantization is named otherwise.

        Raises:
            SnugError: the Hub cannot be asked, the disk is full, and the like.
        """
        repository = hub.show(model.repository, stop)
        wanted = [
            v for v in repository.variants if v.quantization.upper() == model.quantization.upper()
        ]
        free = repository.licence.licence_class is LicenceClass.COMMERCIAL
        if not wanted or not free or repository.gated:
            return repository
        made = downloads.choose(repository, wanted[0])
        self.end()
        return made

    def _offer(self, model: FirstModel, free: int | None) -> FirstOffer:
        minutes, measured = self.speed.minutes(model.size_bytes)
        return FirstOffer(model, fit_of(model.size_bytes, free), minutes, measured)


def choose(fitting: Sequence[FirstModel]) -> tuple[FirstModel, ...]:
    """Three of different size and, where possible, of different makers; the largest first."""
    left = sorted(fitting, key=lambda model: model.size_bytes)
    if not left:
        return ()
    largest = left[-1].size_bytes
    chosen: list[FirstModel] = []
    for share in _ROOM[: min(OFFERED, len(left))]:
        smaller = [m for m in left if m not in chosen and m.size_bytes <= largest * share]
        pool = smaller or [m for m in left if m not in chosen]
        makers = {model.maker for model in chosen}
        # A maker that is there already costs as much as a third of the size.
        chosen.append(
            max(pool, key=lambda m: m.size_bytes * (0.67 if m.maker in makers else 1.0))
            if smaller
            else pool[0]
        )
    return tuple(sorted(chosen, key=lambda model: -model.size_bytes))


def _read(path: Path) -> tuple[FirstModel, ...]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        models = [_model(row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"The list of first models cannot be read: {error}.") from error
    return tuple(sorted(models, key=lambda model: model.size_bytes))


def _model(row: dict[str, Any]) -> FirstModel:
    return FirstModel(
        repository=str(row["repository"]),
        quantization=str(row["quantization"]),
        name=str(row["name"]),
        maker=str(row["maker"]),
        licence=classify(str(row["licence"])),
        parameter_count=int(row["parameter_count"]),
        size_bytes=int(row["size_bytes"]),
        context_length=int(row["context_length"]),
        why=str(row["why"]),
    )
