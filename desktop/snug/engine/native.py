"""Bring up llama.cpp: choose the CPU plug-in, load GPU plug-ins, list devices.

The wheel holds one CPU back end per instruction set as plug-ins. None is loaded until we ask, and
it must happen through `libggml.so.0`: the wheel holds each library as copies under three names,
and loading through another name fills a registry that llama.cpp never looks at.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from snug.domain.errors import EnvironmentFault
from snug.domain.model import Device, DeviceKind
from snug.engine.memory import available_bytes, keep_large_blocks_apart

# A virtual CPU may advertise AMX without the state it needs; the first matrix product then dies
# with SIGSEGV (ggml-org/llama.cpp #20824, ollama/ollama #17006). The next best variant (zen4 or
# icelake) has everything but AMX. Can go when a probe in a disposable child has proved it here.
_RISKY_VARIANTS = frozenset({"sapphirerapids"})
_PROBE_TIMEOUT_S = 30.0
# OpenMP's threads wait for each other after every graph node, spinning for milliseconds by default.
# Where another program takes a core, all of that is lost: with two busy loops on two cores decoding
# fell from 140 to between 2 and 50 tokens/s, against a steady 32 to 60 with this count; on an idle
# machine both gave the same. Read by libgomp when it is loaded; a value set outside is kept.
_SPIN_COUNT = "1000"
_CPU = 0
_KINDS = {_CPU: DeviceKind.CPU, 1: DeviceKind.GPU, 2: DeviceKind.INTEGRATED}

_LOG_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


class Native:
    """The loaded library. Built once, on the engine's thread.

    Args (constructor):
        variant: the CPU plug-in to use, proved on this machine; "" takes the best safe one.

    Attributes:
        llama: the low-level bindings (`llama_cpp.llama_cpp`).
        cpu_variant: name of the CPU plug-in in use, e.g. "haswell".
        problems: what went wrong on the way but did not stop it, in sentences.
    """

    def __init__(self, probe_gpu: bool = True, variant: str = "") -> None:
        os.environ.setdefault("GOMP_SPINCOUNT", _SPIN_COUNT)
        # An abort inside llama.cpp would start a debugger and write its findings to the terminal.
        os.environ.setdefault("GGML_NO_BACKTRACE", "1")
        keep_large_blocks_apart()
        folder = library_folder()
        self._ggml = ctypes.CDLL(str(_versioned(folder, "ggml")), mode=ctypes.RTLD_GLOBAL)
        _declare(self._ggml)
        self._log_sink: Callable[[int, str], None] | None = None
        self._log_callback = _LOG_CALLBACK(self._on_log)
        # llama.cpp keeps it for the rest of the process, so that it must outlive this object.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._log_callback))
        self._ggml.ggml_log_set(self._log_callback, None)
        self.problems: list[str] = []
        self.cpu_variant = self._load_cpu(folder, variant)
        for plugin in gpu_plugins(folder):
            self._load_gpu(plugin, probe_gpu)
        # The bindings cost 0.2 s to import (numpy); only the engine's thread pays for them.
        import llama_cpp.llama_cpp as llama

        self.llama: ModuleType = llama
        llama.llama_log_set(ctypes.cast(self._log_callback, llama.llama_log_callback), None)
        llama.llama_backend_init()

    def listen(self, sink: Callable[[int, str], None] | None) -> None:
        """Receive llama.cpp's log lines as (level, text), on whatever thread writes them.

        It has one receiver per process: whoever has asked last.
        """
        self._log_sink = sink
        if sink is not None:
            self._ggml.ggml_log_set(self._log_callback, None)
            callback = ctypes.cast(self._log_callback, self.llama.llama_log_callback)
            self.llama.llama_log_set(callback, None)

    def devices(self) -> tuple[Device, ...]:
        """Every device of every loaded plug-in, with its memory now."""
        found = []
        for index in range(self._ggml.ggml_backend_dev_count()):
            device = self._ggml.ggml_backend_dev_get(index)
            free, total = ctypes.c_size_t(), ctypes.c_size_t()
            self._ggml.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
            kind = self._ggml.ggml_backend_dev_type(device)
            if kind == _CPU:  # llama.cpp tells the whole memory of the machine as free
                free.value = min(total.value, available_bytes())
            found.append(
                Device(
                    name=self._ggml.ggml_backend_dev_name(device).decode(errors="replace"),
                    description=_text(self._ggml.ggml_backend_dev_description(device)),
                    kind=_KINDS.get(kind, DeviceKind.ACCELERATOR),
                    free_bytes=free.value,
                    total_bytes=total.value,
                )
            )
        return tuple(found)

    @property
    def cpu_buffer_type(self) -> int:
        """The buffer type of plain main memory."""
        return int(self._ggml.ggml_backend_cpu_buffer_type())

    def is_repacked(self, buffer_type: int) -> bool:
        """Whether weights in it are laid out anew for this processor (an "extra" buffer type)."""
        device = self._ggml.ggml_backend_buft_get_device(buffer_type)
        if not device or self._ggml.ggml_backend_buft_is_host(buffer_type):
            return False
        return bool(self._ggml.ggml_backend_dev_type(device) == _CPU)

    def owner_of(self, buffer_type: int) -> tuple[str, DeviceKind]:
        """Name and kind of the device whose memory a buffer type lies in.

        A GPU's pinned host buffers lie in main memory, and so count as the CPU's.
        """
        device = self._ggml.ggml_backend_buft_get_device(buffer_type)
        if not device or self._ggml.ggml_backend_buft_is_host(buffer_type):
            return "CPU", DeviceKind.CPU
        kind = _KINDS.get(self._ggml.ggml_backend_dev_type(device), DeviceKind.ACCELERATOR)
        return self._ggml.ggml_backend_dev_name(device).decode(errors="replace"), kind

    def _load_cpu(self, folder: Path, variant: str) -> str:
        best = plugin_of(folder, variant) or best_cpu_plugin(folder)
        if best is None:
            # A build without plug-ins has the CPU back end inside.
            if self._ggml.ggml_backend_dev_count() > 0:
                return "built-in"
            raise EnvironmentFault(
                "llama.cpp has no CPU back end for this processor. Run the set-up again: make run"
            )
        if not self._ggml.ggml_backend_load(str(best).encode()):
            raise EnvironmentFault(f"The CPU back end {best.name} could not be loaded.")
        return _variant(best)

    def _load_gpu(self, plugin: Path, probe: bool) -> None:
        """A driver fault at start must not take the application with it: try it in a child."""
        if probe:
            problem = probe_plugin(plugin)
            if problem:
                self.problems.append(problem)
                return
        if not self._ggml.ggml_backend_load(str(plugin).encode()):
            self.problems.append(f"The graphics back end {plugin.name} could not be loaded.")

    def _on_log(self, level: int, text: bytes | None, _user: object) -> None:
        sink = self._log_sink
        if sink is not None and text:
            sink(level, text.decode(errors="replace"))


def library_folder() -> Path:
    """Where llama-cpp-python keeps its libraries; found without importing it."""
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or spec.origin is None:
        raise EnvironmentFault("llama.cpp is not installed. Run the set-up again: make run")
    return Path(spec.origin).parent / "lib"


def gpu_plugins(folder: Path) -> tuple[Path, ...]:
    """Plug-ins that are neither the CPU's nor parts of llama.cpp itself."""
    known = re.compile(r"(lib)?ggml-(vulkan|cuda|hip|metal|sycl|opencl|musa)\.(so|dylib|dll)$")
    return tuple(sorted(path for path in folder.glob("*ggml-*") if known.fullmatch(path.name)))


def plugin_of(folder: Path, variant: str) -> Path | None:
    """The plug-in of a CPU variant, where it runs here."""
    return next((path for _, path in _scored(folder) if _variant(path) == variant), None)


def cpu_variants(folder: Path) -> tuple[str, ...]:
    """Every CPU variant that claims to run here, fastest first; the risky ones too."""
    return tuple(_variant(path) for _, path in sorted(_scored(folder), reverse=True))


def best_cpu_plugin(folder: Path) -> Path | None:
    """The safe plug-in that scores highest on this processor; None where there are none."""
    safe = [pair for pair in _scored(folder) if _variant(pair[1]) not in _RISKY_VARIANTS]
    return max(safe)[1] if safe else None


def is_risky(variant: str) -> bool:
    """It may crash on a processor that claims to have it, and wants a trial."""
    return variant in _RISKY_VARIANTS


def _scored(folder: Path) -> list[tuple[int, Path]]:
    """(score, plug-in) of those that run on this processor."""
    scored = []
    for path in sorted(folder.glob("*ggml-cpu-*")):
        try:
            score = ctypes.CDLL(str(path)).ggml_backend_score
        except (OSError, AttributeError):
            continue
        score.restype = ctypes.c_int
        scored.append((score(), path))
    return [pair for pair in scored if pair[0] > 0]


def probe_plugin(plugin: Path) -> str:
    """Load a GPU plug-in in a child. Returns: what went wrong, in a sentence; "" when it works."""
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-m", "snug.engine.probe", str(plugin)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PROBE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return f"The graphics back end {plugin.name} did not answer; Snug uses the processor."
    if child.returncode != 0:
        return (
            f"The graphics back end {plugin.name} failed its self-test "
            f"(code {child.returncode}); Snug uses the processor. Check the graphics driver."
        )
    return ""


def _variant(path: Path) -> str:
    return path.name.split("ggml-cpu-", 1)[1].split(".", 1)[0]


def _versioned(folder: Path, name: str) -> Path:
    """libggml.so.0 on Linux; elsewhere the only name there is."""
    for candidate in (f"lib{name}.so.0", f"lib{name}.0.dylib", f"lib{name}.dylib", f"{name}.dll"):
        if (folder / candidate).exists():
            return folder / candidate
    return folder / f"lib{name}.so"


def _text(value: bytes | None) -> str:
    return " ".join(value.decode(errors="replace").split()) if value else ""


def _declare(ggml: ctypes.CDLL) -> None:
    """Argument and result types of the few ggml functions that the bindings lack."""
    size_p = ctypes.POINTER(ctypes.c_size_t)
    for name, arguments, result in (
        ("ggml_log_set", [_LOG_CALLBACK, ctypes.c_void_p], None),
        ("ggml_backend_load", [ctypes.c_char_p], ctypes.c_void_p),
        ("ggml_backend_dev_count", [], ctypes.c_size_t),
        ("ggml_backend_dev_get", [ctypes.c_size_t], ctypes.c_void_p),
        ("ggml_backend_dev_name", [ctypes.c_void_p], ctypes.c_char_p),
        ("ggml_backend_dev_description", [ctypes.c_void_p], ctypes.c_char_p),
        ("ggml_backend_dev_memory", [ctypes.c_void_p, size_p, size_p], None),
        ("ggml_backend_buft_get_device", [ctypes.c_void_p], ctypes.c_void_p),
        ("ggml_backend_buft_is_host", [ctypes.c_void_p], ctypes.c_bool),
        ("ggml_backend_dev_type", [ctypes.c_void_p], ctypes.c_int),
        ("ggml_backend_cpu_buffer_type", [], ctypes.c_void_p),
    ):
        function = getattr(ggml, name)
        function.argtypes = arguments
        function.restype = result
