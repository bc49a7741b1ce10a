"""How much main memory can be used now, and how many cores."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_UNKNOWN = 8 * 2**30
_M_MMAP_THRESHOLD = -3
_LARGE_BLOCK_BYTES = 2**20


def available_bytes() -> int:
    """Memory that can be taken without swapping, within the limits of the control group.

    Files that are only cached count as free, as in MemAvailable: a mapped model would otherwise
    look as if it took its memory twice.

    Source: proc(5), MemAvailable; cgroups(7), memory.max, memory.current and memory.stat.
    """
    free = _mem_available()
    limit, used = _number(_CGROUP / "memory.max"), _number(_CGROUP / "memory.current")
    if limit is None or used is None:
        return free
    return max(0, min(free, limit - used + _cached_bytes()))


def resident_bytes() -> int | None:
    """Resident memory of this process, mapped files counted; None where it is not told.

    Source: proc(5), statm.
    """
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return None


def keep_large_blocks_apart() -> None:
    """Let glibc give large blocks back as soon as they are freed.

    It raises its limit for that to the size of what was freed last, up to 32 MiB; the buffers that
    a load reads tensors into then stay in the heap: 9 MB of a model of 90, measured.
    Source: mallopt(3), M_MMAP_THRESHOLD.
    """
    try:
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK_BYTES)
    except (AttributeError, OSError, TypeError):  # another C library
        return


def release_freed_bytes() -> None:
    """Give memory that was freed back to the system; glibc keeps what a load used on its way."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):  # another C library
        return


def usable_cores() -> int:
    """Logical cores this process may use, SMT siblings counted."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def physical_cores() -> int:
    """Cores this process may use; SMT siblings beyond four are not counted (they slow decoding)."""
    usable = usable_cores()
    if usable <= 4:
        return usable
    cores = set()
    for folder in Path("/sys/devices/system/cpu").glob("cpu[0-9]*/topology"):
        try:
            package = (folder / "physical_package_id").read_text().strip()
            cores.add((package, (folder / "core_id").read_text().strip()))
        except OSError:
            continue
    return min(usable, len(cores)) if cores else usable


def _mem_available() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return _UNKNOWN


def _cached_bytes() -> int:
    """Cached files of this control group that can be dropped at once."""
    try:
        lines = (_CGROUP / "memory.stat").read_text().splitlines()
        values = dict(line.split() for line in lines)
        return sum(int(values.get(name, 0)) for name in ("active_file", "inactive_file"))
    except (OSError, ValueError):
        return 0


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # no control group, or "max"
        return None
