"""Downloads as values: what is fetched, how far it is, and what happens to it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from enum import StrEnum

from snug.domain.model import ModelFile


class DownloadState(StrEnum):
    """Where a download stands. PAUSED and FAILED ones can be resumed."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"
    DONE = "done"


class FileRole(StrEnum):
    """What a file is to the model."""

    MODEL = "model"
    SHARD = "shard"  # the second and later files of a split model
    PROJECTOR = "projector"


@dataclass(frozen=True, slots=True)
class DownloadFile:
    """One file to fetch.

    Attributes:
        path: its name on the Hub; used in the request only.
        stored_as: its name in the models folder, made of its sha256.
    """

    path: str
    size_bytes: int
    sha256: str
    stored_as: str
    role: FileRole = FileRole.MODEL


@dataclass(frozen=True, slots=True)
class Download:
    """One model on its way, and afterwards the record of where it came from.

    Attributes:
        id: made of the model's sha256, so that one model is never fetched twice at a time.
        commit: the revision that was chosen; a later change upstream does not change this.
        title: for a person.
        licence: identifier and class as shown when it was chosen.
        created_ms: when it was chosen, finished_ms: when it was verified; UTC milliseconds.
        problem: why it stopped or waits, for a person; "" otherwise.
        needs_access: it stopped because the repository wants conditions accepted, or a token.
    """

    id: str
    repository: str
    commit: str
    quantization: str
    title: str
    files: tuple[DownloadFile, ...]
    gated: bool = False
    licence: str = ""
    licence_class: str = ""
    created_ms: int = 0
    finished_ms: int = 0
    state: DownloadState = DownloadState.QUEUED
    problem: str = ""
    needs_access: bool = False

    @property
    def total_bytes(self) -> int:
        """Of all files."""
        return sum(file.size_bytes for file in self.files)

    @property
    def weights(self) -> tuple[str, ...]:
        """The sha256 of each file of the model itself, in order."""
        return tuple(f.sha256 for f in self.files if f.role is not FileRole.PROJECTOR)


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far a running download is; a few times a second.

    Attributes:
        bytes_per_second: over the last seconds; 0 while nothing comes.
        remaining_s: at that speed; None where there is none.
    """

    id: str
    done_bytes: int
    total_bytes: int
    bytes_per_second: float
    remaining_s: float | None


@dataclass(frozen=True, slots=True)
class DownloadWaiting:
    """The connection failed; the next attempt comes by itself."""

    id: str
    reason: str
    delay_s: float


@dataclass(frozen=True, slots=True)
class DownloadStopped:
    """It stands still: paused, failed or removed. `problem` is "" where the person wanted it."""

    id: str
    state: DownloadState
    problem: str = ""


@dataclass(frozen=True, slots=True)
class DownloadDone:
    """Verified and in the library."""

    id: str
    model: ModelFile


@dataclass(frozen=True, slots=True)
class DownloadListed:
    """It came into the queue, left it or was begun again: read what is shown of it anew."""

    id: str


DownloadEvent = DownloadProgress | DownloadWaiting | DownloadStopped | DownloadDone | DownloadListed


@dataclass(frozen=True, slots=True)
class UpstreamChange:
    """The repository holds another file now than the one in the library.

    Attributes:
        repository: "owner/name"; quantization: which of its files.
        got_ms: when ours came, changed_ms: when the repository last changed; 0 where not known.
        old_bytes, new_bytes: of all files; `new_bytes` is 0 where it offers none any more.
    """

    repository: str
    quantization: str
    got_ms: int
    changed_ms: int
    old_bytes: int
    new_bytes: int

    @property
    def is_gone(self) -> bool:
        """It is not offered any more."""
        return self.new_bytes == 0

    @property
    def words(self) -> str:
        """What happened, with dates and sizes, and what can be done."""
        when = f", on {_day(self.changed_ms)} at the latest" if self.changed_ms else ""
        ours = f"Yours ({self.old_bytes / 1e9:.2f} GB"
        ours += f", downloaded on {_day(self.got_ms)})" if self.got_ms else ")"
        name = f"{self.repository} {self.quantization}".strip()
        if self.is_gone:
            return f"{name} is no longer offered by its repository{when}. {ours} still works."
        return (
            f"Your file was replaced upstream: {name} has other contents now "
            f"({self.new_bytes / 1e9:.2f} GB{when}). {ours} still works; download it again to "
            "get the new one."
        )


def _day(ms: int) -> str:
    """A day of this machine's time zone, such as 3 November 2026."""
    day = datetime.datetime.fromtimestamp(ms / 1000, tz=datetime.UTC).astimezone()
    return f"{day.day} {day:%B %Y}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Verified files in their final place, for the library to take in.

    Attributes:
        paths: absolute, the model's (first) file first, shards in order.
        projector: absolute path of the file that lets the model see; "" for none.
    """

    download: Download
    paths: tuple[str, ...]
    projector: str = ""
