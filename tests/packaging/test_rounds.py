"""`make test` runs most tests two at a time, then alone those that measure."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from snug_setup.layout import ROOT


def run_tests(folder: Path, together: int, alone: int, *arguments: str) -> tuple[int, list[str]]:
    """Exit code and the rounds that ran, where pytest ends with these codes."""
    fake = folder / ".venv" / "bin" / "pytest"
    fake.parent.mkdir(parents=True)
    fake.write_text(
        f'#!/bin/sh\necho "$*"\ncase "$*" in *"not alone"*) exit {together};; esac\nexit {alone}\n'
    )
    fake.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", ROOT / "packaging" / "test.sh", *arguments],
        cwd=folder,
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize(
    ("together", "alone", "code"),
    [(0, 0, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1), (0, 5, 0), (5, 0, 0), (5, 5, 5), (5, 1, 1)],
)
def test_it_fails_where_a_round_fails_or_nothing_was_chosen(
    tmp_path: Path, together: int, alone: int, code: int
) -> None:
    ended, rounds = run_tests(tmp_path, together, alone, "tests/vault", "-k", "key")
    assert ended == code
    assert len(rounds) == 2
    assert all(line.endswith("tests/vault -k key") for line in rounds)


def test_an_interruption_ends_it(tmp_path: Path) -> None:
    ended, rounds = run_tests(tmp_path, 2, 0)
    assert ended == 2
    assert len(rounds) == 1
