"""Files that are no model, or not all of one: a clear sentence, and the engine goes on.

In one child for all, because llama.cpp may end the process where our own checks do not hold.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_CHILD = """
import json, os, sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.engine.asking import Asking, GREEDY, CONTEXT
from tests.starter import starter_model
from snug.domain.events import Failed
from snug.domain.model import LoadOptions
from snug.engine.host import EngineHost

folder = Path(sys.argv[1])
starter = starter_model()
ask = Asking(EngineHost(), starter)
ask("Hi")

def tell(case, path, **changes):
    asking = replace(ask, model=replace(starter, path=str(path), name="the model", **changes))
    if case == "long context":
        asking = replace(asking, load=LoadOptions(context_length=2**24))
    answer = asking("What is 2+2?")
    said = answer.failure if isinstance(answer.events[-1], Failed) else None
    print(json.dumps({"case": case, "said": said}), flush=True)

tell("missing", folder / "missing.gguf")
tell("folder", folder)
(folder / "empty.gguf").touch()
tell("empty", folder / "empty.gguf")
(folder / "text.gguf").write_text("This is a letter.\\n" * 100)
tell("text", folder / "text.gguf")
(folder / "magic.gguf").write_bytes(b"GGUF")
tell("magic", folder / "magic.gguf")
tell("a\\0b", "a\\0b")
cut = folder / "cut.gguf"
data = Path(starter.path).read_bytes()
cut.write_bytes(data)
size = len(data)
sixteenths = [size * n // 16 for n in range(15, 1, -1)]
offsets = [size - 1, size - 33, *sixteenths, 1_700_000, 9_000, 100, 7]
for offset in offsets:
    os.truncate(cut, offset)
    tell(f"cut at {offset}", cut)
cut.unlink()
tell("long context", starter.path)
print(json.dumps({"case": "afterwards", "said": ask("What is 2+2?").text}), flush=True)
ask.host.close()
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the engine said to each case."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, tmp_path_factory.mktemp("files"), Path(__file__).parents[2]],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    found = {(told := json.loads(line))["case"]: told["said"] for line in done.stdout.splitlines()}
    assert done.returncode == 0, (done.returncode, list(found)[-1:], done.stderr[-2000:])
    return found


def test_every_truncated_file_is_one_sentence(said: dict[str, Any]) -> None:
    cut = {case: text for case, text in said.items() if case.startswith("cut")}
    assert len(cut) == 20
    for case, text in cut.items():
        assert text is not None, case
        assert text.startswith("the model could not be loaded: "), case
        assert "snug models check" in text
        assert any(word in text for word in ("file bounds", "failed to read", "exceeds")), case
        assert "\n" not in text


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("missing", "is not there any more"),
        ("folder", "is a folder"),
        ("empty", "could not be loaded: failed to read magic"),
        ("text", "could not be loaded: invalid magic characters"),
        ("magic", "could not be loaded: failed to read header"),
        ("a\0b", "is not there any more"),
    ],
)
def test_what_is_no_model_is_told_in_one_sentence(
    said: dict[str, Any], case: str, words: str
) -> None:
    assert words in said[case]
    assert "Snug made a mistake" not in said[case]
    assert "\n" not in said[case]


def test_a_context_that_does_not_fit_the_memory_is_told_with_numbers(said: dict[str, Any]) -> None:
    assert " GB and " in said["long context"]
    assert "It fits with a context of " in said["long context"]


def test_the_engine_answers_after_all_of_them(said: dict[str, Any]) -> None:
    assert "4" in said["afterwards"]
