"""Shut this process in: few files, no network, no other process, no way back.

For children that read what strangers made: model files, chat templates. Called once, on the main
thread, before any other thread begins, because the kernel confines threads and what they start.
Linux alone has these walls; elsewhere the report says so and the child is only a child.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from snug.engine.landlock import LIST, READ, RUN, USE_DEVICE, WRITE, confine_files, landlock_version
from snug.engine.seccomp import refuse_system_calls

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_GET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 21, 38
_OOM_SCORE = "900"  # where memory runs out, this process goes before anything of the person's
_OPEN_FILES = 1024
_PROCESSES = 4096  # counted over all of the person's programs, so not a tight one
_SHADER_BYTES = 64 * 2**20  # largest file that a graphics driver may write into its cache
_SYSTEM = (
    *("/proc/self", "/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/sys/vm"),
    *("/sys/devices/system", "/sys/fs/cgroup", "/etc/ld.so.cache", "/etc/localtime"),
)
_NOTHINGS = ("/dev/null", "/dev/zero", "/dev/urandom")
_PROGRAMS = ("/usr", "/lib", "/lib64", "/lib32", "/bin")
_GPU_DEVICES = ("/dev/dri", "/dev/kfd", "/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm")
_GPU_FILES = ("/etc/vulkan", "/etc/OpenCL", "/sys/dev/char", "/sys/class/drm", "/sys/bus/pci")
_GPU_TREES = ("/sys/devices", "/etc/drirc", "/proc/driver/nvidia")


@dataclass(frozen=True, slots=True)
class Rules:
    """What a confined process may still do.

    Attributes:
        readable: files and folders with the data it is there for.
        programs: whether Python, its libraries and the system's may be read and run.
        gpu: whether graphics cards may be used.
        cache: folder that a graphics driver may keep its shaders in; "" for none.
        memory_bytes: most address space; None sets no limit (graphics drivers need much).
    """

    readable: tuple[str, ...] = ()
    programs: bool = True
    gpu: bool = False
    cache: str = ""
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Confinement:
    """Which walls stand.

    Attributes:
        landlock: ABI version of the wall around files; 0 where there is none.
        seccomp: whether system calls are filtered.
    """

    landlock: int
    seccomp: bool

    @property
    def sentence(self) -> str:
        """For the person."""
        if self.landlock and self.seccomp:
            return "An isolated engine has no network and sees no file but its model."
        if self.seccomp:
            return (
                "An isolated engine has no network; this kernel cannot keep files from it "
                "(no Landlock)."
            )
        if self.landlock:
            return (
                "An isolated engine sees no file but its model; this system cannot filter its "
                "system calls (no seccomp)."
            )
        return "An isolated engine is a process of its own; this system cannot shut it in further."


def possible_walls() -> Confinement:
    """What this kernel offers; confines nothing."""
    if sys.platform != "linux":
        return Confinement(0, False)
    libc = ctypes.CDLL(None, use_errno=True)
    return Confinement(landlock_version(libc), libc.prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) >= 0)


def confine(rules: Rules, parent: int | None = None) -> Confinement:
    """Shut this process in, for good.

    Args:
        parent: process id of whoever started it; it dies with that thread, and at once where that
            is gone already.
    """
    _limit(rules)
    if sys.platform != "linux":
        return Confinement(0, False)
    libc = ctypes.CDLL(None, use_errno=True)
    if parent is not None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(0)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    files = confine_files(libc, _allowed(rules))
    calls = refuse_system_calls(libc)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    return Confinement(landlock_version(libc) if files else 0, calls)


def _limit(rules: Rules) -> None:
    with contextlib.suppress(ImportError):  # Windows has no `resource`
        import resource

        _lower(resource.RLIMIT_CORE, 0)
        _lower(resource.RLIMIT_FSIZE, _SHADER_BYTES if rules.cache else 0)
        _lower(resource.RLIMIT_NOFILE, _OPEN_FILES)
        _lower(resource.RLIMIT_NPROC, _PROCESSES)
        if rules.memory_bytes is not None:
            _lower(resource.RLIMIT_AS, rules.memory_bytes)


def _lower(limit: int, value: int) -> None:
    import resource

    _, hard = resource.getrlimit(limit)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(limit, (value, value))


def _allowed(rules: Rules) -> Iterator[tuple[str, int]]:
    """Every path with its rights."""
    yield from ((path, READ) for path in (*_SYSTEM, *rules.readable))
    yield from ((path, USE_DEVICE) for path in _NOTHINGS)
    if rules.programs:
        package = Path(__file__).resolve().parents[1]
        ours = (sys.prefix, sys.base_prefix, sys.exec_prefix, str(package))
        yield from ((path, RUN) for path in (*_PROGRAMS, *ours))
        yield (str(package.parent), LIST)  # where Python looks for the package by name
    if rules.gpu:
        drivers = os.environ.get("VK_DRIVER_FILES") or os.environ.get("VK_ICD_FILENAMES") or ""
        named = tuple(filter(None, drivers.split(os.pathsep)))
        yield from ((path, READ) for path in (*_GPU_FILES, *_GPU_TREES, *named))
        yield from ((path, USE_DEVICE) for path in _GPU_DEVICES)
    if rules.cache:
        yield (rules.cache, WRITE)
