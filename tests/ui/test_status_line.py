from __future__ import annotations

import pytest
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot
from tests.ui.fakes import CPU, STARTER

from snug.domain.conversation import Conversation
from snug.domain.events import Loading, Paused, Prefill, Resumed, Started, TextDelta, Timings
from snug.domain.model import Placement
from snug.domain.prompt import ContextPlan
from snug.services.conversations import Run
from snug.ui.chat.answers import RunningAnswer
from snug.ui.chat.context_meter import ContextMeter
from snug.ui.chat.planner import plan_words
from snug.ui.chat.welcome import Welcome
from snug.ui.look.status_line import StatusLine
from snug.ui.look.theme import Theme
from snug.ui.look.words import count_words


def running() -> RunningAnswer:
    run = Run("c", "u", "a", lambda: None, lambda _: True)
    return RunningAnswer(Conversation("c", "", 0, 0), run)


@pytest.fixture
def page(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def line(page: QWidget, theme: Theme) -> StatusLine:
    made = StatusLine(theme, page)
    made.show()
    return made


def test_it_says_where_the_model_runs_and_why(line: StatusLine) -> None:
    line.show_placement(CPU)
    assert line.placement_words == "Runs on the processor"
    where = line.findChild(QLabel, "placement")
    assert isinstance(where, QLabel)
    assert where.toolTip() == "no graphics card"
    line.show_placement(Placement("A card", 28, 28))
    assert line.placement_words == "Runs on your graphics card (28 of 28 layers)"
    line.show_placement(None)
    assert line.placement_words == ""


def test_it_follows_an_answer_from_loading_to_speed(line: StatusLine) -> None:
    answer = running()
    said: list[str] = []
    for event in (
        Loading(STARTER.name, 0.43),
        Started(STARTER.name, CPU, 1_000, 0, 8_192),
        Prefill(430, 1_000),
        TextDelta("x", 3),
    ):
        answer.take(event)
        line.show_running(answer)
        said.append(line.activity_words)
    assert said == [f"Loading {STARTER.name} 43 %", "Waiting", "Reading 43 %", "Answering"]
    assert line.meter.text == f"{count_words(1_003)} of {count_words(8_192)} tokens"
    line.show_timings(Timings(0.0, 0.124, 142.04))
    assert line.activity_words == "142.0 tokens/s · first token 0.12 s"
    line.show_timings(None)
    assert line.activity_words == ""


def test_a_running_answer_knows_why_it_waits() -> None:
    answer = running()
    answer.take(Paused("Full."))
    assert answer.paused == "Full."
    answer.take(Resumed())
    assert answer.paused == ""


def test_the_meter_shows_nothing_until_it_knows(qtbot: QtBot, theme: Theme) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    meter = ContextMeter(theme, page)
    page.show()
    assert meter.text == ""
    meter.show_used(1_204, 8_192)
    assert meter.text == f"{count_words(1_204)} of {count_words(8_192)} tokens"
    assert meter.accessibleName() == f"Context used: {meter.text}"
    meter.show_used(0, 0)
    assert meter.text == ""


@pytest.mark.parametrize(
    ("dropped", "overflow", "start"),
    [
        (0, False, ""),
        (1, False, "The oldest message no longer fits"),
        (4, False, "The 4 oldest messages no longer fit and will be left out."),
        (0, True, "This message alone is too long:"),
    ],
)
def test_what_will_be_left_out_in_words(dropped: int, overflow: bool, start: str) -> None:
    words = plan_words(ContextPlan(9_000, 8_192, 512, dropped, overflow))
    assert words.startswith(start)
    assert bool(words) == bool(start)


def test_the_welcome_says_what_the_starter_is_good_for(qtbot: QtBot, theme: Theme) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    welcome = Welcome(theme, page)
    words = welcome.findChild(QLabel, "welcomeWords")
    assert isinstance(words, QLabel)
    welcome.set_model(STARTER)
    assert "trying Snug out" in words.text()
    assert words.text().count(".") == 3
    welcome.set_model(None)
    assert "Models" in words.text()
