"""The event loop while an answer of 2,000 tokens streams, and while nothing happens."""

from __future__ import annotations

import re

import pytest
from pytestqt.qtbot import QtBot
from tests.ui.chat import make_page
from tests.ui.fakes import Rooms
from tests.ui.texts import EVERYTHING

from snug.domain.events import Finished, TextDelta
from snug.services.bundle import Services
from snug.ui.frame_probe import FrameProbe, quantile
from snug.ui.look.theme import Theme

CODE = "```python\n" + "".join(
    f"def step_{n}(value: int) -> str:\n    return f'{{value * {n}}}'  # twice\n\n"
    for n in range(30)
)
ANSWER = EVERYTHING + "\n\n" + CODE + "```\n\n" + EVERYTHING
ROUNDS = 3


def tokens(text: str, count: int) -> list[str]:
    found = re.findall(r"\s*\S{1,4}", text)
    return (found * (count // len(found) + 1))[:count]


@pytest.mark.alone
@pytest.mark.timeout(180)
def test_streaming_2000_tokens_keeps_the_loop_free(
    qtbot: QtBot, rooms: Rooms, services: Services, theme: Theme
) -> None:
    """p99 ≤ 16 ms, worst ≤ 50 ms, in the best of three rounds: the machine may be busy."""
    page = make_page(qtbot, services, theme)
    script: list[str | float] = []
    for number, token in enumerate(tokens(ANSWER, 2_000)):
        script += [token, 0.005] if number % 5 == 0 else [token]
    rooms.engine.script = list(script)
    found: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        probe = FrameProbe(page)
        ended: list[bool] = []

        def follow(event: object, probe: FrameProbe = probe, ended: list[bool] = ended) -> None:
            if isinstance(event, TextDelta) and not probe.running:
                probe.start()
            elif isinstance(event, Finished):
                ended.append(True)

        page.run_event.connect(follow)
        page.new_chat()
        page.send("Go")
        qtbot.waitUntil(lambda ended=ended: bool(ended), timeout=50_000)
        qtbot.waitUntil(lambda: page.transcript.settled, timeout=10_000)
        gaps = probe.stop()
        page.run_event.disconnect(follow)
        found.append((quantile(gaps, 0.99), max(gaps)))
        if found[-1][0] <= 16 and found[-1][1] <= 50:
            break
    page.shutdown()
    assert min(p99 for p99, _ in found) <= 16, found
    assert min(worst for _, worst in found) <= 50, found
