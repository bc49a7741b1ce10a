"""Virtual environments and what pip puts into them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from snug_setup.layout import venv_python
from snug_setup.progress import run_logged


def pip_environment() -> dict[str, str]:
    """The environment for pip: the user's own indexes and proxies, nothing that asks or writes."""
    environment = dict(os.environ)
    environment |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    # They would send packages elsewhere than into the virtual environment.
    for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PYTHONHOME", "PYTHONPATH"):
        environment.pop(name, None)
    return environment


def pip_command(venv: Path, verb: str, *arguments: str | Path) -> list[str | Path]:
    """A pip command line for a virtual environment; -I keeps this folder's `packaging` out."""
    return [venv_python(venv), "-I", "-m", "pip", verb, *arguments]


def create_venv(venv: Path, locks: Sequence[Path], log: Path) -> Path:
    """Makes a virtual environment afresh and installs locks into it; returns its folder."""
    run_logged([sys.executable, "-I", "-m", "venv", "--clear", venv], log)
    install_locked(venv, locks, log)
    return venv


def install_locked(venv: Path, locks: Sequence[Path], log: Path) -> None:
    """Installs exactly what locks list, checked against their hashes, from wheels only."""
    command = pip_command(venv, "install", "--require-hashes", "--no-deps")
    command += ["--only-binary", ":all:"]
    for lock in locks:
        command += ["-r", lock]
    run_logged(command, log, environment=pip_environment())


def install_wheel(venv: Path, wheel: Path, log: Path) -> None:
    """Installs one wheel file, also over the same version of other flags."""
    command = pip_command(venv, "install", "--no-deps", "--no-index", "--force-reinstall", wheel)
    run_logged(command, log, environment=pip_environment())


def install_project(venv: Path, root: Path, log: Path) -> None:
    """Installs the project itself, editable; its build backend is in the venv already."""
    command = pip_command(venv, "install", "--no-deps", "--no-index", "--no-build-isolation")
    run_logged([*command, "--editable", root], log, environment=pip_environment())
