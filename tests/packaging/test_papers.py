"""What the README and the tracked files say about set-up."""

from __future__ import annotations

import re
import subprocess

import pytest

from snug_setup.layout import ROOT
from snug_setup.system import LIBRARIES, apt_packages

# Written in two parts, so that this file passes its own test.
INDEX_HOSTS = ["pypi" + ".org", "files.python" + "hosted.org", "registry.npm" + "js.org"]


def apt_lines() -> list[list[str]]:
    """The packages of each `apt-get install` in the README, in order."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
    found = re.findall(r"apt-get install ([^`\n]+)", text)
    return [line.split() for line in found]


def test_readme_names_exactly_the_packages_of_the_lists() -> None:
    lists = ["apt-packages.txt", "apt-packages-gpu.txt", "apt-packages-test.txt"]
    assert apt_lines() == [apt_packages(name) for name in lists]


def test_every_probed_library_is_in_the_list() -> None:
    assert set(LIBRARIES.values()) <= set(apt_packages())


def test_targets_in_the_readme_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"\bmake ([a-z]+)\b", readme))
    defined = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert {"run", "test", "check", "bench", "soak", "gpu", "lock", "clean"} <= named
    assert named <= defined


def test_no_tracked_file_names_an_index_or_this_checkout() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    # A checkout in / or a one-word folder would be found in any text.
    needles = INDEX_HOSTS + [str(ROOT)] * (str(ROOT).count("/") > 1)
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", errors="replace")
        for needle in needles:
            assert needle not in text, f"{name} names {needle}"
