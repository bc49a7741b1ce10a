"""The layer contracts notice a breach; that the code keeps them is for `make check`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from snug_setup.layout import ROOT

ROOMS = ("domain", "engine", "vault", "hub", "models", "services", "ui", "cli")


def lint(tmp_path: Path, module: str, line: str) -> subprocess.CompletedProcess[str]:
    """Runs the contracts over an empty Snug in which one module has one line."""
    package = tmp_path / "snug"
    for room in ROOMS:
        (package / room).mkdir(parents=True)
        (package / room / "__init__.py").write_text("")
    for name in ("__init__", "app", "paths"):
        (package / f"{name}.py").write_text("")
    (package / module).write_text(f"{line}\n")
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--config"]
    return subprocess.run(
        [*command, ROOT / "pyproject.toml"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("engine/a.py", "import snug.vault"),
        ("domain/a.py", "import snug.engine"),
        ("services/a.py", "import snug.ui"),
        ("cli/a.py", "import snug.ui"),
        ("ui/a.py", "import snug.engine"),
        ("ui/a.py", "import snug.hub"),
        ("ui/a.py", "import snug.app"),
        ("vault/a.py", "import snug.paths"),
        ("services/a.py", "from PySide6.QtCore import QObject"),
        ("services/a.py", "import llama_cpp"),
        ("engine/a.py", "import socket"),
        ("models/a.py", "import huggingface_hub"),
        ("domain/a.py", "import jinja2"),
        ("newroom.py", ""),
    ],
)
def test_a_breach_is_noticed(tmp_path: Path, module: str, line: str) -> None:
    done = lint(tmp_path, module, line)
    assert done.returncode == 1, done.stdout
    assert "BROKEN" in done.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("ui/a.py", "from PySide6.QtCore import QObject"),
        ("engine/a.py", "import llama_cpp"),
        ("hub/a.py", "import huggingface_hub, socket"),
        ("services/a.py", "import snug.engine, snug.vault"),
        ("app.py", "import snug.ui, snug.cli, snug.engine, snug.paths, PySide6"),
    ],
)
def test_what_is_allowed_passes(tmp_path: Path, module: str, line: str) -> None:
    done = lint(tmp_path, module, line)
    assert done.returncode == 0, done.stdout
