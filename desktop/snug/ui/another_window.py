"""Opens another profile in a window, and a process, of its own: nothing of this one goes along."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QProcess


def open_profile(profile_id: str, data_dir: Path, offline: bool) -> bool:
    """Start Snug on another profile; where a window of it is open, that one comes to the front.

    Args:
        data_dir: of all profiles.

    Returns:
        False where no process could be started.
    """
    arguments = ["-m", "snug", "--data-dir", str(data_dir), "--profile", profile_id]
    if offline:
        arguments.append("--offline")
    started, _ = QProcess.startDetached(sys.executable, arguments)
    return bool(started)
