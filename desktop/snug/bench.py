"""Measures Snug against bare llama.cpp on this machine, as ratios within one run.

Runs in a child process with a window of its own (not shown), on a vault and data folder that are
thrown away. Figures are medians of interleaved rounds: these ratios hold on a noisy machine,
absolute times do not.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from snug import __version__
from snug.domain.conversation import ConversationSettings, Role
from snug.domain.errors import EnvironmentFault
from snug.domain.events import Event, Failed, Finished, TextDelta
from snug.domain.model import LoadOptions, ModelFile
from snug.domain.prompt import PromptMessage
from snug.domain.sampling import Sampling
from snug.engine.bare import BareLoop
from snug.engine.host import EngineHost
from snug.engine.native import Native
from snug.engine.template import TemplateRenderer
from snug.models.library import Library
from snug.models.starter import find_starter
from snug.paths import Paths, find_paths
from snug.services.bundle import Profile, Services
from snug.services.conversations import ConversationService
from snug.services.models import ModelService
from snug.services.preferences import Preferences
from snug.vault.vault import Vault

ROUNDS = 7
ANSWER_TOKENS = 128
TURN_TEXT = "Please tell me something about the sea, the ships and the people who live there. " * 3
STORY = "Write a very long story about a lighthouse keeper and her dog."
SYSTEM = "{number} is the number of this round. You are a helpful assistant who writes well. " * 12
WINDOW_STARTS = 5
_CHILD_TIMEOUT_S = 900.0


def measure(progress: Callable[[str], None]) -> dict[str, object]:
    """All figures, as `snug bench --json` prints them.

    Raises:
        EnvironmentFault: a measuring child failed.
    """
    result: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="snug-bench-") as folder:
        for part in ("decode", "reuse", "window", "frames"):
            progress(f"Measuring {part} …")
            result |= _child(part, Path(folder))
    result["machine"] = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count() or 1,
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
    }
    return result


def _child(part: str, folder: Path) -> dict[str, object]:
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "PYTHONUNBUFFERED": "1"}
    environment.pop("SNUG_PASSPHRASE_FILE", None)
    if part == "window":
        return {"window_s": _window_seconds(folder, environment)}
    done = subprocess.run(
        [sys.executable, "-m", "snug.bench", part, str(folder)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=_CHILD_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        tail = done.stderr.strip().splitlines()[-1:] or [f"code {done.returncode}"]
        raise EnvironmentFault(f"The benchmark part '{part}' failed: {tail[0]}")
    figures: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def _window_seconds(folder: Path, environment: dict[str, str]) -> float:
    """Median seconds from starting the process to its first painted window, after one warm-up."""
    times = []
    for attempt in range(WINDOW_STARTS + 1):
        report = folder / f"start-{attempt}.json"
        began = time.monotonic()
        with subprocess.Popen(
            [sys.executable, "-m", "snug", "--data-dir", str(folder / "window")],
            env=environment | {"SNUG_STARTUP_PROBE": str(report)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as child:
            try:
                while not report.exists() and child.poll() is None:
                    if time.monotonic() - began > 60:
                        raise EnvironmentFault("The window did not appear within 60 s.")
                    time.sleep(0.01)
                if not report.exists():
                    raise EnvironmentFault(f"The window ended with code {child.returncode}.")
                painted = _painted_s(report)
            finally:
                child.terminate()
        times.append(painted - began)
    return round(statistics.median(times[1:]), 3)


def _painted_s(report: Path) -> float:
    """The moment of the first paint, once the report is whole."""
    while True:
        text = report.read_text()
        if text.endswith("}"):
            return float(json.loads(text)["first_paint_s"])
        time.sleep(0.005)


class _Bench:
    """Services on a throw-away vault, and the starter."""

    def __init__(self, folder: Path) -> None:
        self.paths: Paths = find_paths(folder / "data")
        self.vault = Vault.open(self.paths.vault, folder / "keys", None, keyring_allowed=False)
        self.engine = EngineHost()
        library = Library(self.paths.models, find_starter)
        self.models = ModelService(library, self.vault.conversations, self.engine)
        self.conversations = ConversationService(self.vault.conversations, self.models, self.engine)
        self.model: ModelFile = library.resolve("starter")

    def conversation(self, max_tokens: int, system: str = "") -> str:
        """A new conversation, greedy and of a fixed length."""
        sampling = Sampling(temperature=0.0, max_tokens=max_tokens)
        settings = ConversationSettings("starter", system, sampling)
        return self.conversations.create(settings).id

    def services(self) -> Services:
        """What a window is given."""
        profile = Profile(
            __version__, self.paths.data, self.paths.resources, "", created=False, offline=True
        )
        preferences = Preferences(self.vault.conversations)
        return Services(profile, self.conversations, self.models, preferences)

    def close(self) -> None:
        """As the application closes."""
        self.conversations.stop_all()
        self.engine.close()
        self.vault.close()


def _run_decode(folder: Path) -> dict[str, object]:
    """Decode and prefill through engine → service → journal → bridge ÷ the bare loop."""
    from PySide6.QtCore import QCoreApplication

    application = QCoreApplication([])  # noqa: F841 - lives as long as the event loops
    bench = _Bench(folder)
    bare = bench.engine.call(lambda native: BareLoop(native, bench.model, LoadOptions()))
    ours, yardstick, ours_prefill, bare_prefill = [], [], [], []
    for number in range(100, 101 + ROUNDS):  # another beginning each time: nothing is cached
        system = SYSTEM.format(number=number)
        prompt = bare.tokenise(_rendered(bench.model, system))
        first_s, rest_s = bench.engine.call(partial(_bare_round, bare, prompt))
        yardstick.append(rest_s)
        bare_prefill.append(first_s)
        seconds, first = _answer_seconds(bench, system)
        ours.append(seconds)
        ours_prefill.append(first)
    bench.engine.call(lambda _n: bare.close())
    bench.close()
    return {
        "decode_ratio": round(statistics.median(b / o for b, o in _pairs(yardstick, ours)), 4),
        "prefill_ratio": round(
            statistics.median(b / o for b, o in _pairs(bare_prefill, ours_prefill)), 4
        ),
    }


def _rendered(model: ModelFile, system: str) -> str:
    renderer = TemplateRenderer()
    try:
        return renderer.render(
            model.chat_template,
            [PromptMessage(Role.SYSTEM, system), PromptMessage(Role.USER, STORY)],
            {"add_generation_prompt": True, "bos_token": "", "eos_token": "", "tools": None},
        )
    finally:
        renderer.close()


def _bare_round(bare: BareLoop, prompt: list[int], _native: Native) -> tuple[float, float]:
    return bare.run(prompt, ANSWER_TOKENS)


def _pairs(one: list[float], other: list[float]) -> list[tuple[float, float]]:
    return list(zip(one, other, strict=True))[1:]  # the first round warms up


def _answer_seconds(bench: _Bench, system: str) -> tuple[float, float]:
    """How long one answer took.

    Returns:
        Seconds from its first text to its end, as the window's thread sees them, and seconds to
        its first token, as the engine counts them.
    """
    from PySide6.QtCore import QEventLoop, QObject

    from snug.ui.bridge import Bridge

    loop = QEventLoop()
    owner = QObject()
    bridge = Bridge()
    moments: list[float] = []
    firsts: list[float] = []

    def receive(event: Event) -> None:
        if isinstance(event, TextDelta) and not moments:
            moments.append(time.perf_counter())
        if isinstance(event, Finished):
            moments.append(time.perf_counter())
            firsts.append(event.timings.first_token_s)
            loop.quit()
        if isinstance(event, Failed):
            raise EnvironmentFault(event.message)

    run = bench.conversations.send(
        bench.conversation(ANSWER_TOKENS, system), STORY, bridge.sink(receive, owner)
    )
    loop.exec()
    run.wait(5.0)
    return moments[-1] - moments[0], firsts[0]


def _run_reuse(folder: Path) -> dict[str, object]:
    """Turn 5's time to first token ÷ turn 1's, with equal new text in each turn."""
    bench = _Bench(folder)
    ratios = []
    for round_number in range(ROUNDS + 1):
        conversation_id = bench.conversation(32)
        firsts = []
        for _ in range(5):
            events: list[Event] = []
            run = bench.conversations.send(
                conversation_id, f"({round_number}) {TURN_TEXT}", events.append
            )
            run.wait(120.0)
            firsts += [e.timings.first_token_s for e in events if isinstance(e, Finished)]
        if round_number > 0:
            ratios.append(firsts[4] / firsts[0])
    bench.close()
    return {"reuse_ratio": round(statistics.median(ratios), 3)}


def _run_frames(folder: Path) -> dict[str, object]:
    """Event loop gaps of the real window while a real answer streams, and its memory."""
    from PySide6.QtWidgets import QApplication

    from snug.ui.bench_window import stream_in_window
    from snug.ui.frame_probe import quantile

    application = QApplication([])  # noqa: F841 - lives as long as the window
    bench = _Bench(folder)
    gaps, resident = stream_in_window(bench.services(), STORY, _resident_bytes)
    fit = bench.models.fit(bench.model)
    bench.close()
    known = bench.model.size_bytes + fit.projection.kv_cache
    return {
        "frame_gap_p99_ms": round(quantile(gaps, 0.99), 2),
        "frame_gap_max_ms": round(max(gaps), 2),
        "overhead_mib": round((resident - known) / 2**20, 1),
    }


def _resident_bytes() -> int:
    """Memory of this process. Source: proc(5), VmRSS in KiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def main(part: str, folder: Path) -> None:
    """One part, in its own process; prints its figures as a JSON line."""
    parts = {"decode": _run_decode, "reuse": _run_reuse, "frames": _run_frames}
    print(json.dumps(parts[part](folder / part)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
