"""How a model's page is laid out, and where the keyboard goes on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QLabel, QScrollBar, QWidget
from pytestqt.qtbot import QtBot
from tests.ui.fakes import Rooms
from tests.ui.finding import Shown
from tests.ui.test_repository_page import FREE, mark, opened

from snug.ui.look.theme import Theme
from snug.ui.models.offer_row import Getting, OfferRow

NEAR = ("backToList", "downloadButton-")  # where the keyboard may be as files are shown


@pytest.fixture
def shown(qtbot: QtBot, rooms: Rooms, theme: Theme, tmp_path: Path) -> Shown:
    made = Shown(qtbot, rooms, theme, tmp_path)
    made.finding.hub.holds[FREE.id] = FREE
    return made


def x_on(widget: QWidget, page: QWidget) -> int:
    """Where its left edge is on the page, in logical pixels."""
    return widget.mapTo(page, QPoint(0, 0)).x()


def test_the_titles_of_the_columns_stand_above_their_cells(shown: Shown) -> None:
    shown.window.resize(1280, 800)
    page = opened(shown, FREE)
    page.offers.toggle_all()
    QApplication.processEvents()
    titles = page.findChild(QWidget, "offerTitles")
    assert titles is not None
    assert titles.isVisible()
    row = next(row for row in page.offers.rows if not row.offer.recommended)
    fit = mark(shown, f"fit-{row.offer.variant.quantization}")
    title = next(one for one in titles.findChildren(QLabel) if one.text() == "Fits here?")
    assert x_on(title, page) == x_on(fit, page)


@pytest.mark.parametrize("width", [900, 1280, 1290, 1300])
def test_beside_a_scroll_bar_the_page_stands_under_the_title_of_the_place(
    shown: Shown, width: int
) -> None:
    shown.window.resize(width, 400)
    page = opened(shown, FREE)
    page.offers.toggle_all()
    QApplication.processEvents()
    assert any(bar.isVisible() for bar in page.findChildren(QScrollBar))
    place = next(one for one in shown.models.findChildren(QLabel) if one.text() == "Models")
    assert abs(x_on(place, shown.models) - x_on(page.title, shown.models)) <= 1


def test_a_speed_that_was_not_measured_is_told(shown: Shown, theme: Theme) -> None:
    page = opened(shown, FREE)
    row = OfferRow(
        replace(page.offers.rows[0].offer, tokens_per_second=None), Getting("Get"), theme
    )
    shown.qtbot.addWidget(row)
    row.arrange(wide=True)
    assert "Not measured" in [one.text() for one in row.findChildren(QLabel)]
    assert "speed not measured" in row.accessibleName()


def test_the_keyboard_visits_nothing_else_while_the_files_are_judged(shown: Shown) -> None:
    only = replace(FREE, id="Qwen/one-file-GGUF", variants=FREE.variants[:1])
    shown.finding.hub.holds[only.id] = only
    shown.repository(only)
    visited: list[str] = []
    told = QApplication.instance()
    assert isinstance(told, QApplication)
    connection = told.focusChanged.connect(
        lambda _old, new: visited.append(new.objectName()) if new else None
    )
    page = opened(shown, only)
    told.focusChanged.disconnect(connection)
    shown.qtbot.waitUntil(page.offers.rows[0].button.hasFocus)
    # Qt scrolls to what it passes on the keyboard to.
    assert [name for name in visited if not name.startswith(NEAR)] == []


def test_a_new_theme_gives_no_arrow_to_a_button_that_cannot_be_pressed(
    shown: Shown, theme: Theme
) -> None:
    row = opened(shown, FREE).offers.rows[0]
    assert not row.button.icon().isNull()
    row.set_getting(Getting("In the queue", False))
    theme.changed.emit()
    assert row.button.icon().isNull()
    row.set_getting(Getting("Download"))
    assert not row.button.icon().isNull()


def test_the_keyboard_stays_in_the_files_when_a_download_begins(shown: Shown) -> None:
    only = replace(FREE, id="Qwen/one-file-GGUF", variants=FREE.variants[:1])
    shown.finding.hub.holds[only.id] = only
    page = opened(shown, only)
    button = page.offers.rows[0].button
    shown.qtbot.waitUntil(button.isVisible)  # rows that were just made are shown a turn later
    button.setFocus()
    button.click()
    focused = shown.window.focusWidget()
    assert focused is not None
    assert page.offers.isAncestorOf(focused)
