"""A disk that is really full while an answer streams."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


def test_an_answer_waits_while_the_disk_is_full_and_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("a small disk can be mounted by root alone")
    mount = 'mount -t tmpfs -o size=8m none "$0" && exec "$@"'
    prefix = ["unshare", "-m", "sh", "-c", mount, str(tmp_path)]
    if subprocess.run([*prefix, "true"]).returncode:
        pytest.skip("root may mount nothing here")
    child = [sys.executable, "-m", "tests.services.full_disk_child", str(tmp_path)]
    ended = subprocess.run(
        [*prefix, *child], cwd=_ROOT, capture_output=True, text=True, timeout=90, check=False
    )
    assert ended.stderr == ""
    assert "is full" in ended.stdout
    assert "Free some space there" in ended.stdout
    assert ended.stdout.endswith("nothing lost\n")
