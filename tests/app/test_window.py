"""Which profile a window opens on."""

from __future__ import annotations

import signal
from argparse import Namespace
from pathlib import Path

import pytest

from snug.guardian import Launch
from snug.paths import Paths
from snug.window import _wanted, profiles_of

CRASHED = Launch(signal.SIGSEGV)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    data = tmp_path / "data"
    data.mkdir()
    return Paths(data, tmp_path / "keys", data / "run", tmp_path)


def test_the_only_profile_is_opened_without_a_question(paths: Paths) -> None:
    assert _wanted(paths, Namespace(profile=""), Launch()) == paths


def test_after_a_crash_the_profile_that_was_chosen_opens_without_a_question(paths: Paths) -> None:
    profiles = profiles_of(paths)
    made = profiles.create()
    profiles.remember(made.id)
    assert _wanted(paths, Namespace(profile=""), CRASHED) == paths.of_profile(made.id)


def test_a_profile_that_is_named_is_not_asked_for(paths: Paths) -> None:
    made = profiles_of(paths).create()
    named = paths.of_profile(made.id)
    assert _wanted(named, Namespace(profile=made.name), Launch()) == named
