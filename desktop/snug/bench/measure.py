"""Runs the parts one after another and puts their figures together."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from snug.domain.errors import EnvironmentFault

WINDOW_STARTS = 5
_PARTS = (
    "decode",
    "reuse",
    "batches",
    "lookup",
    "restore",
    "isolated",
    "window",
    "frames",
    "download",
    "models_page",
    "header",
    "vault",
)
_CHILD_TIMEOUT_S = 900.0


def measure(progress: Callable[[str], None]) -> dict[str, object]:
    """All figures, as `snug bench --json` prints them.

    Raises:
        EnvironmentFault: a measuring child failed.
    """
    result: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="snug-bench-") as folder:
        for part in _PARTS:
            progress(f"Measuring {part} …")
            result |= _child(part, Path(folder))
    result["machine"] = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count() or 1,
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
    }
    return result


def _child(part: str, folder: Path) -> dict[str, object]:
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "PYTHONUNBUFFERED": "1"}
    environment.pop("SNUG_PASSPHRASE_FILE", None)
    if part == "window":
        return {"window_s": _window_seconds(folder, environment)}
    done = subprocess.run(
        [sys.executable, "-m", "snug.bench", part, str(folder)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=_CHILD_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        tail = done.stderr.strip().splitlines()[-1:] or [f"code {done.returncode}"]
        raise EnvironmentFault(f"The benchmark part '{part}' failed: {tail[0]}")
    figures: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def _window_seconds(folder: Path, environment: dict[str, str]) -> float:
    """Median seconds from starting the process to its first painted window, after one warm-up."""
    times = []
    for attempt in range(WINDOW_STARTS + 1):
        report = folder / f"start-{attempt}.json"
        began = time.monotonic()
        with subprocess.Popen(
            [sys.executable, "-m", "snug", "--data-dir", str(folder / "window")],
            env=environment | {"SNUG_STARTUP_PROBE": str(report)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as child:
            try:
                while not report.exists() and child.poll() is None:
                    if time.monotonic() - began > 60:
                        raise EnvironmentFault("The window did not appear within 60 s.")
                    time.sleep(0.01)
                if not report.exists():
                    raise EnvironmentFault(f"The window ended with code {child.returncode}.")
                painted = _painted_s(report)
            finally:
                child.terminate()
        times.append(painted - began)
    return round(statistics.median(times[1:]), 3)


def _painted_s(report: Path) -> float:
    """The moment of the first paint, once the report is whole."""
    while True:
        text = report.read_text()
        if text.endswith("}"):
            return float(json.loads(text)["first_paint_s"])
        time.sleep(0.005)
