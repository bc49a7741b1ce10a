"""The make targets: when set-up runs again, which Python it takes, how Snug is opened."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from snug_setup import stamp
from snug_setup.layout import ROOT

MAKE = shutil.which("make")
pytestmark = pytest.mark.skipif(MAKE is None, reason="needs make")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose set-up is done, in a folder with a blank in its name."""
    root = tmp_path / "a checkout"
    shutil.copytree(ROOT / "packaging", root / "packaging")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, root)
    bin_folder = root / ".venv" / "bin"
    bin_folder.mkdir(parents=True)
    (bin_folder / "python").symlink_to(sys.executable)
    facts = stamp.Stamp(digest="d", root=str(root), llama="k")
    for name in (".snug-stamp", ".snug-stamp-dev"):
        stamp.write(root / ".venv" / name, facts)
    return root


def plan(root: Path, target: str) -> str:
    """What make would do for a target."""
    assert MAKE
    done = subprocess.run(
        [MAKE, "-n", target], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout


def age(root: Path, *names: str) -> None:
    """Makes the stamps older than everything else."""
    for name in names:
        os.utime(root / ".venv" / name, (1, 1))


@pytest.mark.parametrize("target", ["run", "test", "bench"])
def test_a_second_run_starts_no_set_up(checkout: Path, target: str) -> None:
    assert "setup_env" not in plan(checkout, target)


def test_a_newer_lock_starts_set_up(checkout: Path) -> None:
    age(checkout, ".snug-stamp")
    assert plan(checkout, "run").count("setup_env") == 1


def test_tests_need_both_stages(checkout: Path) -> None:
    (checkout / ".venv" / ".snug-stamp").unlink()
    assert "setup_env.py --dev" in plan(checkout, "test")
    assert "--dev" not in plan(checkout, "run")


def test_a_set_up_cut_short_is_repeated(checkout: Path) -> None:
    stamp.busy_mark(checkout / ".venv").touch()
    assert "setup_env" in plan(checkout, "run")


def test_a_moved_checkout_is_set_up_again(checkout: Path) -> None:
    moved = checkout.rename(checkout.with_name("moved"))
    assert "setup_env" in plan(moved, "run")


def test_a_lost_python_is_set_up_again(checkout: Path) -> None:
    python = checkout / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert "setup_env" in plan(checkout, "run")


def test_make_watches_what_the_stamp_is_made_from(checkout: Path) -> None:
    assert MAKE
    database = subprocess.run(
        [MAKE, "-npq", "run"], cwd=checkout, capture_output=True, text=True, check=False
    ).stdout
    (line,) = [x for x in database.splitlines() if x.startswith("SETUP_FILES := ")]
    watched = {(ROOT / name).resolve() for name in line.split()[2:]}
    assert watched == set(stamp.inputs())


def fake(folder: Path, name: str, body: str) -> None:
    """A program that is a shell script."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def find_python(folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Asks find-python.sh with nothing but a folder on the PATH."""
    return subprocess.run(
        ["/bin/sh", ROOT / "packaging" / "find-python.sh"],
        env={"PATH": str(folder), **more},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_first_suitable_python_is_taken(tmp_path: Path) -> None:
    fake(tmp_path, "python3", "exit 1")
    fake(tmp_path, "python3.12", "exit 0")
    fake(tmp_path, "python3.11", "exit 0")
    assert find_python(tmp_path).stdout.strip() == str(tmp_path / "python3.12")


def test_a_python_that_is_named_comes_first(tmp_path: Path) -> None:
    fake(tmp_path, "python3", "exit 0")
    fake(tmp_path, "mine", "exit 0")
    assert find_python(tmp_path, PYTHON="mine").stdout.strip() == str(tmp_path / "mine")


def test_the_real_version_decides(tmp_path: Path) -> None:
    (tmp_path / "python3").symlink_to(sys.executable)
    assert find_python(tmp_path).returncode == 0


def test_no_suitable_python_is_told(tmp_path: Path) -> None:
    fake(tmp_path, "python3", "exit 1")
    done = find_python(tmp_path)
    assert done.returncode == 1
    assert "Snug needs Python 3.11, 3.12 or 3.13" in done.stderr
    assert done.stdout == ""


def open_snug(folder: Path, **environment: str) -> list[str]:
    """What run.sh prints where `snug` prints its arguments."""
    fake(folder, ".venv/bin/snug", 'echo "snug $*"')
    done = subprocess.run(
        ["/bin/sh", ROOT / "packaging" / "run.sh"],
        cwd=folder,
        env={"PATH": os.defpath, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.strip() for line in done.stdout.splitlines()]


@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"])
def test_the_window_opens_where_there_is_a_display(tmp_path: Path, name: str) -> None:
    assert open_snug(tmp_path, **{name: "x"}) == ["snug"]


def test_the_terminal_opens_where_there_is_no_display(tmp_path: Path) -> None:
    told, opened = open_snug(tmp_path)
    assert "no display" in told
    assert opened == "snug chat"


def test_the_stamp_says_where_it_is_in_the_words_make_looks_for(tmp_path: Path) -> None:
    stamp.write(tmp_path / "stamp", stamp.Stamp("d", "/home/zoë/snug", "k"))
    text = (tmp_path / "stamp").read_text(encoding="utf-8")
    assert '"root": "/home/zoë/snug"' in text
    assert json.loads(text)["root"] == "/home/zoë/snug"
