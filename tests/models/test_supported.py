"""The list of architectures, held against the library."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.models.gguf_maker import TEXT, GgufMaker

from snug.models.supported import SUPPORTED, is_supported

# Loads a file for each name with llama.cpp and says which names it does not know.
PROGRAM = """
import ctypes, json, sys
from snug.engine.native import Native
native = Native()
llama = native.llama
said = []
log = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(
    lambda level, text, data: said.append(text.decode(errors="replace")))
llama.llama_log_set(log, ctypes.c_void_p(0))
unknown = []
for name in json.load(sys.stdin):
    said.clear()
    model = llama.llama_model_load_from_file(
        f"{sys.argv[1]}/{name}.gguf".encode(), llama.llama_model_default_params())
    if "unknown model architecture" in "".join(said):
        unknown.append(name)
    assert said and not model, name
print(json.dumps(unknown))
"""


def test_llama_cpp_knows_every_name_and_not_one_that_is_made_up(tmp_path: Path) -> None:
    names = [*sorted(SUPPORTED), "no-such-model"]
    for name in names:
        header = GgufMaker().set("general.architecture", TEXT, name).header()
        (tmp_path / f"{name}.gguf").write_bytes(header + bytes(64))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        input=json.dumps(names),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == ["no-such-model"]


def test_a_name_that_is_not_told_is_not_held_against_a_model() -> None:
    assert is_supported("")
    assert is_supported("llama")
    assert not is_supported("clip")
    assert not is_supported("mystery")
