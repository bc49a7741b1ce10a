from __future__ import annotations

from time import perf_counter

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot
from tests.ui.texts import EVERYTHING

from snug.domain.conversation import Message, Part, PartKind, Role, Status
from snug.ui.chat.transcript import Transcript
from snug.ui.chat.turn import Turn
from snug.ui.frame_probe import FrameProbe, quantile
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES, Scheme


def message(number: int, text: str, role: Role = Role.ASSISTANT) -> Message:
    parts = (Part(PartKind.TEXT, text),) if text else ()
    return Message(f"m{number:05}", "c", None, role, parts, Status.COMPLETE, model="Tiny")


def turn(number: int, text: str = "", *, live: bool = False) -> Turn:
    role = Role.USER if number % 2 == 0 else Role.ASSISTANT
    words = text or f"Message {number}. " + "Some words to fill a line or two. " * (number % 9)
    return Turn(message(number, "" if live else words, role), live=live)


@pytest.fixture
def transcript(qtbot: QtBot, theme: Theme) -> Transcript:
    made = Transcript(theme)
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    return made


def at_end(transcript: Transcript) -> bool:
    bar = transcript.verticalScrollBar()
    return bar.value() == bar.maximum()


def seen(transcript: Transcript) -> list[tuple[str, int]]:
    """Messages in sight and where their tops are on the screen."""
    top = transcript.verticalScrollBar().value()
    height = transcript.viewport().height()
    return [
        (view.turn.message.id, view.y() - top)
        for view in transcript.views
        if view.geometry().bottom() > top and view.y() < top + height
    ]


def settle(qtbot: QtBot, transcript: Transcript) -> None:
    qtbot.waitUntil(lambda: transcript.settled)


def test_it_opens_at_the_end(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.show_turns([turn(n) for n in range(200)])
    assert at_end(transcript)
    assert seen(transcript)[-1][0] == "m00199"


@pytest.mark.alone
def test_a_thousand_messages_open_fast_and_few_are_built(
    qtbot: QtBot, transcript: Transcript
) -> None:
    turns = [turn(n) for n in range(1_000)]
    took: list[float] = []
    for _ in range(3):  # the machine may be busy with something else
        began_s = perf_counter()
        transcript.show_turns(turns)
        took.append(perf_counter() - began_s)
    settle(qtbot, transcript)
    assert min(took) < 0.3
    assert len(transcript.views) < 60


def test_messages_far_away_are_no_widgets_any_more(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.show_turns([turn(n) for n in range(1_000)])
    bar = transcript.verticalScrollBar()
    for share in range(20, -1, -1):
        bar.setValue(bar.maximum() * share // 20)
        settle(qtbot, transcript)
        assert len(transcript.views) < 80
    assert transcript.view_of("m00999") is None
    assert seen(transcript)[0][0] == "m00000"


def test_what_is_read_stays_where_it_is_while_heights_become_known(
    qtbot: QtBot, transcript: Transcript
) -> None:
    transcript.show_turns([turn(n, EVERYTHING if n % 7 == 1 else "") for n in range(300)])
    settle(qtbot, transcript)
    bar = transcript.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    before = seen(transcript)[0]
    settle(qtbot, transcript)
    assert before in seen(transcript)


def test_a_growing_answer_is_followed_at_the_end(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.show_turns([*(turn(n) for n in range(20)), turn(21, live=True)])
    view = transcript.view_of("m00021")
    assert view is not None
    for _ in range(20):
        view.append("A line of the answer.\n\n")
    qtbot.waitUntil(lambda: view.settled)
    assert at_end(transcript)
    assert transcript.following


def test_a_growing_answer_does_not_move_what_is_read(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.show_turns([*(turn(n) for n in range(40)), turn(41, live=True)])
    settle(qtbot, transcript)
    bar = transcript.verticalScrollBar()
    bar.setValue(bar.maximum() - 400)
    settle(qtbot, transcript)
    before, value = seen(transcript), bar.value()
    view = transcript.view_of("m00041")
    assert view is not None
    for _ in range(20):
        view.append("A line of the answer.\n\n```py\nx\n```\n\n")
    qtbot.waitUntil(lambda: view.settled)
    assert bar.value() == value
    assert seen(transcript)[: len(before) - 1] == before[:-1]
    assert not transcript.following


def test_the_button_to_the_newest_shows_and_goes_there(
    qtbot: QtBot, transcript: Transcript
) -> None:
    transcript.show_turns([turn(n) for n in range(60)])
    button = transcript.findChild(QToolButton, "newestButton")
    assert isinstance(button, QToolButton)
    assert not button.isVisible()
    transcript.verticalScrollBar().setValue(0)
    assert button.isVisible()
    button.click()
    assert at_end(transcript)
    assert not button.isVisible()


def test_the_same_messages_keep_their_widgets(qtbot: QtBot, transcript: Transcript) -> None:
    turns = [turn(n) for n in range(10)]
    transcript.show_turns(turns)
    before = transcript.view_of("m00009")
    transcript.update_turns([*turns, turn(10), turn(11)])
    assert transcript.view_of("m00009") is before
    assert transcript.view_of("m00011") is not None
    transcript.update_turns(turns[:5])
    assert transcript.view_of("m00009") is None
    assert len(transcript.turns) == 5


def test_another_width_keeps_the_place(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.show_turns([turn(n) for n in range(100)])
    settle(qtbot, transcript)
    bar = transcript.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    settle(qtbot, transcript)
    first = seen(transcript)[0][0]
    transcript.resize(600, 600)
    settle(qtbot, transcript)
    assert first in dict(seen(transcript))


def test_the_column_is_bounded_and_in_the_middle(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.resize(1_600, 600)
    transcript.show_turns([turn(n) for n in range(4)])
    text = transcript.views[1].text
    left = text.mapTo(transcript, text.rect().topLeft()).x()
    assert text.width() == SIZES.column
    assert abs(left - (transcript.width() - SIZES.column) // 2) <= 1


def test_a_message_can_be_revealed(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.show_turns([turn(n) for n in range(500)])
    view = transcript.reveal("m00042")
    assert view is not None
    assert "m00042" in dict(seen(transcript))
    assert transcript.reveal("unknown") is None


def test_pages_turn_and_ends_are_reached_by_keys(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.show_turns([turn(n) for n in range(100)])
    bar = transcript.verticalScrollBar()
    qtbot.keyClick(transcript, Qt.Key.Key_PageUp)
    assert bar.value() < bar.maximum()
    qtbot.keyClick(transcript, Qt.Key.Key_Home)
    assert bar.value() == 0
    qtbot.keyClick(transcript, Qt.Key.Key_End)
    assert at_end(transcript)


def test_a_theme_change_keeps_the_end_in_sight(
    qtbot: QtBot, theme: Theme, transcript: Transcript
) -> None:
    transcript.show_turns([turn(n, EVERYTHING if n % 2 else "") for n in range(12)])
    settle(qtbot, transcript)
    theme.set_scheme(Scheme.DARK)
    theme.set_text_scale(1.5)
    settle(qtbot, transcript)
    assert at_end(transcript)


def next_turn(qtbot: QtBot, probe: FrameProbe) -> None:
    before = len(probe.gaps)
    qtbot.waitUntil(lambda: len(probe.gaps) > before)


def test_scrolling_a_thousand_messages_is_smooth(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.show_turns([turn(n, EVERYTHING if n % 5 == 1 else "") for n in range(1_000)])
    settle(qtbot, transcript)
    bar = transcript.verticalScrollBar()
    medians: list[float] = []
    for _ in range(3):  # the machine may be busy with something else
        probe = FrameProbe(transcript)
        probe.start()
        for _ in range(40):
            bar.setValue(bar.value() - 120)
            next_turn(qtbot, probe)
        medians.append(quantile(probe.stop(), 0.95))
    assert min(medians) <= 32
