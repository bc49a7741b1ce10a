"""What set-up needs of the machine: a suitable Python and the system packages.

The list of packages stands in `packaging/apt-packages.txt`; here is only how to see that one of
them is not there.
"""

from __future__ import annotations

import ctypes
import importlib.util
import platform
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from snug_setup.errors import SetupError
from snug_setup.layout import PACKAGING

MACHINES = ("x86_64", "aarch64")

# The shared libraries that Snug's native libraries ask the system for, with the Debian package of
# each: those that the parts of Qt in use need (Core, Gui, Widgets, Svg, Network, DBus and the xcb,
# wayland and offscreen plug-ins), and llama.cpp's OpenMP. A test reads them off the files.
LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libbrotlidec.so.1": "libbrotli1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgomp.so.1": "libgomp1",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}


def apt_packages(name: str = "apt-packages.txt") -> list[str]:
    """The packages of one of the lists in packaging/."""
    lines = (PACKAGING / name).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def apt_line(packages: Iterable[str]) -> str:
    """The command that installs packages."""
    return "sudo apt-get install " + " ".join(packages)


def has_library(soname: str) -> bool:
    """Whether the dynamic linker finds a library; asking it is surer than looking for files."""
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def has_compiler() -> bool:
    """Whether a C and a C++ compiler are there."""
    return all(shutil.which(name) for name in ("cc", "c++"))


def has_venv() -> bool:
    """Whether this Python can make a virtual environment; Debian packs ensurepip apart."""
    return all(importlib.util.find_spec(name) for name in ("ensurepip", "venv"))


def missing_packages(
    *,
    compiler_needed: bool,
    has_library: Callable[[str], bool] = has_library,
    has_compiler: Callable[[], bool] = has_compiler,
    has_venv: Callable[[], bool] = has_venv,
) -> list[str]:
    """The system packages that are needed and not there, in the list's order."""
    missing = {package for soname, package in LIBRARIES.items() if not has_library(soname)}
    if compiler_needed and not has_compiler():
        missing.add("g++")
    if not has_venv():
        missing.add("python3-venv")
    return [package for package in apt_packages() if package in missing]


def check_machine(machine: str = "", system: str = "") -> None:
    """Refuses a system for which the dependencies have no files.

    Raises: SetupError: with the systems that will do.
    """
    machine = machine or platform.machine()
    system = system or platform.system()
    if system != "Linux" or machine not in MACHINES:
        raise SetupError(
            f"Snug runs on Linux with a 64-bit x86 or ARM processor; this is {system} on {machine}."
        )


def refuse_missing(missing: Sequence[str], executable: str = sys.executable) -> None:
    """Stops set-up where packages are missing.

    Raises: SetupError: naming them, with the line that installs them.
    """
    if not missing:
        return
    # A second Python beside the distribution's own has a venv package of its own.
    name = Path(executable).name
    names = [f"{name}-venv" if p == "python3-venv" and "." in name else p for p in missing]
    raise SetupError(
        f"These system packages are missing: {', '.join(names)}\n"
        f"Install them with:\n\n    {apt_line(names)}\n\nand run the same command again."
    )
