"""Threat 61: a defect's own text, which may quote a chat, is neither printed nor logged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DEFECT = """
import sys, threading
from pathlib import Path
from snug.logs import log_defects, start_logging
start_logging(Path(sys.argv[1]))
log_defects()

def fail():
    raise KeyError("quokkawords")

class Careless:
    def __del__(self):
        fail()

match sys.argv[2]:
    case "thread":
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    case "unraisable":
        Careless()
    case _:
        fail()
"""


@pytest.mark.parametrize(("where", "code"), [("main", 1), ("thread", 0), ("unraisable", 0)])
def test_a_defect_is_told_by_its_kind_and_place_alone(
    tmp_path: Path, where: str, code: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DEFECT, tmp_path, where], capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert done.stderr == "Snug made a mistake (KeyError); where, is in the log.\n"
    log = (tmp_path / "snug.log").read_text()
    assert "in fail" in log
    assert "KeyError" in log
    assert "quokka" not in log
