"""A secret in the environment is nowhere to be seen once it was taken."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

TAKE = """
import os, subprocess, sys
from pathlib import Path
from snug.hardening import take_from_environment
before = b"hf_canary" in Path("/proc/self/environ").read_bytes()
took = take_from_environment("HF_TOKEN")
after = b"hf_canary" in Path("/proc/self/environ").read_bytes()
passed_on = subprocess.run([sys.executable, "-c", "import os; print('HF_TOKEN' in os.environ)"],
                           capture_output=True, text=True, check=True).stdout.strip()
print(before, took, after, passed_on, os.environ["AFTER"])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_token_that_was_taken_stands_in_no_environment_any_more() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TAKE],
        env=os.environ | {"HF_TOKEN": "hf_canary", "AFTER": "intact"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True", "hf_canary", "False", "False", "intact"]
