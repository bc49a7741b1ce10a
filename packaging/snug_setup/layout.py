"""Where set-up reads from and writes to."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
LOCKS = PACKAGING / "locks"
VENV = ROOT / ".venv"


def cache_dir() -> Path:
    """The folder where built wheels are kept between checkouts."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG rules say: a relative path there is invalid and to be ignored.
    root = Path(base) if base.startswith("/") else Path.home() / ".cache"
    return root / "snug"


def venv_python(venv: Path) -> Path:
    """The interpreter inside a virtual environment."""
    return venv / "bin" / "python"
