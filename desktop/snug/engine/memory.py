"""How much main memory can be used now, and how many cores."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

_CGROUP = "sys/fs/cgroup"
# Of the two kinds of control groups: limit, what is taken, and what of it can be dropped at once.
_OF_VERSION_2 = ("memory.max", "memory.current", ("active_file", "inactive_file"))
_OF_VERSION_1 = (
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
    ("total_active_file", "total_inactive_file"),
)
_UNKNOWN = 8 * 2**30
_M_MMAP_THRESHOLD = -3
_LARGE_BLOCK_BYTES = 2**20


def available_bytes(root: Path = Path("/")) -> int:
    """Memory that can be taken without swapping, within the limits put on this process.

    Those are the control groups that it lies in, each with all above it, and RLIMIT_AS. Files that
    are only cached count as free, as in MemAvailable: a mapped model would otherwise look as if it
    took its memory twice.

    Args:
        root: where `proc` and `sys` are found.

    Source: proc(5), MemAvailable; cgroups(7); cgroup-v1/memory.txt; getrlimit(2).
    """
    rooms = [_mem_available(root), *_rooms_of_groups(root)]
    address_room = _address_room(root)
    if address_room is not None:
        rooms.append(address_room)
    return max(0, min(rooms))


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


def _mem_available(root: Path) -> int:
    try:
        for line in (root / "proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return _UNKNOWN


def _rooms_of_groups(root: Path) -> Iterator[int]:
    """What each control group that this process lies in has left."""
    for base, path in _groups(root):
        names = _OF_VERSION_1 if base.name == "memory" else _OF_VERSION_2
        # In a container the path may be the host's, which is not seen there; what lies above is.
        for folder in (base / path, *(base / path).parents):
            room = _room_of_group(folder, *names)
            if room is not None:
                yield room
            if folder == base:
                break


def _groups(root: Path) -> Iterator[tuple[Path, str]]:
    """Where the control groups that count memory lie, and this process's place in them."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = (line + "::").split(":", 2)
        path = path.rstrip(":").lstrip("/")
        if not controllers:
            yield root / _CGROUP, path
        elif "memory" in controllers.split(","):
            yield root / _CGROUP / "memory", path


def _room_of_group(folder: Path, limit: str, taken: str, droppable: Iterable[str]) -> int | None:
    """Bytes left in a control group; None where it has no limit."""
    most, used = _number(folder / limit), _number(folder / taken)
    if most is None or used is None:
        return None
    try:
        lines = (folder / "memory.stat").read_text().splitlines()
        values = dict(line.split() for line in lines)
        cached = sum(int(values.get(name, 0)) for name in droppable)
    except (OSError, ValueError):
        cached = 0
    return most - used + cached


def _address_room(root: Path) -> int | None:
    """Bytes of address space that are left; None where they are not limited or cannot be told."""
    try:
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit == resource.RLIM_INFINITY:
            return None
        pages = int((root / "proc/self/statm").read_text().split()[0])
        return limit - pages * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, OSError, ValueError, IndexError, AttributeError):  # Windows has neither
        return None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # no control group, or "max"
        return None
