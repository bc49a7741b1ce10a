"""Where other programs keep their models: on Linux, macOS and Windows, and where they were told to.

Source: each program's documentation and code as of autumn 2026, named beside its function.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from snug.domain.adoption import Program

_MAX_SETTINGS_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Machine:
    """What the places depend on.

    Attributes:
        platform: as `sys.platform` has it.
        system: the folder that stands for "/" where a program is installed for everybody.
    """

    home: Path
    environment: Mapping[str, str]
    platform: str = sys.platform
    system: Path = Path("/")

    @classmethod
    def here(cls) -> Machine:
        """This one. Raises: RuntimeError, where nobody knows the person's folder."""
        return cls(Path.home(), os.environ)

    def variable(self, name: str) -> Path | None:
        """A folder that an environment variable names; None where it is unset or relative."""
        value = self.environment.get(name, "").strip()
        if not value:
            return None
        path = self.home / value[2:] if value.startswith(("~/", "~\\")) else Path(value)
        return path if path.is_absolute() else None


def folders(machine: Machine) -> dict[Program, tuple[Path, ...]]:
    """The folders of each program that exist, each once."""
    places = {
        Program.LM_STUDIO: _lm_studio,
        Program.HUGGING_FACE: _hugging_face,
        Program.OLLAMA: _ollama,
        Program.JAN: _jan,
        Program.GPT4ALL: _gpt4all,
    }
    return {program: _existing(find(machine)) for program, find in places.items()}


def _existing(paths: Iterator[Path]) -> tuple[Path, ...]:
    found: dict[Path, Path] = {}
    for path in paths:
        try:
            if path.is_dir():
                found.setdefault(path.resolve(), path)
        except (OSError, ValueError, RuntimeError):
            continue  # Not ours to look into, or a path that cannot be one.
    return tuple(found.values())


def _lm_studio(machine: Machine) -> Iterator[Path]:
    """Source: lmstudio.js, findLMStudioHome; "downloadsFolder" of its settings.json."""
    homes = [machine.home / ".lmstudio", machine.home / ".cache" / "lm-studio"]
    pointer = _text(machine.home / ".lmstudio-home-pointer").strip()
    if pointer and Path(pointer).is_absolute():
        homes.insert(0, Path(pointer))
    for home in homes:
        chosen = _setting(home / "settings.json", "downloadsFolder")
        if chosen is not None:
            yield chosen
        yield home / "models"


def _hugging_face(machine: Machine) -> Iterator[Path]:
    """Source: huggingface_hub's constants.py. The first variable that is set decides there."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        chosen = machine.variable(name)
        if chosen is not None:
            yield chosen
            return
    home = machine.variable("HF_HOME")
    if home is None:
        cache = machine.variable("XDG_CACHE_HOME") or machine.home / ".cache"
        home = cache / "huggingface"
    yield home / "hub"


def _ollama(machine: Machine) -> Iterator[Path]:
    """Source: ollama's envconfig (OLLAMA_MODELS), and the user of its Linux service."""
    chosen = machine.variable("OLLAMA_MODELS")
    if chosen is not None:
        yield chosen
    yield machine.home / ".ollama" / "models"
    if machine.platform.startswith("linux"):
        yield machine.system / "usr" / "share" / "ollama" / ".ollama" / "models"


def _jan(machine: Machine) -> Iterator[Path]:
    """Source: jan's get_jan_data_folder_path ("data_folder" of its settings.json)."""
    bases = [base / name for base in _data_folders(machine) for name in ("Jan", "jan")]
    config = machine.variable("XDG_CONFIG_HOME") or machine.home / ".config"
    datas = [_setting(base / "settings.json", "data_folder") for base in (*bases, config / "Jan")]
    datas += [*(base / "data" for base in bases), *bases, machine.home / "jan"]
    for data in datas:
        if data is not None:
            yield data / "llamacpp" / "models"
            yield data / "models"


def _gpt4all(machine: Machine) -> Iterator[Path]:
    """Source: gpt4all's mysettings.cpp ("modelPath" of its GPT4All.ini)."""
    config = machine.variable("APPDATA") if machine.platform == "win32" else None
    config = config or machine.variable("XDG_CONFIG_HOME") or machine.home / ".config"
    for line in _text(config / "nomic.ai" / "GPT4All.ini").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "modelPath" and Path(value.strip().strip('"')).is_absolute():
            yield Path(value.strip().strip('"'))
    for base in _data_folders(machine):
        yield base / "nomic.ai" / "GPT4All"
    yield machine.home / ".cache" / "gpt4all"


def _data_folders(machine: Machine) -> list[Path]:
    if machine.platform == "win32":
        found = [machine.variable("LOCALAPPDATA"), machine.variable("APPDATA")]
        usual = [machine.home / "AppData" / "Local", machine.home / "AppData" / "Roaming"]
        return [*(path for path in found if path is not None), *usual]
    if machine.platform == "darwin":
        return [machine.home / "Library" / "Application Support"]
    return [machine.variable("XDG_DATA_HOME") or machine.home / ".local" / "share"]


def _setting(path: Path, name: str) -> Path | None:
    """A folder in another program's JSON settings."""
    try:
        settings = json.loads(_text(path) or "{}")
    except (ValueError, RecursionError):
        return None
    value = settings.get(name) if isinstance(settings, dict) else None
    return Path(value) if isinstance(value, str) and Path(value).is_absolute() else None


def _text(path: Path) -> str:
    try:
        if not path.is_file() or path.stat().st_size > _MAX_SETTINGS_BYTES:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return ""
