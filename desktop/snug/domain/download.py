"""Downloads as values: what is fetched, how far it is, and what happens to it."""

from __future__ import annotations

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
        problem: why it stopped, for a person; "" otherwise.
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

    @property
    def total_bytes(self) -> int:
        """Of all files."""
        return sum(file.size_bytes for file in self.files)


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


DownloadEvent = DownloadProgress | DownloadWaiting | DownloadStopped | DownloadDone


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
