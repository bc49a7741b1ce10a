"""Which of llama.cpp's plug-ins are loaded, and what a bad one costs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from snug.domain.errors import EnvironmentFault
from snug.domain.model import DeviceKind
from snug.engine import native
from snug.engine.host import EngineHost
from snug.engine.native import best_cpu_plugin, gpu_plugins, library_folder, probe_plugin

_COMPILER = shutil.which("cc")
needs_compiler = pytest.mark.skipif(_COMPILER is None, reason="cc is not installed")


def _library(path: Path, code: str) -> Path:
    """A shared library compiled from C."""
    source = path.with_suffix(".c")
    source.write_text(code)
    subprocess.run([str(_COMPILER), "-shared", "-fPIC", "-o", str(path), str(source)], check=True)
    source.unlink()
    return path


def _scoring(folder: Path, variant: str, score: int) -> Path:
    code = f"int ggml_backend_score(void) {{ return {score}; }}"
    return _library(folder / f"libggml-cpu-{variant}.so", code)


_ABORTS = "#include <stdlib.h>\n__attribute__((constructor)) static void go(void) { abort(); }"
_HANGS = "__attribute__((constructor)) static void go(void) { for (;;) {} }"
_HARMLESS = "int harmless;"

_CHILD = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from snug.engine import native
native.library_folder = lambda: Path(sys.argv[1])
from tests.engine.asking import Asking
from tests.starter import starter_model
from snug.engine.host import EngineHost
host = EngineHost()
answer = Asking(host, starter_model())("What is 2+2?")
print(json.dumps({
    "problems": host.problems(),
    "kinds": [device.kind for device in host.devices()],
    "text": answer.text,
}))
host.close()
"""


@needs_compiler
def test_the_plugin_with_the_highest_score_is_chosen(tmp_path: Path) -> None:
    for variant, score in (("x64", 1), ("haswell", 64), ("icelake", 0), ("sse42", 3)):
        _scoring(tmp_path, variant, score)
    assert best_cpu_plugin(tmp_path) == tmp_path / "libggml-cpu-haswell.so"


@needs_compiler
def test_the_amx_variant_is_never_chosen(tmp_path: Path) -> None:
    _scoring(tmp_path, "sapphirerapids", 10_000)
    assert best_cpu_plugin(tmp_path) is None
    _scoring(tmp_path, "zen4", 5)
    assert best_cpu_plugin(tmp_path) == tmp_path / "libggml-cpu-zen4.so"


@needs_compiler
def test_what_cannot_be_loaded_or_scores_nothing_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "libggml-cpu-aaa.so").write_text("no library")
    _library(tmp_path / "libggml-cpu-bbb.so", _HARMLESS)
    _scoring(tmp_path, "ccc", 0)
    assert best_cpu_plugin(tmp_path) is None
    _scoring(tmp_path, "ddd", 2)
    assert best_cpu_plugin(tmp_path) == tmp_path / "libggml-cpu-ddd.so"


def test_plugins_of_graphics_cards_are_told_by_their_names(tmp_path: Path) -> None:
    for name in (
        *("libggml-vulkan.so", "libggml-cuda.so", "ggml-cuda.dll", "libggml-metal.dylib"),
        *("libggml-base.so", "libggml.so.0", "libggml-cpu-x64.so", "libggml-vulkan.so.bak"),
    ):
        (tmp_path / name).touch()
    assert [path.name for path in gpu_plugins(tmp_path)] == [
        *("ggml-cuda.dll", "libggml-cuda.so", "libggml-metal.dylib", "libggml-vulkan.so")
    ]


def _folder_with(tmp_path: Path, code: str) -> Path:
    """llama.cpp's own libraries, and a plug-in for a graphics card that is made of `code`."""
    for path in library_folder().iterdir():
        if path.is_file() and path.name != "libggml-vulkan.so":
            (tmp_path / path.name).symlink_to(path)
    return _library(tmp_path / "libggml-vulkan.so", code)


@needs_compiler
@pytest.mark.parametrize("code", [_ABORTS, _HARMLESS], ids=["aborts", "is none"])
def test_a_plugin_that_fails_its_probe_is_a_sentence_and_the_processor_answers(
    tmp_path: Path, code: str
) -> None:
    _folder_with(tmp_path, code)
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, tmp_path, Path(__file__).parents[2]],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told["problems"]) == 1
    assert "libggml-vulkan.so failed its self-test" in told["problems"][0]
    assert "Snug uses the processor" in told["problems"][0]
    assert told["kinds"] == ["cpu"]
    assert "4" in told["text"]


@needs_compiler
def test_a_plugin_that_hangs_in_its_probe_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native, "_PROBE_TIMEOUT_S", 1.0)
    assert "did not answer" in probe_plugin(_folder_with(tmp_path, _HANGS))


@needs_compiler
def test_the_probe_takes_no_module_of_the_folder_it_is_started_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ctypes.py").write_text("raise SystemExit(0)")  # would pass for a good plug-in
    monkeypatch.chdir(tmp_path)
    assert "failed its self-test" in probe_plugin(_folder_with(tmp_path, _ABORTS))


def test_bindings_that_are_not_installed_are_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(EnvironmentFault, match="not installed"):
        library_folder()


class TestHost:
    """What the engine tells of the machine."""

    def test_the_processor_is_a_device_with_its_free_memory(self, host: EngineHost) -> None:
        processor = next(d for d in host.devices() if d.kind is DeviceKind.CPU)
        assert 0 < processor.free_bytes <= processor.total_bytes
        assert processor.description

    def test_versions_name_the_bindings_and_the_variant(self, host: EngineHost) -> None:
        versions = host.versions()  # the plug-ins need what this loads
        best = best_cpu_plugin(library_folder())
        assert best is not None
        assert best.name == f"libggml-cpu-{versions['cpu_variant']}.so"
        assert versions["cpu_variant"] != "sapphirerapids"
        assert versions["llama_cpp_python"][0].isdigit()

    def test_nothing_is_placed_before_the_first_load(self, host: EngineHost) -> None:
        assert host.placement() is None

    def test_what_fails_on_the_engines_thread_is_raised_to_the_caller(
        self, host: EngineHost
    ) -> None:
        with pytest.raises(ZeroDivisionError):
            host.call(lambda _native: 1 // 0)
        assert host.devices()

    def test_a_closed_engine_refuses_at_once(self) -> None:
        closed = EngineHost()
        closed.close()
        with pytest.raises(EnvironmentFault, match="closing"):
            closed.devices()


_TWO_ENGINES = """
import gc, sys
sys.path.insert(0, sys.argv[1])
from dataclasses import replace
from pathlib import Path
from tests.engine.asking import Asking
from tests.starter import starter_model
from snug.engine.host import EngineHost

text = Path(sys.argv[2])
text.write_text("This is a letter. " * 100)
model = replace(starter_model(), path=str(text), name="letter")
first = EngineHost()
first.devices()
for _ in range(3):
    second = EngineHost()
    second.devices()
    second.close()
    del second
    gc.collect()
    blocks = [bytes(200) for _ in range(1000)]  # what was freed is used for something else
print(Asking(first, model)("Hi").failure)
first.close()
"""


def test_an_engine_that_is_gone_takes_no_report_of_another_one_along(tmp_path: Path) -> None:
    """llama.cpp keeps one receiver for its reports; a freed one would be called."""
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", _TWO_ENGINES, root, str(tmp_path / "letter.gguf")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    assert "invalid magic characters" in done.stdout
