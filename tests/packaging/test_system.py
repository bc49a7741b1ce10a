"""What set-up needs of the system, and how it tells what is missing."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import PySide6
import pytest

from snug_setup import system, vulkan
from snug_setup.errors import SetupError
from snug_setup.venv import llama_library_folder

# Part of every Debian system: libc, its compiler's run-time, zlib and zstd (dpkg needs them).
EVERYWHERE = ("ld-linux", "libc.", "libdl.", "libm.", "libpthread.", "libresolv.", "librt.")
EVERYWHERE += ("libgcc_s.", "libstdc++.", "libz.", "libzstd.")
# These come with a library of the list: GLib, Brotli.
IMPLIED = {"libgthread-2.0.so.0", "libbrotlicommon.so.1"}

QT_PARTS = ("Core", "DBus", "Gui", "Network", "OpenGL", "Svg", "Test", "WaylandClient", "Widgets")
QT_PLUGINS = (
    *("platforms/libqxcb", "platforms/libqwayland", "platforms/libqoffscreen"),
    *("wayland-shell-integration/libxdg-shell", "iconengines/libqsvgicon"),
    *("wayland-graphics-integration-client/libqt-plugin-wayland-egl", "tls/libqopensslbackend"),
    *("xcbglintegrations/libqxcb-egl-integration", "xcbglintegrations/libqxcb-glx-integration"),
)


def missing(**absent: object) -> list[str]:
    """What set-up finds missing where all is there but what the arguments say."""
    libraries = absent.get("libraries", ())
    assert isinstance(libraries, tuple)
    return system.missing_packages(
        compiler_needed=absent.get("compiler_needed", True) is True,
        has_library=lambda soname: soname not in libraries,
        has_compiler=lambda: "compiler" not in absent,
        has_venv=lambda: "venv" not in absent,
    )


def test_nothing_is_missing_where_all_is_there() -> None:
    assert missing() == []


def test_a_library_is_told_as_its_package() -> None:
    found = missing(libraries=("libEGL.so.1", "libxcb-cursor.so.0"))
    assert found == ["libegl1", "libxcb-cursor0"]


def test_compiler_is_asked_for_only_where_it_is_needed() -> None:
    assert missing(compiler=True) == ["g++"]
    assert missing(compiler=True, compiler_needed=False) == []


def test_venv_is_told_as_its_package() -> None:
    assert missing(venv=True) == ["python3-venv"]


def test_message_holds_the_line_that_installs_what_is_missing() -> None:
    with pytest.raises(SetupError) as told:
        system.refuse_missing(["g++", "libegl1"], "/usr/bin/python3")
    assert "sudo apt-get install g++ libegl1\n" in str(told.value)


def test_a_second_python_needs_its_own_venv_package() -> None:
    with pytest.raises(SetupError, match=r"apt-get install python3\.12-venv\n"):
        system.refuse_missing(["python3-venv"], "/usr/bin/python3.12")


@pytest.mark.parametrize(("machine", "name"), [("i686", "Linux"), ("x86_64", "Darwin")])
def test_other_systems_are_refused(machine: str, name: str) -> None:
    with pytest.raises(SetupError, match="Linux with a 64-bit"):
        system.check_machine(machine, name)


def test_a_library_that_is_nowhere_is_not_found() -> None:
    assert system.has_library("libc.so.6")
    assert not system.has_library("libsnug-is-not-there.so.7")


def needed(file: Path) -> set[str]:
    """The libraries that a shared library asks for by itself."""
    shown = subprocess.run(
        ["readelf", "--dynamic", file], capture_output=True, text=True, check=True
    ).stdout
    lines = (line for line in shown.splitlines() if "(NEEDED)" in line)
    return {line.split("[")[1].rstrip("]") for line in lines}


@pytest.mark.skipif(not shutil.which("readelf"), reason="needs readelf, of the package binutils")
def test_list_covers_what_the_native_libraries_need() -> None:
    qt = Path(PySide6.__path__[0]) / "Qt"
    files = [qt / "lib" / f"libQt6{part}.so.6" for part in QT_PARTS]
    files += [qt / "lib" / "libQt6XcbQpa.so.6"]
    files += [qt / "plugins" / f"{plugin}.so" for plugin in QT_PLUGINS]
    files += [file for file in llama_library_folder().glob("*.so") if file.name != vulkan.PLUGIN]
    own = {file.name for folder in {file.parent for file in files} for file in folder.iterdir()}
    wanted = set().union(*map(needed, files)) - own - IMPLIED
    wanted = {name for name in wanted if not name.startswith(EVERYWHERE)}
    assert wanted == set(system.LIBRARIES)


def test_gpu_packages_have_a_sign_each() -> None:
    assert set(vulkan.SIGNS) == set(system.apt_packages("apt-packages-gpu.txt"))


def test_this_machine_is_accepted() -> None:
    system.check_machine(platform.machine(), platform.system())
