"""The Vulkan back end of llama.cpp: a plug-in built from the same source as the wheel.

A GPU is one more file beside the CPU variants, not another build of everything. llama.cpp checks
the plug-in's interface version when it loads it; the same source makes it match.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from snug_setup import llama_wheel, system
from snug_setup.cache import Cache, file_sha256
from snug_setup.layout import PACKAGING, cache_dir
from snug_setup.progress import Progress, run_logged

PLUGIN = "libggml-vulkan.so"
HEADER = PACKAGING / "vulkan" / "layer_settings.h"

# Those that shape ggml's interface are as in llama_wheel.CMAKE_FLAGS.
CMAKE_FLAGS = (
    "-DBUILD_SHARED_LIBS=ON",
    "-DCMAKE_BUILD_TYPE=Release",
    "-DCMAKE_BUILD_WITH_INSTALL_RPATH=ON",
    "-DCMAKE_INSTALL_RPATH=$ORIGIN",
    "-DGGML_BACKEND_DL=ON",
    "-DGGML_BUILD_EXAMPLES=OFF",
    "-DGGML_BUILD_TESTS=OFF",
    "-DGGML_CPU=OFF",
    "-DGGML_NATIVE=OFF",
    "-DGGML_VULKAN=ON",
)

# Where each package of apt-packages-gpu.txt shows itself: a program or a file.
SIGNS = {
    "glslc": "glslc",
    "libvulkan-dev": "/usr/include/vulkan/vulkan.hpp",
    "spirv-headers": "/usr/include/spirv/unified1/spirv.hpp",
}


def this_key() -> str:
    """The key of the plug-in that fits this checkout's wheel on this machine."""
    return llama_wheel.machine_key((*CMAKE_FLAGS, file_sha256(HEADER)))


def plugin_cache() -> Cache:
    """The cache of built plug-ins."""
    return Cache(cache_dir() / "plugins")


def built_plugin() -> Path | None:
    """The plug-in in the cache, if it was built before."""
    return plugin_cache().find(this_key(), PLUGIN)


def missing_packages() -> list[str]:
    """The packages that the build needs and that are not there."""
    return [
        package
        for package in system.apt_packages("apt-packages-gpu.txt")
        if not (Path(SIGNS[package]).exists() or shutil.which(SIGNS[package]))
    ]


def plugin() -> Path:
    """The plug-in, from the cache or built now.

    Raises: SetupError: packages are missing, or the build failed.
    """
    if built_plugin() is None:
        system.refuse_missing(missing_packages())
    return plugin_cache().get(this_key(), PLUGIN, _build)


def _build(workshop: Path) -> Path:
    """Compiles the plug-in in an empty folder; returns it there."""
    log = llama_wheel.log_file("vulkan")
    with Progress("Fetching llama.cpp and what compiles it (120 MB)"):
        tools = llama_wheel.build_tools(workshop, log)
        source = llama_wheel.fetch_source(workshop, tools, log) / "vendor/llama.cpp/ggml"
    # Left out of the source distribution; only `install`, which is not used, would read it.
    (source / "ggml.pc.in").touch()
    environment = llama_wheel.build_environment(tools, workshop)
    cmake, build = tools / "bin" / "cmake", workshop / "build"
    configure: list[str | Path] = [cmake, "-G", "Ninja", "-S", source, "-B", build, *CMAKE_FLAGS]
    configure.append(f"-DCMAKE_CXX_FLAGS=-include {HEADER}")
    compile_: list[str | Path] = [cmake, "--build", build, "--target", "ggml-vulkan"]
    with Progress("Compiling the Vulkan plug-in, once (some minutes)") as progress:
        run_logged(configure, log, environment=environment)
        run_logged(compile_, log, environment=environment, on_step=progress.step)
    (built,) = build.rglob(PLUGIN)
    return built
