"""Offloading to a graphics card, on one that the processor imitates (lavapipe).

Skipped, with the reason, where the Vulkan plug-in (`make gpu`) or the driver is not installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from snug.engine.native import gpu_plugins, library_folder

_DRIVERS = sorted(Path("/usr/share/vulkan/icd.d").glob("lvp_icd*.json"))
_PLUGIN = any("vulkan" in path.name for path in gpu_plugins(library_folder()))

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not _PLUGIN, reason="no Vulkan plug-in; build it with: make gpu"),
    pytest.mark.skipif(not _DRIVERS, reason="mesa-vulkan-drivers (lavapipe) is not installed"),
]

_PARTIAL = """
import sys, threading
from pathlib import Path
from snug.domain.conversation import Role
from snug.domain.events import Failed, Finished, Started, TextDelta
from snug.domain.model import LoadOptions
from snug.domain.prompt import GenerationRequest, PromptMessage
from snug.domain.sampling import Sampling
from snug.engine.host import EngineHost
from snug.models.library import Library

model = Library(Path(sys.argv[1])).resolve("starter")
host, events, end = EngineHost(), [], threading.Event()

def sink(event):
    events.append(event)
    if isinstance(event, Finished | Failed):
        end.set()

host.generate(
    GenerationRequest(
        model,
        (PromptMessage(Role.USER, "What is 2+2?"),),
        Sampling(temperature=0, max_tokens=4),
        LoadOptions(context_length=512, gpu_layers=int(sys.argv[2])),
    ),
    sink,
)
end.wait(100)
host.close()
started = next(e for e in events if isinstance(e, Started))
print(started.placement.layers_on_gpu, started.placement.layers)
print(started.placement.reason)
print("".join(e.text for e in events if isinstance(e, TextDelta)))
"""


def _environment(driver: Path) -> dict[str, str]:
    return os.environ | {"VK_DRIVER_FILES": str(driver), "GGML_VK_VISIBLE_DEVICES": "0"}


def _snug(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_all_layers_go_to_a_gpu_with_room(tmp_path: Path) -> None:
    done = _snug(
        [
            *("snug", "--data-dir", str(tmp_path), "chat", "--no-save", "--json"),
            *("--temperature", "0", "--prompt", "What is 2+2?"),
            *("--max-tokens", "4", "--context-length", "512"),
        ],
        _environment(_DRIVERS[0]),
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["placement"]["layers_on_gpu"] == answer["placement"]["layers"] == 31
    assert "llvmpipe" in answer["placement"]["device"]
    assert answer["text"].startswith("The answer")


def test_a_part_of_the_layers_is_told_as_it_is(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PARTIAL, str(tmp_path), "10"],
        env=_environment(_DRIVERS[0]),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    counts, reason, text = done.stdout.split("\n", 2)
    assert counts == "10 31", done.stderr
    assert "rest runs on the processor" in reason
    assert text.startswith("The answer")


def test_a_broken_driver_leaves_the_processor(tmp_path: Path) -> None:
    bogus = tmp_path / "icd.json"
    bogus.write_text('{"file_format_version": "1.0.0", "ICD": {"library_path": "/nonexistent.so"}}')
    done = _snug(["snug", "--data-dir", str(tmp_path), "doctor", "--json"], _environment(bogus))
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert [device["kind"] for device in report["devices"]] == ["cpu"]
