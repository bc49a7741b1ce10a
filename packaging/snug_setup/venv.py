"""The project's own virtual environment, .venv: made, brought up to date, checked."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from snug_setup import llama_wheel, stamp, vulkan
from snug_setup.environment import create_venv, install_locked, install_project, install_wheel
from snug_setup.errors import SetupError
from snug_setup.layout import LOCKS, ROOT, VENV, venv_python
from snug_setup.progress import Progress, tail

STAMP = VENV / ".snug-stamp"
DEV_STAMP = VENV / ".snug-stamp-dev"

# One import of each library that brings native code: here a missing system library shows.
IMPORTS = "import PySide6.QtWidgets, PySide6.QtSvg, llama_cpp, apsw, argon2, cryptography, numpy"


def set_up(*, dev: bool) -> None:
    """Makes .venv what the locks say; does nothing where it is that already.

    Raises: SetupError: a step failed.
    """
    wanted = stamp.Stamp(stamp.digest(stamp.inputs()), str(ROOT), llama_wheel.this_key())
    if stamp.read(STAMP) != wanted or not _works():
        _install_runtime(wanted)
    else:
        STAMP.touch()
    if not dev:
        return
    if stamp.read(DEV_STAMP) != wanted:
        _install_dev(wanted)
    else:
        DEV_STAMP.touch()


def _works() -> bool:
    """Whether .venv is there, was never left half changed, and its Python starts."""
    if not STAMP.is_file() or stamp.busy_mark(VENV).exists():
        return False
    try:
        done = subprocess.run([venv_python(VENV), "-I", "-c", "import pip"], check=False)
    except OSError:
        return False
    return done.returncode == 0


def _install_runtime(wanted: stamp.Stamp) -> None:
    log = llama_wheel.log_file("setup")
    wheel = llama_wheel.wheel()
    old = stamp.read(STAMP)
    if old is None or old.root != wanted.root or not _works():
        old = None
        with Progress("Making .venv"):
            create_venv(VENV, [LOCKS / "bootstrap.txt"], log)
    with stamp.changing(VENV, [STAMP, DEV_STAMP]):
        locks = [LOCKS / name for name in ("bootstrap.txt", "runtime.txt", "starter.txt")]
        with Progress("Installing the libraries and a starter model"):
            install_locked(VENV, locks, log)
        if old is None or old.llama != wanted.llama:
            with Progress("Installing llama.cpp"):
                install_wheel(VENV, wheel, log)
                link_copies(llama_library_folder())
                # One of another build would not fit; one that fits is wanted if it was built.
                (llama_library_folder() / vulkan.PLUGIN).unlink(missing_ok=True)
                plugin = vulkan.built_plugin()
                if plugin:
                    _place_plugin(plugin)
        with Progress("Installing Snug"):
            install_project(VENV, ROOT, log)
            _check_imports(log)
    stamp.write(STAMP, wanted)


def _install_dev(wanted: stamp.Stamp) -> None:
    log = llama_wheel.log_file("setup-dev")
    # STAMP stays: were this cut short, the mark alone makes the next run begin afresh.
    with stamp.changing(VENV, [DEV_STAMP]), Progress("Installing the test tools"):
        install_locked(VENV, [LOCKS / "dev.txt"], log)
    stamp.write(DEV_STAMP, wanted)


def add_vulkan() -> None:
    """Puts llama.cpp's Vulkan plug-in beside its CPU plug-ins.

    Raises: SetupError: packages are missing, or the build failed.
    """
    _place_plugin(vulkan.plugin())
    print("The Vulkan plug-in is in place; `snug doctor` lists the devices it finds.")


def _place_plugin(plugin: Path) -> None:
    target = llama_library_folder() / plugin.name
    temporary = target.with_suffix(".new")
    shutil.copyfile(plugin, temporary)
    temporary.replace(target)


def _check_imports(log: Path) -> None:
    """Loads what holds native code.

    Raises: SetupError: something does not load, with the reason.
    """
    with log.open("a", encoding="utf-8") as file:
        done = subprocess.run(
            [venv_python(VENV), "-I", "-c", IMPORTS],
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        raise SetupError(f"A library does not load:\n{tail(log, 3)}\n\nThe whole log is in {log}")


def llama_library_folder() -> Path:
    """Where llama.cpp's shared libraries and plug-ins lie in .venv."""
    (folder,) = VENV.glob("lib/python3.*/site-packages/llama_cpp/lib")
    return folder


def link_copies(folder: Path) -> None:
    """Turns libX.so and libX.so.0 into links to libX.so.0.N, which they are copies of.

    A wheel cannot hold links. As copies they cost 22 MB, and opening libggml.so by path when
    libggml.so.0 is loaded gives a second, empty registry of devices.
    """
    for full in folder.glob("lib*.so.*.*"):
        stem, _, version = full.name.partition(".so.")
        for alias in (f"{stem}.so", f"{stem}.so.{version.split('.')[0]}"):
            copy = folder / alias
            if copy.is_file() and not copy.is_symlink() and _same(copy, full):
                copy.unlink()
                copy.symlink_to(full.name)


def _same(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()
