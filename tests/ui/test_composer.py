from __future__ import annotations

from time import perf_counter

import pytest
from PySide6.QtCore import QMimeData, Qt, QTimer
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from snug.ui.chat.composer import ROWS, Composer
from snug.ui.chat.composer_edit import LONG_PASTE
from snug.ui.look.theme import Theme


@pytest.fixture
def composer(qtbot: QtBot, theme: Theme) -> Composer:
    page = QWidget()
    qtbot.addWidget(page)
    made = Composer(theme, page)
    made.setParent(None)
    qtbot.addWidget(made)
    made.resize(700, 60)
    made.show()
    made.activateWindow()
    made.field.setFocus()
    return made


def button(composer: Composer, name: str) -> QToolButton:
    found = composer.findChild(QToolButton, name)
    assert isinstance(found, QToolButton)
    return found


def paste(composer: Composer, text: str, html: str = "") -> None:
    data = QMimeData()
    data.setText(text)
    if html:
        data.setHtml(html)
    composer.field.insertFromMimeData(data)


def test_return_sends_and_shift_return_begins_a_line(qtbot: QtBot, composer: Composer) -> None:
    sent: list[str] = []
    composer.submitted.connect(sent.append)
    qtbot.keyClicks(composer.field, "one")
    qtbot.keyClick(composer.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClicks(composer.field, "two")
    assert sent == []
    qtbot.keyClick(composer.field, Qt.Key.Key_Return)
    assert sent == ["one\ntwo"]


def test_nothing_is_sent_while_an_input_method_composes(qtbot: QtBot, composer: Composer) -> None:
    sent: list[str] = []
    composer.submitted.connect(sent.append)
    composer.field.inputMethodEvent(QInputMethodEvent("かん", []))
    qtbot.keyClick(composer.field, Qt.Key.Key_Return)
    assert sent == []
    done = QInputMethodEvent()
    done.setCommitString("漢")
    composer.field.inputMethodEvent(done)
    qtbot.keyClick(composer.field, Qt.Key.Key_Return)
    assert [text.strip() for text in sent] == ["漢"]


def test_blank_text_is_not_sent(qtbot: QtBot, composer: Composer) -> None:
    sent: list[str] = []
    composer.submitted.connect(sent.append)
    qtbot.keyClick(composer.field, Qt.Key.Key_Return)
    qtbot.keyClicks(composer.field, "   ")
    qtbot.keyClick(composer.field, Qt.Key.Key_Return)
    assert sent == []


def test_send_turns_into_stop_while_answering(qtbot: QtBot, composer: Composer) -> None:
    asked: list[bool] = []
    composer.stop_requested.connect(lambda: asked.append(True))
    send, stop = button(composer, "sendButton"), button(composer, "stopButton")
    assert (send.isVisible(), stop.isVisible()) == (True, False)
    composer.set_answering(True)
    assert (send.isVisible(), stop.isVisible()) == (False, True)
    stop.click()
    assert asked == [True]
    composer.set_answering(False)
    assert (send.isVisible(), stop.isVisible()) == (True, False)


def test_one_may_type_and_send_while_answering(qtbot: QtBot, composer: Composer) -> None:
    sent: list[str] = []
    composer.submitted.connect(sent.append)
    composer.set_answering(True)
    qtbot.keyClicks(composer.field, "next")
    qtbot.keyClick(composer.field, Qt.Key.Key_Return)
    assert sent == ["next"]


def test_the_send_button_waits_for_something_to_send(qtbot: QtBot, composer: Composer) -> None:
    assert not button(composer, "sendButton").isEnabled()
    qtbot.keyClicks(composer.field, "x")
    assert button(composer, "sendButton").isEnabled()


def test_it_grows_with_the_text_up_to_a_bound(qtbot: QtBot, composer: Composer) -> None:
    one = composer.field.sizeHint().height()
    composer.set_text("a\nb\nc")
    three = composer.field.sizeHint().height()
    composer.set_text("\n".join("x" * 30))
    most = composer.field.sizeHint().height()
    row = (three - one) // 2
    assert row > 10
    assert most == one + (ROWS - 1) * row
    composer.clear()
    assert composer.field.sizeHint().height() == one


def test_pasted_text_is_plain(qtbot: QtBot, composer: Composer) -> None:
    paste(composer, "plain", "<b>bold</b>")
    assert composer.text == "plain"


@pytest.mark.alone
def test_very_long_pasted_text_is_put_aside_and_sent_along(
    qtbot: QtBot, composer: Composer
) -> None:
    long = "word " * LONG_PASTE
    qtbot.keyClicks(composer.field, "Sum this up")
    began_s = perf_counter()
    paste(composer, long)
    assert perf_counter() - began_s < 0.2
    chip = composer.findChild(QPushButton, "pastedText")
    assert isinstance(chip, QPushButton)
    assert chip.isVisible()
    sent: list[str] = []
    composer.submitted.connect(sent.append)
    qtbot.keyClick(composer.field, Qt.Key.Key_Return)
    assert sent == [f"Sum this up\n\n{long}"]
    chip.click()
    assert composer.text == "Sum this up"
    assert not chip.isVisible()


def test_a_very_long_draft_comes_back_as_it_was(qtbot: QtBot, composer: Composer) -> None:
    long = "x" * (LONG_PASTE + 1)
    composer.set_text(long)
    assert composer.text == long


def test_the_draft_is_told_after_a_pause(qtbot: QtBot, composer: Composer) -> None:
    drafts: list[str] = []
    composer.draft_changed.connect(drafts.append)
    qtbot.keyClicks(composer.field, "dra")
    qtbot.keyClicks(composer.field, "ft")
    assert drafts == []
    qtbot.waitUntil(lambda: drafts == ["draft"])


def test_the_draft_of_somebody_who_never_pauses_is_told_too(
    qtbot: QtBot, composer: Composer
) -> None:
    drafts: list[str] = []
    composer.draft_changed.connect(drafts.append)
    typist = QTimer(composer)
    typist.timeout.connect(lambda: qtbot.keyClicks(composer.field, "x"))
    typist.start(50)
    qtbot.waitUntil(lambda: bool(drafts))
    assert typist.isActive()
    assert set(drafts[0]) == {"x"}


def test_a_restored_draft_is_not_told_again(qtbot: QtBot, composer: Composer) -> None:
    drafts: list[str] = []
    composer.draft_changed.connect(drafts.append)
    composer.set_text("restored")
    qtbot.keyClicks(composer.field, "!")
    qtbot.waitUntil(lambda: bool(drafts))
    assert drafts == ["restored!"]


def test_up_in_an_empty_field_goes_to_the_last_message(qtbot: QtBot, composer: Composer) -> None:
    asked: list[bool] = []
    composer.edit_last_requested.connect(lambda: asked.append(True))
    qtbot.keyClick(composer.field, Qt.Key.Key_Up)
    assert asked == [True]
    qtbot.keyClicks(composer.field, "x")
    qtbot.keyClick(composer.field, Qt.Key.Key_Up)
    assert asked == [True]


def test_it_says_whom_one_writes_to(composer: Composer) -> None:
    composer.set_model_name("Llama")
    assert composer.field.placeholderText() == "Message Llama"
    composer.set_model_name("")
    assert composer.field.placeholderText() == "Message"
