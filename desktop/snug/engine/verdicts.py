"""What is known of each model on this machine: may it run here, and how fast a setting works.

Kept in the vault, so that no file outside tells which models were used. What was learned on one
processor or with one llama.cpp says nothing about another: a portable drive may meet both.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import threading
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import msgspec

from snug.domain.errors import SnugError
from snug.domain.model import Adapter, Experience, LoadOptions, ModelFile
from snug.domain.quarantine import Quarantined
from snug.engine.native import gpu_plugins, library_folder

_PAGE = "engine.verdicts"
_IN_FLIGHT = "engine.in_flight"
_MOST = 256  # models remembered


class Notebook(Protocol):
    """Named texts that outlive the process. Any thread."""

    def get(self, name: str) -> str:
        """The kept text; "" where there is none."""

    def set(self, name: str, value: str) -> None:
        """Keep a text. Raises: SnugError."""


class Standing(StrEnum):
    """Where a model may run."""

    ADMITTED = "admitted"  # in the application's own process
    ISOLATED = "isolated"  # shut in


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of one model.

    Attributes:
        reason: why it is not admitted, in a sentence.
        extra_buffers, gpu: False where that crashed.
        risky_ok: its trial passed with the machine's fastest, risky CPU variant.
        proved: it has answered in the application's own process.
        quarantined: mark of the load options → reason.
    """

    standing: Standing
    name: str = ""
    reason: str = ""
    extra_buffers: bool = True
    gpu: bool = True
    risky_ok: bool = False
    proved: bool = False
    quarantined: dict[str, str] = field(default_factory=dict)

    def adapt(self, options: LoadOptions) -> LoadOptions:
        """The options without what crashed."""
        layers = options.gpu_layers if self.gpu or options.gpu_layers is not None else 0
        buffers = options.extra_buffers and self.extra_buffers
        return replace(options, gpu_layers=layers, extra_buffers=buffers)


@dataclass(slots=True)
class _Page:
    """Everything about one machine. `variant`: the risky one; True proved, False crashed."""

    models: dict[str, Verdict] = field(default_factory=dict)
    variants: dict[str, bool] = field(default_factory=dict)


class Verdicts:
    """Reads and writes the notebook. Any thread."""

    def __init__(self, notebook: Notebook, machine: str) -> None:
        self._notebook = notebook
        self._name = f"{_PAGE}.{machine}"
        self._lock = threading.Lock()
        try:
            self._page = msgspec.json.decode(notebook.get(self._name) or b"{}", type=_Page)
        except (msgspec.MsgspecError, SnugError):
            self._page = _Page()

    def of(self, sha256: str) -> Verdict | None:
        """What is known; None before its trial."""
        return self._page.models.get(sha256)

    def keep(self, sha256: str, verdict: Verdict) -> None:
        """Remember."""
        with self._lock:
            models = self._page.models
            models.pop(sha256, None)
            models[sha256] = verdict
            while len(models) > _MOST:
                models.pop(next(iter(models)))
            self._write()

    def forget(self, sha256: str) -> None:
        """It gets another trial, and so do the adapters that were tried with it."""
        with self._lock:
            models = self._page.models
            gone = [key for key in models if key == sha256 or key.endswith(f"+{sha256}")]
            for key in gone:
                del models[key]
            if gone:
                self._write()

    def quarantined(self) -> tuple[Quarantined, ...]:
        """Every model that is not run with some settings."""
        return tuple(
            Quarantined(sha256, verdict.name, reason, mark)
            for sha256, verdict in self._page.models.items()
            for mark, reason in verdict.quarantined.items()
        )

    def variant_works(self, variant: str) -> bool | None:
        """Whether a risky CPU variant works here; None: not tried yet."""
        return self._page.variants.get(variant)

    def keep_variant(self, variant: str, works: bool) -> None:
        """Remember whether it works; a crash weighs more than a success."""
        with self._lock:
            if self._page.variants.get(variant) is not False:
                self._page.variants[variant] = works
                self._write()

    def mark_in_flight(self, sha256: str) -> None:
        """A model is about to run for the first time in the application's own process."""
        self._notebook.set(_IN_FLIGHT, sha256)

    def in_flight(self) -> str:
        """The model that was running so when the last process ended; "" for none."""
        return self._notebook.get(_IN_FLIGHT)

    def _write(self) -> None:
        self._notebook.set(self._name, msgspec.json.encode(self._page).decode())


def settings_mark(options: LoadOptions) -> str:
    """Short mark of load options: of what was chosen, not of what earlier loads taught."""
    draft = options.draft.sha256 if options.draft is not None else ""
    chosen = replace(options, draft=None, experience=Experience())
    return hashlib.sha256(f"{chosen!r}{draft}".encode()).hexdigest()[:16]


def adapter_key(model: ModelFile, adapter: Adapter) -> str:
    """What the verdict on an adapter is kept by: it was tried with this model."""
    return f"{adapter.sha256}+{model.sha256}"


def machine_mark() -> str:
    """Short mark of llama.cpp's build, the processor, and the back ends for graphics cards."""
    plugins = ",".join(path.name for path in gpu_plugins(library_folder()))
    build = importlib.metadata.version("llama-cpp-python")
    whole = "\n".join((build, platform.machine(), _processor(), plugins))
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def _processor() -> str:
    """Its name and abilities, of the first core."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return platform.processor()
    wanted = ("model name", "flags", "Features", "CPU part")
    return "\n".join(dict.fromkeys(line for line in lines if line.startswith(wanted)))
