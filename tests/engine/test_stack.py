"""The engine's thread has room for tokenisers that recurse once per character.

Run in children: what is tested here kills a process that has not enough of it.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.starter import starter_model

from snug.engine.prompt import MAX_DIGITS, MAX_RUN, PromptBuilder

_ON_ENGINE = """
import sys, threading
from dataclasses import replace
sys.path.insert(0, sys.argv[2])
from tests.starter import starter_model
from snug.domain.events import Started
from snug.domain.model import LoadOptions
from snug.engine.host import EngineHost

host, loaded = EngineHost(), threading.Event()
model = replace(starter_model(), path=sys.argv[1], name="gpt-4o")
host.preload(
    model,
    LoadOptions(context_length=512),
    lambda event: loaded.set() if isinstance(event, Started) else None,
)
loaded.wait(60)
print(len(host.call(lambda _native: host._worker.session.loaded.tokenise("a" * 60_000))))
host.close()
"""

_ON_A_COMMON_THREAD = """
import sys, threading
sys.path.insert(0, sys.argv[2])
from snug.engine.native import Native

llama = Native(probe_gpu=False).llama

def work():
    parameters = llama.llama_model_default_params()
    parameters.vocab_only = True
    model = llama.llama_model_load_from_file(sys.argv[1].encode(), parameters)
    text = b"a" * 60_000
    room = len(text) + 8
    tokens = (llama.llama_token * room)()
    vocabulary = llama.llama_model_get_vocab(model)
    print(llama.llama_tokenize(vocabulary, text, len(text), tokens, room, False, True))

threading.stack_size(8 * 2**20)
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


@pytest.fixture(scope="module")
def recursive_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The starter with another splitter of words, whose name has as many letters."""
    data = Path(starter_model().path).read_bytes()
    key = data.index(b"tokenizer.ggml.pre") + len(b"tokenizer.ggml.pre") + 4
    assert data[key : key + 14] == (6).to_bytes(8, "little") + b"smollm"
    path = tmp_path_factory.mktemp("stack") / "gpt-4o.gguf"
    path.write_bytes(data[: key + 8] + b"gpt-4o" + data[key + 14 :])
    yield path
    path.unlink()


def _child(script: str, model: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, str(model), str(Path(__file__).parents[2])],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_sixty_thousand_letters_in_a_row_survive_on_the_engines_thread(
    recursive_model: Path,
) -> None:
    done = _child(_ON_ENGINE, recursive_model)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 1000


def test_and_would_not_on_a_common_one(recursive_model: Path) -> None:
    """When this fails, upstream is mended (ggml-org/llama.cpp #27783): the big stack can go."""
    assert _child(_ON_A_COMMON_THREAD, recursive_model).returncode == -signal.SIGSEGV


def test_no_run_that_reaches_the_tokeniser_is_longer_than_its_limit() -> None:
    builder = PromptBuilder.__new__(PromptBuilder)
    builder._control = None
    for text in (
        "a" * 50_000,
        " " * 50_000,
        "7" * 50_000,
        "a7" * 20_000,
        "x " * 9_000 + "1" * 9_000,
    ):
        pieces = builder.guard(text).split("\uf8f0")
        assert "".join(pieces) == text
        assert max(len(run) for p in pieces for run in re.findall(r"\S+|\s+", p)) <= MAX_RUN
        assert max((len(run) for p in pieces for run in re.findall(r"\d+", p)), default=0) <= (
            MAX_DIGITS
        )
