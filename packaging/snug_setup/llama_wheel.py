"""The wheel of llama-cpp-python: compiled once, kept in the user's cache, used by every checkout.

The flags make one build that runs at full speed on every processor: each CPU variant is a plug-in
of its own, chosen when Snug starts. GGML_NATIVE stays off, since a build for the machine's own
processor dies on virtual ones that advertise AMX and cannot run it (ggml-org/llama.cpp #20824).
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import tarfile
from collections.abc import Sequence
from pathlib import Path

from snug_setup.cache import Cache
from snug_setup.environment import create_venv, pip_command, pip_environment
from snug_setup.errors import SetupError
from snug_setup.layout import LOCKS, cache_dir
from snug_setup.progress import Progress, run_logged

LOCK = LOCKS / "llama.txt"
BUILD_LOCK = LOCKS / "build.txt"

# Raise it when a change below must lead to another wheel although the flags are the same.
RECIPE = 1

CMAKE_FLAGS = (
    "-DGGML_BACKEND_DL=ON",
    "-DGGML_CPU_ALL_VARIANTS=ON",
    "-DGGML_NATIVE=OFF",
    "-DCMAKE_INSTALL_BINDIR=llama_cpp/lib",
    "-DCMAKE_INSTALL_LIBDIR=llama_cpp/lib",
    "-DLLAMA_OPENSSL=OFF",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
)


def sdist_sha256(lock: Path = LOCK) -> str:
    """The one hash in the lock of llama-cpp-python."""
    hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})", lock.read_text(encoding="utf-8"))
    if len(hashes) != 1:
        raise SetupError(f"{lock.name} must hold one hash, that of the source distribution.")
    return str(hashes[0])


def cache_key(
    sha256: str, flags: Sequence[str], machine: str, libc: str, recipe: int = RECIPE
) -> str:
    """Names a build: equal keys mean interchangeable files."""
    facts = {"sdist": sha256, "flags": list(flags), "machine": machine, "libc": libc}
    text = json.dumps(facts | {"recipe": recipe}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def machine_key(flags: Sequence[str]) -> str:
    """The key of a build with these flags from the locked source on this machine."""
    return cache_key(sdist_sha256(), flags, platform.machine(), "-".join(platform.libc_ver()))


def this_key() -> str:
    """The key of the wheel that this checkout needs on this machine."""
    return machine_key(CMAKE_FLAGS)


def built_wheel() -> Path | None:
    """The wheel in the cache, if an earlier set-up built it."""
    return wheel_cache().find(this_key(), "*.whl")


def wheel() -> Path:
    """The wheel for this machine, from the cache or built now.

    Raises: SetupError: the build failed; the text ends with the last lines of its log.
    """
    return wheel_cache().get(this_key(), "*.whl", _build)


def wheel_cache() -> Cache:
    """The cache of built wheels."""
    return Cache(cache_dir() / "wheels")


def log_file(name: str) -> Path:
    """Where the output of a build goes; begun anew with each build."""
    path = cache_dir() / "logs" / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("", encoding="utf-8")
    return path


def fetch_source(workshop: Path, tools: Path, log: Path) -> Path:
    """Downloads the source distribution and unpacks it; its hash is pip's to check."""
    command = pip_command(tools, "download", "--no-deps", "--no-build-isolation")
    command += ["--no-binary", ":all:", "--require-hashes", "-r", LOCK, "-d", workshop]
    run_logged(command, log, environment=pip_environment())
    (archive,) = workshop.glob("llama_cpp_python-*.tar.gz")
    with tarfile.open(archive) as source:
        # Debian 12's Python 3.11.2 has no filters; the hash has vouched for the content.
        if hasattr(tarfile, "data_filter"):
            source.extraction_filter = tarfile.data_filter
        source.extractall(workshop)
    archive.unlink()
    (folder,) = workshop.glob("llama_cpp_python-*")
    return folder


def leave_out_sme(cmake_file: Path) -> None:
    """Takes the two ARM variants with SME out of the list of plug-ins.

    GCC knows SME from version 14 on; older ones, as on Debian 12 and Ubuntu 24.04, stop at them.
    Such processors take the variant with SVE2 instead.
    """
    lines = cmake_file.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if "_variant(armv9.2_" not in line]
    if len(kept) != len(lines) - 2:
        raise SetupError(f"{cmake_file.name} of llama.cpp is not as expected; see leave_out_sme().")
    cmake_file.write_text("".join(kept), encoding="utf-8")


def build_tools(workshop: Path, log: Path) -> Path:
    """Makes the virtual environment that holds CMake, Ninja and the build backend."""
    return create_venv(workshop / "tools", [BUILD_LOCK], log)


def compile_jobs(memory_bytes: int | None = None) -> int:
    """How many compilers may run at once: a core and 1 GiB of free memory for each."""
    if memory_bytes is None:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        facts = dict(line.split(":", 1) for line in lines)
        memory_bytes = int(facts["MemAvailable"].split()[0]) * 1024
    return max(1, min(len(os.sched_getaffinity(0)), memory_bytes >> 30))


def build_environment(tools: Path, workshop: Path) -> dict[str, str]:
    """The environment of a build: its tools first, its temporary files beside the cache."""
    environment = pip_environment()
    environment["PATH"] = f"{tools / 'bin'}:{environment['PATH']}"
    environment["TMPDIR"] = str(workshop)
    environment["CMAKE_BUILD_PARALLEL_LEVEL"] = str(compile_jobs())
    # A user's own flags would make a wheel that its cache key does not tell of.
    for name in ("CFLAGS", "CXXFLAGS", "LDFLAGS", "CMAKE_ARGS", "SKBUILD_CMAKE_ARGS"):
        environment.pop(name, None)
    return environment


def _build(workshop: Path) -> Path:
    """Compiles the wheel in an empty folder; returns it there."""
    log = log_file("llama-cpp-python")
    with Progress("Fetching llama.cpp and what compiles it (120 MB)"):
        tools = build_tools(workshop, log)
        source = fetch_source(workshop, tools, log)
    leave_out_sme(source / "vendor/llama.cpp/ggml/src/CMakeLists.txt")
    environment = build_environment(tools, workshop)
    environment["CMAKE_ARGS"] = " ".join(CMAKE_FLAGS)
    command = pip_command(tools, "wheel", "--verbose", "--no-deps", "--no-build-isolation")
    command += ["--no-index", "-w", workshop / "out", source]
    with Progress("Compiling llama.cpp, once (8 to 15 minutes on two cores)") as progress:
        run_logged(command, log, environment=environment, on_step=progress.step)
    (built,) = (workshop / "out").glob("*.whl")
    return built
