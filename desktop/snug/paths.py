"""Where things live on this machine. The only module that knows about user folders.

A file `portable.txt` beside the executable keeps everything beside it; `--data-dir` and
`SNUG_DATA_DIR` come before it. Folders are made with mode 0700.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from snug.domain.errors import EnvironmentFault
from snug.domain.profile import FIRST

APP = "snug"


@dataclass(frozen=True, slots=True)
class Paths:
    """Folders of one profile.

    Attributes:
        data: vault, models, saved state; what the person must not lose. Of all profiles.
        keys: where a key file lies when there is neither keyring nor passphrase; never inside
            `data`, so that a copied data folder stays unreadable (except in a portable build,
            where the person asked for everything in one place).
        runtime: lock and socket of the running window.
        resources: what ships with Snug, read-only.
        profile: id of the profile; the first one's folder is `data` itself.
    """

    data: Path
    keys: Path
    runtime: Path
    resources: Path
    profile: str = FIRST

    @property
    def home(self) -> Path:
        """Folder of all that belongs to this profile alone."""
        return self.data if self.profile == FIRST else self.data / "profiles" / self.profile

    @property
    def vault(self) -> Path:
        """Folder of the encrypted database and its key slots."""
        return self.home / "vault"

    @property
    def models(self) -> Path:
        """Folder of the library's index and of downloaded models, of all profiles."""
        return self.data / "models"

    def of_profile(self, profile_id: str) -> Paths:
        """The folders of another profile, which are made.

        Raises:
            EnvironmentFault: a folder cannot be made.
        """
        other = replace(self, profile=profile_id)
        other = replace(other, runtime=other.home / "run")
        for folder in (other.home, other.vault, other.runtime):
            _make(folder)
        return other


def find_paths(data_dir: Path | None = None) -> Paths:
    """Choose the folders of this run and make them.

    Args:
        data_dir: from `--data-dir`; None asks `SNUG_DATA_DIR`, `portable.txt`, then the platform.

    Raises:
        EnvironmentFault: a folder cannot be made.
    """
    chosen = data_dir or _from_environment() or _portable()
    portable = _portable()
    data = (chosen or Path(platformdirs.user_data_dir(APP, appauthor=False))).absolute()
    in_portable = portable is not None and data == portable.absolute()
    keys = (
        portable.parent / "snug-keys"
        if in_portable and portable is not None
        else Path(platformdirs.user_config_dir(APP, appauthor=False)) / "keys"
    )
    runtime = data / "run"
    paths = Paths(data=data, keys=keys, runtime=runtime, resources=_resources())
    for folder in (paths.data, paths.vault, paths.models, paths.runtime):
        _make(folder)
    return paths


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentFault(
            f"Snug cannot make its folder {folder}: {error.strerror or error}. "
            "Choose another one with --data-dir."
        ) from error


def _from_environment() -> Path | None:
    value = os.environ.get("SNUG_DATA_DIR", "")
    return Path(value) if value else None


def _portable() -> Path | None:
    beside = Path(sys.executable).parent
    return beside / "snug-data" if (beside / "portable.txt").is_file() else None


def _resources() -> Path:
    installed = Path(__file__).parent / "_resources"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "resources"
