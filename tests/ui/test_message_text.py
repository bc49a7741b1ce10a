from __future__ import annotations

import random

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QTextCursor, QTextDocument, QWheelEvent
from PySide6.QtWidgets import QToolButton, QWidget
from pytestqt.qtbot import QtBot
from tests.ui.texts import EVERYTHING, SHORT

from snug.ui.look.theme import Theme
from snug.ui.look.tokens import Scheme
from snug.ui.text.blocks import Code, Prose
from snug.ui.text.markdown import Splitter, split
from snug.ui.text.message_text import MessageText

WIDTH = 760


@pytest.fixture
def page(qtbot: QtBot, theme: Theme) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(800, 600)
    made.show()
    return made


def show(qtbot: QtBot, theme: Theme, page: QWidget, text: str) -> MessageText:
    made = MessageText(theme, page)
    made.show_blocks(split(text))
    made.setGeometry(0, 0, WIDTH, made.height_for(WIDTH))
    made.show()
    qtbot.waitUntil(lambda: made.complete)
    return made


def shape(document: QTextDocument) -> list[tuple[object, ...]]:
    """Every paragraph with its look and its words' looks."""
    rows: list[tuple[object, ...]] = []
    block = document.begin()
    while block.isValid():
        look = block.blockFormat()
        owner = block.textList()
        place = (owner.format().style(), owner.itemNumber(block)) if owner is not None else None
        words: list[tuple[str, str, str]] = []
        iterator = block.begin()
        while not iterator.atEnd():
            fragment = iterator.fragment()
            style = fragment.charFormat()
            words.append((fragment.text(), style.font().toString(), style.anchorHref()))
            iterator += 1
        margins = (look.topMargin(), look.bottomMargin(), look.leftMargin(), look.rightMargin())
        rows.append((block.text(), margins, look.lineHeight(), look.indent(), place, words))
        block = block.next()
    return rows


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("text", [EVERYTHING, *SHORT])
def test_streaming_ends_like_showing_at_once(
    qtbot: QtBot, theme: Theme, page: QWidget, text: str, seed: int
) -> None:
    whole = show(qtbot, theme, page, text)
    grown = MessageText(theme, page)
    grown.height_for(WIDTH)
    rng = random.Random(seed)
    splitter = Splitter()
    at = 0
    while at < len(text):
        step = rng.randint(1, 15)
        splitter.feed(text[at : at + step])
        at += step
        grown.show_blocks(splitter.blocks(), 1.0)
    splitter.finish()
    grown.show_blocks(splitter.blocks(), 1.0)
    assert grown.toPlainText() == whole.toPlainText()
    assert shape(grown.document()) == shape(whole.document())
    assert grown.height_for(WIDTH) == whole.height_for(WIDTH)


def test_only_the_last_block_is_drawn_again(qtbot: QtBot, theme: Theme, page: QWidget) -> None:
    text = show(qtbot, theme, page, "One.\n\nTwo.\n\nThr")
    changed: list[int] = []
    text.document().contentsChange.connect(lambda at, _gone, _come: changed.append(at))
    text.show_blocks(split("One.\n\nTwo.\n\nThree."))
    assert min(changed) >= len("One.\nTwo.")


def test_code_that_grows_is_only_added_to(qtbot: QtBot, theme: Theme, page: QWidget) -> None:
    text = show(qtbot, theme, page, "```python\nx = 1\ny")
    removed: list[int] = []
    text.document().contentsChange.connect(lambda _at, gone, _come: removed.append(gone))
    text.show_blocks(split("```python\nx = 1\ny = 2\nz = 3"))
    assert text.toPlainText() == "x = 1\ny = 2\nz = 3"
    assert sum(removed) <= 2


def test_code_is_coloured_and_can_be_copied(qtbot: QtBot, theme: Theme, page: QWidget) -> None:
    text = show(qtbot, theme, page, "```python\ndef f():\n    return 1\n```")
    layout = text.document().firstBlock().layout()
    qtbot.waitUntil(lambda: len(layout.formats()) >= 2)
    keyword = layout.formats()[0]
    assert (keyword.start, keyword.length) == (0, 3)
    assert keyword.format.foreground().color() == theme.color("code_keyword")
    button = text.findChild(QToolButton, "copyCode1")
    assert isinstance(button, QToolButton)
    assert button.accessibleName() == "Copy the code"
    button.click()
    assert QGuiApplication.clipboard().text() == "def f():\n    return 1"
    assert button.accessibleName() == "Copied"


def test_the_language_is_named_as_its_people_write_it(
    qtbot: QtBot, theme: Theme, page: QWidget
) -> None:
    text = show(qtbot, theme, page, "```py\nx\n```\n\n```\ny\n```")
    names = [header.accessibleName() for header in text.headers]
    assert names == ["Code in Python", "Code"]


def test_a_selection_over_prose_and_code_is_copied_as_plain_text(
    qtbot: QtBot, theme: Theme, page: QWidget
) -> None:
    text = show(qtbot, theme, page, "Before **it**.\n\n```\na\n  b\n```\n\nAfter.")
    text.selectAll()
    data = text.createMimeDataFromSelection()
    assert data.text() == "Before it.\na\n  b\nAfter."
    assert not data.hasHtml()


def test_the_keyboard_selects(qtbot: QtBot, theme: Theme, page: QWidget) -> None:
    text = show(qtbot, theme, page, "One word")
    text.moveCursor(QTextCursor.MoveOperation.Start)
    text.setFocus()
    for _ in range(3):
        qtbot.keyClick(text, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert text.textCursor().selectedText() == "One"


def test_writing_to_the_right_is_per_paragraph(qtbot: QtBot, theme: Theme, page: QWidget) -> None:
    text = show(qtbot, theme, page, "English\n\n\u0645\u0631\u062d\n\n> \u0627\u0642")
    block = text.document().begin()
    directions = []
    while block.isValid():
        directions.append(block.textDirection())
        block = block.next()
    ltr, rtl = Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft
    assert directions == [ltr, rtl, rtl]
    assert text.document().lastBlock().blockFormat().rightMargin() > 0


def test_images_are_named_and_not_loaded(qtbot: QtBot, theme: Theme, page: QWidget) -> None:
    text = show(qtbot, theme, page, "![a cat](https://example.com/cat.png)")
    assert text.toPlainText() == "[image: a cat] (not loaded)"


def test_html_is_text(qtbot: QtBot, theme: Theme, page: QWidget) -> None:
    text = show(qtbot, theme, page, "<b>bold</b> <script>x</script>")
    assert text.toPlainText() == "<b>bold</b> <script>x</script>"


def test_text_as_typed_keeps_its_lines_and_blanks(
    qtbot: QtBot, theme: Theme, page: QWidget
) -> None:
    text = MessageText(theme, page)
    text.show_plain("# no heading\n  two  blanks\n\n*stars*")
    assert text.toPlainText() == "# no heading\n  two  blanks\n\n*stars*"


def test_another_theme_draws_the_same_words(qtbot: QtBot, theme: Theme, page: QWidget) -> None:
    text = show(qtbot, theme, page, EVERYTHING)
    before = text.toPlainText()
    theme.set_scheme(Scheme.DARK)
    text.redress()
    qtbot.waitUntil(lambda: text.complete)
    assert text.toPlainText() == before
    color = text.document().firstBlock().begin().fragment().charFormat().foreground().color()
    assert color == theme.color("text")
    assert [type(block) for block in text.blocks] == [type(b) for b in split(EVERYTHING)]


def test_the_wheel_is_left_to_the_conversation(qtbot: QtBot, theme: Theme, page: QWidget) -> None:
    text = show(qtbot, theme, page, "x")
    event = QWheelEvent(
        QPointF(5, 5),
        QPointF(5, 5),
        QPoint(0, 0),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    text.wheelEvent(event)
    assert not event.isAccepted()


def test_a_link_tells_its_address_as_it_was_written(
    qtbot: QtBot, theme: Theme, page: QWidget
) -> None:
    text = show(qtbot, theme, page, "[click](javascript:alert%281%29)")
    chosen: list[str] = []
    text.link_chosen.connect(lambda address, _place: chosen.append(address))
    cursor = text.cursorRect()
    qtbot.mouseClick(
        text.viewport(), Qt.MouseButton.LeftButton, pos=cursor.center() + QPoint(-8, 0)
    )
    qtbot.waitUntil(lambda: bool(chosen))
    assert chosen == ["javascript:alert%281%29"]


def test_blocks_that_are_taken_back_leave_nothing(
    qtbot: QtBot, theme: Theme, page: QWidget
) -> None:
    text = show(qtbot, theme, page, EVERYTHING)
    text.show_blocks([Prose("Alone.")], 1.0)
    assert text.toPlainText() == "Alone."
    assert text.headers == []
    text.show_blocks([Code("x", "c")], 1.0)
    assert text.toPlainText() == "x"


@pytest.mark.parametrize("before", ["", "Look:\n\n"])
def test_the_bar_of_a_code_block_is_in_sight_wherever_it_stands(
    qtbot: QtBot, theme: Theme, page: QWidget, before: str
) -> None:
    text = show(qtbot, theme, page, before + "```json\n{}\n```")
    (header,) = text.headers
    assert header.y() >= 0
