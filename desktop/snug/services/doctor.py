"""What this machine offers Snug, and what stands in its way."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from snug.domain.errors import SnugError
from snug.domain.model import Device
from snug.services.protocols import Engine

LOW_DISK_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Report:
    """What `snug doctor` tells.

    Attributes:
        isolation: how far a model can be shut in here, in a sentence; a fact, no problem.
    """

    version: str
    llama_cpp: dict[str, str]
    devices: tuple[Device, ...]
    problems: tuple[str, ...]
    isolation: str = ""


def examine(
    version: str,
    data_dir: Path,
    engine: Engine,
    known: tuple[str, ...] = (),
    isolation: str = "",
) -> Report:
    """Look at the native library, the devices and the disk.

    Args:
        known: problems found on the way here (a locked vault, say).
    """
    problems = list(known)
    devices: tuple[Device, ...] = ()
    versions: dict[str, str] = {}
    try:
        devices = engine.devices()
        versions = engine.versions()
        problems += engine.problems()
    except SnugError as error:
        problems.append(error.message)
    try:
        free = shutil.disk_usage(data_dir).free
        if free < LOW_DISK_BYTES:
            problems.append(
                f"Only {free / 1e6:.0f} MB are free where your conversations are kept "
                f"({data_dir}). Free some space there."
            )
    except OSError as error:
        problems.append(f"The data folder {data_dir} cannot be read: {error.strerror}.")
    return Report(version, versions, devices, tuple(problems), isolation)
