"""How much memory and time a piece of work takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

MIB = 1024 * 1024


def _status_kib(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise LookupError(name)


def rss_growth(work: Callable[[], object]) -> int:
    """By how many bytes the resident memory rises at most while `work` runs."""
    Path("/proc/self/clear_refs").write_text("5")  # sets the high-water mark back
    before = _status_kib("VmRSS")
    work()
    return (_status_kib("VmHWM") - before) * 1024


def best_seconds(work: Callable[[], object], tries: int = 3) -> float:
    """The shortest of some runs: other work on the machine only makes it longer."""
    times = []
    for _ in range(tries):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)
