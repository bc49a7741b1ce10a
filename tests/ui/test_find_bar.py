from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from tests.ui.test_transcript import turn

from snug.domain.search_query import Term
from snug.ui.chat.find_bar import FindBar
from snug.ui.chat.message_view import MessageView
from snug.ui.chat.transcript import Transcript
from snug.ui.look.theme import Theme

TEXTS = {
    3: "The **moon** over the Ångström",
    40: "Two moons: the moon 🌙 and the moon again, `moon` in code.\n\n```\nmoon = 1\n```",
    77: "Full moonlight",
}


@pytest.fixture
def transcript(qtbot: QtBot, theme: Theme) -> Transcript:
    made = Transcript(theme)
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    made.show_turns([turn(n, TEXTS.get(n, "")) for n in range(100)])
    return made


def find(qtbot: QtBot, finder: FindBar, text: str) -> None:
    assert finder.open_bar()
    finder.field.setText(text)
    qtbot.waitUntil(lambda: finder.count.text() != "" and finder.field.text() == text)


def marked(view: MessageView | None) -> list[str]:
    assert view is not None
    return [selection.cursor.selectedText() for selection in view.text.extraSelections()]


def in_sight(transcript: Transcript, message_id: str) -> bool:
    view = transcript.view_of(message_id)
    if view is None:
        return False
    top = transcript.verticalScrollBar().value()
    return view.y() < top + transcript.viewport().height() and view.geometry().bottom() > top


def test_it_counts_what_it_finds_and_starts_at_the_end(
    qtbot: QtBot, transcript: Transcript
) -> None:
    find(qtbot, transcript.finder, "moon")
    assert transcript.finder.count.text() == "7 of 7"
    assert in_sight(transcript, "m00077")
    assert marked(transcript.view_of("m00077")) == ["moon"]


def test_it_goes_back_and_forth_and_around(qtbot: QtBot, transcript: Transcript) -> None:
    finder = transcript.finder
    find(qtbot, finder, "moon")
    qtbot.keyClick(finder.field, Qt.Key.Key_Return)
    assert finder.count.text() == "1 of 7"
    assert in_sight(transcript, "m00003")
    qtbot.keyClick(finder.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert finder.count.text() == "7 of 7"
    finder.step(-1)
    assert in_sight(transcript, "m00040")
    qtbot.waitUntil(lambda: marked(transcript.view_of("m00040")) == ["moon"] * 5)


def test_case_accents_and_parts_of_words_do_not_matter(
    qtbot: QtBot, transcript: Transcript
) -> None:
    find(qtbot, transcript.finder, "ANGSTR")
    assert transcript.finder.count.text() == "1 of 1"
    assert marked(transcript.view_of("m00003")) == ["Ångstr"]


def test_it_says_that_nothing_is_found(qtbot: QtBot, transcript: Transcript) -> None:
    find(qtbot, transcript.finder, "walrus")
    assert transcript.finder.count.text() == "Nothing found"


def test_closing_takes_the_marks_away(qtbot: QtBot, transcript: Transcript) -> None:
    find(qtbot, transcript.finder, "moon")
    qtbot.keyClick(transcript.finder.field, Qt.Key.Key_Escape)
    assert transcript.finder.isHidden()
    assert all(not view.text.extraSelections() for view in transcript.views)


def test_another_conversation_closes_it(qtbot: QtBot, transcript: Transcript) -> None:
    find(qtbot, transcript.finder, "moon")
    transcript.show_turns([turn(1, "moon")])
    assert transcript.finder.isHidden()
    assert marked(transcript.view_of("m00001")) == []


def test_an_answer_that_grows_is_counted_again(qtbot: QtBot, transcript: Transcript) -> None:
    find(qtbot, transcript.finder, "moon")
    transcript.update_turns([*transcript.turns, turn(101, "a new moon")])
    qtbot.waitUntil(lambda: transcript.finder.count.text() == "7 of 8")


def test_a_hit_of_the_search_is_gone_to_with_its_words_marked(
    qtbot: QtBot, transcript: Transcript
) -> None:
    terms = (Term("code"), Term("moon", beginning=True))
    transcript.finder.show_hit("m00040", terms)
    assert in_sight(transcript, "m00040")
    qtbot.waitUntil(lambda: "code" in marked(transcript.view_of("m00040")))
    assert transcript.finder.count.text() == "2 of 8"


def test_a_hit_on_another_branch_asks_for_that_branch(qtbot: QtBot, transcript: Transcript) -> None:
    with qtbot.waitSignal(transcript.branch_chosen) as asked:
        transcript.finder.show_hit("elsewhere", (Term("moon"),))
    assert asked.args == ["elsewhere"]


def test_there_is_nothing_to_find_in_an_empty_chat(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.show_turns([])
    assert not transcript.finder.open_bar()
