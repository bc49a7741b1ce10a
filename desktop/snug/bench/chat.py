"""A conversation as a person has it: its speed, its turns, its window."""

from __future__ import annotations

import statistics
import time
from functools import partial
from pathlib import Path

from snug.bench.asking import median_ratio, talk
from snug.bench.services import ANSWER_TOKENS, ROUNDS, STORY, BenchServices
from snug.domain.errors import EnvironmentFault
from snug.domain.events import Event, Failed, Finished, TextDelta
from snug.domain.model import LoadOptions, ModelFile
from snug.engine.bare import BareLoop
from snug.engine.host import EngineHost
from snug.engine.native import Native
from snug.engine.template import TemplateRenderer

TURN_TEXT = "Please tell me something about the sea, the ships and the people who live there. " * 3
SYSTEM = "{number} is the number of this round. You are a helpful assistant who writes well. " * 12


def run_decode(folder: Path) -> dict[str, object]:
    """Decode and prefill through engine → service → journal → bridge ÷ the bare loop."""
    from PySide6.QtCore import QCoreApplication

    application = QCoreApplication([])  # noqa: F841 - lives as long as the event loops
    bench = BenchServices(folder)
    yardstick = EngineHost()
    bare = yardstick.call(lambda native: BareLoop(native, bench.model, LoadOptions()))
    ours, theirs, ours_prefill, bare_prefill = [], [], [], []
    for number in range(100, 101 + ROUNDS):  # another beginning each time: nothing is cached
        system = SYSTEM.format(number=number)
        prompt = bare.tokenise(_rendered(bench.model, system))
        first_s, rest_s = yardstick.call(partial(_bare_round, bare, prompt))
        theirs.append(rest_s)
        bare_prefill.append(first_s)
        seconds, first = _answer_seconds(bench, system)
        ours.append(seconds)
        ours_prefill.append(first)
    yardstick.call(lambda _n: bare.close())
    yardstick.close()
    bench.close()
    return {
        "decode_ratio": median_ratio(theirs, ours),
        "prefill_ratio": median_ratio(bare_prefill, ours_prefill),
    }


def _rendered(model: ModelFile, system: str) -> str:
    renderer = TemplateRenderer()
    try:
        return renderer.render(
            model.chat_template,
            list(talk(STORY, system=system)),
            {"add_generation_prompt": True, "bos_token": "", "eos_token": "", "tools": None},
        )
    finally:
        renderer.close()


def _bare_round(bare: BareLoop, prompt: list[int], _native: Native) -> tuple[float, float]:
    return bare.run(prompt, ANSWER_TOKENS)


def _answer_seconds(bench: BenchServices, system: str) -> tuple[float, float]:
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


def run_reuse(folder: Path) -> dict[str, object]:
    """Turn 5's time to first token ÷ turn 1's, with equal new text in each turn."""
    bench = BenchServices(folder)
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


def run_frames(folder: Path) -> dict[str, object]:
    """Event loop gaps of the real window while a real answer streams, and its memory."""
    from PySide6.QtWidgets import QApplication

    from snug.ui.bench_window import stream_in_window
    from snug.ui.frame_probe import quantile

    application = QApplication([])  # noqa: F841 - lives as long as the window
    bench = BenchServices(folder)
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
